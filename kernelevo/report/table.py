"""Tables of trials and verdicts, for the terminal, for notebooks and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from rich.table import Table

from kernelevo.core import Evaluation, Metric, Objectives, Trial, Worth

NONE = "-"
BY_SCORE = Objectives()

_TIMES = ("latency_ms", "speedup_vs_eager", "baseline", "score_low")
_COLUMNS = (
    "number",
    "program",
    "proposer",
    "idea",
    "status",
    "score",
    "fidelity",
    "latency_ms",
    "speedup_vs_eager",
    "speedup_vs_compile",
    "oracle_error",
    "island",
    "seconds",
    "fault",
)


def number(value: Metric, form: str = "{:.3g}") -> str:
    """Format a metric; what does not exist is a dash, a word stays a word."""
    if value is None or isinstance(value, bool):
        return NONE if value is None else str(value).lower()
    if isinstance(value, list):
        return f"{len(value)} listed"
    return value if isinstance(value, str) else form.format(value)


def ratio(value: Metric) -> str:
    """Format a speed-up, e.g. ``1.38x``."""
    return number(value, "{:.2f}x")


def is_timed(evaluation: Evaluation) -> bool:
    """Whether a verdict is about speed, so that its score is a ratio of times."""
    return any(evaluation.metrics.get(name) is not None for name in _TIMES)


def interval(evaluation: Evaluation) -> str:
    """Format a score with its 95 % interval where one was measured; other scores beside ``value``."""
    low, high = evaluation.metrics.get("score_low"), evaluation.metrics.get("score_high")
    value = evaluation.metrics.get("value")
    if not is_timed(evaluation):
        score = number(evaluation.score, "{:.8g}")
        return score if not isinstance(value, int | float) else f"{score} (value {number(value, '{:.12g}')})"
    score = ratio(evaluation.score)
    if low is None or high is None:
        return score
    return f"{score} [{number(low, '{:.2f}')}, {number(high, '{:.2f}')}]"


def milliseconds(value: Metric) -> str:
    """Format a latency given in ms."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0.1:
        return f"{1000 * value:.3g} us"
    return number(value, "{:.3g} ms")


def best(trials: Iterable[Trial], objectives: Objectives = BY_SCORE) -> Trial | None:
    """Return the trial with the best full-fidelity verdict, the earliest of equals."""
    scored = [t for t in trials if t.score is not None and t.evaluation and t.evaluation.fidelity == "full"]
    return max(scored, key=lambda t: (worth(t, objectives), -t.number), default=None)


def worth(trial: Trial, objectives: Objectives) -> Worth:
    """Return what a trial with a score is worth to a task; nothing at all without one."""
    return objectives.worth(trial.evaluation) if trial.evaluation and trial.score is not None else ()


def front_table(front: Sequence[Trial], objectives: Objectives) -> Table:
    """Return the Pareto front: a row for each program that nothing else beats in everything.

    Args:
        front: its trials.
        objectives: what counts; one column for each.
    """
    count = "one program" if len(front) == 1 else f"{len(front)} programs"
    rule = "the score makes the order" if objectives.by_score else f"the order is {objectives.rule}"
    table = Table(title=f"Pareto front: {count}; {rule}", title_justify="left", box=None)
    table.add_column("trial", justify="right")
    for metric in objectives.metrics:
        table.add_column(f"{metric.name} ({metric.better})", justify="right")
    table.add_column("score", justify="right")
    table.add_column("made by")
    for trial in sorted(front, key=lambda t: (worth(t, objectives), -t.number), reverse=True):
        assert trial.evaluation is not None
        values = [number(metric.value(trial.evaluation), "{:.4g}") for metric in objectives.metrics]
        table.add_row(f"#{trial.number}", *values, number(trial.score, "{:.4g}"), made_by(trial))
    return table


def trials_table(
    trials: Sequence[Trial],
    *,
    top: int | None = None,
    title: str | None = None,
    objectives: Objectives = BY_SCORE,
) -> Table:
    """Return the trials as a table, best first, failures last.

    Args:
        trials: rows of a run.
        top: how many rows at the most.
        title: printed above.
        objectives: what is best.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    left = {"made by", "score", "status"}
    for name in ("trial", "made by", "score", "time", "vs eager", "vs compile", "error", "status"):
        table.add_column(name, justify="left" if name in left else "right", no_wrap=name != "made by")
    order = sorted(trials, key=lambda t: (worth(t, objectives), -t.number), reverse=True)
    for trial in order[:top]:
        table.add_row(*_cells(trial))
    return table


def made_by(trial: Trial) -> str:
    """Say who made a trial's program and with what idea."""
    origin = trial.program.origin
    return f"{origin.proposer}: {origin.idea}" if origin.idea else origin.proposer


def _cells(trial: Trial) -> list[str]:
    head = [f"#{trial.number}", made_by(trial)]
    if trial.evaluation is None:
        fault = trial.fault.kind if trial.fault else NONE
        return [*head, NONE, NONE, NONE, NONE, NONE, f"fault: {fault}"]
    verdict, metrics = trial.evaluation, trial.evaluation.metrics
    status = str(verdict.status) if verdict.fidelity == "full" else f"{verdict.status} (rough)"
    return [
        *head,
        interval(verdict) if verdict.score is not None else NONE,
        milliseconds(metrics.get("latency_ms")),
        ratio(metrics.get("speedup_vs_eager")),
        ratio(metrics.get("speedup_vs_compile")),
        number(metrics.get("oracle_error"), "{:.1e}"),
        status,
    ]


def verdict_table(evaluation: Evaluation) -> Table:
    """Return one verdict as a two-column table: status, score, then every metric that exists."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("status", str(evaluation.status))
    table.add_row("score", interval(evaluation) if evaluation.score is not None else NONE)
    for name, value in evaluation.metrics.items():
        if value is not None:
            table.add_row(name, number(value, "{:.4g}"))
    return table


def trials_csv(trials: Iterable[Trial]) -> str:
    """Return the trials as CSV text, one row each, in order; a value that does not exist is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for trial in trials:
        verdict = trial.evaluation
        metrics = verdict.metrics if verdict else {}
        writer.writerow(
            "" if value is None else value
            for value in (
                trial.number,
                trial.program.id,
                trial.program.origin.proposer,
                trial.program.origin.idea,
                str(verdict.status) if verdict else None,
                trial.score,
                verdict.fidelity if verdict else None,
                *(metrics.get(k) for k in _COLUMNS[7:11]),
                trial.island,
                round(trial.ended - trial.started, 3),
                trial.fault.message if trial.fault else None,
            )
        )
    return out.getvalue()
