"""GPU source -> machine code, cold: NVRTC, Triton and nvcc on one kernel, ``load_inline``'s part beside them.

Usage: ``pytest benchmarks/bench_gpu_build.py -m '' --benchmark-group-by=func``. Needs no GPU; what is missing
is skipped. Judge the ratios: ``load_inline`` stands for how upstream solutions are built.
"""

from __future__ import annotations

import itertools
import subprocess
import time
from pathlib import Path

import pytest

from kernelevo.backends import nvrtc, toolchain
from kernelevo.backends.triton import compile_source

ARCH = "sm_90"
CUDA = r"""
extern "C" __global__ void bias_relu(const float* x, const float* b, float* y, int rows, int columns) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at < rows * columns) {
    const float v = x[at] + b[at % columns];
    y[at] = v > 0 ? v : 0;
  }
}
"""
TRITON = """
import triton
import triton.language as tl


@triton.jit
def bias_relu(x_ptr, b_ptr, y_ptr, total, columns, BLOCK: tl.constexpr = 1024):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < total
    value = tl.load(x_ptr + at, mask=inside) + tl.load(b_ptr + at % columns, mask=inside)
    tl.store(y_ptr + at, tl.maximum(value, 0.0), mask=inside)
"""
LAUNCH = r"""
torch::Tensor run(torch::Tensor x, torch::Tensor b) {
  auto y = torch::empty_like(x);
  const int rows = x.size(0), columns = x.size(1);
  bias_relu<<<(rows * columns + 255) / 256, 256>>>(
      x.data_ptr<float>(), b.data_ptr<float>(), y.data_ptr<float>(), rows, columns);
  return y;
}
"""
_fresh = itertools.count(time.time_ns())


def test_nvrtc(benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cuda.core")
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    nvrtc.compile_cubin(f"{CUDA}// {next(_fresh)}", arch=ARCH)  # a warm worker has loaded the library
    benchmark.pedantic(
        lambda: nvrtc.compile_cubin(f"{CUDA}// {next(_fresh)}", arch=ARCH), rounds=9, iterations=1
    )
    assert benchmark.stats.stats.median < 0.3


def test_triton(benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))

    def build() -> None:
        number = next(_fresh)
        compile_source(TRITON.replace("bias_relu", f"bias_relu_{number}"), tmp_path / str(number), arch=ARCH)

    build()
    benchmark.pedantic(build, rounds=9, iterations=1)
    assert benchmark.stats.stats.median < 1.5


def test_nvcc(benchmark, tmp_path: Path) -> None:
    nvcc = toolchain.nvcc()
    if nvcc is None:
        pytest.skip("there is no nvcc")
    path = str(nvcc.path)

    def build() -> None:
        source = tmp_path / f"{next(_fresh)}.cu"
        source.write_text(CUDA)
        command = [path, "-cubin", f"-arch={ARCH}", str(source), "-o", str(source.with_suffix(".cubin"))]
        subprocess.run(command, check=True, capture_output=True)

    benchmark.pedantic(build, rounds=5, iterations=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_load_inline_compiles(benchmark, tmp_path: Path) -> None:
    """The ``.cu`` file of a ``load_inline`` program, which includes torch's headers, through nvcc."""
    from torch.utils.cpp_extension import include_paths

    nvcc = toolchain.nvcc()
    if nvcc is None:
        pytest.skip("there is no nvcc")
    path = str(nvcc.path)
    source = tmp_path / "inline.cu"
    source.write_text("#include <torch/types.h>\n" + CUDA + LAUNCH)
    includes = [flag for folder in include_paths() for flag in ("-isystem", folder)]
    command = [
        path,
        "-c",
        f"-arch={ARCH}",
        "-std=c++20",
        *includes,
        str(source),
        "-o",
        str(tmp_path / "inline.o"),
    ]
    benchmark.pedantic(
        lambda: subprocess.run(command, check=True, capture_output=True), rounds=1, iterations=1
    )
