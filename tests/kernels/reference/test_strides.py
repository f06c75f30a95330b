"""A program that stands in for a live module answers in the module's strides, and that work is timed."""

import pytest
import torch
from torch import nn

from kernelevo.backends import pickled
from kernelevo.core import Program, Task
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.reference.strides import laid_out
from kernelevo.kernels.reference.tree import Leaf
from tests.kernels.conftest import task_of

TURNED = """
from torch import nn


class {name}(nn.Module):
    def forward(self, x):
        return (x * 2.0){turn}, x.sum(), 3
"""
INPUTS = """

import torch


def get_inputs():
    return [torch.rand(64, 48)]


def get_init_inputs():
    return []
"""
PROGRAM = TURNED.format(name="ModelNew", turn=".t().contiguous().t()")


class Doubled(nn.Module):
    def forward(self, x):
        return x * 2.0, x.sum(), 3


def strides(task, folder):
    """Return the strides of what the program answers in a child, which must be right."""
    with KernelJudge(task, cache=folder, compiled=(), search_seconds=0.2) as judge:
        ground = judge.ground
        ground.make_ready()
        artifact = judge.prepare(Program.single(PROGRAM))
        with judge._stages.enter(ground, artifact) as session:
            session.construct(ground.pool.weights(ground.pool.base_seed), ground.pool.base_seed)
            pick = ground.stream.pick()
            batch = session.batch(ground.stream.values([pick]), [pick.seed])
            answer = session.answer(batch.said, 0, 1)
            (given,) = ground.stream.near(pick)
        assert torch.equal(answer.leaves[0], given * 2.0) and answer.leaves[2] == 3
        assert judge.measure(artifact).feedback.startswith("correct")
        return answer.leaves[0].stride()


@pytest.mark.slow
def test_a_program_of_a_live_module_is_timed_with_its_results_laid_out(tmp_path):
    path = tmp_path / "module.pkl"
    pickled.write(path, Doubled(), [(torch.rand(64, 48),)])
    task = Task("live", "x", options={"reference": {"kind": "pickle", "path": str(path)}})
    assert strides(task, tmp_path / "cache") == (48, 1)


@pytest.mark.slow
def test_a_program_of_a_task_answers_as_it_likes(tmp_path):
    task = task_of(TURNED.format(name="Model", turn="") + INPUTS)
    assert strides(task, tmp_path / "cache") == (1, 64)


@pytest.mark.parametrize("shape", [(3, 4), (3, 1), (1, 1), (0, 4), ()])
def test_results_that_lie_right_are_left_alone(shape):
    value = torch.rand(shape)
    assert laid_out(value, [Leaf.of(value)]) is value
    both = (value, "text")
    assert laid_out(both, [Leaf.of(value), "text"]) is both


def test_others_are_copied_and_expanded_or_odd_ones_are_not():
    value = torch.rand(3, 4).t()
    kind = Leaf("float32", (4, 3), (3, 1))
    found = laid_out({"a": value, "b": 1}, [kind, 1])
    assert found["a"].stride() == (3, 1) and torch.equal(found["a"], value) and found["b"] == 1
    assert laid_out(value, [Leaf("float32", (4, 3), (0, 1))]) is value
    assert laid_out(value, [Leaf("float32", (3, 4), (4, 1))]) is value
    assert laid_out(value, [kind, kind]) is value
