"""Five inverted bottlenecks under the name of EfficientNet-B2, with squeeze-and-excitation in series.

As shipped the excitation branch does not scale the feature map but replaces it: the map shrinks to 1x1 in
the first block. BatchNorm then normalises as many values per channel as the batch has images (two), and its
output is the sign of rounding noise. The variant ``@excite`` scales the map, as the paper has it.
"""

import torch
from torch import Tensor, nn

BATCH = 2
CLASSES = 1000
RESOLUTION = 224
DRAW = "rand"
SCALES_MAP = False

SIZES = {"small": {}, "v0": {"DRAW": "randn"}}
VARIANTS = {"excite": {"SCALES_MAP": True}}


class Excitation(nn.Sequential):
    """Global average, 1x1 convolutions to a quarter of the channels and back, sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Conv2d(channels, channels // 4, kernel_size=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(channels // 4, channels, kernel_size=1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        weights = super().forward(x)
        return x * weights if SCALES_MAP else weights


def mbconv(in_channels: int, out_channels: int, stride: int, expansion: int) -> nn.Sequential:
    """1x1 expansion, depthwise 3x3, excitation, 1x1 projection; no shortcut."""
    hidden = in_channels * expansion
    return nn.Sequential(
        nn.Conv2d(in_channels, hidden, kernel_size=1, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        nn.Conv2d(hidden, hidden, 3, stride=stride, padding=1, groups=hidden, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        Excitation(hidden),
        nn.Conv2d(hidden, out_channels, kernel_size=1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


class Model(nn.Module):
    """3x3 stem, five blocks, 1x1 convolution to 1408 channels, global average, a linear layer."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.mbconv1 = mbconv(32, 96, 1, 3)
        self.mbconv2 = mbconv(96, 144, 2, 6)
        self.mbconv3 = mbconv(144, 192, 2, 6)
        self.mbconv4 = mbconv(192, 288, 2, 6)
        self.mbconv5 = mbconv(288, 384, 1, 6)
        self.conv_final = nn.Conv2d(384, 1408, kernel_size=1, bias=False)
        self.bn_final = nn.BatchNorm2d(1408)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(1408, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.mbconv3(self.mbconv2(self.mbconv1(x)))
        x = self.mbconv5(self.mbconv4(x))
        x = torch.relu(self.bn_final(self.conv_final(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def get_init_inputs() -> list[int]:
    return [CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
