"""A module that keeps a plain tensor is constructed anew before each batch; that is no call's cost."""

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.judge import KernelJudge
from tests.kernels.conftest import task_of

MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.cell = nn.Linear(width + 64, 64)
        self.hidden = torch.randn(32, 64)

    def forward(self, x):
        self.hidden = torch.tanh(self.cell(torch.cat([x, self.hidden], dim=1)))
        return self.hidden


def get_inputs():
    return [torch.rand(32, 64)]


def get_init_inputs():
    return [64]
"""
PLAIN = MODEL.replace("class Model(", "class ModelNew(").partition("def get_inputs")[0]
PACKED = PLAIN.replace("import torch\n", "import time\nimport torch\nimport kernelevo\n", 1).replace(
    "class ModelNew(",
    "def pack(weight):\n    time.sleep(0.5)\n    return weight.t().contiguous()\n\n\nclass ModelNew(",
)
PACKED = PACKED.replace(
    "self.cell(torch.cat([x, self.hidden], dim=1))",
    "torch.cat([x, self.hidden], dim=1) @ kernelevo.packed(pack, self.cell.weight) + self.cell.bias",
)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with KernelJudge(task_of(MODEL), cache=cache, compiled=(), search_seconds=0.3, threads=1) as made:
        yield made


@pytest.mark.slow
def test_what_a_program_packs_once_is_no_part_of_its_calls(judge):
    """Half a second in the first of the calls of a batch, which last some 20 ms, would show."""
    plain, packed = (judge.measure(judge.prepare(Program.single(text))) for text in (PLAIN, PACKED))
    assert plain.status is packed.status is Status.OK, packed.feedback
    assert packed.metrics["latency_ms"] < 4 * plain.metrics["latency_ms"]
    assert packed.metrics["timed_outputs_verified"] > 0


def test_a_call_is_replayed_with_those_before_it(judge):
    """A program that drops its state after the call that is not timed is wrong in the first timed one."""
    text = PLAIN.replace(
        "    def forward(self, x):\n",
        "    def forward(self, x):\n        self.calls = getattr(self, 'calls', 0) + 1\n"
        "        if self.calls == 2: self.hidden = torch.zeros(32, 64)\n",
    )
    found = judge.measure(judge.prepare(Program.single(text)))
    assert found.status is Status.WRONG and "worst at" in found.feedback, found.feedback
