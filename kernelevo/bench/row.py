"""Row: what became of one task of a series."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from kernelevo.core import Evaluation, Status
from kernelevo.report.table import NONE, interval, milliseconds, printable

NOTHING_CORRECT = "nothing_correct"  # a search that ended without a correct program
UNKNOWN = "unknown"  # lint's word on a task that it has not seen
NO_PROGRAM = "no_program"  # a task for which a folder of solutions holds none
BROKEN_TASK = "broken_task"  # a given task that cannot be run at all
NEEDS_CUDA = "needs_cuda"  # a program for a GPU that was to be judged on a CPU
FAULT = "fault"  # in counts and tables; a row with a fault has no status

STATUSES = (*map(str, Status), NOTHING_CORRECT, NO_PROGRAM, BROKEN_TASK, NEEDS_CUDA)


@dataclass(frozen=True)
class Row:
    """One task, searched or with one given program judged.

    Args:
        name: of the task.
        program: file of the judged program, e.g. ``"ops_softmax/row_at_once.py"``; None for a search.
        status: that of the verdict, ``nothing_correct``, ``no_program``, ``broken_task``,
            ``needs_cuda``, or None for a fault.
        score: fastest baseline / ours, only where the status is ``ok``.
        metrics: of the verdict.
        feedback: of the verdict.
        fault: what broke, ``{"kind", "message"}``; None where nothing did.
        grade: what lint says of the task; only ``judgeable`` ones enter means.
        made_by: proposer and idea of the winner.
        confirmed: whether the figure is from fresh processes.
        trials: status -> how many trials of the search.
        seconds: wall time of the process that ended it.
        searched_seconds: of it, the search.
        preparation_seconds: of it, baselines and first verdicts.
        first_verdict_seconds: from the run's start to its first verdict.
        program_id: content hash of the program.
        folder: where its run lies, relative to the series' folder.
        ended: date and time, UTC.
        upstream: what KernelBench's own rule says (``kernels.upstream``); None where it was not asked.
        claims: what its makers say of a released program, by their own names.
        size: at which the task was judged; None in earlier records.
        form: in which published form a given task is: ``full`` (today's shapes), ``v0`` (the first ones),
            ``other``, or ``unknown``; None for a bundled task, whose size says it, and for one that has no
            published forms here.
    """

    name: str
    program: str | None = None
    status: str | None = None
    score: float | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    feedback: str = ""
    fault: Mapping[str, str] | None = None
    grade: str = UNKNOWN
    made_by: str | None = None
    confirmed: bool = False
    trials: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    searched_seconds: float | None = None
    preparation_seconds: float | None = None
    first_verdict_seconds: float | None = None
    program_id: str | None = None
    folder: str | None = None
    ended: str | None = None
    upstream: Mapping[str, Any] | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    size: str | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        if (self.status is None) == (self.fault is None):
            raise ValueError(f"{self.name}: a row has a status or a fault")
        if self.status is not None and self.status not in STATUSES:
            raise ValueError(f"{self.name}: there is no status {self.status!r}")
        if (self.status == Status.OK) != (self.score is not None):
            raise ValueError(f"{self.name}: status {self.status} with score {self.score}: a score means ok")

    @property
    def key(self) -> tuple[str, str | None]:
        """What tells this row from the others of its series."""
        return self.name, self.program

    @property
    def title(self) -> str:
        """The row's name for people."""
        return self.name if self.program is None else f"{self.name} ({self.program})"

    @property
    def word(self) -> str:
        """The status, or ``fault``."""
        return FAULT if self.status is None else self.status

    @property
    def interval(self) -> str:
        """The score with its interval, as a text."""
        if self.score is None:
            return NONE
        return interval(Evaluation(Status.OK, self.score, self.metrics))

    def line(self) -> str:
        """Return the row in one plain line: name, status, score, latency, best baseline, seconds."""
        took = f"{self.seconds:.0f} s" if self.seconds is not None else ""
        if self.score is None:
            said = self.fault["message"] if self.fault else self.feedback
            parts = [self.title, self.word, next(iter(said.splitlines()), "")[:160], took]
        else:
            against = f"against {self.metrics.get('baseline') or NONE}"
            latency = milliseconds(self.metrics.get("latency_ms"))
            parts = [self.title, self.word, self.interval, latency, against, took]
        return printable("  ".join(filter(None, parts)))  # names and words of programs may be any

    def to_json(self) -> dict[str, Any]:
        """Return this row as plain data."""
        return {
            **asdict(self),
            "metrics": dict(self.metrics),
            "trials": dict(self.trials),
            "claims": dict(self.claims),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Row:
        """Rebuild a row from ``to_json``.

        Raises:
            ValueError: for data of another shape.
        """
        known = {f.name for f in fields(cls)}
        if not isinstance(data, Mapping) or set(data) - known or not isinstance(data.get("name"), str):
            raise ValueError(f"not a row of a series: {str(data)[:80]}")
        for key, fits in _SHAPES.items():
            if key in data and not fits(data[key]):
                raise ValueError(f"{data['name']!r}: {key} cannot be {repr(data[key])[:80]}")
        row = cls(**data)
        for key, value in row.metrics.items() if row.score is not None else ():
            if not _or_none(_fit_of(key))(value):
                raise ValueError(f"{row.name!r}: {key} cannot be {repr(value)[:80]}")
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()  # a ValueError if no file can hold it
        return row


Fits = Callable[[Any], bool]
_NUMBERS = ("roofline_ms", "work_flops", "work_bytes", "core_clock_mhz", "sm_clock_mhz")
_LARGEST = 1e300  # a whole number may be beyond what a float can hold


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


def _a(kind: type) -> Fits:
    return lambda value: isinstance(value, kind)


def _or_none(fits: Fits) -> Fits:
    return lambda value: value is None or fits(value)


def _fit_of(metric: str) -> Fits:
    """Return what a metric of a correct program has to be, if figures or charts compute with it."""
    if metric.startswith("speedup_vs_") or metric in ("latency_ms", "score_low", "score_high"):
        return _positive
    return _number if metric in _NUMBERS else lambda value: True


def _metrics(value: Any) -> bool:
    return isinstance(value, Mapping) and not any(isinstance(v, Mapping) for v in value.values())


def _fault(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(value.get(key), str) for key in ("kind", "message"))


def _upstream(value: Any) -> bool:
    said, measured = ("correct", "correct_loose", "correct_eval"), ("speedup", "tolerance")
    return (
        isinstance(value, Mapping)
        and all(isinstance(value.get(key), bool) for key in said)
        and all(_or_none(_positive)(value.get(key)) for key in measured)
    )


# what the fields of a record have to be; a damaged one is refused where it is read
_SHAPES: Mapping[str, Fits] = {
    **dict.fromkeys(("name", "feedback", "grade"), _a(str)),
    **dict.fromkeys(
        ("program", "status", "made_by", "program_id", "folder", "ended", "size", "form"), _or_none(_a(str))
    ),
    **dict.fromkeys(
        ("seconds", "searched_seconds", "preparation_seconds", "first_verdict_seconds"), _or_none(_number)
    ),
    **dict.fromkeys(("trials", "claims"), _a(Mapping)),
    "score": _or_none(_positive),
    "metrics": _metrics,
    "confirmed": _a(bool),
    "fault": _or_none(_fault),
    "upstream": _or_none(_upstream),
}
