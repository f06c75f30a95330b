"""C++ source -> callable: cold, with our header precompiled, from the cache, and torch's ``load_inline``.

Usage: ``pytest benchmarks/bench_cpp_build.py -m '' --benchmark-group-by=func``. Judge the ratios.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
import torch

from kernelevo.backends import cpp as cpp_module
from kernelevo.backends import toolchain
from kernelevo.backends.cache import BuildCache
from kernelevo.backends.cpp import cpp, precompile_headers

SOURCE = r"""
#include <kernelevo.h>
extern "C" void bias_relu(const float* x, const float* b, float* y, int64_t rows, int64_t columns) {
  #pragma omp parallel for if (rows * columns > 16384)
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const float v = x[i * columns + j] + b[j];
      y[i * columns + j] = v > 0 ? v : 0;
    }
}
"""
INLINE = r"""
#include <torch/extension.h>
torch::Tensor bias_relu(torch::Tensor x, torch::Tensor b) { return (x + b).clamp_min(0); }
"""
_fresh = itertools.count(time.time_ns())


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    monkeypatch.setattr(cpp_module, "_loaded", {})
    toolchain.compiler.cache_clear()
    toolchain.compiler()


def test_cold(benchmark, own_cache) -> None:
    benchmark.pedantic(lambda: cpp(f"{SOURCE}// {next(_fresh)}").bias_relu, rounds=5, iterations=1)
    assert benchmark.stats.stats.median < 1.5


def test_cold_with_the_header_precompiled(benchmark, own_cache) -> None:
    precompile_headers("kernelevo.h", cache=BuildCache.here())
    benchmark.pedantic(lambda: cpp(f"{SOURCE}// {next(_fresh)}").bias_relu, rounds=5, iterations=1)


def test_from_the_cache(benchmark, own_cache) -> None:
    cpp(SOURCE)

    def forget() -> None:
        cpp_module._loaded.clear()

    benchmark.pedantic(lambda: cpp(SOURCE).bias_relu, setup=forget, rounds=20, iterations=1)
    assert benchmark.stats.stats.median < 0.02


def test_call(benchmark, own_cache) -> None:
    function, x, b = cpp(SOURCE).bias_relu, torch.randn(4, 4), torch.randn(4)
    y = torch.empty_like(x)
    benchmark(lambda: function(x, b, y, 4, 4))


def test_call_of_torch_relu(benchmark) -> None:
    x = torch.randn(4, 4)
    benchmark(lambda: torch.relu(x))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
def test_load_inline(benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.utils.cpp_extension import load_inline

    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    name = f"bias_relu_{next(_fresh)}"
    benchmark.pedantic(lambda: load_inline(name, [INLINE], functions=["bias_relu"]), rounds=1, iterations=1)
