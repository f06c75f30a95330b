"""CUDA modules: what can be said without a device."""

import contextlib
import copy
import ctypes
import pickle
from types import SimpleNamespace

import pytest
import torch

import kernelevo
from kernelevo.backends import cuda as launching
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


class Driver:
    """The two launching calls of cuda.bindings.driver, as its documentation gives them; notes them."""

    def __init__(self, status):
        self.status, self.launches = status, []

    def cuLaunchKernel(self, f, gx, gy, gz, bx, by, bz, smem, stream, parameters, extra):
        self.launches.append((f, (gx, gy, gz), (bx, by, bz), smem, stream, parameters, extra))
        return (self.status,)

    def cuLaunchCooperativeKernel(self, f, gx, gy, gz, bx, by, bz, smem, stream, parameters):
        self.launches.append((f, (gx, gy, gz), (bx, by, bz), smem, stream, parameters, "together"))
        return (self.status,)

    def cuGetErrorString(self, status):
        return 0, b"words"


@pytest.fixture
def driver(monkeypatch):
    def made(status):
        found = Driver(status)
        monkeypatch.setattr(launching, "_driver", lambda: found)
        monkeypatch.setattr(launching, "_require_device", lambda: None)
        monkeypatch.setattr(launching, "_function", lambda *_: 4242)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "device", lambda _: contextlib.nullcontext())
        monkeypatch.setattr(torch.cuda, "current_stream", lambda _: SimpleNamespace(cuda_stream=7))
        return found

    return made


def test_blocks_can_be_launched_together(driver):
    scale, fine = cuda(SOURCE).scale, driver(0)
    assert scale[(2, 3), 64, 128].together(16, None, 5, 1.5) is True
    scale[(2, 3), 64, 128](16, None, 5, 1.5)
    kinds = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_float)
    common = (4242, (2, 3, 1), (64, 1, 1), 128, 7, ((16, 0, 5, 1.5), kinds))
    assert fine.launches == [(*common, "together"), (*common, 0)]


@pytest.mark.parametrize("status", [720, 801])
def test_blocks_that_do_not_fit_together_are_told_apart_from_errors(driver, status):
    driver(status)
    launch = cuda(SOURCE).scale[9999, 64]
    assert launch.together(16, None, 5, 1.5) is False
    with pytest.raises(RuntimeError, match=rf"CUDA error {status} while launching scale.*words"):
        launch(16, None, 5, 1.5)


def test_other_errors_of_a_launch_together_are_raised(driver):
    driver(700)
    with pytest.raises(RuntimeError, match=r"CUDA error 700 while launching scale.* together: words"):
        cuda(SOURCE).scale[1, 64].together(16, None, 5, 1.5)


class Limits:
    """The driver's limit of dynamic shared memory: one for each kernel, whatever its launches want."""

    CUfunction_attribute = SimpleNamespace(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES="dynamic")

    def __init__(self, static):
        self.limit = 48 * 1024 - static

    def cuModuleGetFunction(self, image, symbol):
        return 0, symbol

    def cuFuncGetAttribute(self, attribute, function):
        assert (attribute, function) == ("dynamic", b"scale")
        return 0, self.limit

    def cuFuncSetAttribute(self, function, attribute, value):
        assert (attribute, function) == ("dynamic", b"scale")
        self.limit = value
        return (0,)


@pytest.mark.parametrize(
    ("static", "wanted"), [(0, (200_000, 60_000, 200_000, 0, 100)), (10_000, (45_000, 40_000))]
)
def test_a_smaller_launch_takes_nothing_from_a_larger_one(static, wanted, monkeypatch):
    driver = Limits(static)
    monkeypatch.setattr(launching, "_driver", lambda: driver)
    monkeypatch.setattr(launching, "_image", lambda *_: "image")
    monkeypatch.setattr(launching, "_cubin", lambda *_: SimpleNamespace(names={}))
    made_by = (f"kernels with {static} bytes", (), ())
    for smem in wanted:  # every configuration has its function for good, and may be launched at any time
        launching._function(made_by, "scale", 0, smem)
        assert driver.limit >= max(wanted[: wanted.index(smem) + 1])
