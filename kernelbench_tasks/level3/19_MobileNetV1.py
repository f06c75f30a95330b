"""MobileNet v1: a 3x3 stem, 13 depthwise-separable convolutions with BatchNorm on batch statistics."""

import torch
from torch import Tensor, nn

BATCH = 10
CLASSES = 1000
IN_CHANNELS = 3
ALPHA = 1.0
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {}, "v0": {"DRAW": "randn"}}

# channels after each separable convolution (times alpha) and the stride of its depthwise part
STAGES = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
]


def separable(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Depthwise 3x3, then 1x1, each with BatchNorm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels, bias=False),
        nn.BatchNorm2d(in_channels),
        nn.ReLU(),
        nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


class Model(nn.Module):
    """MobileNet v1 on 224x224 images: the last average pool is 7x7."""

    def __init__(self, classes: int = 1000, in_channels: int = 3, alpha: float = 1.0) -> None:
        super().__init__()
        channels = int(32 * alpha)
        stem = nn.Sequential(
            nn.Conv2d(in_channels, channels, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        layers: list[nn.Module] = [stem]
        for width, stride in STAGES:
            layers.append(separable(channels, int(width * alpha), stride))
            channels = int(width * alpha)
        self.model = nn.Sequential(*layers, nn.AvgPool2d(7))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.model(x), 1))


def get_init_inputs() -> list[int | float]:
    return [CLASSES, IN_CHANNELS, ALPHA]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, RESOLUTION, RESOLUTION)]
