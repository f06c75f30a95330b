"""``kernelevo.cuda``: CUDA text -> kernels launched with tensors on torch's current stream.

    lib = kernelevo.cuda(source)
    lib.scale[grid, block](x, y, n)            # or [grid, block, dynamic_shared_memory_bytes]
    kernelevo.cuda(source, name_expressions=("tile<128>",))["tile<128>"][grid, block](x, y)

Compiled at first use, for the device of the first tensor; :func:`kernelevo.backends.nvrtc.compile_cubin`
compiles for any architecture on a machine without one.
"""

from __future__ import annotations

import ctypes
import operator
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

from kernelevo.backends import launching, nvrtc, signatures
from kernelevo.errors import ToolchainMissing

_CTYPES: dict[str, Any] = {
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
    "int64": ctypes.c_int64,
    "int32": ctypes.c_int32,
    "int16": ctypes.c_int16,
    "int8": ctypes.c_int8,
    "uint64": ctypes.c_uint64,
    "uint32": ctypes.c_uint32,
    "uint16": ctypes.c_uint16,
    "uint8": ctypes.c_uint8,
    "bool": ctypes.c_bool,
}
NOT_TOGETHER = (720, 801)  # CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, CUDA_ERROR_NOT_SUPPORTED
INVALID_CONTEXT = 201  # the driver's word for a thread that has not used the device yet
KEPT = 256  # launch configurations of one kernel that are kept
_RAISING = threading.Lock()


class CudaModule:
    """The kernels of a CUDA source; see :func:`cuda`."""

    def __init__(self, source: str, name_expressions: tuple[str, ...], options: tuple[str, ...]) -> None:
        self._made_by = (source, name_expressions, options)
        self._signatures = signatures.parse_kernels(source)
        self._kernels: dict[str, CudaKernel] = {}

    def __getattr__(self, name: str) -> CudaKernel:
        known = self.__dict__.get("_signatures", {})
        if name not in known:
            listed = ", ".join(known) or "none: declare kernels __global__"
            raise AttributeError(f"the CUDA source has no kernel {name!r}; it has: {listed}")
        kernel = self.__dict__[name] = self[name]  # found without coming here from now on
        return kernel

    def __getitem__(self, name: str) -> CudaKernel:
        """Return a kernel by its name or by one of the name expressions."""
        if name not in self._kernels:
            base = name.partition("<")[0].rpartition("::")[2].strip()
            self._kernels[name] = CudaKernel(name, self._signatures.get(base), self._made_by)
        return self._kernels[name]

    @property
    def made_by(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """The source, name expressions and options that it was made from."""
        return self._made_by

    def __deepcopy__(self, memo: dict[int, Any]) -> CudaModule:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return CudaModule, self._made_by


class CudaKernel:
    """One kernel; ``kernel[grid, block](...)`` or ``kernel[grid, block, smem](...)`` launches it.

    Pointer parameters take contiguous CUDA tensors of their dtype, int addresses or None. Numbers are
    converted to the parameter's type; where it is a template's, pass a ctypes value (``ctypes.c_int(3)``).
    """

    def __init__(self, name: str, signature: signatures.Signature | None, made_by: tuple[Any, ...]) -> None:
        self.name, self._signature, self._made_by = name, signature, made_by
        self._launches: dict[Any, Launch] = {}

    def __getitem__(self, launch: Any) -> Launch:
        """Return the kernel with grid, block (ints or tuples of up to three) and dynamic shared memory."""
        try:
            return self._launches[launch]
        except (KeyError, TypeError):
            made = self._launch(launch)
        if isinstance(launch, tuple) and all(isinstance(part, int | tuple) for part in launch):
            if len(self._launches) >= KEPT:
                self._launches.clear()
            self._launches[launch] = made
        return made

    def _launch(self, launch: Any) -> Launch:
        parts = launch if isinstance(launch, tuple) else (launch,)
        if len(parts) not in (2, 3):
            raise TypeError(f"{self.name}[grid, block] or [grid, block, shared_bytes], got {len(parts)}")
        smem = int(parts[2]) if len(parts) == 3 else 0
        return Launch(self, _three(parts[0]), _three(parts[1]), smem)

    def pass_on(self, values: Sequence[Any]) -> tuple[int, tuple[Any, ...], tuple[Any, ...]]:
        """Return the device index, and the values and ctypes types of a launch.

        Raises:
            TypeError: for the wrong number, kind, dtype or layout of arguments; it names the parameter.
        """
        known = self._signature.parameters if self._signature else None
        if known is not None and len(known) != len(values):
            raise TypeError(f"{self.name} takes {len(known)} arguments, got {len(values)}")
        device, passed, types = -1, [], []
        for i, value in enumerate(values):
            parameter = known[i] if known is not None else None
            given, kind, index = _argument(f"{self.name}: argument {i + 1}", value, parameter)
            if index >= 0 and device >= 0 and index != device:
                raise TypeError(f"{self.name}: its tensors lie on cuda:{device} and cuda:{index}")
            device = max(device, index)
            passed.append(given)
            types.append(kind)
        return device, tuple(passed), tuple(types)


class Launch:
    """A kernel with its launch configuration; call it with the arguments."""

    def __init__(
        self, kernel: CudaKernel, grid: tuple[int, int, int], block: tuple[int, int, int], smem: int
    ) -> None:
        self._kernel, self._grid, self._block, self._smem = kernel, grid, block, smem
        self._quick: launching.Quick | None = None  # made at the first launch, for its device
        self._index = -1

    def __call__(self, *values: Any) -> None:
        """Launch on torch's current stream of the tensors' device; returns at once.

        Raises:
            ToolchainMissing: without a CUDA device.
            TypeError: for arguments that do not fit.
            RuntimeError: if the driver refuses the launch.
        """
        if self._quick is None or self._quick(*values) != 0:
            status = self._carefully(values, together=False)
            _check((status,), f"launching {self._kernel.name}{[self._grid, self._block, self._smem]}")

    def together(self, *values: Any) -> bool:
        """Launch as a call does, but only if all blocks can be resident at once, so that they may wait for
        one another; return whether that was possible.

        Raises:
            ToolchainMissing, TypeError, RuntimeError: as a call.
        """
        status = self._carefully(values, together=True)
        if int(status) in NOT_TOGETHER:
            return False
        _check((status,), f"launching {self._kernel.name}{[self._grid, self._block, self._smem]} together")
        return True

    def _carefully(self, values: Sequence[Any], *, together: bool) -> Any:
        """Launch any arguments that fit and return the driver's status."""
        import torch

        _require_device()
        kernel = self._kernel
        index, passed, types = kernel.pass_on(values)
        index = index if index >= 0 else torch.cuda.current_device()
        function = _function(kernel._made_by, kernel.name, index, self._smem)
        with torch.cuda.device(index):
            stream = torch.cuda.current_stream(index)
            shape = (*self._grid, *self._block, self._smem)
            given = (function, *shape, stream.cuda_stream, (passed, types), *(() if together else (0,)))
            launch = _driver().cuLaunchCooperativeKernel if together else _driver().cuLaunchKernel
            status = launch(*given)[0]
            if int(status) == INVALID_CONTEXT:
                stream.query()  # makes the context current in this thread
                status = launch(*given)[0]
        if not together and int(status) == 0 and self._index != index and kernel._signature is not None:
            parameters, size = kernel._signature.parameters, (*self._grid, *self._block)
            self._quick = launching.quick(parameters, int(function), size, self._smem, index)
            self._index = index
        return status


def cuda(source: str, *, name_expressions: Sequence[str] = (), options: Sequence[str] = ()) -> CudaModule:
    """Return the kernels of a CUDA source.

    With a device it is compiled here and now (or found compiled), so that errors show at import; without one
    only its text is read.

    Args:
        source: device code, as :func:`kernelevo.backends.nvrtc.compile_cubin` takes it.
        name_expressions: template instances to have, by their C++ names.
        options: compiler options.

    Raises:
        BuildError: if it does not compile.
        ToolchainMissing: with a device but without cuda.core or NVRTC.
    """
    import torch

    module = CudaModule(source, tuple(name_expressions), tuple(options))
    if torch.cuda.is_available():
        _cubin(*module._made_by, torch.cuda.current_device())
    return module


def arch_of(index: int) -> str:
    """Return the architecture to compile for on a device, own features included (``sm_90a``)."""
    import torch

    major, minor = torch.cuda.get_device_capability(index)
    return with_own_features(f"sm_{major}{minor}")


def with_own_features(arch: str) -> str:
    """Return an architecture's name with the features that no later one has (``sm_90`` -> ``sm_90a``)."""
    number = arch.removeprefix("sm_")
    return f"{arch}a" if number.isdigit() and int(number) >= 90 else arch


@cache
def _cubin(source: str, names: tuple[str, ...], options: tuple[str, ...], index: int) -> nvrtc.Cubin:
    return nvrtc.compile_cubin(source, arch=arch_of(index), name_expressions=names, options=options)


@cache
def _image(source: str, names: tuple[str, ...], options: tuple[str, ...], index: int) -> Any:
    """Load the cubin into the device's primary context, the one torch uses."""
    import torch

    cubin = _cubin(source, names, options, index)
    with torch.cuda.device(index):
        torch.cuda.current_stream(index).query()  # makes the context current in this thread
        return _check(_driver().cuModuleLoadData(cubin.code), "loading a cubin")


@cache
def _function(made_by: tuple[Any, ...], name: str, index: int, smem: int) -> Any:
    driver, (source, names, options) = _driver(), made_by
    image = _image(source, names, options, index)
    symbol = _cubin(source, names, options, index).names.get(name, name)
    function = _check(driver.cuModuleGetFunction(image, symbol.encode()), f"finding the kernel {name}")
    if smem > 0:
        _allow(function, name, smem)
    return function


def _allow(function: Any, name: str, smem: int) -> None:
    """Raise a kernel's limit of dynamic shared memory to what a launch wants, where it is lower.

    The driver keeps one limit per kernel (48 KiB less the static share at first) and refuses launches beyond
    it: whoever lowered it again would have the configurations refused that were granted more before.
    """
    driver = _driver()
    attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    with _RAISING:
        asked = driver.cuFuncGetAttribute(attribute, function)
        if smem > _check(asked, f"asking for {name}'s limit of shared memory"):
            given = driver.cuFuncSetAttribute(function, attribute, smem)
            _check(given, f"giving {name} {smem} bytes of shared memory")


@cache
def _driver() -> Any:
    try:
        from cuda.bindings import driver
    except ImportError as error:
        raise ToolchainMissing(
            "CUDA kernels cannot be launched: cuda.bindings is not installed",
            why=str(error),
            now='pip install "kernelevo[cuda13]" (or [cuda12])',
        ) from error
    return driver


@cache
def _require_device() -> None:
    import torch

    if not torch.cuda.is_available():
        raise ToolchainMissing(
            "a CUDA kernel cannot be launched here: torch sees no CUDA device",
            why=f"torch {torch.__version__}, built for CUDA {torch.version.cuda}",
            now="run on a machine with a GPU; kernelevo.backends.nvrtc.compile_cubin compiles without one",
        )


def _check(result: tuple[Any, ...], doing: str) -> Any:
    """Return what a driver call gave, or raise with the driver's words."""
    status, *values = result
    if int(status) != 0:
        _, words = _driver().cuGetErrorString(status)
        text = words.decode() if isinstance(words, bytes) else str(words)
        raise RuntimeError(f"CUDA error {int(status)} while {doing}: {text}")
    return values[0] if values else None


def _three(size: Any) -> tuple[int, int, int]:
    given = [operator.index(n) for n in (size if isinstance(size, tuple | list) else (size,))]
    if not 1 <= len(given) <= 3 or min(given) < 1:
        raise TypeError(f"a grid or block is one to three numbers of at least 1, got {size!r}")
    first, second, third = (*given, 1, 1)[:3]
    return first, second, third


def _argument(where: str, value: Any, parameter: signatures.Parameter | None) -> tuple[Any, Any, int]:
    """Return a value, its ctypes type and the index of its device (-1 for a number)."""
    import torch

    where = f"{where} ({parameter.text})" if parameter is not None else where
    if isinstance(value, torch.Tensor):
        if parameter is not None and not parameter.pointer and parameter.type in _CTYPES:
            return _CTYPES[parameter.type](value.item()).value, _CTYPES[parameter.type], -1
        wanted = getattr(torch, str(parameter.type), None) if parameter is not None else None
        if wanted is not None and isinstance(wanted, torch.dtype) and value.dtype != wanted:
            raise TypeError(f"{where} takes {wanted}, got {value.dtype}")
        if not value.is_cuda:
            raise TypeError(f"{where} takes a CUDA tensor, got one on {value.device}")
        if not value.is_contiguous():
            raise TypeError(
                f"{where} takes a contiguous tensor, got strides {value.stride()}; pass t.data_ptr() to skip"
            )
        return value.data_ptr(), ctypes.c_void_p, value.get_device()
    if isinstance(value, ctypes._SimpleCData):
        return value.value, type(value), -1
    if value is None or (parameter is not None and parameter.pointer):
        return operator.index(value or 0), ctypes.c_void_p, -1
    if parameter is None or parameter.type not in _CTYPES:
        raise TypeError(f"{where}: its type is not known from the text; pass a ctypes value, as c_int(3)")
    return _number(where, value, parameter.type), _CTYPES[parameter.type], -1


def _number(where: str, value: Any, kind: str) -> Any:
    try:
        if kind.startswith("float"):
            return float(value)
        return bool(value) if kind == "bool" else operator.index(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{where} takes a number, got {type(value).__name__}") from error
