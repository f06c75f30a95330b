"""The run as it happens on a terminal: one permanent line for each new best, the rest redrawn in place."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from kernelevo.core import (
    BaselineReady,
    BudgetEstimated,
    CommandObeyed,
    Event,
    Notice,
    ProposerRested,
    RunEnded,
    RunStarted,
    ScoresRebased,
    SearchEnded,
    SearchStarted,
    TrialEnded,
    TrialStarted,
    WinnerConfirmed,
)
from kernelevo.report.table import (
    NONE,
    is_timed,
    made_by,
    merit,
    milliseconds,
    number,
    printable_lines,
)


class LiveReport:
    """A listener that prints a run; without a TTY every trial gets one plain line.

    Args:
        console: where to print.
        budget: the budget as the user wrote it, shown in the status line.
        now: a clock in seconds.
    """

    def __init__(
        self, console: Console, *, budget: str = "", now: Callable[[], float] = time.monotonic
    ) -> None:
        self._console, self._budget, self._now = console, budget, now
        self._began = now()
        self._doing: dict[int, str] = {}
        self._ended: Counter[str] = Counter()
        self._best, self._timed = NONE, True
        self._live: Live | None = None

    def __enter__(self) -> LiveReport:
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._status, console=self._console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.update(Text(""))
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Print what this event means to a person, if anything."""
        if isinstance(event, TrialStarted):
            self._doing[event.number] = event.proposer
        elif isinstance(event, TrialEnded):
            self._trial(event)
        else:
            if isinstance(event, RunStarted):
                self._timed = event.timed
            line = describe(event, timed=self._timed)
            if line:
                self._say(line)

    def _trial(self, event: TrialEnded) -> None:
        trial = event.trial
        self._doing.pop(trial.number, None)
        self._ended[str(trial.evaluation.status) if trial.evaluation else "fault"] += 1
        if event.is_best and trial.evaluation:
            self._best = merit(trial.evaluation, event.objectives, timed=self._timed)
        if event.is_best or not self._console.is_terminal:
            self._say(trial_line(event, timed=self._timed), style="bold green" if event.is_best else "")

    def _say(self, line: str, style: str = "") -> None:
        stamp = f"{self._now() - self._began:6.1f}s  "
        said = Text(stamp, style="dim").append(printable_lines(line), style=style or "not dim")
        self._console.print(said, soft_wrap=True)

    def _status(self) -> Text:
        counts = ", ".join(f"{n} {status}" for status, n in self._ended.most_common()) or "no verdict yet"
        doing = (
            ", ".join(f"{who} {n}" for who, n in Counter(self._doing.values()).most_common()) or "starting"
        )
        of = f" of {self._budget}" if self._budget else ""
        text = f"{self._now() - self._began:6.1f}s{of}  best {self._best}  ·  {counts}  ·  working: {doing}"
        return Text(text, style="cyan", no_wrap=True, overflow="ellipsis")


def trial_line(event: TrialEnded, *, timed: bool = True) -> str:
    """Return one trial as one line: number, how good it is for the task, time, error, who and what.

    Args:
        event: of the trial.
        timed: whether scores are ratios of times (``Task.is_timed``).
    """
    trial = event.trial
    head = f"#{trial.number:<4}"
    if trial.evaluation is None:
        fault = trial.fault
        return f"{head} fault: {next(iter(fault.message.splitlines()), fault.kind) if fault else ''}"
    verdict = trial.evaluation
    if verdict.score is None:
        first = next(iter(verdict.feedback.splitlines()), "")
        return f"{head} {verdict.status}  {made_by(trial)}  {first[:160]}"
    good = merit(verdict, event.objectives, timed=timed) + ("" if verdict.fidelity == "full" else " rough")
    if not (timed and is_timed(verdict)):
        return f"{head} {good}  {made_by(trial)}"
    error = number(verdict.metrics.get("oracle_error"), "{:.1e}")
    return f"{head} {good}  {milliseconds(verdict.metrics.get('latency_ms'))}  err {error}  {made_by(trial)}"


def describe(event: Event, *, timed: bool = True) -> str:
    """Return the sentence for an event that is not about one trial; empty if a person need not read it.

    Args:
        event: what happened.
        timed: whether scores are ratios of times (``Task.is_timed``).
    """
    match event:
        case RunStarted(run=run, task=task, resumed=resumed):
            again = f" (resumed after {resumed} trials)" if resumed else ""
            return f"{task}: run {run}{again}"
        case Notice(text=text):
            return text
        case BaselineReady(name=name, latency_ms=latency, reason=reason):
            return f"baseline {name}: {milliseconds(latency) if latency is not None else 'none, ' + reason}"
        case SearchStarted(preparation=seconds):
            return f"prepared in {seconds:.1f} s; the search and its clock start here"
        case SearchEnded(reason=reason, confirms=True):
            return f"the search is over ({reason}); the best is judged again in fresh processes"
        case BudgetEstimated(text=text):
            return text
        case ScoresRebased(baseline=baseline, factor=factor):
            return f"{baseline} is the faster baseline: scores so far are multiplied by {factor:.3f}"
        case CommandObeyed(author=author, verb=verb, effect=effect):
            return f"{author}: {verb}{' - ' + effect if effect else ''}"
        case WinnerConfirmed(trial=trial, evaluation=verdict, objectives=objectives):
            words = NONE if verdict.score is None else merit(verdict, objectives, timed=timed)
            return f"#{trial} timed again in fresh processes: {words} ({verdict.status})"
        case RunEnded(reason=reason):
            return f"done: {reason}"
        case ProposerRested():
            return ""
    return ""
