"""Random compositions of layers, drawn from a seed; none of them is a bundled task."""

from __future__ import annotations

import random

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


class Branches(nn.Module):
    def __init__(self, *branches: nn.Module, dim: int = 1) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.dim = dim

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], self.dim)


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.mha = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x):
        return self.mha(x, x, x)[0]


class Recurrent(nn.Module):
    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x):
        return self.cell(x)[0]


class Tokens(nn.Module):
    def __init__(self, words: int, width: int, rest: nn.Module) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width)
        self.rest = rest

    def forward(self, tokens):
        return self.rest(self.table(tokens))


class Flip(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


def _activation(draw: random.Random) -> nn.Module:
    kinds = [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.GELU(),
        nn.GELU(approximate="tanh"),
        nn.Sigmoid(),
        nn.Tanh(),
        nn.SiLU(),
        nn.Dropout(0.0),
        nn.Dropout(0.2),
    ]
    return draw.choice(kinds)


def _image(draw: random.Random, channels: int, depth: int) -> tuple[nn.Module, int]:
    layers: list[nn.Module] = []
    for _ in range(depth):
        width = draw.choice([4, 6, 8])
        kind = draw.randrange(7)
        if kind == 0:
            layers += [
                nn.Conv2d(channels, width, 3, padding=1, bias=draw.random() < 0.5),
                nn.BatchNorm2d(width),
            ]
        elif kind == 1:
            layers += [nn.Conv2d(channels, width, 1), nn.AvgPool2d(2, 1)]
        elif kind == 2:
            layers += [
                Branches(
                    nn.Conv2d(channels, width, 1),
                    nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()),
                    nn.Conv2d(channels, width, 1),
                )
            ]
            width = 3 * width
        elif kind == 3:
            layers += [Residual(nn.Conv2d(channels, channels, 3, padding=1, groups=channels))]
            width = channels
        elif kind == 4:
            layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, width, 1, bias=False)]
        elif kind == 5:
            layers += [nn.MaxPool2d(3, 1, padding=1), nn.GroupNorm(2, channels)]
            width = channels
        else:
            layers += [nn.ConvTranspose2d(channels, width, 1), nn.Softmax(dim=1)]
        channels = width
        layers.append(_activation(draw))
    layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers), channels * 4


def _sequence(draw: random.Random, width: int, depth: int) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(depth):
        kind = draw.randrange(8)
        if kind == 0:
            layers.append(Residual(nn.Sequential(nn.LayerNorm(width), SelfAttention(width, 2))))
        elif kind == 1:
            layers.append(Recurrent(nn.LSTM(width, width, batch_first=True)))
        elif kind == 2:
            layers.append(Recurrent(nn.GRU(width, width // 2, bidirectional=True)))
        elif kind == 3:
            layers += [nn.Linear(width, 2 * width), _activation(draw), nn.Linear(2 * width, width)]
        elif kind == 4:
            layers += [Branches(nn.Linear(width, width // 2), nn.Linear(width, width // 2), dim=-1)]
        elif kind == 5:
            layers += [Flip(), nn.BatchNorm1d(width), Flip()]
        elif kind == 6:
            layers.append(Recurrent(nn.RNN(width, width)))
        else:
            layers += [nn.LayerNorm(width), nn.Softmax(dim=-1)]
        layers.append(_activation(draw))
    return nn.Sequential(*layers)


def composition(seed: int) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """Return a module in train or eval mode, and inputs for it."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    depth = draw.randint(2, 4)
    if seed % 3 == 0:
        body, features = _image(draw, 4, depth)
        module: nn.Module = nn.Sequential(body, nn.Linear(features, 5))
        inputs = (torch.randn(2, 4, 10, 10),)
    elif seed % 3 == 1:
        module = nn.Sequential(_sequence(draw, 8, depth), nn.Linear(8, 3))
        inputs = (torch.randn(3, 6, 8),)
    else:
        module = Tokens(11, 8, _sequence(draw, 8, depth))
        inputs = (torch.randint(0, 11, (3, 6)),)
    for norm in module.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            nn.init.normal_(norm.weight)
    return module.train(draw.random() < 0.6), inputs
