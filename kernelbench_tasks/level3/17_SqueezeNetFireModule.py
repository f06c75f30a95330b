"""SqueezeNet fire module: a 1x1 squeeze, then 1x1 and 3x3 expansions side by side, ReLU after each."""

import torch
from torch import Tensor, nn

BATCH = 128
IN_CHANNELS = 3
SQUEEZE = 6
EXPAND_1X1 = 64
EXPAND_3X3 = 64
RESOLUTION = 256
DRAW = "rand"

SIZES = {"small": {"BATCH": 4}, "v0": {"BATCH": 10, "RESOLUTION": 224, "DRAW": "randn"}}


class Model(nn.Module):
    """Squeezes the channels, expands them in two ways and concatenates."""

    def __init__(self, in_channels: int, squeeze: int, expand_1x1: int, expand_3x3: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.expand_1x1 = nn.Conv2d(squeeze, expand_1x1, kernel_size=1)
        self.expand_3x3 = nn.Conv2d(squeeze, expand_3x3, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = torch.relu(self.squeeze(x))
        one, three = self.expand_1x1(squeezed), self.expand_3x3(squeezed)
        return torch.cat([torch.relu(one), torch.relu(three)], dim=1)


def get_init_inputs() -> list[int]:
    return [IN_CHANNELS, SQUEEZE, EXPAND_1X1, EXPAND_3X3]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, RESOLUTION, RESOLUTION)]
