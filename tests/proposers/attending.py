"""A task whose module has two places for rewrites with TUNE entries: ReLU attention, and a normalisation."""

from kernelevo.core import Task

TEXT = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.project = nn.Linear(width, 3 * width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        q, k, v = self.project(x).chunk(3, -1)
        y = torch.relu(q @ k.transpose(-2, -1) * 0.3) @ v
        return torch.relu(self.norm(y.transpose(1, 2).contiguous()))


def get_inputs():
    return [torch.randn(2, 12, 8)]


def get_init_inputs():
    return [8]
"""
REFERENCE = {
    "kind": "source",
    "text": TEXT,
    "filename": "attending.py",
    "size": "full",
    "variant": None,
    "entry": "Model",
}
TASK = Task("attending.py", "faster", options={"reference": REFERENCE, "device": "cpu"})
