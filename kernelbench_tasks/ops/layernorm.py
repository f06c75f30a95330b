"""LayerNorm over the last axis with a learned scale and shift in fp32."""

import torch
from torch import Tensor, nn

ROWS = 16384
COLUMNS = 4096

SIZES = {"small": {"ROWS": 2048}}


class Model(nn.Module):
    """One LayerNorm whose scale and shift are drawn, so that neither can be left out unseen."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(columns)
        nn.init.normal_(self.norm.weight, mean=1.0, std=0.1)
        nn.init.normal_(self.norm.bias, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


def get_init_inputs() -> list[int]:
    return [COLUMNS]


def get_inputs() -> list[Tensor]:
    return [torch.randn(ROWS, COLUMNS)]
