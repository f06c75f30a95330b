"""The evaluator of a mathematical problem: a fast score for the search, an exact one for what is claimed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

from kernelevo.core import Evaluation, Origin, Program, Task
from kernelevo.core.evaluation import Metric
from kernelevo.core.program import ENTRY
from kernelevo.core.python_path import python_path
from kernelevo.errors import BadProgram, MachineError
from kernelevo.evaluators.calling import attempt
from kernelevo.evaluators.mathematics import recheck, records
from kernelevo.evaluators.mathematics.problems import PROBLEMS, Exact, Problem, rounded
from kernelevo.evaluators.mathematics.reading import NotOne
from kernelevo.evaluators.registry import staged

DIGITS = 16
_LONGEST = 60_000
_RECHECK_SECONDS = 120.0


class MathEvaluator:
    """Judges programs for one problem.

    ``solve()`` runs in the sandbox and returns a construction; nothing that it claims beside it is read. The
    score is the construction's value over the record's (for the smaller-is-better ones the inverse): 1 is as
    good as the best known, there is no cap. A winner's value is computed exactly, and again in another way by
    a fresh process; only then ``verified`` is true.

    Args:
        problem: what is judged.

    Raises:
        ToolchainMissing: if this machine lacks a package that the problem needs.
    """

    def __init__(self, problem: Problem) -> None:
        problem.require()
        self.problem, self.record = problem, records.record(problem.name)

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program with the fast value."""
        judged = self._construct(program)
        if isinstance(judged, Evaluation):
            return judged
        construction, seconds = judged
        try:
            value = self.problem.fast(construction)
        except NotOne as error:
            return _no_construction(error)
        return self._verdict(value, construction, {"value": value, "seconds": seconds})

    def finalize(self, program: Program) -> Evaluation:
        """Judge a winner: the exact value, computed twice."""
        judged = self._construct(program)
        if isinstance(judged, Evaluation):
            return judged
        construction, seconds = judged
        try:
            exact = self.problem.exact(construction)
        except NotOne as error:
            return _no_construction(error)
        value = rounded(exact)
        if not math.isfinite(value):
            return self._verdict(value, construction, {})
        text = recheck.saved(self.problem.name, construction)
        agrees = _second_opinion(text) == _as_text(exact)
        if not agrees:
            return Evaluation.wrong("the exact value and its second computation differ: no claim is made")
        shown = decimal(exact, up=self.problem.direction == "down")
        metrics: dict[str, Metric] = {"value": value, "record_value": shown, "verified": True}
        return self._verdict(value, construction, {**metrics, "seconds": seconds}, f"exactly {shown}")

    def seeds(self) -> tuple[Program, ...]:
        """Return the bundled program to start from."""
        return (seed(self.problem.name),)

    def _construct(self, program: Program) -> Evaluation | tuple[Any, float]:
        outcome = attempt(program, "solve", timeout=self.problem.seconds)
        if not outcome.ok:
            return outcome.verdict()
        try:
            return self.problem.repair(outcome.value), round(outcome.seconds, 3)
        except NotOne as error:
            return _no_construction(error)

    def _verdict(
        self, value: float, construction: Any, metrics: dict[str, Metric], more: str = ""
    ) -> Evaluation:
        if not math.isfinite(value):  # against a record that is to be undercut, it would be a score of 0
            return _no_construction(NotOne("its value is beyond what a number can hold"))
        try:
            score = self.problem.ratio(value, self.record.value)
            verdict = Evaluation.ok(score)
        except (ValueError, ZeroDivisionError, OverflowError):
            return Evaluation.wrong(f"the value {value!r} has no ratio to the record")
        better = "more" if self.problem.direction == "up" else "less"
        told = f"value {value:.12g} ({better} is better), best known "
        told += f"{self.record.value:.12g} as of {self.record.date}" + (f"; {more}" if more else "")
        text = recheck.saved(self.problem.name, construction)
        kept = {"construction.json": text} if len(text) <= _LONGEST else {}
        facts: dict[str, Metric] = {
            "best_known": self.record.value, "records": records.version(), **metrics,
        }  # fmt: skip
        return Evaluation(verdict.status, score, facts, told, kept)


def decimal(value: Exact, *, up: bool) -> str:
    """Return a value with 16 digits, rounded away from the record, so that the text claims nothing untrue."""
    exact = Fraction(value)
    context = Context(prec=DIGITS, rounding=ROUND_CEILING if up else ROUND_FLOOR)
    return str(context.divide(exact.numerator, exact.denominator))


def seed(name: str) -> Program:
    """Return the bundled program of a problem."""
    folder = files("kernelevo.evaluators.mathematics").joinpath("seeds")
    if name == "circle_packing_32":
        text = folder.joinpath("circle_packing.py").read_text("utf-8").replace("COUNT = 26", "COUNT = 32", 1)
    else:
        text = folder.joinpath(f"{name}.py").read_text("utf-8")
    return Program({ENTRY: text}, origin=Origin("seed", name))


def _no_construction(error: NotOne) -> Evaluation:
    return Evaluation.wrong(f"solve() returned no construction: {error}")


def _as_text(value: Exact) -> str:
    return str(value if isinstance(value, float) else Fraction(value))


def _second_opinion(text: str) -> str:
    """Compute a saved construction's value in a fresh process by other formulas."""
    with tempfile.TemporaryDirectory(prefix="kernelevo-recheck-") as folder:
        file = Path(folder) / "construction.json"
        file.write_text(text, encoding="utf-8")
        command = [sys.executable, "-P", "-m", "kernelevo.evaluators.mathematics.recheck", str(file)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_RECHECK_SECONDS, check=False,
                env={**os.environ, "PYTHONPATH": python_path()},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"no answer within {_RECHECK_SECONDS:g} s"
    if done.returncode:
        if done.returncode == BadProgram.exit_code:
            return done.stderr.strip()[-500:]
        raise MachineError("the second computation of a record failed", why=done.stderr.strip()[-1000:])
    return str(json.loads(done.stdout)["value"])


def register() -> None:
    """Register an evaluator under each problem's name."""
    for problem in PROBLEMS.values():
        _register(problem)


def _register(problem: Problem) -> None:
    def make(task: Task) -> MathEvaluator:
        return MathEvaluator(problem)

    make.__doc__ = problem.goal
    staged(problem.name)(make)


register()
