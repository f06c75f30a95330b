"""Shallow, wide perceptron: two hidden linear layers with ReLU, and one output layer."""

import torch
from torch import Tensor, nn

BATCH = 128
IN_FEATURES = 16384
HIDDEN = [32768, 32768]
OUT_FEATURES = 16384
DRAW = "rand"

SIZES = {
    "small": {"IN_FEATURES": 2048, "HIDDEN": [4096, 4096], "OUT_FEATURES": 2048},
    "v0": {
        "BATCH": 1,
        "IN_FEATURES": 1000,
        "HIDDEN": [2000, 2000],
        "OUT_FEATURES": 10,
        "DRAW": "randn",
    },
}


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

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def get_init_inputs() -> list[int | list[int]]:
    return [IN_FEATURES, HIDDEN, OUT_FEATURES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_FEATURES)]
