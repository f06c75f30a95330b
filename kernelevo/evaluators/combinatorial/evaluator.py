"""The evaluator of a heuristic problem: a cascade of cases, and acceptance by a paired comparison."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from kernelevo.core import Evaluation, Program, Status, Task
from kernelevo.core.evaluation import Fidelity, Metric
from kernelevo.evaluators import data_version
from kernelevo.evaluators.combinatorial.problem import PUBLIC, Case, Problem, digest, private_seed
from kernelevo.evaluators.combinatorial.problems import PROBLEMS, references, seed
from kernelevo.evaluators.combinatorial.rating import pool_strengths
from kernelevo.evaluators.combinatorial.running import (
    CaseResult,
    crash_report,
    machine_factor,
    reads_a_clock,
    run_case,
)
from kernelevo.evaluators.combinatorial.scoring import Paired, best_known, paired, relative
from kernelevo.evaluators.peeking import refuse_if_seen
from kernelevo.evaluators.registry import staged
from kernelevo.evaluators.secret import agreed, fingerprint, folder, machine_secret, named

STAGES = (5, 50, PUBLIC)
TESTS = 50
CLOCK_REPEATS = 2
PRIVATE = 100
_WORST = 3
_INPUT = 1500


@dataclass(frozen=True)
class Accepted:
    """The program that new ones are compared with, and what it got on every case."""

    program: str
    relatives: tuple[float, ...]


class CaseEvaluator:
    """Judges programs for one problem on its public cases: 5, then 50, then 200.

    The score is the mean over cases of the relative score (1: as good as the best known). After each stage a
    program is compared with the best one that this process accepted, case by case; one that is not better on
    any account is stopped, and one that is not better beyond chance on all 200 is not accepted: both keep
    their score as a rough one, which makes nobody a parent, an elite or the best.

    Args:
        problem: what is judged.
        stages: cumulative numbers of cases.
        secret: makes what cases hide, where they do; the machine's own if None.

    Raises:
        Unwritable: if the machine's secret is needed and cannot be kept.
    """

    def __init__(self, problem: Problem, stages: Sequence[int] = STAGES, secret: bytes | None = None) -> None:
        self.problem, self.stages = problem, tuple(stages)
        self.table = best_known(problem.name)
        self.accepted: Accepted | None = None
        if secret is None and problem.hide is not None:
            secret = machine_secret()
        self._secret = secret if problem.hide is not None else None
        self._cases: dict[int, Case] = {}
        self._factor: float | None = None

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program."""
        results: list[CaseResult] = []
        against: Paired | None = None
        for stage in self.stages:
            results += [run_case(self.problem, program, self.case(i)) for i in range(len(results), stage)]
            if failed := self._failed(program, results):
                return failed
            values = self.relatives(results)
            if self.accepted is None or self.accepted.program == program.id:
                continue
            against = paired(values, self.accepted.relatives[:stage])
            if against.hopeless:
                # a mean over fewer cases is no score to compare with: the best one's, and what it is behind
                score = sum(self.accepted.relatives) / len(self.accepted.relatives) + against.mean
                verdict = self._verdict(results, "rough", _stopped(stage, against))
                return replace(verdict, score=score)
        values = self.relatives(results)
        if against is not None and not against.better:
            return self._verdict(results, "rough", _not_accepted(against))
        self.accepted = Accepted(program.id, tuple(values))
        told = "" if against is None else f"accepted: {_said(against)} over the best one before"
        return self._verdict(results, "full", told)

    def finalize(self, program: Program) -> Evaluation:
        """Judge a winner anew on all public cases, beside the seed; twice if it reads a clock."""
        results = self.run(program)
        if failed := self._failed(program, results):
            return failed
        values = self.relatives(results)
        repeats = CLOCK_REPEATS if reads_a_clock(program) else 1
        for _ in range(repeats - 1):
            again = self.relatives(self.run(program))
            values = [(a + b) / 2 for a, b in zip(values, again, strict=True)]
        gain = paired(values, self.relatives(self.run(seed(self.problem.name))))
        verdict = self._verdict(results, "full", f"over the seed: {_said(gain)}", values)
        facts: dict[str, Metric] = {"gain_over_seed": gain.mean, "gain_low": gain.low, "gain_high": gain.high}
        metrics = {**verdict.metrics, **facts, "repeats": repeats}
        return Evaluation(verdict.status, verdict.score, metrics, verdict.feedback, verdict.artifacts)

    def unseal(self, program: Program, secret: bytes) -> dict[str, Any]:
        """Run a program and the bundled ones on private cases, which nobody has seen before.

        Args:
            program: the program of a finished run.
            secret: makes the cases' seeds.

        Returns:
            plain data: mean relative score (to the pool's best on each case), rank, pool performance.
        """
        name = self.problem.name
        cases = [self.problem.case(private_seed(secret, name, i), secret) for i in range(PRIVATE)]
        pool = {"this program": program, **references(name)}
        scores = {label: [run_case(self.problem, p, c).score for c in cases] for label, p in pool.items()}
        better = max if self.problem.direction == "max" else min
        columns = zip(*scores.values(), strict=True)
        # where nobody has an answer everybody gets 0, whatever stands here
        best = [better((s for s in column if s is not None), default=1) for column in columns]
        direction = self.problem.direction
        values = {
            label: [relative(s, b, direction) for s, b in zip(row, best, strict=True)]
            for label, row in scores.items()
        }
        means = {label: sum(row) / len(row) for label, row in values.items()}
        strengths = dict(zip(values, pool_strengths(list(values.values())), strict=True))
        return {
            "cases": PRIVATE,
            "cases_digest": digest(cases),
            "failed_cases": sum(s is None for s in scores["this program"]),
            "mean_relative_score": means["this program"],
            "rank_in_pool": 1 + sum(m > means["this program"] for m in means.values()),
            "pool_performance": round(strengths["this program"]),
            "pool": {
                label: {"mean": means[label], "performance": round(strengths[label])} for label in means
            },
            "reference": "bundled programs; no human standings",
        }

    def seeds(self) -> tuple[Program, ...]:
        """Return the program to start from."""
        return (seed(self.problem.name),)

    def case(self, number: int) -> Case:
        """Return a public case."""
        if number not in self._cases:
            self._cases[number] = self.problem.case(number, self._secret)
        return self._cases[number]

    def run(self, program: Program) -> list[CaseResult]:
        """Run a program on the cases of all stages."""
        return [run_case(self.problem, program, self.case(i)) for i in range(self.stages[-1])]

    def relatives(self, results: Sequence[CaseResult]) -> list[float]:
        """Return the relative score of each result."""
        return [
            relative(r.score, best, self.problem.direction)
            for r, best in zip(results, self.table.scores, strict=False)
        ]

    def _failed(self, program: Program, results: Sequence[CaseResult]) -> Evaluation | None:
        """A program that fails one of the first cases, or a tenth of all, has failed; else they count 0."""
        failed = [r for r in results if r.score is None]
        if not failed or (len(results) > self.stages[0] and len(failed) * 10 < len(results)):
            return None
        first = failed[0]
        told = f"{len(failed)} of {len(results)} cases failed, the first with seed {first.case.seed}: "
        told += first.error
        report = crash_report(self.problem, program, first.case) if first.status is Status.CRASHED else ""
        if report:
            told += f"\na build with checks says: {report}"
        artifacts = {"failed_input.txt": first.case.text[:_INPUT]}
        return Evaluation(first.status, None, {"cases": len(results)}, told, artifacts)

    def _verdict(
        self,
        results: Sequence[CaseResult],
        fidelity: Fidelity,
        told: str,
        values: Sequence[float] | None = None,
    ) -> Evaluation:
        values = self.relatives(results) if values is None else values
        if self._factor is None:
            self._factor = machine_factor()
        slowest = max(r.seconds for r in results)
        metrics: dict[str, Metric] = {
            "cases": len(results),
            "failed_cases": sum(r.score is None for r in results),
            "above_best_known": sum(v > 1 for v in values),
            "best_known": self.table.version,
            "problem_version": self.problem.version,
            "cases_digest": digest([r.case for r in results]),
            "slowest_case_seconds": round(slowest, 3),
            "time_limit": self.problem.seconds,
            "machine_factor": round(self._factor, 2),
            "tests": [
                {"name": f"case {r.case.seed}", "score": v} for r, v in zip(results, values, strict=True)
            ][:TESTS],
        }
        if self._secret is not None:
            metrics["data"] = fingerprint(self._secret)
        text, worst = self._feedback(results, values)
        absolute = json.dumps([r.score for r in results])
        score = sum(values) / len(values)
        told = "\n".join(part for part in (f"mean relative score {score:.4f}", text, told) if part)
        return Evaluation(
            Status.OK, score, metrics, told, {"absolute_scores.json": absolute, **worst}, fidelity
        )

    def _feedback(self, results: Sequence[CaseResult], values: Sequence[float]) -> tuple[str, dict[str, str]]:
        """Tell the mean of each stratum, and show the inputs of the worst cases."""
        strata: dict[str, list[float]] = {}
        for result, value in zip(results, values, strict=True):
            strata.setdefault(result.case.stratum, []).append(value)
        text = ", ".join(f"{name} {sum(v) / len(v):.3f}" for name, v in sorted(strata.items()))
        order = sorted(range(len(results)), key=lambda i: values[i])[:_WORST]
        shown = {
            f"worst_{k}.txt": f"seed {results[i].case.seed}, {results[i].case.stratum}, relative score "
            f"{values[i]:.3f}\n{results[i].case.text[:_INPUT]}"
            for k, i in enumerate(order, 1)
        }
        return text, shown


def rescored(absolute: Sequence[int | None], problem: Problem, scores: Sequence[int]) -> float:
    """Return a verdict's score under another table, from the absolute scores that it keeps.

    Args:
        absolute: the list in its artefact ``absolute_scores.json``.
        problem: whose direction holds.
        scores: best known scores by public seed.
    """
    values = [relative(s, best, problem.direction) for s, best in zip(absolute, scores, strict=False)]
    return sum(values) / len(values)


def _said(found: Paired) -> str:
    return f"{found.mean:+.4f} per case (95 % interval {found.low:+.4f} to {found.high:+.4f})"


def _stopped(stage: int, found: Paired) -> str:
    return f"stopped after {stage} cases, against the best one so far {_said(found)}"


def _not_accepted(found: Paired) -> str:
    return f"not accepted: against the best one so far {_said(found)}, which chance may explain"


def _register(problem: Problem) -> None:
    def make(task: Task) -> CaseEvaluator:
        data_version.require(task.options, problem.name, problem.version)
        if problem.hide is None:
            return CaseEvaluator(problem)
        judge = CaseEvaluator(problem, secret=agreed(task.options))
        told = "what the cases hide can be made from it"
        refuse_if_seen((folder() / "secret",), told, preload=("numpy",))
        return judge

    def options() -> dict[str, Any]:
        return {**data_version.numbered(problem.version), **(named() if problem.hide else {})}

    make.__doc__ = problem.statement
    staged(problem.name, options=options)(make)


for _problem in PROBLEMS.values():
    _register(_problem)
