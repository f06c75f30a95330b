"""The evaluator of a competition: graded on validation rows by its own grader; its test is opened once.

MLE-Bench (Chan et al., 2024) forbids a search to learn from the test. So programs are scored on a fifth of
the public training rows, drawn by this machine's secret. The labels of these rows and the test's answers are
nowhere that a program can read, which is tried before the first one runs.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from typing import Any

from kernelevo.core import Evaluation, Origin, Program, Status, Task
from kernelevo.core.evaluation import Fidelity
from kernelevo.core.evaluation import Metric as Fact
from kernelevo.core.program import ENTRY
from kernelevo.evaluators.calling import attempt
from kernelevo.evaluators.ml.submission import CSV_FILE, Invalid
from kernelevo.evaluators.mlebench.competition import Competition, data_folder, read_competition, tell
from kernelevo.evaluators.mlebench.tables import Data, Table, read_data, read_submission
from kernelevo.evaluators.outcome import Outcome
from kernelevo.evaluators.peeking import refuse_if_seen
from kernelevo.evaluators.secret import agreed, derived, fingerprint, machine_secret, named

PRELOAD = (
    "numpy", "scipy", "sklearn", "sklearn.linear_model", "sklearn.ensemble",
    "sklearn.feature_extraction.text", "sklearn.preprocessing", "sklearn.impute", "sklearn.pipeline",
)  # fmt: skip
SECONDS, MEMORY = 100.0, 5 << 29
GROUPS = 10
"""Groups of rows that are left out in turn, for the standard error of a gain."""
MOST_QUERIES = 2000
"""Validation answers that one process gives; each leaks a little of the hidden rows."""
LEAKY = (
    "random-acts-of-pizza", "hubmap-kidney-segmentation", "smartphone-decimeter-2022",
    "multi-modal-gesture-recognition",
)  # fmt: skip
"""Competitions whose public data give labels of the test away, by mlebench's own README."""
_LONGEST_GOAL = 8000
_PLACE = 'ID, LABELS, CLASSES = "id", ["label"], None'
"""The line of the seed that says how the columns are called."""


@dataclass(frozen=True)
class Grade:
    """What the competition's grader says of validation rows.

    Args:
        value: the metric.
        without: the metric without each group of rows, None for a grader that needs them all.
    """

    value: float
    without: tuple[float, ...] | None


class CompetitionEvaluator:
    """Judges programs for one competition on validation rows; the score is the metric, or minus it.

    A gain over the best program that this process accepted counts only beyond its standard error, by a
    jackknife over groups of rows; others keep their score as a rough one.

    Args:
        competition: see ``competition.read_competition``.
        secret: draws the validation rows; the machine's own if None.

    Raises:
        BadSetting: if its answers do not follow from its public training table.
        SandboxError: if a program could read the answers here.
        Unwritable: if the machine's secret cannot be kept.
    """

    def __init__(self, competition: Competition, secret: bytes | None = None) -> None:
        self.competition = competition
        self._secret = machine_secret() if secret is None else secret
        self._sign = 1 if competition.direction == "max" else -1
        self.whole = read_data(competition)
        self.carved, self._answers = self.whole.validation(derived(self._secret, "mlebench", competition.id))
        self._accepted: tuple[str, Grade] | None = None
        self._queries = 0
        refuse_if_seen(
            (competition.answers, competition.train), "it holds what they shall predict", preload=_preload()
        )

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program on the validation rows."""
        if self._queries >= MOST_QUERIES:
            told = f"{MOST_QUERIES} validation answers were given: more would be learnt by heart"
            return Evaluation(Status.REJECTED, None, {}, told)
        outcome = self._run(program, self.carved)
        if not outcome.ok:
            return outcome.verdict()
        try:
            grade = self._grade(outcome)
        except Invalid as error:
            return Evaluation.wrong(f"the submission is not valid: {error}")
        self._queries += 1
        fidelity, told = self._accept(program, grade)
        return self._verdict(grade, outcome, fidelity, told)

    def finalize(self, program: Program) -> Evaluation:
        """Judge a winner again, on the same rows in a fresh process; the test stays closed."""
        outcome = self._run(program, self.carved)
        if not outcome.ok:
            return outcome.verdict()
        try:
            grade = self._grade(outcome)
        except Invalid as error:
            return Evaluation.wrong(f"the submission is not valid: {error}")
        return self._verdict(grade, outcome, "full", "the sealed test is opened by `kernelevo unseal`")

    def unseal(self, program: Program, secret: bytes) -> dict[str, Any]:
        """Train a program on all public rows and grade what it says of the test, with MLE-Bench's medals.

        Args:
            program: the program of a finished run.
            secret: unused here: the test is mlebench's.

        Returns:
            plain data; it goes to the person alone.
        """
        shared = {
            "direction": self.competition.direction, "rows": len(self.whole.ids),
            "trained_on": len(self.whole.train.rows), "test_feedback_used": False,
            "known_defect": "its public data give test labels away" if self.competition.id in LEAKY else None,
        }  # fmt: skip
        outcome = self._run(program, self.whole)
        try:
            if not outcome.ok:
                raise Invalid(outcome.error)
            table = read_submission(outcome.files, self.whole)
            with tempfile.TemporaryDirectory(prefix="kernelevo-sealed-") as place:
                path = _written(place, CSV_FILE, table)
                report = tell(self._order("test", submission=path))["report"]
            if not report["valid_submission"]:
                raise Invalid("the competition's grader refuses it")
        except Invalid as error:
            return {**shared, "valid": False, "error": str(error), "medal": None}
        medal = next((m for m in ("gold", "silver", "bronze") if report[f"{m}_medal"]), None)
        bars = {key: report[key] for key in report if str(key).endswith("_threshold")}
        return {
            **shared, "valid": True, "value": report["score"], "medal": medal,
            "medal_by": "mlebench: the contest's leaderboard, on a test of its own",
            "above_median": report["above_median"], **bars,
        }  # fmt: skip

    def seeds(self) -> tuple[Program, ...]:
        """Return the program to start from."""
        return (seed(self.whole, self.competition.id),)

    def _run(self, program: Program, data: Data) -> Outcome:
        return attempt(
            program, "main", timeout=SECONDS, memory_bytes=MEMORY, preload=_preload(), files=data.files(),
            collect=(CSV_FILE,),
        )  # fmt: skip

    def _grade(self, outcome: Outcome) -> Grade:
        """Have the grader's process compare a submission with the validation answers.

        Raises:
            Invalid: if it cannot be graded.
        """
        table = read_submission(outcome.files, self.carved)
        with tempfile.TemporaryDirectory(prefix="kernelevo-grade-") as place:
            given, answers = _written(place, CSV_FILE, table), _written(place, "answers.csv", self._answers)
            groups = GROUPS if len(table.rows) >= 4 * GROUPS else 0
            said = tell(self._order("grade", submission=given, answers=answers, groups=groups))
        if "invalid" in said:
            raise Invalid(str(said["invalid"])[:500])
        return Grade(float(said["value"]), tuple(said["without"]) if said["without"] else None)

    def _order(self, what: str, **more: Any) -> dict[str, Any]:
        return {"do": what, "competition": self.competition.id, "data": self.competition.data, **more}

    def _accept(self, program: Program, grade: Grade) -> tuple[Fidelity, str]:
        if self._accepted is not None and self._accepted[0] != program.id:
            old = self._accepted[1]
            gain, error = self._sign * (grade.value - old.value), gain_error(grade, old)
            spread = "" if error is None else f" +- {error:.2g} (standard error)"
            said = f"better by {gain:+.4g}{spread} than the best before"
            if gain <= (error or 0.0):
                return "rough", f"not accepted: {said}"
            self._accepted = (program.id, grade)
            return "full", f"accepted: {said}"
        self._accepted = (program.id, grade)
        return "full", ""

    def _verdict(self, grade: Grade, outcome: Outcome, fidelity: Fidelity, told: str) -> Evaluation:
        less = self.competition.direction == "min"
        facts: dict[str, Fact] = {
            "value": grade.value,
            "direction": self.competition.direction,
            "standard_error": _jackknife(grade.without),
            "rows": len(self.carved.ids),
            "data": fingerprint(self._secret),
            "test_feedback_used": False,
            "seconds": round(outcome.seconds, 3),
            "cpu_seconds": outcome.cpu_seconds,
            "peak_memory_mb": outcome.peak_bytes and round(outcome.peak_bytes / 2**20, 1),
            "limits": f"{SECONDS:g} s, {MEMORY >> 20} MiB, 1 core, no network",
        }
        better = "less" if less else "more"
        text = f"{grade.value:.6g} ({better} is better) on {len(self.carved.ids)} hidden training rows"
        words = "\n".join(part for part in (text, told) if part)
        return Evaluation(Status.OK, self._sign * grade.value, facts, words, {}, fidelity)


def gain_error(one: Grade, two: Grade) -> float | None:
    """Return the standard error of the difference of two grades of the same rows, None if nobody can tell.

    It is that of the jackknife with groups left out (Efron and Tibshirani, 1993, chapter 11), paired.
    """
    if one.without is None or two.without is None:
        return None
    return _jackknife(tuple(a - b for a, b in zip(one.without, two.without, strict=True)))


def _jackknife(values: tuple[float, ...] | None) -> float | None:
    if not values:
        return None
    middle, count = mean(values), len(values)
    return float(((count - 1) / count * sum((v - middle) ** 2 for v in values)) ** 0.5)


def competition_task(name: str) -> Task:
    """Return the task of a competition; raises as ``read_competition`` and ``read_data`` do."""
    competition = read_competition(name, data_folder())
    data = read_data(competition)
    kind = f"the probabilities of {data.classes}" if data.classes else "the predicted columns"
    form = (
        "Write a program with a function main(). In its folder it finds train.csv, test.csv and "
        f"sample_submission.csv. It writes {CSV_FILE} with the header {','.join(data.sample.columns)[:900]}: "
        f"the column {data.ident} and {kind}, one row for each id of sample_submission.csv. No labels of "
        "test.csv are anywhere; there is no network. It is scored by the competition's own metric "
        f"({'less' if competition.direction == 'min' else 'more'} is better). numpy and scikit-learn are "
        f"there. Limits: {SECONDS:g} s, {MEMORY >> 20} MiB, one core."
    )
    if competition.withheld:
        form += f" These files of the competition are not there: {', '.join(competition.withheld)[:500]}."
    goal = f"{form}\n\n{competition.description[:_LONGEST_GOAL]}"
    return Task(name, goal, (seed(data, competition.id),), name, {"data": competition.data, **named()})


def make(task: Task) -> CompetitionEvaluator:
    """Return the evaluator of a competition's task."""
    data = task.options.get("data")
    competition = read_competition(task.evaluator, str(data) if data else None)
    return CompetitionEvaluator(competition, agreed(task.options))


def seed(data: Data, name: str) -> Program:
    """Return the program to start from: boosted trees or a linear model on what the columns give."""
    text = files("kernelevo.evaluators.mlebench").joinpath("seeds", "table.py").read_text("utf-8")
    facts = f"ID, LABELS, CLASSES = {data.ident!r}, {list(data.labels)!r}, {data.classes!r}"
    return Program({ENTRY: text.replace(_PLACE, facts)}, origin=Origin("seed", name))


def _preload() -> tuple[str, ...]:
    return PRELOAD if find_spec("sklearn") is not None else ("numpy",)


def _written(folder: str, name: str, table: Table) -> str:
    path = os.path.join(folder, name)
    Path(path).write_text(table.text(), encoding="utf-8")
    return path
