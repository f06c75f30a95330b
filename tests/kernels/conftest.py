"""One judge for the room's tests: its zygote and baselines are started once."""

import pytest

from kernelevo.core import Task
from kernelevo.kernels.judge import KernelJudge

MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.linear = nn.Linear(width, 96)
        self.out = nn.Linear(96, 32)

    def forward(self, x):
        return self.out(torch.relu(self.linear(torch.relu(self.norm(x)))))


def get_inputs():
    return [torch.rand(64, 128)]


def get_init_inputs():
    return [128]
"""
RESULT = "self.out(torch.relu(self.linear(torch.relu(self.norm(x)))))"


def candidate(body: str) -> str:
    """A program for the model above whose forward has the given body; RESULT stands for the right answer."""
    source = MODEL.replace("class Model(", "class ModelNew(").split("def get_inputs")[0]
    body = body.replace("RESULT", RESULT)
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return source.replace(f"        return {RESULT}\n", lines)


def task_of(text: str, **options) -> Task:
    reference = {"kind": "source", "text": text, "filename": "task.py", "size": "full", "entry": "Model"}
    return Task("test", "make it faster", options={"reference": reference, **options})


@pytest.fixture(scope="session")
def judge(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with KernelJudge(
        task_of(MODEL), cache=cache, compiled=(), search_seconds=0.3, final_seconds=0.9, forward_patience=4.0
    ) as made:
        yield made
