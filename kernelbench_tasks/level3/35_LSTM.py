"""Six-layer LSTM over a batch of sequences, with a linear layer on the last step.

The initial states are drawn with ``randn`` inside ``forward``: two calls agree only after the same seed.
Over 512 steps the states are forgotten, so a program may leave the draw out.
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

SIZES = {"small": {}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """LSTM whose last step feeds a linear layer."""

    def __init__(
        self, in_features: int, hidden: int, layers: int, out_features: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(in_features, hidden, layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden, out_features)

    def forward(self, x: Tensor) -> Tensor:
        shape = (self.lstm.num_layers, x.shape[0], self.lstm.hidden_size)
        h0 = torch.randn(shape, device=x.device, dtype=x.dtype)
        c0 = torch.randn(shape, device=x.device, dtype=x.dtype)
        steps, _ = self.lstm(x, (h0, c0))
        return self.fc(steps[:, -1])


def get_init_inputs() -> list[int | float]:
    return [IN_FEATURES, HIDDEN, LAYERS, OUT_FEATURES, DROPOUT]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, SEQUENCE, IN_FEATURES)]
