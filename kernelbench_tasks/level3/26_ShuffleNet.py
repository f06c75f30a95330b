"""ShuffleNet v1 with three groups. No unit has a stride, so all three stages run at a quarter of the image.

Forty-four BatchNorms work on batch statistics.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 10
CLASSES = 1000
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2, "RESOLUTION": 112}, "v0": {"DRAW": "randn"}}


class Unit(nn.Module):
    """Bottleneck unit: grouped 1x1, depthwise 3x3, channel shuffle, grouped 1x1, plus the shortcut."""

    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
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


class Model(nn.Module):
    """Stem, three stages of units, a 1x1 convolution, mean over the map, a linear layer."""

    def __init__(
        self,
        classes: int = 1000,
        groups: int = 3,
        repeats: tuple[int, ...] = (3, 7, 3),
        widths: tuple[int, ...] = (24, 240, 480, 960),
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.ModuleList()
        for before, width, repeat in zip(widths, widths[1:], repeats, strict=False):
            first = Unit(before, width, groups)
            self.stages.append(nn.Sequential(first, *(Unit(width, width, groups) for _ in range(repeat - 1))))
        self.conv5 = nn.Conv2d(widths[-1], 1024, 1, bias=False)
        self.bn5 = nn.BatchNorm2d(1024)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        for stage in self.stages:
            x = stage(x)
        x = F.relu(self.bn5(self.conv5(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def get_init_inputs() -> list[int]:
    return [CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
