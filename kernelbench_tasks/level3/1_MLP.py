"""Multi-layer perceptron: three wide linear layers with ReLU between them."""

import torch
from torch import Tensor, nn

BATCH = 128
IN_FEATURES = 16384
HIDDEN = [16384, 16384]
OUT_FEATURES = 8192
DRAW = "rand"

SIZES = {
    "small": {"IN_FEATURES": 4096, "HIDDEN": [4096, 4096], "OUT_FEATURES": 2048},
    "v0": {"BATCH": 1, "IN_FEATURES": 1000, "HIDDEN": [400, 800], "OUT_FEATURES": 500, "DRAW": "randn"},
}


class Model(nn.Module):
    """Linear layers of the given widths; every one but the last is followed by ReLU."""

    def __init__(self, in_features: int, hidden: list[int], out_features: int) -> None:
        super().__init__()
        widths = [in_features, *hidden]
        layers: list[nn.Module] = []
        for before, after in zip(widths, hidden, strict=False):
            layers += [nn.Linear(before, after), nn.ReLU()]
        layers.append(nn.Linear(widths[-1], out_features))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def get_init_inputs() -> list[int | list[int]]:
    return [IN_FEATURES, HIDDEN, OUT_FEATURES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_FEATURES)]
