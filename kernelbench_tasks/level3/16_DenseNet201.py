"""DenseNet-201: four dense blocks with transitions between them, BatchNorm on batch statistics, ten classes.

The 98 dense layers are single 3x3 convolutions: there is no 1x1 bottleneck in front of them.
"""

import torch
from torch import Tensor, nn

BATCH = 10
GROWTH = 32
CLASSES = 10
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2, "RESOLUTION": 112}, "v0": {"DRAW": "randn"}}

LAYERS = [6, 12, 48, 32]


class DenseBlock(nn.Module):
    """Every layer reads all that came before it and adds ``growth`` channels; dropout of probability zero."""

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


class Transition(nn.Sequential):
    """Halves the channels by a 1x1 convolution and the resolution by an average pool."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, in_channels // 2, kernel_size=1, bias=False),
            nn.AvgPool2d(kernel_size=2),
        )


class Model(nn.Module):
    """7x7 stem, dense blocks and transitions, a last BatchNorm, global average, one linear layer."""

    def __init__(self, growth: int = 32, classes: int = 1000) -> None:
        super().__init__()
        channels = 64
        self.features = nn.Sequential(
            nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.blocks = nn.ModuleList()
        self.transitions = nn.ModuleList()
        for index, layers in enumerate(LAYERS):
            self.blocks.append(DenseBlock(layers, channels, growth))
            channels += layers * growth
            if index + 1 < len(LAYERS):
                self.transitions.append(Transition(channels))
                channels //= 2
        self.norm = nn.BatchNorm2d(channels)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks[0](self.features(x))
        for transition, block in zip(self.transitions, self.blocks[1:], strict=True):
            x = block(transition(x))
        x = self.avgpool(torch.relu(self.norm(x)))
        return self.classifier(torch.flatten(x, 1))


def get_init_inputs() -> list[int]:
    return [GROWTH, CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
