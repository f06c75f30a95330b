"""Small references for the judge's tests."""

import torch
from torch import nn

from kernelevo.backends.seeding import seeded


class Ref:
    """A reference from a module factory and an input factory."""

    module_name = "tests"

    def __init__(self, make, draw):
        self._make, self._draw = make, draw

    def init_args(self, seed):
        return []

    def init_kwargs(self, seed):
        return {}

    def build(self, seed):
        with seeded(seed):
            return self._make()

    def inputs(self, seed):
        with seeded(seed):
            return tuple(self._draw())


class Transition(nn.Module):
    """BatchNorm in train mode, ReLU, product."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(16)
        self.linear = nn.Linear(16, 8)

    def forward(self, x):
        return self.linear(torch.relu(self.norm(x)))


class DrawsState(nn.Module):
    """Draws its initial state inside forward, as KernelBench 3/35 does."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 8, batch_first=True)

    def forward(self, x):
        h = torch.randn(1, x.shape[0], 8, device=x.device, dtype=x.dtype)
        c = torch.randn(1, x.shape[0], 8)
        noise = torch.empty_like(x).uniform_()
        return self.lstm(x + noise, (h, c))[0]


class KeepsState(nn.Module):
    """Keeps its hidden state as a plain attribute, as KernelBench 3/33 does."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(16, 8)
        self.hidden = torch.randn(4, 8)

    def forward(self, x):
        self.hidden = torch.tanh(self.cell(torch.cat([x, self.hidden.to(x.device)], dim=1)))
        return self.hidden


class IgnoresInput(nn.Module):
    """Blind: its output is a parameter."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4))

    def forward(self, x):
        return self.weight.expand(x.shape[0], 4).clone()


class Cancels(nn.Module):
    """Unjudgeable: nothing but rounding noise is left."""

    def forward(self, x):
        return (x + 1e6) - 1e6 - x


TRANSITION = Ref(Transition, lambda: [torch.rand(32, 16)])
DRAWS = Ref(DrawsState, lambda: [torch.rand(3, 5, 8)])
KEEPS = Ref(KeepsState, lambda: [torch.rand(4, 8)])
BLIND = Ref(IgnoresInput, lambda: [torch.rand(5, 4)])
CANCELS = Ref(Cancels, lambda: [torch.rand(64)])
