"""MobileNet v2 without its shortcuts: inverted bottlenecks in a row, BatchNorm on batch statistics, ReLU6.

No block adds its input to its output, unlike the paper's; weights are drawn as the paper's authors did.
"""

import torch
from torch import Tensor, nn

BATCH = 10
CLASSES = 1000
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 5}, "v0": {"DRAW": "randn"}}

# expansion, channels, blocks, stride of the first block
STAGES = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]


def conv_norm(
    in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    padding = kernel_size // 2
    return [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]


def bottleneck(in_channels: int, out_channels: int, stride: int, expansion: int) -> nn.Sequential:
    """1x1 expansion, depthwise 3x3, 1x1 projection without an activation after it."""
    hidden = in_channels * expansion
    layers: list[nn.Module] = []
    if expansion != 1:
        layers += [*conv_norm(in_channels, hidden), nn.ReLU6()]
    layers += [*conv_norm(hidden, hidden, 3, stride, groups=hidden), nn.ReLU6()]
    return nn.Sequential(*layers, *conv_norm(hidden, out_channels))


class Model(nn.Module):
    """3x3 stem, 17 inverted bottlenecks, 1x1 convolution to 1280 channels, global average, a linear layer."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        channels = 32
        layers: list[nn.Module] = [*conv_norm(3, channels, 3, stride=2), nn.ReLU6()]
        for expansion, width, count, stride in STAGES:
            for index in range(count):
                layers.append(bottleneck(channels, width, stride if index == 0 else 1, expansion))
                channels = width
        layers += [*conv_norm(channels, 1280), nn.ReLU6(), nn.AdaptiveAvgPool2d((1, 1))]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(1280, classes))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out")
            elif isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0.0, 0.01)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


def get_init_inputs() -> list[int]:
    return [CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
