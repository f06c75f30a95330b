"""Running a program on one case: batch or reactive, in the sandbox, judged by the problem's own scorer."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from kernelevo.core import Program, Status
from kernelevo.evaluators.calling import execute
from kernelevo.evaluators.combinatorial.problem import Case, Problem, WrongAnswer
from kernelevo.evaluators.conversing import converse
from kernelevo.evaluators.native_program import LANGUAGES
from kernelevo.evaluators.outcome import ProgramFailed

CHECKED = ("-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-D_GLIBCXX_ASSERTIONS")
"""Flags of the build that tells why a C++ program crashed."""
MEMORY = 512 << 20
_CLOCKS = re.compile(r"\b(import time|from time|perf_counter|chrono|clock_gettime|clock\()")
_LOOPS = 200_000
_SECONDS_THERE = 0.010  # of the calibration loop, on the machine where the tables were made


@dataclass(frozen=True)
class CaseResult:
    """How a program did on one case.

    Args:
        case: the case.
        status: OK for a valid answer.
        score: absolute score, None without a valid answer.
        seconds: wall time.
        error: why there is no valid answer.
    """

    case: Case
    status: Status
    score: int | None
    seconds: float
    error: str = ""


def run_case(problem: Problem, program: Program, case: Case, flags: tuple[str, ...] = ()) -> CaseResult:
    """Run a program on a case; only what the problem's scorer computes counts.

    Args:
        problem: what is solved.
        program: the candidate, Python (a script) or C++.
        case: one of its cases.
        flags: further compiler flags.

    Raises:
        SandboxError, ToolchainMissing: if this machine cannot run it.
    """
    if problem.score is not None:
        outcome = execute(program, case.text, timeout=problem.seconds, memory_bytes=MEMORY, flags=flags)
        if not outcome.ok:
            return CaseResult(case, outcome.status, None, outcome.seconds, outcome.error)
        try:
            return CaseResult(case, Status.OK, problem.score(case, outcome.value), outcome.seconds)
        except WrongAnswer as error:
            return CaseResult(case, Status.WRONG, None, outcome.seconds, str(error))
    assert problem.talk is not None  # one of the two is given
    began = time.perf_counter()
    try:
        with converse(
            program, query_seconds=problem.seconds, timeout=problem.seconds, memory_bytes=MEMORY, flags=flags
        ) as talk:
            began = time.perf_counter()
            score = problem.talk(case, talk)
            return CaseResult(case, Status.OK, score, talk.seconds)
    except WrongAnswer as error:
        return CaseResult(case, Status.WRONG, None, time.perf_counter() - began, str(error))
    except ProgramFailed as failed:
        found = failed.outcome
        return CaseResult(case, found.status, None, found.seconds, found.error)


def crash_report(problem: Problem, program: Program, case: Case) -> str:
    """Return what a build with checks says about a C++ program that crashed on a case; empty for Python."""
    if program.language not in LANGUAGES:
        return ""
    checked = run_case(problem, program, case, CHECKED)
    return checked.error or "the build with checks did not crash: uninitialised values are likely"


def reads_a_clock(program: Program) -> bool:
    """Whether a program's text mentions a clock, so that its answers may depend on the machine's speed."""
    return any(_CLOCKS.search(text) for text in program.files.values())


def machine_factor() -> float:
    """Return how long a fixed loop takes here, over where the tables were made: above 1 is slower."""

    def once() -> float:
        began = time.perf_counter()
        total = 0
        for i in range(_LOOPS):
            total += i & 7
        return time.perf_counter() - began

    return min(once() for _ in range(3)) / _SECONDS_THERE
