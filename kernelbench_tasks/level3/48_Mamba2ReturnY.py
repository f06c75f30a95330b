"""Mamba-2's state space dual in chunks: returns the output at every position.

Inside a chunk every position attends to those before it, weighted by products of decays; between chunks a
state of 16 numbers per channel is carried along. A, B and C are parameters of the full batch. A is drawn from
a normal distribution, so many decays are growths: values reach 1e9 and more, and fp32 is far from fp64.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 2048
SEQUENCE = 128
HEADS = 8
HEAD_DIM = 64
STATE = 16
CHUNK = 64
DRAW = "rand"

SIZES = {"small": {"BATCH": 128}, "v0": {"BATCH": 16, "DRAW": "randn"}}


def decay_sums(logs: Tensor) -> Tensor:
    """Return ``logs[j + 1] + ... + logs[i]`` at (..., i, j), and -inf where j is after i."""
    length = logs.shape[-1]
    totals = torch.cumsum(logs, dim=-1)
    apart = totals[..., :, None] - totals[..., None, :]
    visible = torch.ones(length, length, dtype=torch.bool, device=logs.device).tril()
    return apart.masked_fill(~visible, -torch.inf)


class Model(nn.Module):
    """State space model whose decays, input maps and output maps are parameters.

    Letters of the einsums: b batch, c chunk, l and s positions in a chunk, h head, p channel, n state,
    z boundary of chunks.
    """

    def __init__(
        self, batch: int, length: int, heads: int, head_dim: int, state: int, chunk: int = 64
    ) -> None:
        super().__init__()
        if length % chunk:
            raise ValueError(f"length {length} is not a multiple of chunk {chunk}")
        self.chunk = chunk
        self.A = nn.Parameter(torch.randn(batch, length, heads))
        self.B = nn.Parameter(torch.randn(batch, length, heads, state))
        self.C = nn.Parameter(torch.randn(batch, length, heads, state))

    def forward(self, x: Tensor) -> Tensor:
        x, a, b, c = (t.unflatten(1, (-1, self.chunk)) for t in (x, self.A, self.B, self.C))
        logs = a.permute(0, 3, 1, 2)
        totals = torch.cumsum(logs, dim=-1)

        inside = torch.exp(decay_sums(logs))
        diagonal = torch.einsum("bclhn,bcshn,bhcls,bcshp->bclhp", c, b, inside, x)

        to_end = torch.exp(totals[..., -1:] - totals)
        states = torch.einsum("bclhn,bhcl,bclhp->bchpn", b, to_end, x)
        states = torch.cat([torch.zeros_like(states[:, :1]), states], dim=1)
        between = torch.exp(decay_sums(F.pad(totals[..., -1], (1, 0))))
        carried = torch.einsum("bhzc,bchpn->bzhpn", between, states)

        from_start = torch.exp(totals)
        crossing = torch.einsum("bclhn,bchpn,bhcl->bclhp", c, carried[:, :-1], from_start)
        return (diagonal + crossing).flatten(1, 2)


def get_init_inputs() -> list[int]:
    return [BATCH, SEQUENCE, HEADS, HEAD_DIM, STATE, CHUNK]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, SEQUENCE, HEADS, HEAD_DIM)]
