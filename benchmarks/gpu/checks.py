"""The gpu tests as plain functions: values of CUDA and Triton programs, streams, packed weights on a device.

``tests/gpu`` runs them under pytest; ``benchmarks.gpu.suite`` runs them where pytest is not installed, each
in a process of its own: ``python -m benchmarks.gpu.checks NAME`` prints one verdict as JSON.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

import kernelevo
from benchmarks.gpu import instruments
from benchmarks.gpu.child import tell
from kernelevo.backends import packing
from kernelevo.backends.candidate import import_program
from kernelevo.backends.cuda import arch_of
from kernelevo.backends.nvrtc import compile_cubin
from kernelevo.backends.triton import compile_source

SOURCE = r"""
#include <cuda_fp16.h>
extern "C" __global__ void scale(const float* x, float* y, int n, float a) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] * a;
}
template <typename T>
__global__ void reverse(const T* x, T* y, int n) {
  extern __shared__ char memory[];
  T* s = reinterpret_cast<T*>(memory);
  for (int i = threadIdx.x; i < n; i += blockDim.x) s[i] = x[i];
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) y[i] = s[n - 1 - i];
}
__global__ void halves(const __half* x, __half* y, long long n, double a, bool negate) {
  long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) y[i] = __float2half((negate ? -1.f : 1.f) * (float)a * __half2float(x[i]));
}
"""
NAMES = ("reverse<float>", "reverse<double>")

TRITON = """
import triton
import triton.language as tl

AOT = {"layer_norm": {"constexprs": {"BLOCK": 128}}}


@triton.jit
def layer_norm(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + i, mask=i < n, other=0.0)
    mean = tl.sum(x, 0) / n
    centred = tl.where(i < n, x - mean, 0.0)
    variance = tl.sum(centred * centred, 0) / n
    tl.store(y_ptr + row * n + i, centred / tl.sqrt(variance + 1e-5), mask=i < n)
"""


def cuda_values() -> None:
    """A kernel computes what torch computes."""
    lib = kernelevo.cuda(SOURCE, name_expressions=NAMES)
    x = torch.randn(10_001, device="cuda")
    y = torch.empty_like(x)
    lib.scale[(x.numel() + 255) // 256, 256](x, y, x.numel(), 2.5)
    torch.testing.assert_close(y, x * 2.5)
    h = torch.randn(999, device="cuda", dtype=torch.float16)
    out = torch.empty_like(h)
    lib.halves[4, 256](h, out, h.numel(), 3.0, True)
    torch.testing.assert_close(out, -3 * h)


def cuda_templates_and_large_shared_memory() -> None:
    """Template instances are found, and more than 48 KiB of dynamic shared memory is granted."""
    lib = kernelevo.cuda(SOURCE, name_expressions=NAMES)
    for dtype, name, n in (
        (torch.float32, "reverse<float>", 20_000),
        (torch.float64, "reverse<double>", 100),
    ):
        x = torch.randn(n, device="cuda", dtype=dtype)
        y = torch.empty_like(x)
        lib[name][1, 256, n * x.element_size()](x.data_ptr(), y.data_ptr(), n)
        assert torch.equal(y, x.flip(0)), name


def cuda_follows_the_current_stream() -> None:
    """A launch is ordered after what its stream was given before, and captured into a graph."""
    lib = kernelevo.cuda(SOURCE, name_expressions=NAMES)
    x, y = torch.zeros(1 << 22, device="cuda"), torch.zeros(1 << 22, device="cuda")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        torch.cuda._sleep(20_000_000)
        x.fill_(3)
        lib.scale[x.numel() // 256, 256](x, y, x.numel(), 2.0)
    side.synchronize()
    assert bool((y == 6).all())
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        lib.scale[x.numel() // 256, 256](x, y, x.numel(), 5.0)
    graph.replay()
    torch.cuda.synchronize()
    assert bool((y == 15).all())


def cuda_refuses_wrong_arguments() -> None:
    """A tensor of another device, dtype or layout is a TypeError, not a crash."""
    lib = kernelevo.cuda(SOURCE, name_expressions=NAMES)
    good = torch.ones(4, 4, device="cuda")
    for bad in (good.cpu(), good.double(), good.t()):
        try:
            lib.scale[1, 16](bad, good, 16, 1.0)
        except TypeError:
            continue
        raise AssertionError(f"accepted {bad.dtype} on {bad.device} with strides {bad.stride()}")


def cubin_of_this_device() -> None:
    """What compiles here for this device's own architecture is what a machine without one compiles."""
    cubin = compile_cubin(SOURCE, arch=arch_of(0), name_expressions=NAMES)
    assert cubin.code[:4] == b"\x7fELF" and cubin.spills == 0


def triton_values() -> None:
    """A Triton program computes what torch computes, and its ahead-of-time build agrees on registers."""
    with tempfile.TemporaryDirectory() as folder:
        program = import_program(TRITON, Path(folder))
        x = torch.randn(64, 100, device="cuda")
        y = torch.empty_like(x)
        program.layer_norm[(64,)](x, y, 100, BLOCK=128)
        exact = torch.nn.functional.layer_norm(x.double(), (100,))
        assert (y - exact).abs().max().item() < 1e-5
        arch = "sm_{}{}".format(*torch.cuda.get_device_capability(0))
        assert compile_source(TRITON, Path(folder), arch=arch)["layer_norm"].cubin


def packed_weights_on_the_device() -> None:
    """A packed value follows updates, optimisers and moves between devices."""

    def pack(weight: torch.Tensor) -> torch.Tensor:
        return weight.t().contiguous() * 2

    layer = torch.nn.Linear(300, 200, device="cuda")

    def agrees() -> bool:
        return torch.equal(kernelevo.packed(pack, layer.weight), pack(layer.weight.detach()))

    assert agrees()
    for fused in (False, True):
        optimiser = torch.optim.Adam(layer.parameters(), lr=0.1, fused=fused)
        layer(torch.randn(4, 300, device="cuda")).sum().backward()
        optimiser.step()
        assert agrees(), f"fused={fused}"
    layer.cpu()
    assert agrees()
    layer.cuda()
    assert agrees()
    layer.weight.data.mul_(3)
    packing.refresh()
    assert agrees()


def launch_overhead() -> dict[str, float]:
    """Return the host time of one launch in microseconds, beside torch's own add."""
    import time

    lib = kernelevo.cuda(SOURCE, name_expressions=NAMES)
    x = torch.ones(256, device="cuda")
    launch, figures = lib.scale[1, 256], {}
    for name, call in (
        ("kernelevo.cuda", lambda: launch(x, x, 256, 1.0)),
        ("torch.add", lambda: x.add_(0.0)),
    ):
        for _ in range(100):
            call()
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(500):
            call()
        figures[name] = (time.perf_counter() - start) / 500 * 1e6
        torch.cuda.synchronize()
    return figures


CHECKS: tuple[Callable[[], None], ...] = (
    cuda_values,
    cuda_templates_and_large_shared_memory,
    cuda_follows_the_current_stream,
    cuda_refuses_wrong_arguments,
    cubin_of_this_device,
    triton_values,
    packed_weights_on_the_device,
    *instruments.CHECKS,
)


def launches() -> dict[str, float | str]:
    """Return the launch overhead as a row's figures."""
    found = launch_overhead()
    return {"value": found["kernelevo.cuda"], "unit": "us", "torch_add_us": found["torch.add"]}


if __name__ == "__main__":
    sys.exit(tell({"launch_overhead": launches, **{check.__name__: check for check in CHECKS}}, sys.argv[1:]))
