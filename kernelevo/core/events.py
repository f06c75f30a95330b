"""Events: what happened in a run, told to listeners (terminal, page, tests) as it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from kernelevo.core.evaluation import Evaluation
from kernelevo.core.objectives import Objectives
from kernelevo.core.trial import Trial


@dataclass(frozen=True)
class Event:
    """Base of all events."""

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain data, its kind under ``"event"``."""
        return {"event": type(self).__name__, **asdict(self)}


@dataclass(frozen=True)
class RunStarted(Event):
    """The run's folder exists; ``resumed`` counts the trials that were already recorded.

    ``timed``: whether scores are ratios of times (``Task.is_timed``).
    """

    run: str
    task: str
    resumed: int = 0
    timed: bool = True


@dataclass(frozen=True)
class Notice(Event):
    """Something a person should know: what is being prepared, what was not possible and why."""

    text: str


@dataclass(frozen=True)
class BaselineReady(Event):
    """A baseline was measured, or given up with a reason (then ``latency_ms`` is None)."""

    name: str
    latency_ms: float | None
    reason: str = ""


@dataclass(frozen=True)
class SearchStarted(Event):
    """Seeds and baselines are ready; the search begins, and its clock. ``preparation`` is in seconds."""

    preparation: float


@dataclass(frozen=True)
class SearchEnded(Event):
    """Nobody is asked any more, and nothing of the search is being judged; ``reason`` says why.

    If ``confirms``, its best programs are judged again now.
    """

    reason: str
    confirms: bool


@dataclass(frozen=True)
class BudgetEstimated(Event):
    """What the budget will buy on this machine, told before the search where that can be known.

    It is told again when it is known how long proposers take, which no one knows before the search.

    Args:
        text: in words.
        programs: at the least and at the most; None if nobody can tell.
        seconds: of search, likewise.
        unit: what will run out first.
    """

    text: str
    programs: tuple[float, float] | None = None
    seconds: tuple[float, float] | None = None
    unit: str = ""


@dataclass(frozen=True)
class TrialStarted(Event):
    """A proposer was asked."""

    number: int
    proposer: str
    island: int = 0


@dataclass(frozen=True)
class TrialEnded(Event):
    """A trial was recorded; ``is_best`` if its full-fidelity verdict is the best so far by ``objectives``."""

    trial: Trial
    is_best: bool = False
    objectives: Objectives = field(default_factory=Objectives)

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return {"event": "TrialEnded", "trial": self.trial.to_json(), "is_best": self.is_best}


@dataclass(frozen=True)
class ScoresRebased(Event):
    """A faster baseline arrived: every score before it is multiplied by ``factor`` when read."""

    baseline: str
    factor: float


@dataclass(frozen=True)
class ProposerRested(Event):
    """A proposer has nothing new to offer for a while."""

    proposer: str
    reason: str


@dataclass(frozen=True)
class CommandObeyed(Event):
    """A person's recorded order took effect."""

    number: int
    author: str
    verb: str
    arguments: dict[str, Any] = field(default_factory=dict)
    effect: str = ""


@dataclass(frozen=True)
class WinnerConfirmed(Event):
    """The best program was timed again in fresh processes; only this verdict is reported."""

    trial: int
    evaluation: Evaluation
    objectives: Objectives = field(default_factory=Objectives)

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return {"event": "WinnerConfirmed", "trial": self.trial, "evaluation": self.evaluation.to_json()}


@dataclass(frozen=True)
class RunEnded(Event):
    """The run is over: why, and what was used (``seconds``, ``evaluations``, ``tokens``, ``dollars``)."""

    reason: str
    used: dict[str, float] = field(default_factory=dict)


Listener = Callable[[Event], None]
