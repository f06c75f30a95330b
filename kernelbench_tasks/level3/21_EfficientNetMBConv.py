"""EfficientNet's inverted bottleneck (MBConv) without squeeze-and-excitation: 1x1, depthwise 5x5, 1x1.

BatchNorm runs on batch statistics; ReLU6 follows the first two convolutions.
"""

import torch
from torch import Tensor, nn

BATCH = 10
IN_CHANNELS = 112
OUT_CHANNELS = 192
KERNEL_SIZE = 5
STRIDE = 2
EXPAND_RATIO = 6
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2, "RESOLUTION": 112}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """Expands, filters each channel, projects; the input is added where the shapes agree."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, expand_ratio: int
    ) -> None:
        super().__init__()
        hidden = in_channels * expand_ratio
        self.adds_input = stride == 1 and in_channels == out_channels
        self.expand: nn.Module = nn.Identity()
        if expand_ratio != 1:
            self.expand = nn.Sequential(
                nn.Conv2d(in_channels, hidden, kernel_size=1, bias=False),
                nn.BatchNorm2d(hidden),
                nn.ReLU6(),
            )
        self.depthwise = nn.Sequential(
            nn.Conv2d(
                hidden, hidden, kernel_size, stride, padding=kernel_size // 2, groups=hidden, bias=False
            ),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
        )
        self.project = nn.Sequential(
            nn.Conv2d(hidden, out_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.project(self.depthwise(self.expand(x)))
        return inner + x if self.adds_input else inner


def get_init_inputs() -> list[int]:
    return [IN_CHANNELS, OUT_CHANNELS, KERNEL_SIZE, STRIDE, EXPAND_RATIO]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, RESOLUTION, RESOLUTION)]
