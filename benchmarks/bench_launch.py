"""Host time of a CUDA launch without a device: arguments checked, converted, given to a driver that returns.

Usage: ``pytest benchmarks/bench_launch.py -m '' --benchmark-group-by=func``. The driver is a stand-in and
tensors lie on the CPU: what is timed is Python's and C's part of a launch alone. Judge the ratios of one run.
``benchmarks.gpu.checks:launch_overhead`` measures whole launches on a device, beside CuPy's and Triton's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from kernelevo.backends import launching
from kernelevo.backends.cuda import cuda
from kernelevo.backends.signatures import parse_kernels
from tests.backends.fake_driver import FakeDriver

SOURCE = (
    "__global__ void f(const float* x, const float* w, const float* b, float* y, int n, int m, float a) {}"
)
LEAST_GAIN = 5.0


@pytest.fixture
def values() -> tuple[object, ...]:
    return (*(torch.ones(64) for _ in range(4)), 64, 1, 0.5)


@pytest.fixture
def quick(tmp_path: Path, values: tuple[object, ...]) -> Callable[..., object]:
    driver = FakeDriver(tmp_path)
    driver.expect(len(values))
    made = launching.quick(
        parse_kernels(SOURCE)["f"].parameters, 1, (1, 1, 1, 64, 1, 1), 0, -1,
        driver=driver.address, current=lambda: -1, stream=abs,
    )  # fmt: skip
    assert made is not None, launching.missing()
    assert made(*values) == 0
    return made


@pytest.fixture
def conversion(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """The careful way's conversion alone, without stream, context and cuda.bindings."""
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    return cuda(SOURCE).f.pass_on


def test_in_c(benchmark, quick, values) -> None:
    benchmark(quick, *values)


def test_in_python(benchmark, conversion, values) -> None:
    benchmark(conversion, values)


def test_configuration(benchmark) -> None:
    kernel = cuda(SOURCE).f
    benchmark(lambda: kernel[(64, 2), 128])


def test_triton_binder(benchmark) -> None:
    """What Triton's launch computes from the arguments before it looks its kernel up."""
    import triton
    import triton.language as tl

    from kernelevo.graphs.harvest.stub_driver import pretended

    @triton.jit
    def f(x, w, b, y, n, m, a, BLOCK: tl.constexpr):
        pass

    with pretended("sm_90"):
        backend = triton.compiler.make_backend(triton.runtime.driver.active.get_current_target())
        binder = triton.runtime.jit.create_function_from_signature(f.signature, f.params, backend)
        given = (*(torch.ones(64) for _ in range(4)), 64, 1, 0.5)
        benchmark(lambda: binder(*given, BLOCK=64, debug=False))


def test_the_gain(quick, conversion, values) -> None:
    def best(call: Callable[[], object]) -> float:
        times = []
        for _ in range(30):
            start = time.perf_counter()
            for _ in range(200):
                call()
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(lambda: conversion(values)) / best(lambda: quick(*values)) > LEAST_GAIN
