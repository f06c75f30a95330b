"""optimize(model, inputs, hotspots=n): parts of real models become faster, and so do the models."""

import pytest
import torch
from torch import nn

import kernelevo
from kernelevo.errors import BadSetting

SETTINGS = {"proposers": ["rewrite"], "progress": False, "seed": 1}


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv, self.out, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (p.view(b, t, self.heads, -1).transpose(1, 2) for p in self.qkv(x).split(c, -1))
        weights = (q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(b, t, c))


class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, 4)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attention(self.one(x))
        return x + self.down(nn.functional.gelu(self.up(self.two(x)), approximate="tanh"))


class Encoder(nn.Module):
    def __init__(self, width: int = 128, depth: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


def block(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1), nn.AvgPool2d(2)
    )


class Dense(nn.Module):
    """Three transition layers of a DenseNet in training mode, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(block(32), block(32), block(32))
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.blocks(x).mean((2, 3)))


def test_a_count_that_is_none_is_refused(elsewhere):
    for count in (0, -1, 1.5, True):
        with pytest.raises(BadSetting, match="hotspots"):
            kernelevo.optimize(Encoder(), torch.zeros(1, 4, dtype=torch.long), hotspots=count, budget="1s")
    with pytest.raises(BadSetting, match="weights"):
        kernelevo.optimize(Dense(), torch.rand(1, 32, 8, 8), hotspots=1, weights=[1.0], budget="1s")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Encoder().eval(), torch.randint(0, 100, (4, 128))),
        (Dense(), torch.rand(4, 32, 96, 96)),
    ],
    ids=["transformer", "convolutions"],
)
def test_two_real_models_gain_as_a_whole(model, inputs, elsewhere):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    whole = kernelevo.optimize(model, inputs, hotspots=2, budget="24s", **SETTINGS)
    assert any(part.replaced for part in whole.parts), [p.kept_for for p in whole.parts]
    assert len(whole.parts[0].paths) == 3
    fast = whole.module()
    assert list(fast.state_dict()) == list(before) and fast.training == model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert whole.error <= max(1e-4, 4 * whole.reference_error)
    assert whole.speedup > 0.9  # on a busy machine; what it is worth stands in the README
    with torch.no_grad():
        torch.testing.assert_close(fast(inputs), model(inputs), rtol=1e-4, atol=1e-4)
