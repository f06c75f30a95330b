"""First launch: seconds from a source text to its kernel's end, in a process that has done it before.

Usage: ``python -m benchmarks.gpu.first_launch NAME`` prints one row as JSON. Every source is a new one, so
no cache knows it; the process has torch, the device's context and the compiler's library already, as a worker
of a search has. ``load_inline`` builds with torch's header precompiled, where gcc takes it.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import kernelevo
from benchmarks.gpu.child import tell
from kernelevo.backends import extension_header
from kernelevo.backends.cache import default_root
from kernelevo.backends.candidate import import_program

Launch = Callable[[int, torch.Tensor], torch.Tensor]

NVRTC = r"""
extern "C" __global__ void scaled(const float* x, float* y, int n) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at < n) y[at] = x[at] * NUMBERf;
}
"""
TRITON = """
import torch, triton
import triton.language as tl


@triton.jit
def scaled(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < n) * NUMBER, mask=at < n)


def run(x):
    y = torch.empty_like(x)
    scaled[(triton.cdiv(x.numel(), 256),)](x, y, x.numel(), BLOCK=256)
    return y
"""
INLINE_CUDA = r"""
#include <torch/types.h>
__global__ void scaled(const float* x, float* y, int n) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at < n) y[at] = x[at] * NUMBERf;
}
torch::Tensor run(torch::Tensor x) {
  auto y = torch::empty_like(x);
  const int n = x.numel();
  scaled<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
  return y;
}
"""


def nvrtc(number: int, x: torch.Tensor) -> torch.Tensor:
    """Compile by NVRTC and launch."""
    y = torch.empty_like(x)
    lib = kernelevo.cuda(NVRTC.replace("NUMBER", f"{number}."))
    lib.scaled[(x.numel() + 255) // 256, 256](x, y, x.numel())
    return y


def triton(number: int, x: torch.Tensor) -> torch.Tensor:
    """Import a program with a Triton kernel and launch it."""
    with tempfile.TemporaryDirectory() as folder:
        module = import_program(TRITON.replace("NUMBER", f"{number}.0"), Path(folder))
        result: torch.Tensor = module.run(x)
        torch.cuda.synchronize()
    return result


def load_inline(number: int, x: torch.Tensor) -> torch.Tensor:
    """Build an extension as upstream solutions do, and call it."""
    from torch.utils import cpp_extension

    extension = cpp_extension.load_inline(
        name=f"scaled_{number}",
        cpp_sources="torch::Tensor run(torch::Tensor x);",
        cuda_sources=INLINE_CUDA.replace("NUMBER", f"{number}."),
        functions=["run"],
    )
    result: torch.Tensor = extension.run(x)
    return result


def measured(
    launch: Launch, calls: int, *, device: str = "cuda", wait: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Return the median, the shortest and the longest of so many first launches, one before them not counted.

    Args:
        launch: given a number and a tensor, builds and launches what multiplies the one by the other.
        calls: how many.
        device: of the tensor.
        wait: returns when the device has done its work.

    Raises:
        AssertionError: if a result is wrong.
    """
    wait = wait or torch.cuda.synchronize
    x = torch.rand(10_007, device=device)
    first = 1_000_000 + time.time_ns() % 1_000_000  # below 2**24: a number that fp32 holds
    seconds = []
    for number in range(first, first + calls + 1):
        wait()
        began = time.perf_counter()
        y = launch(number, x)
        wait()
        seconds.append(time.perf_counter() - began)
        if not torch.equal(y, x * float(number)):
            raise AssertionError(f"the kernel does not multiply by {number}")
    del seconds[0]
    return {"p50_s": statistics.median(seconds), "least_s": min(seconds), "most_s": max(seconds)}


def _inline() -> dict[str, Any]:
    os.environ["CPATH"] = str(extension_header.precompile((), default_root()))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCH_EXTENSIONS_DIR"] = folder
        return measured(load_inline, 3)


FIRST_LAUNCHES: dict[str, Callable[[], dict[str, Any]]] = {
    "first launch by NVRTC": lambda: measured(nvrtc, 15),
    "first launch by Triton": lambda: measured(triton, 15),
    "first launch by load_inline": _inline,
}

if __name__ == "__main__":
    sys.exit(tell(FIRST_LAUNCHES, sys.argv[1:]))
