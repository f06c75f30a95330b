"""Evil programs: the task that they attack, and what the judge has to say of each."""

from __future__ import annotations

from dataclasses import dataclass

from kernelevo.core import Status

MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 256)
        self.out = nn.Linear(256, 128)

    def forward(self, x):
        return self.out(torch.relu(self.linear(x)))


def get_inputs():
    return [torch.rand(16, 128)]


def get_init_inputs():
    return [128]
"""
"""A call of some ten microseconds: hundreds in a batch, so that leaving work out or moving it would pay."""
RESULT = "self.out(torch.relu(self.linear(x)))"
HONEST = MODEL.replace("class Model(", "class ModelNew(").split("def get_inputs")[0]


@dataclass(frozen=True)
class Evil:
    """One program that attacks its judge.

    Args:
        row: number of the attack in the catalogue, 1 to 38.
        name: what it does, in a few words.
        source: the program.
        statuses: what the judge may say. Where that includes ``ok`` the attack gains nothing by design, and
            the score must be no better than an honest program's.
        words: each must stand in the feedback.
        gpu: whether it needs a device.
    """

    row: int
    name: str
    source: str
    statuses: tuple[Status, ...]
    words: tuple[str, ...] = ()
    gpu: bool = False


def program(body: str, head: str = "", init: str = "") -> str:
    """Return a program for the model above.

    Args:
        body: of its forward; RESULT stands for the right answer.
        head: lines before the class; here too.
        init: lines at the end of the constructor.
    """
    first, _, rest = HONEST.partition(f"        return {RESULT}\n")
    lines = [*_indented(body.replace("RESULT", RESULT))]
    made = "\n".join([*_indented(init)]) + "\n" if init else ""
    first = first.replace("\n    def forward", f"{made}\n    def forward")
    return f"{head.replace('RESULT', RESULT)}\n{first}" + "\n".join(lines) + "\n" + rest


def _indented(text: str) -> list[str]:
    return [" " * 8 + line for line in text.strip("\n").splitlines()]
