"""CUDA modules: what can be said without a device."""

import copy
import ctypes
import pickle

import pytest
import torch

import kernelevo
from kernelevo.backends.cuda import _argument, cuda
from kernelevo.backends.signatures import Parameter
from kernelevo.errors import ToolchainMissing

SOURCE = """
extern "C" __global__ void scale(const float* x, float* y, int n, float a) {
  y[threadIdx.x] = x[threadIdx.x] * a;
}
template <typename T> __global__ void tile(T* x, T a) { x[0] *= a; }
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a device")
def test_launching_without_a_device_says_so() -> None:
    module = kernelevo.cuda(SOURCE)
    with pytest.raises(ToolchainMissing, match="torch sees no CUDA device"):
        module.scale[1, 32](torch.ones(32), torch.ones(32), 32, 2.0)


def test_names_copies_and_launch_shapes() -> None:
    module = cuda(SOURCE, name_expressions=("tile<float>",))
    with pytest.raises(AttributeError, match="it has: scale, tile"):
        module.skale  # noqa: B018
    assert copy.deepcopy(module) is module
    assert pickle.loads(pickle.dumps(module)).scale.name == "scale"
    assert module["tile<float>"].name == "tile<float>"
    for bad in ((1,), (1, 2, 3, 4), ((1, 2, 3, 4), 1), (0, 1), ((), 1)):
        with pytest.raises(TypeError):
            module.scale[bad]


def test_arguments_are_checked_by_the_signature() -> None:
    scale = cuda(SOURCE).scale
    with pytest.raises(TypeError, match="takes 4 arguments, got 1"):
        scale.pass_on((1,))
    with pytest.raises(TypeError, match=r"argument 1 \(const float\* x\) takes torch.float32"):
        scale.pass_on((torch.ones(1).double(), None, 1, 1.0))
    with pytest.raises(TypeError, match="takes a CUDA tensor"):
        scale.pass_on((torch.ones(1), None, 1, 1.0))
    with pytest.raises(TypeError, match=r"argument 3 \(int n\) takes a number"):
        scale.pass_on((None, None, 1.5, 1.0))
    device, values, types = scale.pass_on((64, None, torch.tensor(3), 2))
    assert (device, values) == (-1, (64, 0, 3, 2.0))
    assert types == (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_float)


def test_template_parameters_take_ctypes_values() -> None:
    unknown = Parameter("a", None, False, "T a")
    assert _argument("f", ctypes.c_float(2), unknown) == (2.0, ctypes.c_float, -1)
    with pytest.raises(TypeError, match="pass a ctypes value"):
        _argument("f", 2.0, unknown)
