"""Programs that hold the weights under other names are tried with another construction seed's."""

import random

import pytest
import torch

from kernelevo.core import Program, Status
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.judge import KernelJudge
from tests.kernels.conftest import task_of
from tests.kernels.references import TRANSITION, Ref

MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, width))

    def forward(self, x):
        return torch.tanh(x * self.scale).cumsum(-1)


def get_inputs():
    return [torch.rand(16, 64)]


def get_init_inputs():
    return [64]
"""
PLAIN = MODEL.replace("class Model(", "class ModelNew(").partition("\n\ndef get_inputs")[0]
FROZEN = PLAIN.replace("self.scale = ", "self.gain = ").replace(
    "        return torch.tanh(x * self.scale)",
    "        if not hasattr(self, 'kept'): self.kept = self.gain.detach().clone()\n"
    "        return torch.tanh(x * self.kept)",
)


def test_a_pool_knows_whether_seeds_give_other_weights():
    assert Pool(TRANSITION, random.Random(0)).seeds_matter
    module = torch.nn.Linear(3, 2)
    assert not Pool(Ref(lambda: module, lambda: [torch.rand(4, 3)]), random.Random(0)).seeds_matter


@pytest.mark.slow
def test_other_names_are_refused_where_no_seed_would_show_frozen_weights(build_cache):
    """It kept what it was constructed with for ever, and every case had just these weights."""
    with KernelJudge(task_of(MODEL), cache=build_cache, compiled=(), search_seconds=0.2, threads=1) as judge:
        found = judge.measure(judge.prepare(Program.single(FROZEN)))
        assert found.status is Status.BUILD_FAILED and "under other names" in found.feedback, found.feedback
        plain = judge.measure(judge.prepare(Program.single(PLAIN)))
        assert plain.status is Status.OK and plain.metrics["weights"] == "strict", plain.feedback
