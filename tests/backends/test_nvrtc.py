"""CUDA sources compiled for sm_80, 90 and 100 without a driver."""

from pathlib import Path

import pytest

from kernelevo.backends import nvrtc, registry, signatures
from kernelevo.errors import BadSetting, BuildError, BuildRefused

pytestmark = pytest.mark.skipif(
    registry.BACKENDS[1].missing() is not None, reason=f"{registry.BACKENDS[1].missing()}"
)

SOURCE = r"""
#include <cuda_fp16.h>
#include <mma.h>
#ifndef FACTOR
#define FACTOR 2
#endif
extern "C" __global__ void __launch_bounds__(256, 2)
scale(const float* __restrict__ x, float* y, const int n, float a) {
  __shared__ float s[512];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  s[threadIdx.x] = x[i];
  __syncthreads();
  if (i < n) y[i] = s[threadIdx.x ^ 1] * a * FACTOR;
}
template <int N, typename T>
__global__ void tile(T* x, T a) { x[threadIdx.x] *= a * N; }
__global__ void halves(__half* x) { x[threadIdx.x] = __hmul(x[threadIdx.x], __float2half(2.f)); }
"""


@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_compiles_without_a_driver(arch: str) -> None:
    cubin = nvrtc.compile_cubin(SOURCE, arch=arch, name_expressions=("tile<3, float>",))
    assert cubin.code[:4] == b"\x7fELF" and cubin.arch == arch and cubin.spills == 0
    assert set(cubin.names) == {"scale", "halves", "tile<3, float>"} and cubin.names["scale"] == "scale"
    usage = cubin.usage()
    assert set(usage) == set(cubin.names.values())
    assert usage["scale"].shared >= 2048 and 0 < usage["scale"].registers < 64


def test_kept_in_the_cache(private_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = nvrtc.compile_cubin(SOURCE)
    monkeypatch.setattr(nvrtc, "_compile", lambda *a: pytest.fail("compiled again"))
    assert nvrtc.compile_cubin(SOURCE) == first
    monkeypatch.setenv("KERNELEVO_STAGE", "run")
    assert nvrtc.compile_cubin(SOURCE) == first
    with pytest.raises(BuildRefused):
        nvrtc.compile_cubin(SOURCE, options=("-DFACTOR=3",))


def test_options_reach_the_compiler(private_cache: Path) -> None:
    plain = nvrtc.compile_cubin(SOURCE).code
    assert nvrtc.compile_cubin(SOURCE, options=("-DFACTOR=5",)).code != plain
    assert nvrtc.compile_cubin(SOURCE, options=("-lineinfo", "--maxrregcount=32", "-std=c++20")).code != plain
    with pytest.raises(BadSetting, match="does not know the option '-O9'"):
        nvrtc.compile_cubin(SOURCE, options=("-O9",))


def test_errors_show_the_line(private_cache: Path) -> None:
    with pytest.raises(BuildError) as caught:
        nvrtc.compile_cubin("__global__ void f(int* x) {\n  x[0] = undeclared;\n}\n")
    assert "kernel.cu(2): error" in caught.value.why and "undeclared" in caught.value.log
    with pytest.raises(BuildError):
        nvrtc.compile_cubin(SOURCE, name_expressions=("tile<3, nothing>",))


def test_a_header_that_is_missing_is_the_programs_fault(private_cache: Path) -> None:
    with pytest.raises(BuildError) as caught:
        nvrtc.compile_cubin('#include "not_there.h"\n__global__ void f(int* x) {}\n')
    assert "not_there.h" in caught.value.why and "kernel.cu(1)" in caught.value.log


def test_kernels_are_read_from_the_text() -> None:
    found = signatures.parse_kernels(SOURCE)
    assert list(found) == ["scale", "tile", "halves"]
    assert [(p.type, p.pointer) for p in found["scale"].parameters] == [
        ("float32", True), ("float32", True), ("int32", False), ("float32", False),
    ]  # fmt: skip
    assert [p.type for p in found["tile"].parameters] == [None, None]
    assert found["halves"].parameters[0].type == "float16"
    assert signatures.is_template(SOURCE, "tile") and not signatures.is_template(SOURCE, "scale")
