"""Causal self-attention whose weights are ReLU of the scores instead of a softmax.

The module owns an output projection that its forward never calls; the work is not there to do, but the
parameters stay.
"""

import math

import torch
from torch import Tensor, nn

BATCH = 16
SEQUENCE = 1024
EMBEDDING = 768
HEADS = 12
LONGEST = 1024
DRAW = "rand"

SIZES = {"small": {"BATCH": 2}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """Multi-head attention with a materialised causal mask and ReLU weights."""

    def __init__(self, embedding: int, heads: int, longest: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(embedding, 3 * embedding)
        self.c_proj = nn.Linear(embedding, embedding)
        self.register_buffer("bias", torch.tril(torch.ones(longest, longest))[None, None])

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        split = (batch, length, self.heads, width // self.heads)
        query, key, value = (part.view(split).transpose(1, 2) for part in self.c_attn(x).split(width, dim=2))
        scores = (query @ key.transpose(-2, -1)) * (1.0 / math.sqrt(split[-1]))
        scores = scores.masked_fill(self.bias[:, :, :length, :length] == 0, -math.inf)
        attended = torch.relu(scores) @ value
        return attended.transpose(1, 2).reshape(batch, length, width)


def get_init_inputs() -> list[int]:
    return [EMBEDDING, HEADS, LONGEST]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, SEQUENCE, EMBEDDING)]
