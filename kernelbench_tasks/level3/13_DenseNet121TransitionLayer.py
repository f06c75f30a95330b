"""DenseNet-121 transition layer: BatchNorm on batch statistics, ReLU, 1x1 convolution, 2x2 average pool."""

import torch
from torch import Tensor, nn

BATCH = 128
IN_CHANNELS = 32
OUT_CHANNELS = 64
RESOLUTION = 256
DRAW = "rand"

SIZES = {"small": {"BATCH": 8}, "v0": {"BATCH": 10, "RESOLUTION": 224, "DRAW": "randn"}}


class Model(nn.Module):
    """Halves the resolution and changes the number of channels between two dense blocks."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.conv(torch.relu(self.norm(x))))


def get_init_inputs() -> list[int]:
    return [IN_CHANNELS, OUT_CHANNELS]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, RESOLUTION, RESOLUTION)]
