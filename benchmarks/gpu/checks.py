"""The gpu tests as plain functions: values of CUDA and Triton programs, streams, packed weights on a device.

``tests/gpu`` runs them under pytest; ``benchmarks.gpu.suite`` runs them where pytest is not installed, each
in a process of its own: ``python -m benchmarks.gpu.checks NAME`` prints one verdict as JSON.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

import kernelevo
from benchmarks.gpu import instruments, judged
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


def graphed_follows_everything() -> None:
    """A graphed module gives the plain one's values through changes of inputs, weights and streams."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(64, 128), torch.nn.BatchNorm1d(128), torch.nn.GELU(), torch.nn.Linear(128, 8)
    ).cuda()

    def pack(weight: torch.Tensor) -> torch.Tensor:
        return weight.t().contiguous()

    def forward(x: torch.Tensor) -> torch.Tensor:
        return net(x) + x @ kernelevo.packed(pack, net[0].weight)[:, :8]

    fast = kernelevo.graphed(forward, state=lambda: [*net.parameters(), *net.buffers()])
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    def agrees(rows: int = 32) -> None:
        x = torch.randn(rows, 64, device="cuda")
        before = {name: buffer.clone() for name, buffer in net.named_buffers()}
        expected = forward(x)
        after = {name: buffer.clone() for name, buffer in net.named_buffers()}
        net.load_state_dict(before, strict=False)
        found = fast(x)
        torch.testing.assert_close(found, expected)
        for name, buffer in net.named_buffers():
            torch.testing.assert_close(buffer, after[name])
        kept.append((found, expected))

    side = torch.cuda.Stream()
    with torch.no_grad():
        for _ in range(4):
            agrees()
        net[0].weight.mul_(2)
        agrees()
        net[3].weight = torch.nn.Parameter(torch.randn(8, 128, device="cuda"))
        for _ in range(5):
            agrees()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            agrees()
            agrees(7)
        torch.cuda.current_stream().wait_stream(side)
        agrees()
        for found, expected in kept:
            torch.testing.assert_close(found, expected)
        assert len({found.data_ptr() for found, _ in kept}) == len(kept)


def graphed_refuses_and_goes_on() -> None:
    """A function that reads a value back is called plainly, and the device works on after the refusal."""
    import warnings

    fast = kernelevo.graphed(lambda x: x * float(x.sum()))
    stream = torch.cuda.current_stream()
    with torch.no_grad(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for n in range(1, 5):
            assert fast(torch.ones(n, device="cuda")).sum().item() == n * n
            assert fast(torch.ones(n, device="cuda")).sum().item() == n * n
    assert any("plainly" in str(warning.message) for warning in told)
    assert torch.rand(8, device="cuda").sum().item() > 0
    assert torch.cuda.current_stream() == stream


def gemm_values() -> None:
    """Direct cuBLAS gives torch's products, where CuPy is there to reach it."""
    if importlib.util.find_spec("cupy") is None:
        return
    for batch in ((), (3,)):
        a, b = torch.randn(*batch, 65, 129, device="cuda"), torch.randn(*batch, 77, 129, device="cuda").mT
        bias, exact = torch.randn(77, device="cuda"), a.double() @ b.double()
        assert (kernelevo.gemm(a, b) - exact).abs().max().item() < 1e-4
        assert (kernelevo.gemm(a, b, bias=bias) - exact - bias).abs().max().item() < 1e-4
        assert (kernelevo.gemm(a, b, compute="tf32") - exact).abs().max().item() < 0.1


def launch_overhead() -> dict[str, float]:
    """Return the host time of one launch in microseconds, by what launches it; CuPy where it is there."""
    x = torch.ones(256, device="cuda")
    lib = kernelevo.cuda(SOURCE, name_expressions=NAMES)
    launch = lib.scale[1, 256]
    calls: dict[str, Callable[[], object]] = {
        "kernelevo.cuda": lambda: launch(x, x, 256, 1.0),
        "kernelevo.cuda, in Python": lambda: launch._carefully((x, x, 256, 1.0), together=False),
        "torch.add": lambda: x.add_(0.0),
    }
    with tempfile.TemporaryDirectory() as folder:
        program = import_program(TRITON, Path(folder))
        y = torch.empty_like(x)
        calls["triton"] = lambda: program.layer_norm[(1,)](x, y, 100, BLOCK=128)
        if importlib.util.find_spec("cupy") is not None:
            calls["cupy.RawKernel"] = _cupy_launch(x)
        return {name: _host_microseconds(call) for name, call in calls.items()}


def _cupy_launch(x: torch.Tensor) -> Callable[[], object]:
    import cupy
    import numpy

    text = SOURCE[SOURCE.index('extern "C"') : SOURCE.index("template")]
    kernel, n, a = cupy.RawKernel(text, "scale"), numpy.int32(256), numpy.float32(1)
    return lambda: kernel((1,), (256,), (x.data_ptr(), x.data_ptr(), n, a))


def _host_microseconds(call: Callable[[], object]) -> float:
    import time

    for _ in range(100):
        call()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(500):
        call()
    spent = (time.perf_counter() - start) / 500 * 1e6
    torch.cuda.synchronize()
    return spent


CHECKS: tuple[Callable[[], None], ...] = (
    cuda_values,
    cuda_templates_and_large_shared_memory,
    cuda_follows_the_current_stream,
    cuda_refuses_wrong_arguments,
    cubin_of_this_device,
    triton_values,
    packed_weights_on_the_device,
    graphed_follows_everything,
    graphed_refuses_and_goes_on,
    gemm_values,
    *instruments.CHECKS,
    *judged.CHECKS,
)


def launches() -> dict[str, float | str]:
    """Return the launch overhead as a row's figures."""
    found = launch_overhead()
    others = {f"{name} (us)": time for name, time in found.items() if name != "kernelevo.cuda"}
    return {"value": found["kernelevo.cuda"], "unit": "us", **others}


if __name__ == "__main__":
    sys.exit(tell({"launch_overhead": launches, **{check.__name__: check for check in CHECKS}}, sys.argv[1:]))
