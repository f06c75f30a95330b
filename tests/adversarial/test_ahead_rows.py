"""What can be known of a call before the clock runs, or from calls before it, is worth nothing."""

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.judge import KernelJudge
from tests.adversarial.ahead_rows import AHEAD, AT_LOADING, LEFT_OUT, STATISTICS_MODEL, WORDS_MODEL
from tests.kernels.conftest import task_of

NOISE = 1.4


def honest_one(model):
    return model.replace("class Model(", "class ModelNew(").partition("\n\ndef get_inputs")[0]


def test_they_are_programs():
    for model, evil in [*AHEAD, (STATISTICS_MODEL, LEFT_OUT), (WORDS_MODEL, AT_LOADING)]:
        compile(evil.source, evil.name, "exec")
        assert "def get_inputs" in model and "def get_inputs" not in evil.source


@pytest.mark.slow
@pytest.mark.parametrize("model, evil", AHEAD, ids=lambda v: getattr(v, "name", ""))
def test_nothing_is_known_before_its_time(build_cache, model, evil):
    """Each took some ten times less than the honest program when seeds came with the command to make ready,
    and when numbers of words came from two draws in turn."""
    honest = honest_one(model)
    with KernelJudge(task_of(model), cache=build_cache, compiled=(), search_seconds=0.5, threads=1) as judge:
        for _ in range(3):
            found, plain = (
                judge.measure(judge.prepare(Program.single(source)))
                for source in (evil.source, f"{honest}\n# as it is\n")
            )
            assert found.status in evil.statuses, found.feedback
            assert plain.status is Status.OK, plain.feedback
            if found.score < NOISE * plain.score:
                return
    pytest.fail(f"{found.score:.3g} times as fast as the baseline, the honest program {plain.score:.3g}")


@pytest.mark.slow
def test_buffers_are_compared_after_a_batch_too(build_cache):
    """Who left them out in batches was 1.9 times as fast, and right in all that was looked at."""
    with KernelJudge(
        task_of(STATISTICS_MODEL), cache=build_cache, compiled=(), search_seconds=0.3, threads=1
    ) as judge:
        found = judge.measure(judge.prepare(Program.single(LEFT_OUT.source)))
        assert found.status in LEFT_OUT.statuses, (found.score, found.feedback)
        assert all(words in found.feedback for words in LEFT_OUT.words), found.feedback
        other = honest_one(STATISTICS_MODEL).replace(
            "self.moments.mul_(0.9).add_(x.t() @ x", "self.moments.mul_(0.9).addmm_(x.t(), x"
        )
        fused = judge.measure(judge.prepare(Program.single(other)))
        assert fused.status is Status.OK, fused.feedback


@pytest.mark.slow
def test_weights_are_written_in_place_where_inputs_are_words_too(build_cache):
    """It looked up what it had made of all words, and was right after each load_state_dict."""
    with KernelJudge(
        task_of(WORDS_MODEL), cache=build_cache, compiled=(), search_seconds=0.3, threads=1
    ) as judge:
        judge.ground.pool.fill()
        found = judge.measure(judge.prepare(Program.single(AT_LOADING.source)))
        assert found.status in AT_LOADING.statuses, (found.score, found.feedback)
        assert all(words in found.feedback for words in AT_LOADING.words), found.feedback
