"""Inception v1 module: four parallel branches over one input, concatenated; no activations."""

import torch
from torch import Tensor, nn

BATCH = 10
IN_CHANNELS = 480
OUT_1X1 = 192
REDUCE_3X3 = 96
OUT_3X3 = 208
REDUCE_5X5 = 16
OUT_5X5 = 48
OUT_POOL = 64
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2, "RESOLUTION": 56}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """1x1, 1x1 then 3x3, 1x1 then 5x5, and max pool then 1x1, side by side."""

    def __init__(
        self,
        in_channels: int,
        out_1x1: int,
        reduce_3x3: int,
        out_3x3: int,
        reduce_5x5: int,
        out_5x5: int,
        out_pool: int,
    ) -> None:
        super().__init__()
        self.branch1 = nn.Conv2d(in_channels, out_1x1, kernel_size=1)
        self.branch3 = nn.Sequential(
            nn.Conv2d(in_channels, reduce_3x3, kernel_size=1),
            nn.Conv2d(reduce_3x3, out_3x3, kernel_size=3, padding=1),
        )
        self.branch5 = nn.Sequential(
            nn.Conv2d(in_channels, reduce_5x5, kernel_size=1),
            nn.Conv2d(reduce_5x5, out_5x5, kernel_size=5, padding=2),
        )
        self.branch_pool = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
            nn.Conv2d(in_channels, out_pool, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        branches = (self.branch1, self.branch3, self.branch5, self.branch_pool)
        return torch.cat([branch(x) for branch in branches], dim=1)


def get_init_inputs() -> list[int]:
    return [IN_CHANNELS, OUT_1X1, REDUCE_3X3, OUT_3X3, REDUCE_5X5, OUT_5X5, OUT_POOL]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, RESOLUTION, RESOLUTION)]
