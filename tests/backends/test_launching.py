"""Launches converted in C give the driver what the careful way gives it, and leave the rest to that way."""

import ctypes
import threading
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kernelevo.backends import cuda as cuda_module
from kernelevo.backends import launching
from kernelevo.backends.cuda import cuda
from kernelevo.backends.signatures import parse_kernels
from tests.backends.fake_driver import FakeDriver

TYPES = {
    "float": ctypes.c_float, "double": ctypes.c_double, "long long": ctypes.c_int64, "int": ctypes.c_int32,
    "short": ctypes.c_int16, "signed char": ctypes.c_int8, "size_t": ctypes.c_uint64,
    "unsigned": ctypes.c_uint32, "unsigned short": ctypes.c_uint16, "unsigned char": ctypes.c_uint8,
    "bool": ctypes.c_bool, "const float*": ctypes.c_void_p, "__half*": ctypes.c_void_p,
}  # fmt: skip
HERE = -1  # what get_device() says of a CPU tensor


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> FakeDriver:
    return FakeDriver(tmp_path_factory.mktemp("driver"))


def kernel_of(*types: str):
    source = f"__global__ void f({', '.join(f'{t} a{i}' for i, t in enumerate(types))}) {{}}"
    return cuda(source).f, parse_kernels(source)["f"].parameters


def ready(driver: FakeDriver, *types: str, device: int = HERE, current: int = HERE, status: int = 0):
    parameters = kernel_of(*types)[1]
    driver.expect(len(types), status)
    made = launching.quick(
        parameters, 77, (2, 3, 4, 5, 6, 7), 1024, device,
        driver=driver.address, current=lambda: current, stream=lambda index: 1000 + index,
    )  # fmt: skip
    assert made is not None, launching.missing()
    return made


def test_the_launch_itself(driver: FakeDriver) -> None:
    before = driver.calls
    assert ready(driver)() == 0 and driver.calls == before + 1
    note = driver.note
    assert (note.function, list(note.size), note.shared) == (77, [2, 3, 4, 5, 6, 7], 1024)
    assert (note.stream, note.extra) == (999, None)
    assert ready(driver, "int", status=700)(3) == 700


NUMBERS = st.one_of(
    st.integers(-(2**66), 2**66), st.integers(-300, 300), st.booleans(), st.none(),
    st.floats(allow_nan=False), st.floats(width=32, allow_nan=False),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(pairs=st.lists(st.tuples(st.sampled_from(sorted(TYPES)), NUMBERS), max_size=8))
@example(pairs=[("float", 16777217), ("double", 0.1), ("size_t", 2**64 - 1), ("long long", -(2**63))])
@example(pairs=[("unsigned char", 255), ("signed char", -128), ("bool", True), ("__half*", 4096)])
@example(pairs=[("unsigned char", 256)])
def test_numbers_and_addresses_are_those_of_the_careful_way(driver: FakeDriver, pairs) -> None:
    types, values = [t for t, _ in pairs], [v for _, v in pairs]
    before = driver.calls
    status = ready(driver, *types)(*values)
    try:
        _, passed, kinds = kernel_of(*types)[0].pass_on(values)
    except (TypeError, OverflowError):
        assert status is None and driver.calls == before  # what the careful way refuses is left to it
        return
    if status is None:  # a conversion that ctypes makes by cutting bits off is left to it as well
        assert driver.calls == before
        return
    for i, (kind, value) in enumerate(zip(kinds, passed, strict=True)):
        assert driver.value(i, kind) == kind(value).value, (types[i], values[i])


@pytest.mark.parametrize(("kind", "good"), [("int", -5), ("unsigned", 2**32 - 1), ("short", 7), ("float", 2)])
def test_plain_numbers_go_the_quick_way(driver: FakeDriver, kind: str, good: int) -> None:
    assert ready(driver, kind)(good) == 0
    assert driver.value(0, TYPES[kind]) == good


def test_tensors(driver: FakeDriver) -> None:
    launch = ready(driver, "const float*", "__half*", "int")
    x, h = torch.ones(4, 4), torch.ones(3, dtype=torch.float16)
    assert launch(x, h, 5) == 0
    assert [driver.value(i, ctypes.c_void_p) for i in (0, 1)] == [x.data_ptr(), h.data_ptr()]
    assert launch(torch.nn.Parameter(x), None, 5) == 0 and driver.value(1, ctypes.c_void_p) is None
    assert launch(x[1], h, 5) == 0 and driver.value(0, ctypes.c_void_p) == x.data_ptr() + 16

    class Sub(torch.Tensor):
        pass

    before = driver.calls
    for bad in (x.double(), x.t(), x.as_subclass(Sub), "x", 1.5, torch.tensor(3)):
        assert launch(bad, h, 5) is None
    for wrong in ((x, h), (x, h, 5, 6), (x, h, torch.tensor(5)), (x, h, 5.0), (x, h, 2**31)):
        assert launch(*wrong) is None
    assert ready(driver, "const float*", device=0, current=0)(x) is None  # of another device
    assert ready(driver, "const float*", current=3)(x) is None  # another device is current
    assert driver.calls == before


def test_errors_of_what_it_asks_are_passed_on(driver: FakeDriver) -> None:
    parameters = kernel_of("int")[1]

    def broken(*_: int) -> int:
        raise RuntimeError("no device")

    for current, stream in ((broken, lambda i: 0), (lambda: HERE, broken), (lambda: "x", lambda i: 0)):
        made = launching.quick(
            parameters, 1, (1,) * 6, 0, HERE, driver=driver.address, current=current, stream=stream
        )
        with pytest.raises((RuntimeError, TypeError)):
            made(1)


def test_what_has_no_quick_way(driver: FakeDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    template = parse_kernels("template <typename T> __global__ void f(T* x, T a) {}")["f"].parameters
    assert launching.quick(template, 1, (1,) * 6, 0, 0, driver=driver.address) is None
    monkeypatch.setattr(launching, "_loaded", lambda: (None, "why"))
    assert launching.missing() == "why"
    assert launching.quick((), 1, (1,) * 6, 0, 0, driver=driver.address) is None


def test_without_headers_or_compiler_it_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    monkeypatch.setattr(launching.sysconfig, "get_path", lambda name: str(tmp_path))
    module, why = launching._loaded.__wrapped__()
    assert module is None and "no Python.h" in why


class Stub:
    """What ``cuda`` asks of cuda.bindings, on the stand-in's terms."""

    def __init__(self) -> None:
        self.given: list[tuple[object, ...]] = []
        self.results = [0]

    def cuLaunchKernel(self, *given: object) -> tuple[int]:
        self.given.append(given)
        return (self.results.pop(0) if len(self.results) > 1 else self.results[0],)

    def cuGetErrorString(self, status: int) -> tuple[int, bytes]:
        return 0, b"bad launch"


@pytest.fixture
def on_a_device(monkeypatch: pytest.MonkeyPatch, driver: FakeDriver) -> Stub:
    """A device without one: addresses for tensors, the stub for cuda.bindings, the stand-in for libcuda."""
    import contextlib

    stub, asked = Stub(), []
    stream = type("Stream", (), {"cuda_stream": 9, "query": lambda self: asked.append("query")})()
    stub.asked = asked
    monkeypatch.setattr(cuda_module, "_require_device", lambda: None)
    monkeypatch.setattr(cuda_module, "_driver", lambda: stub)
    monkeypatch.setattr(cuda_module, "_function", lambda *_: 55)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "device", lambda index: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda index: stream)
    monkeypatch.setattr(launching, "_driver_address", lambda: driver.address)
    monkeypatch.setattr(torch._C, "_cuda_getDevice", lambda: 0, raising=False)
    monkeypatch.setattr(torch._C, "_cuda_getCurrentRawStream", lambda index: 9, raising=False)
    driver.expect(3)
    return stub


def test_the_first_launch_is_careful_and_the_next_are_quick(on_a_device: Stub, driver: FakeDriver) -> None:
    kernel = cuda("__global__ void f(float* x, int n, float a) {}").f
    before = driver.calls
    for _ in range(3):
        kernel[(4, 2), 128](4096, 7, 0.5)
    assert len(on_a_device.given) == 1 and driver.calls == before + 2
    function, gx, gy, gz, bx, by, bz, shared, stream, (values, types), extra = on_a_device.given[0]
    note = driver.note
    assert (function, [gx, gy, gz, bx, by, bz], shared, stream) == (
        note.function, list(note.size), note.shared, note.stream
    )  # fmt: skip
    assert [driver.value(i, t) for i, t in enumerate(types)] == list(values) and extra == 0
    assert kernel[(4, 2), 128] is kernel[(4, 2), 128] and kernel[(4, 2), 64] is not kernel[(4, 2), 128]
    with pytest.raises(TypeError, match="takes a number"):
        kernel[(4, 2), 128](4096, 7.5, 0.5)


def test_what_the_driver_refuses_is_said_in_its_words(on_a_device: Stub, driver: FakeDriver) -> None:
    kernel = cuda("__global__ void f(float* x, int n, float a) {}").f
    kernel[1, 32](4096, 7, 0.5)
    driver.expect(3, status=1)
    on_a_device.results = [1]
    with pytest.raises(RuntimeError, match=r"CUDA error 1 while launching f.*bad launch"):
        kernel[1, 32](4096, 7, 0.5)


def test_a_thread_without_a_context_gets_one(on_a_device: Stub) -> None:
    kernel = cuda("__global__ void f(float* x, int n, float a) {}").f
    on_a_device.results = [201, 0]
    thread = threading.Thread(target=lambda: kernel[1, 32](4096, 7, 0.5))
    thread.start()
    thread.join()
    assert len(on_a_device.given) == 2 and on_a_device.asked == ["query"]


def test_configurations_are_not_kept_without_end(on_a_device: Stub) -> None:
    kernel = cuda("__global__ void f() {}").f
    for i in range(1, 2 * cuda_module.KEPT):
        assert kernel[i, 32]._grid == (i, 1, 1)
    assert len(kernel._launches) <= cuda_module.KEPT
    assert kernel[[3, 4], 32]._grid == (3, 4, 1)
