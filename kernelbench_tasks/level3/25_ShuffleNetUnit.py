"""ShuffleNet v1 unit of stride one: grouped 1x1, depthwise 3x3, channel shuffle, grouped 1x1, and a shortcut.

All four BatchNorms work on batch statistics. The shortcut is a full 1x1 convolution because the number of
channels changes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 10
IN_CHANNELS = 240
OUT_CHANNELS = 480
GROUPS = 3
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2, "RESOLUTION": 112}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """Bottleneck unit, a quarter of the output's width inside."""

    def __init__(self, in_channels: int, out_channels: int, groups: int = 3) -> None:
        super().__init__()
        inner = out_channels // 4
        self.shuffle = nn.ChannelShuffle(groups)
        self.conv1 = nn.Conv2d(in_channels, inner, 1, groups=groups, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, out_channels, 1, groups=groups, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.bn1(self.conv1(x)))
        inner = self.shuffle(self.bn2(self.conv2(inner)))
        return F.relu(self.bn3(self.conv3(inner))) + self.shortcut(x)


def get_init_inputs() -> list[int]:
    return [IN_CHANNELS, OUT_CHANNELS, GROUPS]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, RESOLUTION, RESOLUTION)]
