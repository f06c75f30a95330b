"""What cuBLAS is asked for, carried out on column-major matrices at the addresses that it is given."""

import contextlib
import ctypes
import sys
import types

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kernelevo
from kernelevo.backends import cublas
from kernelevo.backends.cupy_stream import cupy_stream, following
from kernelevo.errors import BadSetting, ToolchainMissing

DTYPES = {0: torch.float32, 1: torch.float64, 2: torch.float16, 14: torch.bfloat16}


def column_major(address: int, kind: int, rows: int, columns: int, leading: int) -> torch.Tensor:
    """Return the matrix that lies at an address, as a view of that memory."""
    dtype = DTYPES[kind]
    assert leading >= max(1, rows)
    size = ((columns - 1) * leading + rows) * dtype.itemsize
    memory = torch.frombuffer((ctypes.c_uint8 * size).from_address(address), dtype=torch.uint8)
    return memory.view(dtype).as_strided((rows, columns), (1, leading))


class FakeCublas(types.ModuleType):
    """cuBLAS's two products, in fp64 inside; notes how it was asked."""

    def __init__(self) -> None:
        super().__init__("cupy_backends.cuda.libs.cublas")
        self.asked: list[tuple[str, int, int]] = []
        self.mode = self.set_to = 0
        self.fails = False

    def getMathMode(self, handle: int) -> int:
        return self.mode

    def setMathMode(self, handle: int, mode: int) -> None:
        self.set_to, self.mode = mode, mode

    def gemmEx(self, handle, ta, tb, m, n, k, alpha, a, at, lda, b, bt, ldb, beta, c, ct, ldc, compute, algo):
        self._product(ta, tb, m, n, k, alpha, a, at, lda, b, bt, ldb, beta, c, ct, ldc, compute)
        self.asked.append(("one", compute, self.mode))
        assert (handle, algo) == (7, -1)

    def gemmStridedBatchedEx(
        self, handle, ta, tb, m, n, k, alpha, a, at, lda, sa, b, bt, ldb, sb, beta, c, ct, ldc, sc, count,
        compute, algo,
    ):  # fmt: skip
        for i in range(count):
            places = [p + i * s * DTYPES[t].itemsize for p, s, t in ((a, sa, at), (b, sb, bt), (c, sc, ct))]
            self._product(
                ta,
                tb,
                m,
                n,
                k,
                alpha,
                places[0],
                at,
                lda,
                places[1],
                bt,
                ldb,
                beta,
                places[2],
                ct,
                ldc,
                compute,
            )
        self.asked.append(("many", compute, self.mode))
        assert (handle, algo) == (7, -1)

    def _product(self, ta, tb, m, n, k, alpha, a, at, lda, b, bt, ldb, beta, c, ct, ldc, compute) -> None:
        if self.fails:
            raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")
        scalar = ctypes.c_double if compute == 70 else ctypes.c_float
        scale, rest = scalar.from_address(alpha).value, scalar.from_address(beta).value
        left = column_major(a, at, *((k, m) if ta else (m, k)), lda).double()
        right = column_major(b, bt, *((n, k) if tb else (k, n)), ldb).double()
        out = column_major(c, ct, m, n, ldc)
        product = scale * (left.t() if ta else left) @ (right.t() if tb else right)
        out.copy_(product + rest * out.double() if rest else product)


def installed(monkeypatch: pytest.MonkeyPatch) -> FakeCublas:
    made = FakeCublas()
    device = types.ModuleType("cupy.cuda.device")
    device.get_cublas_handle = lambda: 7
    monkeypatch.setitem(sys.modules, "cupy_backends.cuda.libs.cublas", made)
    monkeypatch.setitem(sys.modules, "cupy.cuda.device", device)
    monkeypatch.setattr(cublas, "imported", lambda name: sys.modules[name])
    monkeypatch.setattr(cublas, "cupy_stream", contextlib.nullcontext)
    monkeypatch.setattr(cublas._Cupy, "device", "cpu")
    monkeypatch.setattr(torch.cuda, "device", lambda index: contextlib.nullcontext())
    library = cublas._Cupy()
    monkeypatch.setattr(cublas, "_library", lambda: library)
    return made


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeCublas:
    return installed(monkeypatch)


def matrix(rows: int, columns: int, batch: int, layout: str, dtype: torch.dtype) -> torch.Tensor:
    """Return a matrix (a batch of them from 1 on) in a layout."""
    head = (batch,) if batch else ()
    if layout == "transposed":
        return torch.randn(*head, columns, rows).to(dtype).mT
    if layout == "part":
        return torch.randn(*head, rows + 2, columns + 3).to(dtype)[..., 1:-1, 2:-1]
    if layout == "gaps":
        return torch.randn(*head, rows, 2 * columns).to(dtype)[..., ::2]
    if layout == "expanded" and batch:
        return torch.randn(rows, columns).to(dtype).expand(batch, rows, columns)
    return torch.randn(*head, rows, columns).to(dtype)


LAYOUTS = st.sampled_from(["plain", "transposed", "part", "gaps", "expanded"])
SIZES = st.integers(1, 6)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.tuples(SIZES, SIZES, SIZES), batches=st.sampled_from([(0, 0), (3, 3), (0, 2), (2, 0), (1, 1)]),
    layouts=st.tuples(LAYOUTS, LAYOUTS), biased=st.sampled_from([None, "row", "column", "whole", "one"]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16]),
)  # fmt: skip
def test_values_of_every_layout(fake, sizes, batches, layouts, biased, dtype) -> None:
    m, k, n = sizes
    a, b = matrix(m, k, batches[0], layouts[0], dtype), matrix(k, n, batches[1], layouts[1], dtype)
    forms = {"row": (n,), "column": (m, 1), "whole": (m, n), "one": (1,)}
    bias = None if biased is None else torch.randn(forms[biased]).to(dtype)
    before = [a.clone(), b.clone(), *([] if bias is None else [bias.clone()])]
    out = kernelevo.gemm(a, b, bias=bias, compute="fp64" if dtype == torch.float64 else "fp32")
    exact = a.double() @ b.double() + (0 if bias is None else bias.double())
    assert out.shape == exact.shape and out.dtype == dtype and out.is_contiguous()
    loose = {torch.bfloat16: 3e-2, torch.float16: 5e-3}.get(dtype, 1e-5)
    torch.testing.assert_close(out.double(), exact, atol=loose, rtol=loose)
    for tensor, then in zip((a, b, bias), before, strict=False):
        assert torch.equal(tensor, then) and out.data_ptr() != tensor.data_ptr()


def test_ways_of_computing(fake: FakeCublas) -> None:
    a = torch.randn(2, 3)
    for way, code in (("fp32", 68), ("tf32", 77), ("fp32_emulated_bf16x9", 78)):
        kernelevo.gemm(a, a.t(), compute=way)
        assert fake.asked[-1] == ("one", code, 0)
    kernelevo.gemm(a.expand(2, 2, 3), a.t())
    assert fake.asked[-1][0] == "many"
    fake.mode = 3  # TF32 allowed by CuPy: off during the call, and as it was afterwards
    kernelevo.gemm(a, a.t())
    assert fake.asked[-1][2] == 0 and fake.mode == 3


def test_empty_products(fake: FakeCublas) -> None:
    assert kernelevo.gemm(torch.ones(2, 0), torch.ones(0, 3)).tolist() == [[0.0] * 3] * 2
    assert kernelevo.gemm(torch.ones(2, 0), torch.ones(0, 3), bias=torch.ones(3)).tolist() == [[1.0] * 3] * 2
    assert kernelevo.gemm(torch.ones(0, 4), torch.ones(4, 3)).shape == (0, 3)
    assert fake.asked == []


def test_what_does_not_fit_says_so(fake: FakeCublas) -> None:
    a, b = torch.ones(2, 3), torch.ones(3, 4)
    for bad in ((a, a), (a[0], b), (a.expand(2, 2, 3), b.expand(3, 3, 4)), (a[None, None], b)):
        with pytest.raises(ValueError, match="takes"):
            kernelevo.gemm(*bad)
    for bias in (torch.ones(5), torch.ones(2, 2, 4)):
        with pytest.raises((ValueError, RuntimeError)):
            kernelevo.gemm(a, b, bias=bias)
    with pytest.raises(TypeError, match=r"float32 on cpu, torch.float64 on cpu"):
        kernelevo.gemm(a, b.double())
    with pytest.raises(BadSetting, match=r"no compute='fp64' for torch\.float32"):
        kernelevo.gemm(a, b, compute="fp64")
    with pytest.raises(BadSetting, match="fp32, tf32, fp32_emulated_bf16x9"):
        kernelevo.gemm(a, b, compute="fast")
    fake.fails = True
    with pytest.raises(RuntimeError, match=r"refuses 2 x 3 x 4 with compute='tf32'.*NOT_SUPPORTED"):
        kernelevo.gemm(a, b, compute="tf32")


def test_without_cupy_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setitem(sys.modules, "cupy_backends", None)
    cublas._library.cache_clear()
    with pytest.raises(ToolchainMissing, match="CuPy cannot be used"):
        kernelevo.gemm(torch.ones(1, 1), torch.ones(1, 1))
    with pytest.raises(ToolchainMissing, match="CuPy cannot be used"):
        kernelevo.cupy_stream()


def test_cupy_goes_where_torch_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[tuple[int, int]] = []

    @contextlib.contextmanager
    def external(handle: int, device: int):
        entered.append((handle, device))
        yield

    stream = types.SimpleNamespace(cuda_stream=99, device_index=1)
    with following(stream):
        assert entered == []  # this process has not imported CuPy
    cupy = types.SimpleNamespace(cuda=types.SimpleNamespace(ExternalStream=external))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    with following(stream), cupy_stream():
        assert entered == [(99, 1), (99, 1)]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ToolchainMissing, match="no stream"):
        cupy_stream()


def test_the_numbers_are_cublas_own() -> None:
    library = pytest.importorskip("cupy_backends.cuda.libs.cublas", exc_type=ImportError)
    named = {"fp32": library.CUBLAS_COMPUTE_32F, "tf32": library.CUBLAS_COMPUTE_32F_FAST_TF32}
    assert {name: cublas.COMPUTE[name][0] for name in named} == named
    assert cublas.COMPUTE["fp64"][0] == library.CUBLAS_COMPUTE_64F
    assert cublas._DEFAULT_ALGORITHM == library.CUBLAS_GEMM_DEFAULT
