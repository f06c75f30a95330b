"""ResNet-101: 33 bottleneck blocks, BatchNorm on batch statistics; the stride is in the 3x3 convolution."""

import torch
from torch import Tensor, nn

BATCH = 10
BLOCKS = [3, 4, 23, 3]
CLASSES = 1000
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 2, "RESOLUTION": 112}, "v0": {"DRAW": "randn"}}

EXPANSION = 4


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut; the last one makes four times as many channels."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out_channels = EXPANSION * width
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(x)))
        inner = torch.relu(self.bn2(self.conv2(inner)))
        return torch.relu(self.bn3(self.conv3(inner)) + self.downsample(x))


class Model(nn.Module):
    """7x7 stem, four stages of the given numbers of blocks, global average, one linear layer."""

    def __init__(self, blocks: list[int], classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self.stage(64, 64, blocks[0], stride=1)
        self.layer2 = self.stage(256, 128, blocks[1], stride=2)
        self.layer3 = self.stage(512, 256, blocks[2], stride=2)
        self.layer4 = self.stage(1024, 512, blocks[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * EXPANSION, classes)

    @staticmethod
    def stage(in_channels: int, width: int, count: int, stride: int) -> nn.Sequential:
        rest = [Bottleneck(EXPANSION * width, width, 1) for _ in range(count - 1)]
        return nn.Sequential(Bottleneck(in_channels, width, stride), *rest)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def get_init_inputs() -> list[int | list[int]]:
    return [BLOCKS, CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
