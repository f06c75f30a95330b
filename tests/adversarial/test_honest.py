"""Honest programs that look suspicious pass, with a score and no word against them."""

import ast

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.judge import KernelJudge
from tests.adversarial.honest import HONEST
from tests.adversarial.references import REMEMBERS
from tests.kernels.conftest import stop_batches, task_of

# in every run; the others with the slow ones
ALWAYS = {
    "packed weights", "scratch that is kept", "a cache of views", "torch for the boring part",
    "bf16 in three parts", "a helper thread that is joined", "a choice that was timed",
    "weights in one tensor", "statistics by hand", "work that nobody uses is left out",
}  # fmt: skip


COMPILES_ANEW = pytest.mark.xfail(
    strict=True,
    reason="in the run stage Inductor asks `g++ --version` to pick the CPU's vectors, which needs a process; "
    "nothing asks it before the filter is put on, so a program that calls torch.compile crashes on a CPU",
)


def marks(honest):
    if honest.slow:
        return [pytest.mark.slow, COMPILES_ANEW]
    return [] if honest.name in ALWAYS else [pytest.mark.slow]


def test_there_are_enough_of_them_and_no_two_alike():
    assert len(HONEST) >= 20 and len({h.name for h in HONEST}) == len(HONEST)
    texts = {ast.dump(ast.parse(h.source)) for h in HONEST}
    assert len(texts) == len(HONEST)
    assert {h.name for h in HONEST} >= ALWAYS


@pytest.mark.parametrize(
    "honest",
    [pytest.param(h, id=h.name, marks=marks(h)) for h in HONEST],
)
def test_an_honest_program_passes(normed_judge, dropped_judge, honest):
    judge = dropped_judge if honest.task == "dropped" else normed_judge
    patience, judge._stages._forward_patience = judge._stages._forward_patience, 60.0 if honest.slow else 8.0
    try:
        found = judge.measure(judge.prepare(Program.single(honest.source)))
    finally:
        judge._stages._forward_patience = patience
    assert found.status is Status.OK, found.feedback
    assert found.score > 0 and found.metrics["precision"] in ("fp32-accurate", "tf32")
    assert found.metrics["cases"] >= 6 and found.metrics["timed_outputs_verified"] > 0


def test_a_state_that_is_carried_on_is_followed_and_one_that_is_not_is_seen(normed_judge):
    """Calls at other addresses are verified with the state that the calls before them left."""
    source = REMEMBERS.replace("class Model(", "class ModelNew(")
    cache = normed_judge.ground.baselines.folder.parents[1]
    with KernelJudge(
        task_of(REMEMBERS), cache=cache, zygote=normed_judge.ground.zygote, compiled=(), search_seconds=0.12
    ) as judge:
        found = judge.measure(judge.prepare(Program.single(source)))
        assert found.status is Status.OK, found.feedback
        assert stop_batches(judge, source) > 0
        forgets = source.replace("self.hidden = torch.tanh", "y = torch.tanh").replace(
            "return self.hidden.clone()", "return y"
        )
        found = judge.measure(judge.prepare(Program.single(forgets)))
    assert found.status is Status.WRONG and "in a call on tensors at other addresses" in found.feedback
