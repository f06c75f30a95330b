"""RegNet-like network: three stages of two 3x3 convolutions with BatchNorm and ReLU and a 2x2 maximum.

The blocks are plain ones, without the residuals and groups of the published RegNet. The BatchNorms work on
batch statistics.
"""

import torch
from torch import Tensor, nn

BATCH = 8
CHANNELS = 3
STAGES = 3
WIDTHS = [64, 128, 256]
CLASSES = 10
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2}, "v0": {"DRAW": "randn"}}


def stage(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return two convolutions at one resolution and the maximum that halves it."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


class Model(nn.Module):
    """Stages of growing width, mean over the map, a linear layer."""

    def __init__(self, channels: int, stages: int, widths: list[int], classes: int) -> None:
        super().__init__()
        before = [channels, *widths]
        self.features = nn.Sequential(*(stage(before[i], widths[i]) for i in range(stages)))
        self.fc = nn.Linear(widths[stages - 1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean(dim=(2, 3)))


def get_init_inputs() -> list[int | list[int]]:
    return [CHANNELS, STAGES, WIDTHS, CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, CHANNELS, RESOLUTION, RESOLUTION)]
