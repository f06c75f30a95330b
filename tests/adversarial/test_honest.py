"""Honest programs that look suspicious pass, with a score and no word against them."""

import ast

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.faults.rules import RAISES
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.programs.compiled_code import NEW_CODE
from tests.adversarial.honest import HONEST
from tests.adversarial.references import REMEMBERS
from tests.few import few
from tests.kernels.conftest import stop_batches, task_of

# in every run; the others with the slow ones
ALWAYS = {
    "scratch that is kept", "a helper thread that is joined", "a choice that was timed", "statistics by hand",
}  # fmt: skip


def test_there_are_enough_of_them_and_no_two_alike():
    assert len(HONEST) >= 20 and len({h.name for h in HONEST}) == len(HONEST)
    texts = {ast.dump(ast.parse(h.source)) for h in HONEST}
    assert len(texts) == len(HONEST)
    assert {h.name for h in HONEST} >= ALWAYS


@pytest.mark.parametrize("honest", few(HONEST, ALWAYS, name=lambda honest: honest.name))
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


@pytest.mark.slow
def test_a_program_that_compiles_anew_in_a_judged_call_is_told_what_to_do(normed_judge):
    (compiled,) = (h.source for h in HONEST if h.name == "torch.compile")
    counts = compiled.replace(
        "return self.fast(x)",
        "self.n = getattr(self, 'n', 0) + 1\n        return self.fast(x, float(self.n))",
    ).replace("def plain(self, x):", "def plain(self, x, n):")
    counts = counts.replace("return self.out(", "return n / n * self.out(")
    patience, normed_judge._stages._forward_patience = normed_judge._stages._forward_patience, 60.0
    try:
        found = normed_judge.measure(normed_judge.prepare(Program.single(counts)))
    finally:
        normed_judge._stages._forward_patience = patience
    assert found.status is Status.CRASHED, found.feedback
    assert NEW_CODE in found.feedback and RAISES.honest in found.feedback


@pytest.mark.slow
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
