"""What each C++ sample has to compute: note -> function of its library, returns (ours, wanted)."""

import pytest
import torch
from torch.nn import functional as F


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def one_pass(library):
    x, scale, shift = draw(5, 37), draw(37, seed=1), draw(37, seed=2)
    y = torch.empty_like(x)
    library.scale_shift_relu(x, scale, shift, y, 5, 37)
    return y, torch.relu(x.double() * scale.double() + shift.double())


def streaming(library):
    x, y = draw(1003), torch.empty(1004)
    library.fill_scaled(x, y[1:], 1003, 0.5)  # an output that does not begin at a line
    return y[1:], x.double() * 0.5


def large_results(library):
    x = draw((3 << 20) + 5)  # several huge pages, and a part of one
    y = torch.empty_like(x)
    library.scaled(x, 0.5, y, len(x))
    return y, x.double() * 0.5


def sum_lanes(library):
    a, b = draw(1037), draw(1037, seed=1)
    return torch.tensor([library.dot(a, b, 1037)]), (a.double() @ b.double())[None]


def vector_functions(library):
    x = torch.cat([torch.linspace(-20, 20, 4000), torch.tensor([-200.0, -0.0, 1e-4, 0.1] * 4)])
    e, t = torch.empty_like(x), torch.empty_like(x)
    library.exp_and_tanh(x, e, t, len(x))
    wanted = x.double().exp()
    return torch.cat([(e / wanted.clamp(min=1e-30)).float()[x > -80], t]), torch.cat(
        [torch.ones(int((x > -80).sum())).double(), x.double().tanh()]
    )


def softmax(library):
    x = draw(7, 133) * 30 + 200
    y = torch.empty_like(x)
    library.softmax_rows(x, y, 7, 133)
    return y, x.double().softmax(1)


def layer_norm(library):
    x, w, b = draw(6, 257) + 30, draw(257, seed=1), draw(257, seed=2)
    y = torch.empty_like(x)
    library.layer_norm(x, w, b, y, 6, 257, 1e-5)
    return y, F.layer_norm(x.double(), (257,), w.double(), b.double(), 1e-5)


def register_tile(library):
    x, w, b = draw(13, 40), draw(128, 40, seed=1), draw(128, seed=2)
    y = torch.empty(13, 128)
    packed = w.unflatten(0, (-1, library.panel())).transpose(1, 2).contiguous()
    library.linear(x, packed, b, y, 13, 40, 128)
    return y, F.linear(x.double(), w.double(), b.double())


def matrix_units(library):
    if not library.units():
        pytest.skip("this processor has no matrix units")
    x, w = draw(32, 96), draw(48, 96, seed=1)
    y = torch.empty(32, 48)
    library.linear(x, w, y, 32, 96, 48)
    return y, F.linear(x.double(), w.double())


def images_in_lanes(library):
    lanes = library.lanes()
    images, w, b = draw(lanes, 12, 12), draw(3, 3, seed=1), draw(1, seed=2)
    y = torch.empty(5, 5, lanes)
    library.conv_relu_pool(images.permute(1, 2, 0).contiguous(), w, b, y, 12)
    wanted = F.max_pool2d(
        torch.relu(F.conv2d(images.double()[:, None], w.double()[None, None], b.double())), 2
    )
    return y, wanted[:, 0].permute(1, 2, 0)


def depthwise(library):
    x, w = draw(2, 3, 9, 11), draw(3, 1, 3, 3, seed=1)
    y = torch.empty_like(x)
    library.depthwise3x3(x, w, y, 6, 3, 9, 11)
    return y, F.conv2d(x.double(), w.double(), padding=1, groups=3)


def winograd(library):
    x, weight = draw(10, 6, 5), draw(7, 5, 3, 3, seed=1)
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    spread = torch.einsum("ia,ocab,jb->ijco", g, weight.double(), g).float().contiguous()
    y = torch.empty(10, 6, 7)
    library.winograd3x3(x, spread, y, 10, 6, 5, 7)
    return y, F.conv2d(x.double().permute(2, 0, 1)[None], weight.double(), padding=1)[0].permute(1, 2, 0)


def recurrent(library):
    inputs, first, w = draw(9, 3, 24), draw(3, 24, seed=1), draw(24, 24, seed=2) / 5
    states = inputs.clone()
    library.recur(states, first, w.t().contiguous(), 9, 3, 24)
    h, steps = first.double(), []
    for step in inputs.double():
        h = torch.tanh(step + h @ w.double().t())
        steps.append(h)
    return states, torch.stack(steps)


def scan(library):
    a, b = torch.rand(500) * 1.8 - 0.9, draw(500)
    s = torch.empty(500)
    library.linear_scan(a, b, s, 500, 64)
    state, wanted = 0.0, []
    for x, y in zip(a.double().tolist(), b.double().tolist(), strict=True):
        state = x * state + y
        wanted.append(state)
    return s, torch.tensor(wanted, dtype=torch.float64)


def openmp(library):
    big, small = draw(301, 97), draw(3, 5)
    found = []
    for x in (big, small):
        y = torch.empty(x.shape[1])
        library.column_means(x, y, *x.shape)
        found.append(y)
    return torch.cat(found), torch.cat([big.double().mean(0), small.double().mean(0)])


def vector_types(library):
    x, y = draw(1001), torch.empty(1001)
    library.clip(x[1:].contiguous(), y, 1000, -0.5, 0.25)
    return y[:1000], x[1:].double().clamp(-0.5, 0.25)


def online_attention(library):
    q, k, v = draw(70, 24), draw(70, 24, seed=1), draw(70, 24, seed=2)
    y = torch.empty_like(q)
    library.causal_attention(q, k, v, y, 70, 24, 24**-0.5)
    return y, F.scaled_dot_product_attention(q.double(), k.double(), v.double(), is_causal=True)


def blocked_sum(library):
    x = torch.rand(100_003) + 0.1
    return torch.tensor([library.blocked_sum(x, len(x))]) / len(x), x.double().mean()[None]


def channel_moments(library):
    x = draw(3, 4, 6, 7) * 2 + 50
    mean, variance = torch.empty(4, dtype=torch.float64), torch.empty(4, dtype=torch.float64)
    library.channel_moments(x, mean, variance, 3, 4, 42)
    exact = x.double()
    wanted = [exact.mean((0, 2, 3)), exact.var((0, 2, 3), unbiased=False)]
    return torch.cat([mean, variance]), torch.cat(wanted)


CHECKS = {
    "cpu-one-pass": one_pass,
    "cpu-streaming-stores": streaming,
    "cpu-large-results": large_results,
    "cpu-sum-lanes": sum_lanes,
    "cpu-vector-functions": vector_functions,
    "cpu-softmax-row": softmax,
    "cpu-layernorm-two-pass": layer_norm,
    "cpu-matrix-units": matrix_units,
    "cpu-register-tile": register_tile,
    "cpu-images-in-lanes": images_in_lanes,
    "cpu-depthwise-rows": depthwise,
    "cpu-recurrent": recurrent,
    "cpu-winograd": winograd,
    "scan-chunks": scan,
    "cpu-openmp": openmp,
    "cpu-vector-types": vector_types,
    "cpu-online-attention": online_attention,
    "fp32-accuracy": blocked_sum,
    "batchnorm-statistics": channel_moments,
}
