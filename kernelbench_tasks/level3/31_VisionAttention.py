"""Self-attention over every pixel of a feature map, added to the map and normalised.

``nn.MultiheadAttention`` is called with its default ``need_weights=True``: the reference averages the
attention weights over the heads and then drops them. Leaving that work out is allowed.
"""

import torch
from torch import Tensor, nn

BATCH = 2
CHANNELS = 128
HEADS = 4
RESOLUTION = 128
DRAW = "rand"

SIZES = {"small": {"RESOLUTION": 32}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """One attention block whose tokens are the pixels and whose features are the channels."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(channels, heads)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        tokens = x.reshape(batch, channels, height * width).permute(2, 0, 1)
        attended, _ = self.attn(tokens, tokens, tokens)
        normed = self.norm(attended + tokens)
        return normed.permute(1, 2, 0).reshape(batch, channels, height, width)


def get_init_inputs() -> list[int]:
    return [CHANNELS, HEADS]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, CHANNELS, RESOLUTION, RESOLUTION)]
