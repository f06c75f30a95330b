"""The evaluator of an ML task: hidden validation for the search, a sealed test that is opened once."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import numpy as np

from kernelevo.core import Evaluation, Origin, Program, Status, Task
from kernelevo.core.evaluation import Fidelity
from kernelevo.core.evaluation import Metric as Fact
from kernelevo.core.program import ENTRY
from kernelevo.errors import ToolchainMissing
from kernelevo.evaluators import data_version
from kernelevo.evaluators.calling import attempt
from kernelevo.evaluators.ml import pool, submission
from kernelevo.evaluators.ml.data import Floats, Part
from kernelevo.evaluators.ml.generators import Split
from kernelevo.evaluators.ml.medals import standing
from kernelevo.evaluators.ml.metrics import gain_and_error
from kernelevo.evaluators.ml.submission import Invalid
from kernelevo.evaluators.ml.tasks import MEMORY, MOST_FEATURES, TASKS, MLTask, ridge
from kernelevo.evaluators.outcome import Outcome
from kernelevo.evaluators.peeking import refuse_if_seen
from kernelevo.evaluators.registry import staged
from kernelevo.evaluators.secret import agreed, derived, fingerprint, folder, machine_secret, named

PRELOAD = (
    "numpy", "scipy", "sklearn", "sklearn.linear_model", "sklearn.ensemble",
    "sklearn.feature_extraction.text", "sklearn.preprocessing", "sklearn.impute", "sklearn.pipeline",
    "sklearn.compose", "sklearn.svm", "sklearn.neighbors", "sklearn.neural_network", "sklearn.naive_bayes",
)  # fmt: skip
SIZE_OF_ERROR = 1.0
"""A gain counts beyond so many of its standard errors."""
MOST_QUERIES = 2000
"""Validation answers that one process gives; each leaks a little of the hidden rows."""
_PATHS = re.compile(r"""["'](/[A-Za-z][\w.-]*/[^"']*)["']""")


class MLEvaluator:
    """Judges programs for one task on its hidden validation rows.

    The program runs in the sandbox with training rows and unlabelled rows; its predictions come back as CSV
    or npz. A gain over the best program that this process accepted counts only beyond its standard error;
    others keep their score as a rough one.

    Args:
        task: what is judged.
        secret: makes the data; the machine's own if None.

    Raises:
        ToolchainMissing: without scikit-learn.
        Unwritable: if the machine's secret cannot be kept.
    """

    def __init__(self, task: MLTask, secret: bytes | None = None) -> None:
        if find_spec("sklearn") is None:
            raise ToolchainMissing(
                "the machine-learning tasks need scikit-learn, which is not installed",
                why="their programs and the reference pool are written with it",
                now="pip install 'kernelevo[ml]'",
            )
        self.task = task
        self._secret = machine_secret() if secret is None else secret
        self._seed = derived(self._secret, task.name, task.version)
        self._parts: dict[Split, Part] = {}
        self._accepted: tuple[str, Floats] | None = None
        self._queries = 0

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program on the validation rows."""
        if self._queries >= MOST_QUERIES:
            told = f"{MOST_QUERIES} validation answers were given: more would be learnt by heart"
            return Evaluation(Status.REJECTED, None, {}, told)
        outcome = self.run(program, "validation")
        if not outcome.ok:
            return outcome.verdict()
        try:
            rows = self.rows(outcome.files, "validation")
        except Invalid as error:
            return Evaluation.wrong(f"the submission is not valid: {error}")
        self._queries += 1
        fidelity, told = self._accept(program, rows)
        return self._verdict(program, rows, outcome, fidelity, told)

    def finalize(self, program: Program) -> Evaluation:
        """Judge a winner again, on the same rows in a fresh process; the sealed test stays closed."""
        outcome = self.run(program, "validation")
        if not outcome.ok:
            return outcome.verdict()
        try:
            rows = self.rows(outcome.files, "validation")
        except Invalid as error:
            return Evaluation.wrong(f"the submission is not valid: {error}")
        return self._verdict(
            program, rows, outcome, "full", "the sealed test is opened by `kernelevo unseal`"
        )

    def unseal(self, program: Program, secret: bytes) -> dict[str, Any]:
        """Score a program on the sealed test and place it among the reference pool.

        Args:
            program: the program of a finished run.
            secret: unused here: the evaluator's own made the data.

        Returns:
            plain data; it goes to the person alone.
        """
        part, metric = self.part("sealed"), self.task.metric
        board = pool.board(self.task, part, self._seed)
        outcome = self.run(program, "sealed")
        shared = {
            "metric": metric.name, "direction": metric.direction, "rows": len(part.ids),
            "pool": board.to_json(), "data": fingerprint(self._secret), "test_feedback_used": False,
        }  # fmt: skip
        try:
            if not outcome.ok:
                raise Invalid(outcome.error)
            value = metric.value(self.rows(outcome.files, "sealed"))
        except Invalid as error:
            return {**shared, "valid": False, "error": str(error), "medal_vs_reference_pool": None}
        place = standing(value, board.scores, metric.direction)
        return {
            **shared, "valid": True, "value": value, "skill": metric.skill(value, self._trivial("sealed")),
            "medal_vs_reference_pool": place.medal, "above_median": place.above_median,
            "rank": place.rank, "entries": place.entries,
        }  # fmt: skip

    def validate(self, written: dict[str, bytes]) -> str | None:
        """Return what is wrong with a submission, None for a valid one; never how good it is."""
        try:
            self._predictions(written, self.part("validation"))
        except Invalid as error:
            return str(error)
        return None

    def seeds(self) -> tuple[Program, ...]:
        """Return the program to start from."""
        text = files("kernelevo.evaluators.ml").joinpath("seeds", f"{self.task.name}.py").read_text("utf-8")
        return (Program({ENTRY: text}, origin=Origin("seed", self.task.name)),)

    def part(self, which: Split) -> Part:
        """Return a split, with its labels: for the grader alone."""
        if which not in self._parts:
            self._parts[which] = self.task.part(self._seed, which)
        return self._parts[which]

    def run(self, program: Program, which: Split) -> Outcome:
        """Run a program's ``main()`` beside the two CSV files of a split."""
        return attempt(
            program, "main", timeout=self.task.seconds, memory_bytes=MEMORY, preload=PRELOAD,
            files=dict(self.part(which).files()), collect=(submission.CSV_FILE, submission.NPZ_FILE),
        )  # fmt: skip

    def rows(self, written: Any, which: Split) -> Floats:
        """Return the metric's value for each row of a split.

        Raises:
            Invalid: if the submission cannot be scored.
        """
        part = self.part(which)
        return self.task.metric.rows(part.truth, self._predictions(written, part))

    def _predictions(self, written: Any, part: Part) -> Floats:
        task = self.task
        if not task.columns:
            train, test = submission.read_features(written, len(part.train), len(part.test), MOST_FEATURES)
            return ridge(part, train, test)
        return submission.read(
            written, part.ids, task.columns, low=task.low, high=task.high, simplex=task.simplex
        )

    def _accept(self, program: Program, rows: Floats) -> tuple[Fidelity, str]:
        if self._accepted is not None and self._accepted[0] != program.id:
            gain, error = gain_and_error(self.task.metric, rows, self._accepted[1])
            said = f"a row is better by {gain:+.4g} +- {error:.2g} (standard error) than with the best before"
            if gain <= SIZE_OF_ERROR * error:
                return "rough", f"not accepted: {said}"
            self._accepted = (program.id, rows)
            return "full", f"accepted: {said}"
        self._accepted = (program.id, rows)
        return "full", ""

    def _trivial(self, which: Split) -> float:
        part = self.part(which)
        return self.task.metric.value(self.task.metric.rows(part.truth, self.task.trivial(part)))

    def _verdict(
        self, program: Program, rows: Floats, outcome: Outcome, fidelity: Fidelity, told: str
    ) -> Evaluation:
        metric = self.task.metric
        value = metric.value(rows)
        spread = float(rows.std(ddof=1) / np.sqrt(len(rows)))
        paths = sorted({p for text in program.files.values() for p in _PATHS.findall(text)})
        facts: dict[str, Fact] = {
            "value": value,
            "metric": metric.name,
            "standard_error_of_rows": spread,
            "rows": len(rows),
            "task_version": self.task.version,
            "data": fingerprint(self._secret),
            "test_feedback_used": False,
            "seconds": round(outcome.seconds, 3),
            "cpu_seconds": outcome.cpu_seconds,
            "peak_memory_mb": outcome.peak_bytes and round(outcome.peak_bytes / 2**20, 1),
            "limits": f"{self.task.seconds:g} s, {MEMORY >> 20} MiB, 1 core, no network",
            "absolute_paths": ", ".join(paths[:5]) or None,
        }
        better = "less" if metric.direction == "min" else "more"
        text = f"{metric.name} {value:.5g} ({better} is better) on {len(rows)} hidden rows"
        score = metric.skill(value, self._trivial("validation"))
        return Evaluation(Status.OK, score, facts, "\n".join(t for t in (text, told) if t), {}, fidelity)


def _register(task: MLTask) -> None:
    def make(given: Task) -> MLEvaluator:
        data_version.require(given.options, task.name, task.version)
        judge = MLEvaluator(task, agreed(given.options))
        refuse_if_seen((folder() / "secret",), "the hidden labels can be made from it", preload=PRELOAD)
        return judge

    make.__doc__ = task.goal
    staged(task.name, options=lambda: {**data_version.numbered(task.version), **named()})(make)


for _task in TASKS.values():
    _register(_task)
