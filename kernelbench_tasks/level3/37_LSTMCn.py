"""Six-layer LSTM over a batch of sequences; returns the last cell state of every layer.

A linear layer on the last step is computed and dropped: that work may go, its parameters stay.

In the older form (size ``v0``) the initial states are drawn by the constructor and kept as plain attributes.
"""

import torch
from torch import Tensor, nn

BATCH = 10
SEQUENCE = 512
IN_FEATURES = 128
HIDDEN = 256
LAYERS = 6
OUT_FEATURES = 10
DROPOUT = 0.0
DRAW = "rand"
STATE_IS_INPUT = True

SIZES = {"small": {}, "v0": {"DRAW": "randn", "STATE_IS_INPUT": False}}


class Model(nn.Module):
    """LSTM whose initial states are arguments."""

    def __init__(
        self, in_features: int, hidden: int, layers: int, out_features: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(in_features, hidden, layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden, out_features)

    def forward(self, x: Tensor, h0: Tensor, c0: Tensor) -> Tensor:
        steps, (_, cell) = self.lstm(x, (h0, c0))
        self.fc(steps[:, -1])
        return cell


class ModelV0(nn.Module):
    """LSTM whose initial states live on the module."""

    def __init__(
        self, in_features: int, hidden: int, layers: int, out_features: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(in_features, hidden, layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden, out_features)
        self.h0 = torch.randn(layers, BATCH, hidden)
        self.c0 = torch.randn(layers, BATCH, hidden)

    def forward(self, x: Tensor) -> Tensor:
        self.h0, self.c0 = self.h0.to(x.device), self.c0.to(x.device)
        steps, (_, cell) = self.lstm(x, (self.h0, self.c0))
        self.fc(steps[:, -1])
        return cell


def get_init_inputs() -> list[int | float]:
    return [IN_FEATURES, HIDDEN, LAYERS, OUT_FEATURES, DROPOUT]


def get_inputs() -> list[Tensor]:
    draw = getattr(torch, DRAW)
    x = draw(BATCH, SEQUENCE, IN_FEATURES)
    if not STATE_IS_INPUT:
        return [x]
    return [x, draw(LAYERS, BATCH, HIDDEN), draw(LAYERS, BATCH, HIDDEN)]
