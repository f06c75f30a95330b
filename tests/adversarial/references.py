"""The tasks of the later rows and of the honest programs, and programs for them."""

from __future__ import annotations

from tests.kernels.conftest import MODEL

NORMED = MODEL
"""Statistics that move with each call, and inputs of one sign."""

DROPPED = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 64)
        self.drop = nn.Dropout(0.25)
        self.gain = nn.Parameter(torch.zeros(64))

    def forward(self, x):
        unused = torch.tanh(x).cumsum(0)
        y = torch.softmax(4 * self.drop(self.linear(x)), -1)
        return y, x + self.gain * y


def get_inputs():
    return [torch.rand(64, 64)]


def get_init_inputs():
    return [64]
"""
"""Random numbers, a softmax that overflows without its maximum, a gain of zero, and work that nobody uses."""

REMEMBERS = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 32)
        self.hidden = torch.zeros(64, 32)

    def forward(self, x):
        self.hidden = torch.tanh(self.linear(x) + self.hidden)
        return self.hidden.clone()


def get_inputs():
    return [torch.rand(64, 64)]


def get_init_inputs():
    return [64]
"""
"""An answer that depends on the calls before."""

TASKS = {"normed": NORMED, "dropped": DROPPED}
RESULTS = {
    "normed": "self.out(torch.relu(self.linear(torch.relu(self.norm(x)))))",
    "dropped": "torch.softmax(4 * self.drop(self.linear(x)), -1)",
}


def normed(body: str, head: str = "", init: str = "") -> str:
    """Return a program for ``NORMED``; in the body of its forward RESULT stands for the right answer."""
    return _program("normed", body, head, init)


def dropped(body: str, head: str = "", init: str = "") -> str:
    """Return a program for ``DROPPED``; in the body of its forward RESULT stands for the softmax."""
    return _program("dropped", body, head, init)


def _program(task: str, body: str, head: str, init: str) -> str:
    text = TASKS[task].replace("class Model(", "class ModelNew(").split("\n\ndef get_inputs")[0]
    before, _, _ = text.partition("    def forward(self, x):\n")
    lines = body.replace("RESULT", RESULTS[task])
    made = _indented(init)
    return f"{head}\n{before.rstrip()}\n{made}\n    def forward(self, x):\n{_indented(lines)}"


def _indented(text: str) -> str:
    return "".join(" " * 8 + line + "\n" if line else "\n" for line in text.strip("\n").splitlines())
