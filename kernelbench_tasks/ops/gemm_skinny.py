"""Skinny matrix product in fp32: few rows against a wide weight, as in decoding one token per sequence."""

import torch
from torch import Tensor, nn

ROWS = 16
INNER = 16384
COLUMNS = 16384

SIZES = {"small": {"INNER": 4096, "COLUMNS": 4096}}


class Model(nn.Module):
    """A linear layer without bias on a few rows."""

    def __init__(self, inner: int, columns: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inner, columns, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


def get_init_inputs() -> list[int]:
    return [INNER, COLUMNS]


def get_inputs() -> list[Tensor]:
    return [torch.randn(ROWS, INNER)]
