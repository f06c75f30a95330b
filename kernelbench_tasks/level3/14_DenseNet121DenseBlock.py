"""DenseNet-121 dense block: six layers of BatchNorm on batch statistics, ReLU and a 3x3 convolution.

Every layer reads the concatenation of all that came before it.
"""

import torch
from torch import Tensor, nn

BATCH = 10
LAYERS = 6
IN_CHANNELS = 32
GROWTH = 32
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2, "RESOLUTION": 112}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """Adds ``growth`` channels per layer; dropout of probability zero."""

    def __init__(self, layers: int, in_channels: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(self.layer(in_channels + i * growth, growth) for i in range(layers))

    @staticmethod
    def layer(in_channels: int, growth: int) -> nn.Sequential:
        return nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, growth, kernel_size=3, padding=1, bias=False),
            nn.Dropout(0.0),
        )

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(x))
            x = torch.cat(features, dim=1)
        return x


def get_init_inputs() -> list[int]:
    return [LAYERS, IN_CHANNELS, GROWTH]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, RESOLUTION, RESOLUTION)]
