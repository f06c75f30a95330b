"""The rows of a run that are not trials, and the way a trial becomes a row and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core import Evaluation, Fault, Origin, Program, Proposal, Trial
from kernelevo.core.readable import readable


@dataclass(frozen=True)
class Command:
    """A person's recorded order.

    Args:
        id: position among the commands, from 1.
        at: seconds since the epoch when it was given.
        author: who gave it.
        verb: ``pause resume stop hint withdraw knowledge pin unpin ban fork submit weight objective budget
            workers thinkers``.
        args: plain data of the verb.
        effect: what the engine did with it, or None while nobody obeyed it yet.
        after: number of trials that were recorded when it was obeyed.
    """

    id: int
    at: float
    author: str
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)
    effect: str | None = None
    after: int | None = None


@dataclass(frozen=True)
class EventRow:
    """Something that happened in a run beside its trials (a final timing, an exhausted proposer)."""

    id: int
    at: float
    kind: str
    trial: int | None
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Rebase:
    """A better baseline arrived: scores against one baseline are read as scores against another.

    A verdict names the baseline of its score in ``metrics["baseline"]`` (none means ``""``). Recorded
    verdicts never change; when a score is read, every rebase whose ``before`` is the score's baseline, in
    the order of recording, multiplies it (and its interval, ``score_low`` and ``score_high``) by ``factor``
    and moves it to ``now``. Where ``data["precisions"]`` names classes, only verdicts whose
    ``metrics["precision"]`` is one of them are meant.

    Args:
        before: baseline that the scores have, e.g. ``"eager"``.
        now: baseline that they get, e.g. ``"compile"``.
        factor: what they are multiplied by (time of the new baseline / time of the old one).
        data: plain facts for people.
        after: number of trials that were recorded when it arrived.
        at: seconds since the epoch.
    """

    before: str
    now: str
    factor: float
    data: Mapping[str, Any] = field(default_factory=dict)
    after: int = 0
    at: float = 0.0

    def applies(self, evaluation: Evaluation) -> bool:
        """Whether this verdict has a score against the baseline that is replaced, and is meant by it."""
        metrics, meant = evaluation.metrics, self.data.get("precisions")
        return (
            evaluation.score is not None
            and metrics.get("baseline", "") == self.before
            and (meant is None or metrics.get("precision") in meant)
        )

    def apply(self, evaluation: Evaluation) -> Evaluation:
        """Return the verdict as it reads from now on; ``metrics["recorded_score"]`` keeps its first score."""
        if evaluation.score is None or not self.applies(evaluation):
            return evaluation
        metrics = {"recorded_score": evaluation.score, **evaluation.metrics, "baseline": self.now}
        for name in ("score_low", "score_high"):
            end = metrics.get(name)
            if isinstance(end, float):
                metrics[name] = end * self.factor
        return dataclasses.replace(evaluation, score=evaluation.score * self.factor, metrics=metrics)


def rebased(trial: Trial, rebases: Iterable[Rebase]) -> Trial:
    """Return the trial after all rebases, in order."""
    if trial.evaluation is None or trial.evaluation.score is None:
        return trial
    evaluation = trial.evaluation
    for rebase in rebases:
        evaluation = rebase.apply(evaluation)
    return dataclasses.replace(trial, evaluation=evaluation) if evaluation != trial.evaluation else trial


@dataclass(frozen=True)
class Draft:
    """A proposal that was made (and perhaps paid for) and is not judged yet.

    Args:
        ask: number of the trial whose brief it answers.
        position: its place among the answers; the first one fills ``ask`` itself.
        proposal: the program, its cost and its records.
        proposer: name of the proposer that the engine asked.
        number: trial it fills, or None while it waits for one.
        island: island that asked.
        seen: number of tells that the ask had observed.
        started: seconds since the epoch when the ask was made.
    """

    ask: int
    position: int
    proposal: Proposal
    proposer: str = ""
    number: int | None = None
    island: int = 0
    seen: int = 0
    started: float = 0.0

    @property
    def trial(self) -> int:
        """Number of the trial that it fills: that of its ask, unless it waited for another one."""
        return self.ask if self.number is None else self.number


def dumps(value: Any) -> str:
    """Plain data as compact JSON text; ASCII, so that a lone surrogate in a reply can be stored."""
    return json.dumps(value, separators=(",", ":"))


def texts(value: Any) -> str:
    """As ``dumps``, for what SQLite itself and pages read: a lone surrogate, which they cannot, is ``?``."""
    text = dumps(value)
    return dumps(readable(json.loads(text))) if r"\ud" in text else text


TRIAL_COLUMNS = (
    "number, program, parents, origin, status, score, evaluation, fault, "
    "island, seen, cost, started, ended, reused"
)


def trial_row(trial: Trial) -> tuple[Any, ...]:
    """Return the values of ``TRIAL_COLUMNS``; the program's text is a row of its own."""
    evaluation = trial.evaluation
    return (
        trial.number,
        trial.program.id,
        dumps(list(trial.program.parents)),
        texts(trial.program.origin.to_json()),
        str(evaluation.status) if evaluation else None,
        None if trial.score is None else float(trial.score),
        texts(evaluation.to_json()) if evaluation else None,
        texts(trial.fault.to_json()) if trial.fault else None,
        trial.island,
        trial.seen,
        dumps(dict(trial.cost)),
        trial.started,
        trial.ended,
        trial.reused,
    )


def program_from(language: str, files: str, parents: str, origin: str) -> Program:
    """Rebuild a program from its columns."""
    return Program(
        json.loads(files), language, tuple(json.loads(parents)), Origin.from_json(json.loads(origin))
    )


def trial_from(row: Mapping[str, Any]) -> Trial:
    """Rebuild a trial from a row of trials joined with programs."""
    return Trial(
        number=row["number"],
        program=program_from(row["language"], row["files"], row["parents"], row["origin"]),
        evaluation=Evaluation.from_json(json.loads(row["evaluation"])) if row["evaluation"] else None,
        fault=Fault.from_json(json.loads(row["fault"])) if row["fault"] else None,
        island=row["island"],
        seen=row["seen"],
        cost=json.loads(row["cost"]),
        started=row["started"],
        ended=row["ended"],
        reused=row["reused"],
        position=row["position"],
    )
