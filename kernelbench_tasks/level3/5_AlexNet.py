"""AlexNet in one piece: no split over two devices, no response normalisation; dropout of probability 0."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 1024
CLASSES = 1000
RESOLUTION = 224
DRAW = "rand"

SIZES = {"small": {"BATCH": 16}, "v0": {"BATCH": 10, "DRAW": "randn"}}


class Model(nn.Module):
    """Five convolutions with ReLU, three 3x3 max pools, three linear layers; expects 224x224 images."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, kernel_size=11, stride=4, padding=2)
        self.conv2 = nn.Conv2d(96, 256, kernel_size=5, padding=2)
        self.conv3 = nn.Conv2d(256, 384, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, kernel_size=3, padding=1)
        self.conv5 = nn.Conv2d(384, 256, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(256 * 6 * 6, 4096)
        self.fc2 = nn.Linear(4096, 4096)
        self.fc3 = nn.Linear(4096, classes)
        self.dropout = nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), kernel_size=3, stride=2)
        x = F.max_pool2d(F.relu(self.conv2(x)), kernel_size=3, stride=2)
        x = F.relu(self.conv3(x))
        x = F.relu(self.conv4(x))
        x = F.max_pool2d(F.relu(self.conv5(x)), kernel_size=3, stride=2)
        x = torch.flatten(x, 1)
        x = self.dropout(F.relu(self.fc1(x)))
        x = self.dropout(F.relu(self.fc2(x)))
        return self.fc3(x)


def get_init_inputs() -> list[int]:
    return [CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
