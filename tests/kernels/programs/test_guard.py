"""The static guard on programs that launch through CuPy, and on those that compute with it."""

import pytest

from kernelevo.kernels.programs.guard import read

PROGRAM = """
{imports}
import torch
from torch import nn

kernel = {kernel}("extern \\"C\\" __global__ void f(float* x) {{}}", "f")

class ModelNew(nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        kernel((1,), (32,), (x.data_ptr(), y.data_ptr(), {scalar}))
        {more}
        return y
"""


def program(imports="import cupy", kernel="cupy.RawKernel", scalar="cupy.float32(2)", more="pass"):
    return PROGRAM.format(imports=imports, kernel=kernel, scalar=scalar, more=more)


@pytest.mark.parametrize(
    "text",
    [
        program(),
        program("import cupy as cp", "cp.RawKernel", "cp.int32(3)"),
        program("from cupy import RawKernel, int32", "RawKernel", "int32(1)"),
        program(more="cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream).use()"),
    ],
)
def test_launching_through_cupy_is_declared_and_no_aten(text) -> None:
    assert read(text).form == "declared", read(text).reasons
    assert read(text, policy="no-aten").problem == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (program(more="y = cupy.matmul(x, x).get()"), "cupy.matmul"),
        (
            program("import cupy as cp", "cp.RawKernel", "cp.int32(3)", "cp.linalg.solve(x, x)"),
            "cupy.linalg.solve",
        ),
        (program("import cupy\nfrom cupy import matmul"), "cupy.matmul"),
        (program("import cupy\nfrom cupy.cuda import cublas"), "cupy.cuda.cublas"),
        (program("import cupy\nimport cupy.cuda.cublas as c"), "cupy.cuda.cublas"),
        (program(more="cupy.cuda.runtime.memcpy(1, 2, 3, 4)"), "cupy.cuda.runtime.memcpy"),
    ],
)
def test_computing_with_cupy_is_named(text, name) -> None:
    assert f"uses {name}" in read(text).reasons
    assert name in read(text, policy="no-aten").problem
