"""ResNet basic block: two 3x3 convolutions with BatchNorm on batch statistics, and a 1x1 shortcut."""

import torch
from torch import Tensor, nn

BATCH = 10
IN_CHANNELS = 3
OUT_CHANNELS = 64
STRIDE = 1
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """Residual block whose shortcut is a 1x1 convolution with its own BatchNorm."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(inner)) + self.downsample(x))


def get_init_inputs() -> list[int]:
    return [IN_CHANNELS, OUT_CHANNELS, STRIDE]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, RESOLUTION, RESOLUTION)]
