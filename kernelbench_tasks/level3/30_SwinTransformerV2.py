"""Swin transformer v2, tiny: cosine attention in 7x7 windows with a learned continuous position bias.

Every second block shifts its windows cyclically and masks what was not adjacent before. Norms come after
attention and MLP. The position bias depends on parameters only: it is computed anew in each call, and may be
computed once per change of the parameters.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 10
DRAW = "rand"

SIZES = {"small": {"BATCH": 2}, "v0": {"DRAW": "randn"}}


def split_windows(grid: Tensor, window: int) -> Tensor:
    """Cut (batch, height, width, dim) into (batch * windows, window * window, dim)."""
    batch, height, width, dim = grid.shape
    parts = grid.view(batch, height // window, window, width // window, window, dim)
    return parts.transpose(2, 3).reshape(-1, window * window, dim)


def join_windows(parts: Tensor, window: int, height: int, width: int) -> Tensor:
    """Undo :func:`split_windows`."""
    dim = parts.shape[-1]
    grid = parts.view(-1, height // window, width // window, window, window, dim)
    return grid.transpose(2, 3).reshape(-1, height, width, dim)


def offsets(window: int) -> tuple[Tensor, Tensor]:
    """Return the log-spaced offsets between two tokens of a window, and which pair has which.

    Offsets have shape (1, 2 * window - 1, 2 * window - 1, 2), from about -1 to 1; indices are
    (window^2, window^2).
    """
    line = torch.arange(1 - window, window, dtype=torch.float32)
    table = torch.stack(torch.meshgrid(line, line, indexing="ij"), dim=-1)[None]
    table = 8 * table / (window - 1)
    table = torch.sign(table) * torch.log2(table.abs() + 1) / math.log2(8)
    place = torch.arange(window)
    rows, columns = (g.flatten() for g in torch.meshgrid(place, place, indexing="ij"))
    apart = [(axis[:, None] - axis[None, :]) + window - 1 for axis in (rows, columns)]
    return table, apart[0] * (2 * window - 1) + apart[1]


def shift_mask(side: int, window: int, shift: int) -> Tensor:
    """Return -100 for each pair of tokens in one window that the cyclic shift brought together, else 0."""
    region = torch.zeros(side, dtype=torch.float32)
    region[side - window : side - shift] = 1
    region[side - shift :] = 2
    grid = (3 * region[:, None] + region[None, :])[None, :, :, None]
    parts = split_windows(grid, window).squeeze(-1)
    return (parts[:, None, :] != parts[:, :, None]).float() * -100.0


class WindowAttention(nn.Module):
    """Attention by the cosine of queries and keys, with a temperature per head."""

    def __init__(self, dim: int, window: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.logit_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))
        self.position = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, heads, bias=False))
        table, index = offsets(window)
        self.register_buffer("offsets", table, persistent=False)
        self.register_buffer("index", index, persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dim))
        self.v_bias = nn.Parameter(torch.zeros(dim))
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        count, tokens, dim = x.shape
        bias = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias])
        joined = F.linear(x, self.qkv.weight, bias).view(count, tokens, 3, self.heads, dim // self.heads)
        query, key, value = joined.permute(2, 0, 3, 1, 4)
        scores = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).transpose(-2, -1)
        scores = scores * torch.clamp(self.logit_scale, max=math.log(100.0)).exp()
        rows = self.position(self.offsets).view(-1, self.heads)[self.index.view(-1)]
        placed = rows.view(tokens, tokens, self.heads).permute(2, 0, 1).contiguous()
        scores = scores + 16 * torch.sigmoid(placed)
        if mask is not None:
            windows = mask.shape[0]
            scores = scores.view(-1, windows, self.heads, tokens, tokens) + mask[:, None]
            scores = scores.view(count, self.heads, tokens, tokens)
        attended = torch.softmax(scores, dim=-1) @ value
        return self.proj(attended.transpose(1, 2).reshape(count, tokens, dim))


class Block(nn.Module):
    """Window attention and an MLP, both normalised afterwards and residual.

    Args:
        dim: channels of a token.
        side: height and width of the map, in tokens.
        heads: attention heads.
        window: side of a window, in tokens.
        shift: rows and columns by which the windows are moved; 0 for none.
    """

    def __init__(self, dim: int, side: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.side, self.window, self.shift = side, window, shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        mask = shift_mask(side, window, shift) if shift else None
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.norm1(self.attend(x))
        return x + self.norm2(self.mlp(x))

    def attend(self, x: Tensor) -> Tensor:
        """Attend within the (shifted) windows of ``x``, (batch, side * side, dim)."""
        batch, tokens, dim = x.shape
        side, shift = self.side, self.shift
        grid = x.view(batch, side, side, dim)
        if shift:
            grid = torch.roll(grid, (-shift, -shift), dims=(1, 2))
        parts = self.attn(split_windows(grid, self.window), self.mask)
        grid = join_windows(parts, self.window, side, side)
        if shift:
            grid = torch.roll(grid, (shift, shift), dims=(1, 2))
        return grid.reshape(batch, tokens, dim)


class Merge(nn.Module):
    """Join each 2x2 group of tokens into one of twice the width, normalised afterwards."""

    def __init__(self, dim: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        half = self.side // 2
        pairs = x.view(batch, half, 2, half, 2, dim).permute(0, 1, 3, 4, 2, 5)
        return self.norm(self.reduction(pairs.reshape(batch, tokens // 4, 4 * dim)))


class Model(nn.Module):
    """Patch embedding, four stages of blocks with merging between, mean over tokens, a linear layer."""

    def __init__(
        self,
        image_size: int = 224,
        patch_size: int = 4,
        channels: int = 3,
        classes: int = 1000,
        dim: int = 96,
        depths: tuple[int, ...] = (2, 2, 6, 2),
        heads: tuple[int, ...] = (3, 6, 12, 24),
        window: int = 7,
    ) -> None:
        super().__init__()
        side = image_size // patch_size
        self.embed = nn.Conv2d(channels, dim, patch_size, stride=patch_size)
        self.embed_norm = nn.LayerNorm(dim)
        layers: list[nn.Module] = []
        for number, (depth, head) in enumerate(zip(depths, heads, strict=True)):
            if number:
                layers.append(Merge(dim, side))
                dim, side = 2 * dim, side // 2
            for block in range(depth):
                shift = window // 2 if block % 2 and side > window else 0
                layers.append(Block(dim, side, head, min(window, side), shift))
        self.layers = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.embed_norm(self.embed(image).flatten(2).transpose(1, 2))
        tokens = self.norm(self.layers(tokens))
        return self.head(F.adaptive_avg_pool1d(tokens.transpose(1, 2), 1).flatten(1))


def get_init_inputs() -> list[int]:
    return []


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, 224, 224)]
