"""Small files of our own in upstream's layouts."""

import json

TODAY = """import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, n):
        super(Model, self).__init__()
        self.linear = nn.Linear(n, n)

    def forward(self, x):
        return torch.relu(self.linear(x))


batch_size = 4
n = 8


def get_inputs():
    return [torch.rand(batch_size, n)]


def get_init_inputs():
    return [n]
"""
V0 = TODAY.replace("torch.rand(", "torch.randn(").replace("batch_size = 4\n", "batch_size = 1\n")
BLIND = TODAY.replace("torch.relu(self.linear(x))", "torch.relu(self.linear(x)) * 0")


def checkout(folder, texts, *, level=1, home="KernelBench"):
    """Write ``{"1_Name": text}`` as a checkout holds it."""
    place = folder / home / f"level{level}"
    place.mkdir(parents=True, exist_ok=True)
    for stem, text in texts.items():
        (place / f"{stem}.py").write_text(text)
    return folder


def lines(path, rows):
    """Write rows as lines of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path
