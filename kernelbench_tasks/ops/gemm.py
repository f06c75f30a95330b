"""Square matrix product in fp32."""

import torch
from torch import Tensor, nn

N = 4096

SIZES = {"small": {"N": 1024}}


class Model(nn.Module):
    """``a @ b`` for two square matrices."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.matmul(a, b)


def get_init_inputs() -> list[int]:
    return []


def get_inputs() -> list[Tensor]:
    return [torch.randn(N, N), torch.randn(N, N)]
