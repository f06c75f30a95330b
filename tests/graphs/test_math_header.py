"""kernelevo/math.h against fp64, for AVX-512, AVX2 and the portable form."""

import math
from functools import cache

import numpy as np
import pytest
import torch

import kernelevo
from kernelevo.backends.toolchain import compiler
from tests.few import few

NAMES = ("exp", "tanh", "sigmoid", "erf", "gelu", "gelu_tanh", "relu", "silu")
SOURCE = "#include <kernelevo/math.h>\nusing namespace kernelevo;\n" + "".join(
    f'extern "C" void apply_{name}(const float* x, float* y, int64_t n) {{\n'
    "  for (int64_t i = 0; i < n; i += kLanes) {\n"
    "    const int64_t count = n - i < kLanes ? n - i : kLanes;\n"
    f"    store_part(y + i, kernelevo::{name}(load_part(x + i, count)), count);\n  }}\n}}\n"
    for name in NAMES
)
WIDTHS = {
    "native": (),
    "avx2": ("-mno-avx512f", "-mavx2", "-mfma"),
    "portable": ("-mno-avx512f", "-mno-avx2", "-mno-fma", "-mno-avx"),
}
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)


@cache
def library(width):
    if width == "avx2" and not compiler().has("avx2"):
        pytest.skip("this CPU has no AVX2")
    return kernelevo.cpp(SOURCE, flags=WIDTHS[width])


def call(width, name, x):
    y = torch.full_like(x, -7.0)
    getattr(library(width), f"apply_{name}")(x, y, x.numel())
    return y


def stable_logistic(x):
    return torch.where(x < 0, x.exp() / (1 + x.exp()), 1 / (1 + (-x).exp()))


def exact(name, x):
    x = x.double()
    logistic = stable_logistic(x)
    return {
        "exp": x.exp,
        "tanh": x.tanh,
        "sigmoid": lambda: logistic,
        "erf": x.erf,
        "gelu": lambda: x * 0.5 * torch.special.erfc(-x / math.sqrt(2)),
        "gelu_tanh": lambda: x * stable_logistic(2 * SQRT_2_OVER_PI * (x + 0.044715 * x**3)),
        "relu": x.relu,
        "silu": lambda: x * logistic,
    }[name]()


def points():
    rng = np.random.default_rng(0)
    tiny = rng.uniform(-1, 1, 20_001) * 10.0 ** rng.uniform(-44, 0, 20_001)
    parts = (rng.standard_normal(40_000), rng.uniform(-110, 110, 40_000), rng.uniform(-12, 12, 40_000), tiny)
    return torch.from_numpy(np.concatenate(parts).astype(np.float32))


ULPS = {"exp": 1.5, "tanh": 2, "sigmoid": 3, "erf": 3, "relu": 0}
# GELU and SiLU lose relative accuracy far out on the negative side, where the result is tiny.
ABSOLUTE = {"gelu": 2e-7, "gelu_tanh": 2e-7, "silu": 2e-7}


@pytest.mark.parametrize("width", few(WIDTHS, 1))
@pytest.mark.parametrize("name", NAMES)
def test_accuracy(width, name):
    x = points()
    got, want = call(width, name, x).double(), exact(name, x)
    rounded = want.float()
    finite = rounded.isfinite()
    assert torch.equal(got[~finite].float(), rounded[~finite])
    error = (got - want).abs()[finite]
    if name in ULPS:
        ulp = torch.from_numpy(np.spacing(rounded[finite].abs().numpy())).double()
        assert float((error / ulp).max()) <= ULPS[name]
    else:
        assert float((error / (1 + x[finite].abs().double())).max()) <= ABSOLUTE[name]


@pytest.mark.parametrize("width", WIDTHS)
def test_infinities_nan_zeros_and_denormals(width):
    x = torch.tensor([math.inf, -math.inf, math.nan, 0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38])
    limits = {
        "exp": torch.exp, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "erf": torch.erf, "relu": torch.relu,
        "silu": torch.nn.functional.silu,
    }  # fmt: skip
    for name, function in limits.items():
        torch.testing.assert_close(call(width, name, x), function(x), equal_nan=True, rtol=1e-6, atol=2e-45)
