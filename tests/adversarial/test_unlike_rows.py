"""What is right where one call is armed has to be right, and as precise, where many are."""

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.judge import KernelJudge
from tests.adversarial.unlike_rows import CANCELS, COARSE, SHARES_MODEL, SPREAD_MODEL, honest
from tests.kernels.conftest import task_of


def verdicts(cache, model, evil):
    with KernelJudge(task_of(model), cache=cache, compiled=(), search_seconds=0.3, threads=1) as judge:
        judge.ground.pool.fill()
        return [judge.measure(judge.prepare(Program.single(text))) for text in (evil.source, honest(model))]


@pytest.mark.parametrize("evil", [CANCELS, COARSE], ids=lambda e: e.name)
def test_they_are_programs(evil):
    compile(evil.source, evil.name, "exec")
    assert "len(armed) > 1" in evil.source and "get_inputs" not in evil.source


def test_batches_have_inputs_of_every_kind_too(tmp_path):
    """Without them it was right in all that was looked at: timed inputs have no rows that cancel."""
    found, plain = verdicts(tmp_path, SPREAD_MODEL, CANCELS)
    assert found.status in CANCELS.statuses, found.feedback
    assert all(words in found.feedback for words in CANCELS.words), found.feedback
    assert plain.status is Status.OK and plain.metrics["precision"] == "fp32-accurate", plain.feedback


@pytest.mark.slow
def test_the_precision_of_batches_counts(tmp_path):
    """Its class was that of its single calls, and so was the baseline that it had to beat on a device."""
    found, plain = verdicts(tmp_path, SHARES_MODEL, COARSE)
    assert found.status in COARSE.statuses, found.feedback
    assert found.status is Status.WRONG or found.metrics["precision"] in ("tf32", "lower"), found.metrics
    assert plain.status is Status.OK and plain.metrics["precision"] == "fp32-accurate", plain.feedback
