"""Bugs of transcription are caught by the judge's cases, and right programs are not accused."""

import collections

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.ground import PRELOAD
from kernelevo.sandbox.zygote import Zygote
from tests.adversarial.mutations import KINDS, Court, everything, mutants, sample
from tests.adversarial.transcriptions import TASKS

# mutants that pass, by their line, and why: each computes the same function as the original
EQUIVALENT: dict[tuple[str, str, str], str] = {}
# mutants that pass although they are wrong
MISSED: dict[tuple[str, str, str], str] = {}


@pytest.fixture(scope="module")
def courts(tmp_path_factory):
    """A court for each task, opened when first asked for; one zygote and one build cache for all."""
    cache, opened = tmp_path_factory.mktemp("cache"), {}

    with Zygote(PRELOAD, threads=2) as zygote:

        def court(task):
            if task not in opened:
                opened[task] = Court(task, zygote, cache)
            return opened[task]

        yield court
        for made in opened.values():
            made.close()


def test_every_kind_of_bug_has_mutants_in_both_languages():
    made = collections.Counter((m.language, m.kind) for m in everything())
    assert set(made) == {(language, kind) for language in ("cpp", "python") for kind in KINDS}
    assert all(any(mutants(task, language)) for task in TASKS for language in ("cpp", "python"))
    known = {m.key for m in everything()}
    assert set(EQUIVALENT) | set(MISSED) <= known and not set(EQUIVALENT) & set(MISSED)


def survivors(courts, found):
    """Check mutants; return those that pass, and those that no compiler takes (which are no mutants)."""
    alive, no_programs = [], []
    for mutant in found:
        status, words = courts(mutant.task).check(mutant.text)
        if status is Status.OK:
            alive.append(mutant)
        elif status is Status.BUILD_FAILED:
            no_programs.append((mutant.key, words))
    return alive, no_programs


def test_a_sample_is_caught_and_the_originals_pass(courts):
    tasks = ("softmax", "gemm and bias")
    for task in tasks:
        for text in TASKS[task].programs.values():
            assert courts(task).check(text) == (Status.OK, "")
    chosen = sample(11, 5, tasks)
    alive, no_programs = survivors(courts, chosen)
    assert no_programs == [] and len({m.kind for m in chosen}) >= 8
    assert [m.key for m in alive if m.key not in EQUIVALENT] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_originals_pass_the_whole_judge(courts):
    for task, transcribed in TASKS.items():
        judge = courts(task).judge
        for text in transcribed.programs.values():
            verdict = judge.measure(judge.prepare(Program.single(text)))
            assert verdict.status is Status.OK, (task, verdict.feedback)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_bugs_are_caught(courts):
    found = everything()
    alive, no_programs = survivors(courts, found)
    assert no_programs == []
    unexplained = {m.key for m in alive} - set(EQUIVALENT) - set(MISSED)
    assert unexplained == set(), f"{len(alive)} of {len(found)} pass"
    wrong = [m for m in found if m.key not in EQUIVALENT]
    caught = len(wrong) - sum(m.key not in EQUIVALENT for m in alive)
    assert caught >= 0.95 * len(wrong), f"{caught} of {len(wrong)}"
