"""One step of a plain recurrent network with a linear output.

The new state is kept on the module as a plain attribute, which no ``state_dict`` holds. Today the state
before the step is an argument, and what was kept is never read; in the older form (size ``v0``) the next call
reads it, and the constructor draws the first one.
"""

import torch
from torch import Tensor, nn

BATCH = 256
IN_FEATURES = 16384
HIDDEN = 16384
OUT_FEATURES = 8192
DRAW = "rand"
STATE_IS_INPUT = True

SIZES = {
    "small": {"IN_FEATURES": 4096, "HIDDEN": 4096, "OUT_FEATURES": 2048},
    "v0": {
        "BATCH": 8,
        "IN_FEATURES": 1024,
        "HIDDEN": 256,
        "OUT_FEATURES": 128,
        "DRAW": "randn",
        "STATE_IS_INPUT": False,
    },
}


class Model(nn.Module):
    """tanh cell and readout; the state before the step is an argument."""

    def __init__(self, in_features: int, hidden: int, out_features: int) -> None:
        super().__init__()
        self.state = torch.randn(BATCH, hidden)
        self.cell = nn.Linear(in_features + hidden, hidden)
        self.readout = nn.Linear(hidden, out_features)

    def forward(self, x: Tensor, h0: Tensor) -> Tensor:
        self.state = torch.tanh(self.cell(torch.cat([x, h0], dim=1)))
        return self.readout(self.state)


class ModelV0(nn.Module):
    """The same cell; the state before the step is what the last call left."""

    def __init__(self, in_features: int, hidden: int, out_features: int) -> None:
        super().__init__()
        self.state = torch.randn(BATCH, hidden)
        self.cell = nn.Linear(in_features + hidden, hidden)
        self.readout = nn.Linear(hidden, out_features)

    def forward(self, x: Tensor) -> Tensor:
        before = self.state.to(x.device)
        self.state = torch.tanh(self.cell(torch.cat([x, before], dim=1)))
        return self.readout(self.state)


def get_init_inputs() -> list[int]:
    return [IN_FEATURES, HIDDEN, OUT_FEATURES]


def get_inputs() -> list[Tensor]:
    draw = getattr(torch, DRAW)
    x = draw(BATCH, IN_FEATURES)
    return [x, draw(BATCH, HIDDEN)] if STATE_IS_INPUT else [x]
