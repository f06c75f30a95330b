"""VGG-19: 16 3x3 convolutions with ReLU in five groups, a max pool after each, three linear layers.

PyTorch's default initialisation shrinks the signal at every layer, so as shipped the output does not depend
on the input within fp32 precision. The variant ``@he`` draws He-normal weights and is not blind.
"""

import torch
from torch import Tensor, nn

BATCH = 10
CLASSES = 1000
RESOLUTION = 224
DRAW = "rand"
INIT = "default"

SIZES = {"small": {"BATCH": 2}, "v0": {"DRAW": "randn"}}
VARIANTS = {"he": {"INIT": "he"}}

CONVOLUTIONS = [2, 2, 4, 4, 4]
CHANNELS = [64, 128, 256, 512, 512]


class Model(nn.Module):
    """VGG-19 on 224x224 images; dropout of probability zero."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for count, channels in zip(CONVOLUTIONS, CHANNELS, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(before, channels, kernel_size=3, padding=1), nn.ReLU()]
                before = channels
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(0.0),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.0),
            nn.Linear(4096, classes),
        )
        if INIT == "he":
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


def get_init_inputs() -> list[int]:
    return [CLASSES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, RESOLUTION, RESOLUTION)]
