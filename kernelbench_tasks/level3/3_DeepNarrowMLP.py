"""Deep, narrow perceptron: sixteen hidden linear layers with ReLU, and one output layer.

PyTorch's default initialisation shrinks the signal at every layer, so as shipped the output does not depend
on the input within fp32 precision. The variant ``@he`` draws He-normal weights and is not blind.
"""

import torch
from torch import Tensor, nn

BATCH = 1024
IN_FEATURES = 8192
HIDDEN = [1024] * 16
OUT_FEATURES = 8192
DRAW = "rand"
INIT = "default"

SIZES = {
    "small": {
        "IN_FEATURES": 4096,
        "HIDDEN": [512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 512],
        "OUT_FEATURES": 4096,
    },
    "v0": {
        "BATCH": 1,
        "IN_FEATURES": 1000,
        "HIDDEN": [50, 50, 50, 50, 50, 50, 50, 50],
        "OUT_FEATURES": 10,
        "DRAW": "randn",
    },
}
VARIANTS = {"he": {"INIT": "he"}}


class Model(nn.Module):
    """Linear layers of the given widths; every one but the last is followed by ReLU."""

    def __init__(self, in_features: int, hidden: list[int], out_features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = in_features
        for after in hidden:
            layers.append(nn.Linear(width, after))
            layers.append(nn.ReLU())
            width = after
        layers.append(nn.Linear(width, out_features))
        self.layers = nn.Sequential(*layers)
        if INIT == "he":
            for layer in self.layers:
                if isinstance(layer, nn.Linear):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def get_init_inputs() -> list[int | list[int]]:
    return [IN_FEATURES, HIDDEN, OUT_FEATURES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_FEATURES)]
