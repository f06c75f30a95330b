"""SqueezeNet 1.0: a 7x7 stem, eight fire modules, a 1x1 convolution as classifier.

PyTorch's default initialisation shrinks the signal at every layer, so as shipped the output does not depend
on the input within fp32 precision. The variant ``@he`` draws He-normal weights and is not blind.
"""

import torch
from torch import Tensor, nn

BATCH = 64
CLASSES = 1000
RESOLUTION = 512
DRAW = "rand"
INIT = "default"

SIZES = {"small": {"BATCH": 2, "RESOLUTION": 256}, "v0": {"BATCH": 1, "RESOLUTION": 224, "DRAW": "randn"}}
VARIANTS = {"he": {"INIT": "he"}}


class Fire(nn.Module):
    """Squeezes the channels by a 1x1 convolution, expands them by 1x1 and 3x3, concatenates."""

    def __init__(self, in_channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.expand_1x1 = nn.Conv2d(squeeze, expand, kernel_size=1)
        self.expand_3x3 = nn.Conv2d(squeeze, expand, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = torch.relu(self.squeeze(x))
        one, three = self.expand_1x1(squeezed), self.expand_3x3(squeezed)
        return torch.cat([torch.relu(one), torch.relu(three)], dim=1)


class Model(nn.Module):
    """SqueezeNet 1.0 classifier; dropout of probability zero."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, kernel_size=7, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(96, 16, 64),
            Fire(128, 16, 64),
            Fire(128, 32, 128),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(256, 32, 128),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.0),
            nn.Conv2d(512, classes, kernel_size=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((1, 1)),
        )
        if INIT == "he":
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.classifier(self.features(x)), 1)


def get_init_inputs() -> list[int]:
    return [CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
