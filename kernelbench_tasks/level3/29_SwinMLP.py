"""Swin-MLP, tiny: tokens of a 7x7 window are mixed by one linear map per head instead of attention.

Every second block shifts its windows by padding the map on all sides, so that it has one more row and one
more column of windows than its neighbour.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 10
DRAW = "rand"

SIZES = {"small": {"BATCH": 2}, "v0": {"DRAW": "randn"}}


class Mlp(nn.Sequential):
    """Two linear layers with GELU between."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))


class Block(nn.Module):
    """Window mixing and a token-wise MLP, both pre-normalised and residual.

    Args:
        dim: channels of a token.
        side: height and width of the map, in tokens.
        heads: groups of channels that share one mixing matrix.
        window: side of a window, in tokens.
        shift: rows and columns by which the windows are moved; 0 for none.
    """

    def __init__(self, dim: int, side: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.side, self.heads, self.window = side, heads, window
        self.padding = (window - shift, shift) if shift else (0, 0)
        self.norm1 = nn.LayerNorm(dim)
        mixed = heads * window**2
        self.mix = nn.Conv1d(mixed, mixed, 1, groups=heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.windows(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def windows(self, x: Tensor) -> Tensor:
        """Mix the tokens of each window of ``x``, (batch, side * side, dim)."""
        batch, tokens, dim = x.shape
        window, heads, side = self.window, self.heads, self.side
        before, after = self.padding
        grid = F.pad(x.view(batch, side, side, dim), (0, 0, before, after, before, after))
        padded = grid.shape[1]
        count = padded // window
        parts = grid.view(batch, count, window, count, window, heads, dim // heads)
        parts = parts.permute(0, 1, 3, 5, 2, 4, 6).reshape(-1, heads * window**2, dim // heads)
        mixed = self.mix(parts).view(batch, count, count, heads, window, window, dim // heads)
        grid = mixed.permute(0, 1, 4, 2, 5, 3, 6).reshape(batch, padded, padded, dim)
        return grid[:, before : before + side, before : before + side].reshape(batch, tokens, dim)


class Merge(nn.Module):
    """Join each 2x2 group of tokens into one of twice the width."""

    def __init__(self, dim: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        half = self.side // 2
        pairs = x.view(batch, half, 2, half, 2, dim).permute(0, 1, 3, 4, 2, 5)
        return self.reduction(self.norm(pairs.reshape(batch, tokens // 4, 4 * dim)))


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
