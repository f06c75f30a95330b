"""A module with outputs of every kind: its own text passes, an honest rewrite too, and each bug is seen."""

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.judge import KernelJudge
from tests.few import few
from tests.kernels.conftest import task_of

MODEL = """
from typing import Any, NamedTuple

import torch
from torch import nn


class Found(NamedTuple):
    best: Any
    wave: torch.Tensor
    scale: torch.Tensor
    mean: float
    nothing: torch.Tensor


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.again, self.scale = self.first, nn.Parameter(torch.ones(width))

    def forward(self, x):
        h = self.again(torch.relu(self.first(x))) * self.scale
        return Found(torch.topk(h, 4), torch.fft.rfft(h).conj(), self.scale, float(h.mean()), x[:, :0])


def get_inputs():
    return [torch.rand(16, 64)]


def get_init_inputs():
    return [64]
"""
"""A shared layer, a named tuple with what topk returns in it, a lazily conjugated spectrum, a weight that is
handed out, a number of Python's, and an empty tensor."""
PLAIN = MODEL.replace("class Model(", "class ModelNew(").partition("\n\ndef get_inputs")[0]
REWRITTEN = PLAIN.replace("torch.fft.rfft(h).conj()", "torch.fft.fft(h)[:, :33].conj()").replace(
    "float(h.mean())", "h.double().sum().item() / 1024"
)
WRONG = {
    "not conjugated": ("rfft(h).conj()", "rfft(h)", "output[2]"),
    "another mean": ("float(h.mean())", "float(h.mean()) + 1e-3", "output[4]"),
    "no number": ("float(h.mean())", "h.mean()", "output[4]"),
    "other places": ("torch.topk(h, 4)", "torch.topk(h + 0.01 * x, 4)", "output[0]"),
    "another name": ("class Found", "class Result", "another structure"),
    "another weight": ("rfft(h).conj(), self.scale", "rfft(h).conj(), self.scale + 1", "output[3]"),
}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with KernelJudge(task_of(MODEL), cache=cache, compiled=(), search_seconds=0.2, threads=1) as made:
        made.ground.pool.fill()
        yield made


@pytest.mark.parametrize("source", few([REWRITTEN, PLAIN], 1), ids=["rewritten", "itself"])
def test_honest_programs_pass(judge, source):
    assert judge.ground.setting.returns_held == (False, False, False, True, False, False)
    found = judge.measure(judge.prepare(Program.single(source)))
    assert found.status is Status.OK, found.feedback
    assert found.metrics["precision"] == "fp32-accurate" and found.metrics["timed_outputs_verified"] > 0


@pytest.mark.parametrize("was, now, words", WRONG.values(), ids=WRONG)
def test_bugs_are_seen(judge, was, now, words):
    assert was in PLAIN
    text = PLAIN.replace(was, now)
    if was == "class Found":
        text = text.replace("return Found", "return Result")
    found = judge.measure(judge.prepare(Program.single(text)))
    assert found.status is Status.WRONG and words in found.feedback, found.feedback
