"""Seven inverted bottlenecks under the name of EfficientNet-B1: one per stage, no shortcuts, no excitation.

BatchNorm runs on batch statistics. The first block expands by a factor of one, which is a 1x1 convolution.
"""

import torch
from torch import Tensor, nn

BATCH = 10
CLASSES = 1000
RESOLUTION = 240
DRAW = "rand"

SIZES = {"small": {"BATCH": 5}, "v0": {"DRAW": "randn"}}


def mbconv(
    in_channels: int, out_channels: int, kernel_size: int, stride: int, expansion: int
) -> nn.Sequential:
    """1x1 expansion, depthwise, 1x1 projection, each with BatchNorm; ReLU6 after the first two."""
    hidden = round(in_channels * expansion)
    padding = kernel_size // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, hidden, kernel_size=1, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU6(),
        nn.Conv2d(hidden, hidden, kernel_size, stride, padding, groups=hidden, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU6(),
        nn.Conv2d(hidden, out_channels, kernel_size=1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


class Model(nn.Module):
    """3x3 stem, seven blocks, 1x1 convolution to 1280 channels, global average, a linear layer."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.mbconv1 = mbconv(32, 16, 3, 1, 1)
        self.mbconv2 = mbconv(16, 24, 3, 2, 6)
        self.mbconv3 = mbconv(24, 40, 5, 2, 6)
        self.mbconv4 = mbconv(40, 80, 3, 2, 6)
        self.mbconv5 = mbconv(80, 112, 5, 1, 6)
        self.mbconv6 = mbconv(112, 192, 5, 2, 6)
        self.mbconv7 = mbconv(192, 320, 3, 1, 6)
        self.conv2 = nn.Conv2d(320, 1280, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(1280)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.mbconv3(self.mbconv2(self.mbconv1(x)))
        x = self.mbconv5(self.mbconv4(x))
        x = self.mbconv7(self.mbconv6(x))
        x = torch.relu(self.bn2(self.conv2(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def get_init_inputs() -> list[int]:
    return [CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
