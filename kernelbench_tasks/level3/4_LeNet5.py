"""LeNet-5 on 32x32 grey images: two 5x5 convolutions with max pooling, then three linear layers."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 4096
CLASSES = 20
RESOLUTION = 32
DRAW = "rand"

SIZES = {"small": {}, "v0": {"BATCH": 1, "CLASSES": 10, "DRAW": "randn"}}


class Model(nn.Module):
    """LeNet-5 with ReLU and max pooling."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), kernel_size=2, stride=2)
        x = F.max_pool2d(F.relu(self.conv2(x)), kernel_size=2, stride=2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def get_init_inputs() -> list[int]:
    return [CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 1, RESOLUTION, RESOLUTION)]
