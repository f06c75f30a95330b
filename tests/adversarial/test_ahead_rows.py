"""What can be known of a call before the clock runs, or from calls before it, is worth nothing."""

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.judge import KernelJudge
from tests.adversarial.ahead_rows import AHEAD
from tests.kernels.conftest import task_of

NOISE = 1.4


def test_they_are_programs():
    for model, evil in AHEAD:
        compile(evil.source, evil.name, "exec")
        assert "def get_inputs" in model and "def get_inputs" not in evil.source


@pytest.mark.slow
@pytest.mark.parametrize("model, evil", AHEAD, ids=lambda v: getattr(v, "name", ""))
def test_nothing_is_known_before_its_time(tmp_path, model, evil):
    """Each took some ten times less than the honest program when seeds came with the command to make ready,
    and when numbers of words came from two draws in turn."""
    honest = model.replace("class Model(", "class ModelNew(").partition("\n\ndef get_inputs")[0]
    with KernelJudge(task_of(model), cache=tmp_path, compiled=(), search_seconds=0.5, threads=1) as judge:
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
