"""Rows 1 to 19 carried out against the judge: each is refused for the right reason, or gains nothing."""

import random

import pytest
import torch

from kernelevo.backends.candidate import load_candidate
from kernelevo.core import Program, Status
from kernelevo.kernels.cases.inputs import free_leaves
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.programs import guard
from kernelevo.kernels.timing.stream import Stream
from tests.adversarial.corpus import MODEL, program
from tests.adversarial.first_rows import CLOCK, DEVICE, LUCKY, STATEFUL, STATEFUL_MODEL
from tests.adversarial.order_rows import CHUNKS, STATEFUL_AHEAD, WARY, WIDE_MODEL, wide
from tests.adversarial.semantic_rows import SEMANTIC, TURNS
from tests.kernels.conftest import stop_batches, task_of
from tests.kernels.references import Ref

PLAIN = program("return RESULT")
EVIL = [*CLOCK, *SEMANTIC]
NOISE = 1.3
"""How much faster than an honest program an attack that gains nothing may look, in the best of three runs."""
TWICE = {e.name for i, e in enumerate(EVIL) if any(e.row == other.row for other in EVIL[:i])}


@pytest.fixture(scope="session")
def evil_judge(build_cache):
    # one thread: where other work takes a core, two that wait for each other tell nothing
    with KernelJudge(
        task_of(MODEL), cache=build_cache, compiled=(), search_seconds=0.3, forward_patience=6.0, threads=1
    ) as made:
        yield made


def verdict(judge, source):
    return judge.measure(judge.prepare(Program.single(source)))


def must_fail_or_gain_nothing(judge, evil):
    for _ in range(3):
        found = verdict(judge, evil.source)
        assert found.status in evil.statuses, found.feedback
        assert all(words in found.feedback for words in evil.words), found.feedback
        if found.status is not Status.OK:
            assert found.score is None and found.metrics.get("speedup_vs_eager") is None
            return
        honest = verdict(judge, PLAIN)
        assert honest.status is Status.OK, honest.feedback
        if found.score < NOISE * honest.score:
            return
    pytest.fail(f"{found.score:.3g} times as fast as the baseline, the honest program {honest.score:.3g}")


def case(evil):
    marks = [pytest.mark.slow] if evil.name in TWICE else []
    return pytest.param(evil, marks=marks, id=f"{evil.row}: {evil.name}")


@pytest.mark.parametrize("evil", [case(evil) for evil in EVIL])
def test_on_the_cpu(evil_judge, evil):
    must_fail_or_gain_nothing(evil_judge, evil)


def test_a_result_that_is_held_stays_what_it_is(evil_judge):
    """No two calls of a batch have shared memory; after 1100 calls the first one's result was another."""
    assert evil_judge.ground.setting.capacity < 1100
    must_fail_or_gain_nothing(evil_judge, TURNS)


@pytest.mark.slow
def test_a_lucky_batch_is_verified_however_many_there_are(evil_judge, monkeypatch):
    monkeypatch.setattr(evil_judge, "_search", 4.0)
    must_fail_or_gain_nothing(evil_judge, LUCKY)


@pytest.mark.slow
def test_calls_far_into_a_stateful_batch_are_verified_too(build_cache):
    honest = STATEFUL_MODEL.replace("class Model(", "class ModelNew(").partition("def get_inputs")[0]
    with KernelJudge(
        task_of(STATEFUL_MODEL), cache=build_cache, compiled=(), search_seconds=0.3, threads=1
    ) as judge:
        found = verdict(judge, honest)
        assert found.status is Status.OK, found.feedback
        must_fail_or_gain_nothing(judge, STATEFUL)
        with pytest.raises(Failed, match=r"work was moved .* before its turn"):
            stop_batches(judge, STATEFUL_AHEAD.source)


@pytest.mark.parametrize(
    "evil", [pytest.param(e, marks=[pytest.mark.slow] if i else [], id=e.name) for i, e in enumerate(CHUNKS)]
)
def test_a_few_calls_at_a_time(evil_judge, evil):
    """On a busy machine a search may stop only two batches, between which such a program can slip through."""
    found = [verdict(evil_judge, evil.source)]
    while found[-1].status is Status.OK and len(found) < 4:
        found.append(verdict(evil_judge, evil.source))
    assert found[-1].status in evil.statuses, found[-1].feedback
    assert all(words in found[-1].feedback for words in evil.words), found[-1].feedback


def test_a_wrong_answer_in_a_stopped_batch_is_not_called_moved_work(evil_judge):
    with pytest.raises(Failed) as caught:
        stop_batches(evil_judge, program("return RESULT * 1.01"))
    assert caught.value.status is Status.WRONG
    words = caught.value.feedback
    assert words.startswith("wrong result in a call of a stopped batch") and "allowed" in words
    assert "was moved" not in words


@pytest.mark.slow
def test_one_call_ahead_where_a_batch_has_two(build_cache):
    with KernelJudge(
        task_of(WIDE_MODEL), cache=build_cache, compiled=(), search_seconds=0.6, threads=1
    ) as judge:
        honest = verdict(judge, wide(PLAIN))
        assert honest.status is Status.OK, honest.feedback
        assert stop_batches(judge, wide(PLAIN), calls=2) > 0
        with pytest.raises(Failed, match=r"work was moved .* before its turn"):
            stop_batches(judge, wide(CHUNKS[0].source).replace("split(16)", "split(1)"), calls=2)


@pytest.mark.slow
@pytest.mark.xfail(
    strict=True, reason="a program that looks again before each answer is right whatever comes when"
)
def test_a_program_that_computes_ahead_and_looks_twice(build_cache):
    with KernelJudge(
        task_of(WIDE_MODEL), cache=build_cache, compiled=(), search_seconds=0.6, threads=1
    ) as judge:
        assert verdict(judge, WARY.source).status is not Status.OK


def test_every_row_has_a_program():
    assert {e.row for e in EVIL} == set(range(1, 20))
    assert len({e.name for e in EVIL}) == len(EVIL)


def test_the_judge_lives_on_and_an_honest_program_is_still_right(evil_judge):
    found = verdict(evil_judge, PLAIN)
    assert found.status is Status.OK and 0.1 < found.score < 10, found.feedback


# ---------------------------------------------------------------------- programs for a device


@pytest.mark.parametrize("evil", DEVICE, ids=lambda e: f"{e.row}: {e.name}")
def test_what_attacks_a_device_is_a_program(evil, tmp_path, monkeypatch):
    assert not guard.read(evil.source).problem
    cuda = torch.cuda
    patched = [(cuda, "synchronize"), (cuda.Event, "elapsed_time"), (cuda.Stream, "synchronize")]
    for owner, name in patched:
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back what the program replaces
    module = load_candidate(evil.source, tmp_path)(128)
    assert isinstance(module, torch.nn.Module)


@pytest.fixture(scope="module")
def device_judge(build_cache):
    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device")
    with KernelJudge(
        task_of(MODEL, device="cuda"), cache=build_cache, compiled=(), search_seconds=1.0
    ) as made:
        yield made


@pytest.mark.gpu
@pytest.mark.parametrize("evil", DEVICE, ids=lambda e: f"{e.row}: {e.name}")
def test_on_the_device(device_judge, evil):
    must_fail_or_gain_nothing(device_judge, evil)


# ---------------------------------------------------------------------- row 17 at its source


def test_no_call_is_a_shifted_or_scaled_copy_of_another():
    """Then a table of a homogeneous task's answers, found by ratios of neighbours, would answer it."""
    ref = Ref(torch.nn.Identity, lambda: [torch.rand(1 << 16)])
    stream = Stream(ref, free_leaves(ref, 0), ["shipped"], random.Random(3), slack=1 << 12)
    seen = set()
    for _ in range(12):
        x = stream.leaves(stream.pick())[0]
        ratios = (x[1:] / x[:-1]).mul(1e4).round().nan_to_num(-1).long().tolist()
        runs = set(zip(ratios, ratios[1:], ratios[2:], ratios[3:], strict=False))
        assert len(runs & seen) < len(runs) // 100
        seen |= runs
