"""``kernelevo.gemm``: matrix products by cuBLAS itself, with the way of computing chosen for each call.

cuBLAS is reached through CuPy's bindings. torch chooses between fp32 and TF32 by a global setting, and does
not offer fp32 out of bf16 products, which is fp32-accurate and faster than fp32 where tensor cores are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import numpy as np
import torch

from kernelevo.backends.cupy_stream import cupy_stream, imported
from kernelevo.errors import BadSetting

# cudaDataType_t
_TYPES = {torch.float32: 0, torch.float64: 1, torch.float16: 2, torch.bfloat16: 14}
# cublasComputeType_t, by what the operands may be
_NARROW = (torch.float32, torch.float16, torch.bfloat16)
COMPUTE: dict[str, tuple[int, tuple[torch.dtype, ...]]] = {
    "fp32": (68, _NARROW),
    "tf32": (77, (torch.float32,)),
    "fp32_emulated_bf16x9": (78, (torch.float32,)),
    "fp64": (70, (torch.float64,)),
}
_DEFAULT_ALGORITHM = -1
_NO_TRANSPOSE, _TRANSPOSE = 0, 1


class _Operand(NamedTuple):
    """One matrix as cuBLAS is told of it; the tensor is kept alive until the product was launched."""

    tensor: torch.Tensor
    operation: int
    leading: int
    step: int


def gemm(
    a: torch.Tensor, b: torch.Tensor, *, bias: torch.Tensor | None = None, compute: str = "fp32"
) -> torch.Tensor:
    """Return ``a @ b + bias`` as new contiguous memory, computed on torch's current stream.

    Args:
        a: [m, k] or [batch, m, k]; rows or columns contiguous, else it is copied.
        b: [k, n] or [batch, k, n], of the same dtype; a matrix without a batch serves all of them.
        bias: broadcast to the result, of the same dtype; it goes into the product's accumulators.
        compute: ``"fp32"``; ``"tf32"``; ``"fp32_emulated_bf16x9"``, fp32 out of nine bf16 products (cuBLAS
            of CUDA 12.9 or later, Blackwell; elsewhere cuBLAS refuses it or computes in fp32); ``"fp64"``.

    Raises:
        ToolchainMissing: without CuPy.
        BadSetting: for a way of computing that is not there for this dtype.
        TypeError, ValueError: for tensors that do not fit together.
        RuntimeError: if cuBLAS refuses.
    """
    library, code = _library(), _code(compute, a.dtype)
    shape = _shape(a, b, bias, library.device)
    out = a.new_empty(shape) if bias is None else bias.expand(shape).contiguous()
    out = out.clone() if bias is not None and out.data_ptr() == bias.data_ptr() else out
    if 0 in shape or a.shape[-1] == 0:
        return out.zero_() if bias is None else out
    batch = shape[0] if len(shape) == 3 else 1
    kind = np.float64 if compute == "fp64" else np.float32
    one, rest = np.ones(1, kind), np.array([0 if bias is None else 1], kind)
    # row by row, out is what column by column is its transpose: b' a', so the operands change places
    first, second = _operand(b), _operand(a)
    n, m, k, dtype = shape[-1], shape[-2], a.shape[-1], _TYPES[a.dtype]
    head = (first.operation, second.operation, n, m, k, one.ctypes.data)
    left = (first.tensor.data_ptr(), dtype, first.leading)
    right = (second.tensor.data_ptr(), dtype, second.leading)
    result, tail = (rest.ctypes.data, out.data_ptr(), dtype, n), (code, _DEFAULT_ALGORITHM)
    with library.scope(a) as handle:
        try:
            if batch == 1:
                library.gemmEx(handle, *head, *left, *right, *result, *tail)
            else:
                steps = (first.step, second.step)
                library.gemmStridedBatchedEx(
                    handle, *head, *left, steps[0], *right, steps[1], *result, m * n, batch, *tail
                )
        except Exception as error:  # CuPy's class of errors is in a module of its own
            raise RuntimeError(f"cuBLAS refuses {m} x {k} x {n} with compute={compute!r}: {error}") from error
    return out


def _code(compute: str, dtype: torch.dtype) -> int:
    code, dtypes = COMPUTE.get(compute, (0, ()))
    if dtype not in dtypes:
        there = [name for name, (_, those) in COMPUTE.items() if dtype in those]
        raise BadSetting(
            f"kernelevo.gemm has no compute={compute!r} for {dtype}",
            why=f"for {dtype} there is: {', '.join(there) or 'nothing'}",
            now="use one of these, or leave compute out",
        )
    return code


def _shape(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None, device: str) -> tuple[int, ...]:
    given = [a, b] if bias is None else [a, b, bias]
    if any(t.dtype != a.dtype or t.device != a.device for t in given) or a.device.type != device:
        told = ", ".join(f"{t.dtype} on {t.device}" for t in given)
        raise TypeError(f"kernelevo.gemm takes tensors of one dtype on one {device} device, got {told}")
    batches = {t.shape[0] for t in (a, b) if t.dim() == 3}
    fits = {a.dim(), b.dim()} <= {2, 3} and a.shape[-1] == b.shape[-2] and len(batches) <= 1
    shape = (*batches, a.shape[-2], b.shape[-1]) if fits else ()
    if fits and bias is not None:
        pairs = zip(reversed(bias.shape), reversed(shape), strict=False)
        fits = bias.dim() <= len(shape) and all(size in (1, whole) for size, whole in pairs)
    if not fits:
        told = ", ".join(str(tuple(t.shape)) for t in given)
        raise ValueError(f"kernelevo.gemm takes [batch,] m x k and [batch,] k x n, got {told}")
    return shape


def _operand(matrix: torch.Tensor) -> _Operand:
    """Return how a matrix, row by row, is read as its transpose column by column."""
    rows, columns = matrix.shape[-2:]
    step = matrix.stride(0) if matrix.dim() == 3 else 0
    down, across = matrix.stride()[-2:]
    if across == 1 and down >= columns:
        return _Operand(matrix, _NO_TRANSPOSE, down, step)
    if down == 1 and across >= rows:
        return _Operand(matrix, _TRANSPOSE, across, step)
    copy = matrix.contiguous()
    return _Operand(copy, _NO_TRANSPOSE, columns, copy.stride(0) if copy.dim() == 3 else 0)


class _Cupy:
    """cuBLAS as CuPy has it: matrices lie column by column, addresses and handles are numbers."""

    device = "cuda"

    def __init__(self) -> None:
        self._cublas = imported("cupy_backends.cuda.libs.cublas")
        self._handle_of = imported("cupy.cuda.device").get_cublas_handle
        self.gemmEx = self._cublas.gemmEx
        self.gemmStridedBatchedEx = self._cublas.gemmStridedBatchedEx

    @contextmanager
    def scope(self, like: torch.Tensor) -> Iterator[int]:
        """Give the handle for the tensor's device, on torch's current stream, in the default mode."""
        with torch.cuda.device(like.device), cupy_stream():
            handle = int(self._handle_of())
            before = self._cublas.getMathMode(handle)
            if before:  # a mode that CuPy was set to may allow TF32 where fp32 is asked for
                self._cublas.setMathMode(handle, 0)
            try:
                yield handle
            finally:
                if before:
                    self._cublas.setMathMode(handle, before)


@cache
def _library() -> _Cupy:
    return _Cupy()
