"""Tables of trials and verdicts, for the terminal, for notebooks and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence

from rich.table import Table

from kernelevo.core import Evaluation, Gain, Metric, Objective, Objectives, Trial, Worth
from kernelevo.core.objectives import SCORE

NONE = "-"
BY_SCORE = Objectives()
DIGITS = "{:.6g}"  # of a metric that counts

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
    "out",
    "final_score",
)


def number(value: Metric, form: str = "{:.3g}") -> str:
    """Format a metric; what does not exist is a dash, a word stays a word."""
    if value is None or isinstance(value, bool):
        return NONE if value is None else str(value).lower()
    if isinstance(value, list | dict):  # a table is none that an evaluator should give, but may
        return f"{len(value)} listed"
    return printable(value) if isinstance(value, str) else form.format(value)


def printable(text: str) -> str:
    """Return a text without characters that a terminal would obey; those of a model's words may be any."""
    return "".join(c if c.isprintable() else " " for c in text)


def printable_lines(text: str) -> str:
    """Return a text of several lines without characters that a terminal would obey."""
    return "\n".join(printable(line.expandtabs()) for line in text.split("\n"))


def ratio(value: Metric) -> str:
    """Format a speed-up, e.g. ``1.38x``."""
    return number(value, "{:.2f}x")


def is_timed(evaluation: Evaluation) -> bool:
    """Whether a verdict on a kernel holds times; other evaluators may use these names for anything."""
    return any(evaluation.metrics.get(name) is not None for name in _TIMES)


def interval(evaluation: Evaluation, *, timed: bool = True) -> str:
    """Format a score with its 95 % interval where one was measured; other scores beside ``value``.

    Args:
        evaluation: with a score.
        timed: whether it is of a task whose scores are ratios of times (``Task.is_timed``).
    """
    low, high = evaluation.metrics.get("score_low"), evaluation.metrics.get("score_high")
    value = evaluation.metrics.get("value")
    if not (timed and is_timed(evaluation)):
        score = number(evaluation.score, "{:.8g}")
        return score if not isinstance(value, int | float) else f"{score} (value {number(value, '{:.12g}')})"
    score = ratio(evaluation.score)
    if low is None or high is None:
        return score
    return f"{score} [{number(low, '{:.2f}')}, {number(high, '{:.2f}')}]"


def merit(evaluation: Evaluation, objectives: Objectives, *, timed: bool = True) -> str:
    """Say how good a verdict is for a task: its score, or what its objectives go by.

    ``weighted sum 6 (speed 7, memory 2)``; ``memory 0.5, speed 1``, in the order of their importance.

    Args:
        evaluation: with a score.
        objectives: of the task.
        timed: whether its scores are ratios of times (``Task.is_timed``).
    """
    if objectives.by_score:
        return interval(evaluation, timed=timed)
    told = metrics_told((m, m.value(evaluation)) for m in objectives.metrics)
    if objectives.rule == "lexicographic":
        return told
    return f"{objectives.measure.name} {number(objectives.height(evaluation), DIGITS)} ({told})"


def metrics_told(values: Iterable[tuple[Objective, Metric]]) -> str:
    """Return metrics and their values in words: ``memory 0.5, speed 1``."""
    return ", ".join(f"{metric.name} {number(value, DIGITS)}" for metric, value in values)


def gained(gain: Gain) -> str:
    """Say how much better a verdict is than another: ``+0.5`` of the score, ``memory 1.5 lower``."""
    if gain.amount is None:
        return f"{gain.name}, which only one of them has"
    if gain.name == SCORE:
        return f"{gain.amount:+.3g}"
    ways = {"higher": "lower", "lower": "higher"}
    way = gain.better if gain.amount >= 0 else ways[gain.better]
    return f"{gain.name} {number(abs(gain.amount))} {way}"


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


def ranked(
    trials: Iterable[Trial], objectives: Objectives = BY_SCORE, out: Collection[str] = ()
) -> list[Trial]:
    """Return trials, best first: full verdicts, rough ones, those of programs that are out, failures.

    Args:
        trials: of one run.
        objectives: what is best.
        out: ids of programs that count no more.
    """

    def place(trial: Trial) -> tuple[bool, bool, bool, Worth, int]:
        full = trial.evaluation is not None and trial.evaluation.fidelity == "full"
        standing = trial.program.id not in out
        return trial.score is not None, standing, full, worth(trial, objectives), -trial.number

    return sorted(trials, key=place, reverse=True)


def front_table(front: Sequence[Trial], objectives: Objectives) -> Table:
    """Return the Pareto front: a row for each program that nothing else beats in everything.

    Args:
        front: its trials.
        objectives: what counts; one column for each.
    """
    count = "one program" if len(front) == 1 else f"{len(front)} programs"
    table = Table(title=f"Pareto front: {count}; {objectives.sentence()}", title_justify="left", box=None)
    table.add_column("trial", justify="right")
    for metric in objectives.metrics:
        table.add_column(f"{metric.name} ({metric.better})", justify="right")
    table.add_column("score", justify="right")
    table.add_column("made by")
    for trial in ranked(front, objectives):
        assert trial.evaluation is not None
        values = [number(metric.value(trial.evaluation), DIGITS) for metric in objectives.metrics]
        table.add_row(f"#{trial.number}", *values, number(trial.score, DIGITS), made_by(trial))
    return table


def trials_table(
    trials: Sequence[Trial],
    *,
    top: int | None = None,
    title: str | None = None,
    objectives: Objectives = BY_SCORE,
    out: Collection[str] = (),
    timed: bool = True,
) -> Table:
    """Return the trials as a table, in the order of ``ranked``.

    Args:
        trials: rows of a run.
        top: how many rows at the most.
        title: printed above.
        objectives: what is best; a column for each metric where these and not the score make the order.
        out: ids of programs that count no more; their status says so.
        timed: whether scores are ratios of times (``Task.is_timed``).
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    left = {"made by", "score", "status"}
    counted = [] if objectives.by_score else objectives.metrics
    names = (f"{m.name} ({m.better})" for m in counted if m.name != SCORE)
    for name in ("trial", "made by", *names, "score", "time", "vs eager", "vs compile", "error", "status"):
        table.add_column(name, justify="left" if name in left else "right", no_wrap=name != "made by")
    for trial in ranked(trials, objectives, out)[:top]:
        *cells, status = _cells(trial, [m for m in counted if m.name != SCORE], timed=timed)
        table.add_row(*cells, status_told(status, trial, out))
    return table


def status_told(status: str, trial: Trial, out: Collection[str]) -> str:
    """Return the status of a trial, marked where its program is out though it has a score."""
    return f"{status} (out)" if trial.score is not None and trial.program.id in out else status


def made_by(trial: Trial) -> str:
    """Say who made a trial's program and with what idea."""
    origin = trial.program.origin
    return printable(f"{origin.proposer}: {origin.idea}" if origin.idea else origin.proposer)


def _cells(trial: Trial, counted: Sequence[Objective], *, timed: bool) -> list[str]:
    head = [f"#{trial.number}", made_by(trial)]
    head += [number(m.value(trial.evaluation), DIGITS) if trial.evaluation else NONE for m in counted]
    if trial.evaluation is None:
        fault = trial.fault.kind if trial.fault else NONE
        return [*head, NONE, NONE, NONE, NONE, NONE, f"fault: {fault}"]
    verdict, metrics = trial.evaluation, trial.evaluation.metrics
    status = str(verdict.status) if verdict.fidelity == "full" else f"{verdict.status} (rough)"
    return [
        *head,
        interval(verdict, timed=timed) if verdict.score is not None else NONE,
        milliseconds(metrics.get("latency_ms")),
        ratio(metrics.get("speedup_vs_eager")),
        ratio(metrics.get("speedup_vs_compile")),
        number(metrics.get("oracle_error"), "{:.1e}"),
        status,
    ]


def verdict_table(evaluation: Evaluation, *, timed: bool = True) -> Table:
    """Return one verdict as a two-column table: status, score, then every metric that exists.

    Args:
        evaluation: the verdict.
        timed: whether its score is a ratio of times (``Task.is_timed``).
    """
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("status", str(evaluation.status))
    table.add_row("score", interval(evaluation, timed=timed) if evaluation.score is not None else NONE)
    for name, value in evaluation.metrics.items():
        if value is not None:
            table.add_row(name, number(value, "{:.4g}"))
    return table


def csv_cell(value: Metric) -> Metric:
    """A value in a row, without what readers of such files would make of it.

    A return, around which the writer puts no quotes, would end the row; and a text that begins like a
    formula, which a model may have written, would be one in a spreadsheet.
    """
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").replace("\r", "\n")
        return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
    return "" if value is None else value


def trials_csv(
    trials: Iterable[Trial], *, out: Collection[str] = (), final: Mapping[int, Evaluation] | None = None
) -> str:
    """Return the trials as CSV text, one row each, in order; a value that does not exist is empty.

    ``status`` and ``score`` are those of the search. ``final_score`` is what the program got when it was
    judged again in fresh processes, empty where it was not, or was refuted; ``out`` is ``true`` for one that
    was refuted or banned and counts no more, else ``false``.

    Args:
        trials: of one run.
        out: ids of the programs that count no more.
        final: trial number -> verdict in fresh processes.
    """
    told = io.StringIO()
    writer = csv.writer(told, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for trial in trials:
        verdict = trial.evaluation
        metrics = verdict.metrics if verdict else {}
        again = (final or {}).get(trial.number)
        writer.writerow(
            csv_cell(value)
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
                number(trial.program.id in out),
                again.score if again else None,
            )
        )
    return told.getvalue()
