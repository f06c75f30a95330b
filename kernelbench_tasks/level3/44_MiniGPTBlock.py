"""One block of minGPT: LayerNorm, causal attention, LayerNorm, a fourfold MLP with tanh GELU, residuals."""

import math

import torch
from torch import Tensor, nn

BATCH = 128
SEQUENCE = 512
EMBEDDING = 768
HEADS = 8
ATTENTION_DROPOUT = 0.0
OUTPUT_DROPOUT = 0.0
LONGEST = 1024
DRAW = "rand"

SIZES = {"small": {"BATCH": 4}, "v0": {"DRAW": "randn"}}


class TanhGelu(nn.Module):
    """GELU by its tanh approximation, written out operation by operation as minGPT does."""

    def forward(self, x: Tensor) -> Tensor:
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))
        return 0.5 * x * (1.0 + torch.tanh(inner))


class CausalAttention(nn.Module):
    """Softmax attention in which a position sees itself and what came before; the mask is materialised."""

    def __init__(
        self, embedding: int, heads: int, attention_dropout: float, output_dropout: float, longest: int
    ) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(embedding, 3 * embedding)
        self.c_proj = nn.Linear(embedding, embedding)
        self.attn_dropout = nn.Dropout(attention_dropout)
        self.resid_dropout = nn.Dropout(output_dropout)
        self.register_buffer("bias", torch.tril(torch.ones(longest, longest))[None, None])

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        split = (batch, length, self.heads, width // self.heads)
        query, key, value = (part.view(split).transpose(1, 2) for part in self.c_attn(x).split(width, dim=2))
        scores = (query @ key.transpose(-2, -1)) * (1.0 / math.sqrt(split[-1]))
        scores = scores.masked_fill(self.bias[:, :, :length, :length] == 0, -math.inf)
        weights = self.attn_dropout(torch.softmax(scores, dim=-1))
        joined = (weights @ value).transpose(1, 2).reshape(batch, length, width)
        return self.resid_dropout(self.c_proj(joined))


class Model(nn.Module):
    """Pre-norm transformer block."""

    def __init__(
        self, embedding: int, heads: int, attention_dropout: float, output_dropout: float, longest: int
    ) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(embedding)
        self.attn = CausalAttention(embedding, heads, attention_dropout, output_dropout, longest)
        self.ln_2 = nn.LayerNorm(embedding)
        self.mlp = nn.Sequential(
            nn.Linear(embedding, 4 * embedding),
            TanhGelu(),
            nn.Linear(4 * embedding, embedding),
            nn.Dropout(output_dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


def get_init_inputs() -> list[int | float]:
    return [EMBEDDING, HEADS, ATTENTION_DROPOUT, OUTPUT_DROPOUT, LONGEST]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, SEQUENCE, EMBEDDING)]
