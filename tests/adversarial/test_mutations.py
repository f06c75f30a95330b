"""Bugs of transcription are caught by the judge's cases, and right programs are not accused."""

import collections

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.children.supervisor import PRELOAD
from kernelevo.kernels.guarded import SWITCH
from kernelevo.sandbox.zygote import Zygote
from tests.adversarial.mutations import KINDS, Court, everything, mutants, sample
from tests.adversarial.transcriptions import TASKS

# mutants that pass, by their line, and why: each computes the same function at its task's shape
EQUIVALENT: dict[tuple[str, str, str], str] = {
    ("softmax", "cpp", "for (int64_t j = 0; j < cols; j++) if (in[j] >= top) top = in[j];"): (
        "the larger of two equal numbers is either"
    ),
    ("softmax", "cpp", "for (int64_t k = 0; k <= cols; k += 16) {"): "no multiple of 16 equals cols",
    ("gemm and bias", "cpp", "for (int64_t k = 0; k <= depth; k += 64) {"): "no multiple of 64 equals depth",
    ("gemm and bias", "cpp", "y[uint16_t(i * cols + j)] = float(sum + bias[j]);"): (
        "the output has 8,777 elements"
    ),
    ("gelu", "cpp", "for (int64_t i = 0; i <= count; i += 1024) {"): "no multiple of 1024 equals count",
    ("gelu", "cpp", "for (int64_t i = 0; i < count; i += 1000) {"): "blocks overlap: some work is done twice",
}
# mutants whose values are right on every case, but which reach beyond an array: only a winner is refused
_BEYOND = "reads one float beyond the array, whose value changes nothing"
SANITIZED: dict[tuple[str, str, str], str] = {
    ("softmax", "cpp", "for (int64_t j = 0; j <= cols; j++) if (in[j] > top) top = in[j];"): _BEYOND,
    ("softmax", "cpp", "for (int64_t l = 0; l <= 16; l++) lanes[l] = "
     "(k + l < cols) ? std::exp(in[k + l] - top) : 0.0f;"): "writes one float beyond a local array",
    ("softmax", "cpp", "for (int64_t l = 0; l <= 16; l++) sum += lanes[l];"): _BEYOND,
    ("gelu", "cpp", "for (int64_t j = i; j <= end; j++)"): "writes one float beyond the output",
    # the last of three such loops
    ("batchnorm", "cpp", "for (int64_t b = 0; b <= batch; b++)"): "writes one image beyond the output",
}  # fmt: skip
# mutants that pass although they are wrong
_WITHIN = "moves no value by more than the tolerance of 1e-5"
MISSED: dict[tuple[str, str, str], str] = {
    ("gelu", "cpp", "y[j] = float(0.5 * x[j] * (1.0 + std::erf(x[j] * 0.7071)));"): _WITHIN,
    ("gelu", "python", "y[start : start + 4096] = 0.5 * part * (1.0 + torch.erf(part * 0.7071))"): _WITHIN,
}  # fmt: skip


@pytest.fixture(scope="module")
def courts(tmp_path_factory):
    """A court for each task, opened when first asked for; one zygote and one build cache for all."""
    cache, opened = tmp_path_factory.mktemp("cache"), {}

    with Zygote(PRELOAD, threads=2) as zygote, pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "on")

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
    excused = [*EQUIVALENT, *SANITIZED, *MISSED]
    assert set(excused) <= known and len(set(excused)) == len(excused)


def survivors(courts, found, *, winner=False):
    """Check mutants; return those that pass, and those that no compiler takes (which are no mutants)."""
    alive, no_programs = [], []
    for mutant in found:
        status, words = courts(mutant.task).check(mutant.text, winner=winner)
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
    chosen = sample(9, 5, tasks)
    alive, no_programs = survivors(courts, chosen)
    assert no_programs == [] and len({m.kind for m in chosen}) >= 8
    assert [m.key for m in alive if m.key not in {**EQUIVALENT, **SANITIZED, **MISSED}] == []


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
    alive, no_programs = survivors(courts, found, winner=True)
    assert no_programs == []
    unexplained = {m.key for m in alive} - set(EQUIVALENT) - set(MISSED)
    assert unexplained == set(), f"{len(alive)} of {len(found)} pass"
    wrong = [m for m in found if m.key not in EQUIVALENT]
    caught = len(wrong) - sum(m.key not in EQUIVALENT for m in alive)
    assert caught >= len(wrong) - len(MISSED), f"{caught} of {len(wrong)}"
