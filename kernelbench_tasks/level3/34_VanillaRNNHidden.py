"""Plain recurrent network as a Python loop over time, with a linear output at every step.

In the older form (size ``v0``) the module takes one step per call, keeps its hidden state as a plain
attribute between calls, and returns that state.
"""

import torch
from torch import Tensor, nn

BATCH = 8
SEQUENCE = 256
IN_FEATURES = 1024
HIDDEN = 256
OUT_FEATURES = 128
DRAW = "rand"
STATE_IS_INPUT = True

SIZES = {"small": {}, "v0": {"DRAW": "randn", "STATE_IS_INPUT": False}}


class Model(nn.Module):
    """tanh cell over a whole sequence; the initial state is an argument."""

    def __init__(self, in_features: int, hidden: int, out_features: int) -> None:
        super().__init__()
        self.cell = nn.Linear(in_features + hidden, hidden)
        self.readout = nn.Linear(hidden, out_features)

    def forward(self, x: Tensor, h0: Tensor) -> Tensor:
        state = h0
        outputs = []
        for step in x:
            state = torch.tanh(self.cell(torch.cat([step, state], dim=1)))
            outputs.append(self.readout(state))
        return torch.stack(outputs)


class ModelV0(nn.Module):
    """One step of the cell per call; the state lives on the module and is drawn by its constructor."""

    def __init__(self, in_features: int, hidden: int, out_features: int) -> None:
        super().__init__()
        self.state = torch.randn(BATCH, hidden)
        self.cell = nn.Linear(in_features + hidden, hidden)
        self.readout = nn.Linear(hidden, out_features)

    def forward(self, x: Tensor) -> Tensor:
        before = self.state.to(x.device)
        self.state = torch.tanh(self.cell(torch.cat([x, before], dim=1)))
        return self.state


def get_init_inputs() -> list[int]:
    return [IN_FEATURES, HIDDEN, OUT_FEATURES]


def get_inputs() -> list[Tensor]:
    draw = getattr(torch, DRAW)
    if STATE_IS_INPUT:
        return [draw(SEQUENCE, BATCH, IN_FEATURES), draw(BATCH, HIDDEN)]
    return [draw(BATCH, IN_FEATURES)]
