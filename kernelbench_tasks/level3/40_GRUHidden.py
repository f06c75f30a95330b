"""Six-layer GRU over a sequence; returns the last state of every layer.

In the older form (size ``v0``) the initial state is drawn by the constructor and kept as a plain attribute.
"""

import torch
from torch import Tensor, nn

BATCH = 10
SEQUENCE = 512
IN_FEATURES = 128
HIDDEN = 256
LAYERS = 6
DRAW = "rand"
STATE_IS_INPUT = True

SIZES = {"small": {"BATCH": 5}, "v0": {"DRAW": "randn", "STATE_IS_INPUT": False}}


class Model(nn.Module):
    """GRU whose initial state is an argument."""

    def __init__(self, in_features: int, hidden: int, layers: int = 3) -> None:
        super().__init__()
        self.gru = nn.GRU(in_features, hidden, layers)

    def forward(self, x: Tensor, h0: Tensor) -> Tensor:
        _, state = self.gru(x, h0)
        return state


class ModelV0(nn.Module):
    """GRU whose initial state lives on the module."""

    def __init__(self, in_features: int, hidden: int, layers: int = 3) -> None:
        super().__init__()
        self.gru = nn.GRU(in_features, hidden, layers)
        self.h0 = torch.randn(layers, BATCH, hidden)

    def forward(self, x: Tensor) -> Tensor:
        self.h0 = self.h0.to(x.device)
        _, state = self.gru(x, self.h0)
        return state


def get_init_inputs() -> list[int]:
    return [IN_FEATURES, HIDDEN, LAYERS]


def get_inputs() -> list[Tensor]:
    draw = getattr(torch, DRAW)
    x = draw(SEQUENCE, BATCH, IN_FEATURES)
    return [x, draw(LAYERS, BATCH, HIDDEN)] if STATE_IS_INPUT else [x]
