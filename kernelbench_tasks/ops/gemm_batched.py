"""Batched matrix product in fp32: many small products, the second factor transposed as in attention."""

import torch
from torch import Tensor, nn

BATCH = 512
ROWS = 512
INNER = 64
COLUMNS = 512

SIZES = {"small": {"BATCH": 64}}


class Model(nn.Module):
    """``a @ b.T`` for every pair of a batch."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.bmm(a, b.transpose(1, 2))


def get_init_inputs() -> list[int]:
    return []


def get_inputs() -> list[Tensor]:
    return [torch.randn(BATCH, ROWS, INNER), torch.randn(BATCH, COLUMNS, INNER)]
