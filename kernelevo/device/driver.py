"""Driver: the few calls of the CUDA driver that instruments need, and the kernels of a cubin."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from kernelevo.errors import ToolchainMissing

HANDLE_BYTES = 64
"""Size of an inter-process memory handle."""


class Driver:
    """One device's driver calls; torch's own context is the one that they act in.

    Every method raises RuntimeError with the driver's words where a call fails.

    Args:
        device: index of the CUDA device.
        api: what has the ``cu...`` functions; None for ``cuda.bindings.driver``.

    Raises:
        ToolchainMissing: if ``cuda.bindings`` is not installed.
    """

    def __init__(self, device: int, api: Any = None) -> None:
        if api is None:
            try:
                from cuda.bindings import driver
            except ImportError as error:
                raise ToolchainMissing(
                    "the CUDA driver cannot be called: cuda.bindings is not installed",
                    why=str(error),
                    now='pip install "kernelevo[cuda13]" (or [cuda12])',
                ) from error
            api = driver
        self._api, self.device = api, device

    def call(self, name: str, *given: Any) -> Any:
        """Make one call; return its value, a tuple of several, or None."""
        status, *values = getattr(self._api, name)(*given)
        if int(status) != 0:
            _, words = self._api.cuGetErrorString(status)
            text = words.decode() if isinstance(words, bytes) else str(words)
            raise RuntimeError(f"{name}: {text} (CUDA error {int(status)})")
        return values[0] if len(values) == 1 else (tuple(values) or None)

    def enter(self) -> None:
        """Make the device's primary context, which torch uses too, current in this thread."""
        self.call("cuCtxSetCurrent", self._context)

    @cached_property
    def _context(self) -> Any:
        self.call("cuInit", 0)
        return self.call("cuDevicePrimaryCtxRetain", self.call("cuDeviceGet", self.device))

    def attribute(self, name: str) -> int:
        """Return a number that the driver knows of the device, such as ``"L2_CACHE_SIZE"`` in bytes."""
        kind = getattr(self._api.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}")
        return int(self.call("cuDeviceGetAttribute", kind, self.call("cuDeviceGet", self.device)))

    # ------------------------------------------------------------------ the cache

    def forget_persisting(self) -> None:
        """Give persisting lines of the L2 back and allow none: they would survive any flush."""
        self.call("cuCtxSetLimit", self._api.CUlimit.CU_LIMIT_PERSISTING_L2_CACHE_SIZE, 0)
        self.call("cuCtxResetPersistingL2Cache")

    def fill(self, address: int, value: int, nbytes: int, stream: int) -> None:
        """Write a byte value over ``nbytes`` of device memory, in order on a stream."""
        self.call("cuMemsetD8Async", address, value, nbytes, stream)

    # ------------------------------------------------------------------ memory

    def allocate(self, nbytes: int) -> int:
        """Return the address of new device memory."""
        return int(self.call("cuMemAlloc", nbytes))

    def allocate_host(self, nbytes: int) -> int:
        """Return the address of new page-locked host memory, which is its address on the device too."""
        return int(self.call("cuMemAllocHost", nbytes))

    def free(self, address: int) -> None:
        """Give it back."""
        self.call("cuMemFree", address)

    def write(self, address: int, source: int, nbytes: int) -> None:
        """Copy host memory at ``source`` to the device; in order with the default stream."""
        self.call("cuMemcpyHtoD", address, source, nbytes)

    def read(self, address: int, into: int, nbytes: int) -> None:
        """Copy device memory to host memory at ``into``; waits for it and for the default stream."""
        self.call("cuMemcpyDtoH", into, address, nbytes)

    # ------------------------------------------------------------------ memory of other processes

    def allocation(self, address: int) -> tuple[int, int, int]:
        """Return (base, bytes, id) of the allocation that an address lies in; ids are never used twice."""
        base, nbytes = self.call("cuMemGetAddressRange", address)
        kind = self._api.CUpointer_attribute.CU_POINTER_ATTRIBUTE_BUFFER_ID
        return int(base), int(nbytes), int(self.call("cuPointerGetAttribute", kind, int(base)))

    def share(self, base: int) -> bytes:
        """Return the handle by which another process can open an allocation."""
        handle = self.call("cuIpcGetMemHandle", base)
        return ctypes.string_at(int(handle.getPtr()), HANDLE_BYTES)

    def open(self, handle: bytes) -> int:
        """Map another process's allocation; return its address here.

        Raises:
            ValueError: if it is no handle.
        """
        if len(handle) != HANDLE_BYTES:
            raise ValueError(f"a memory handle has {HANDLE_BYTES} bytes, not {len(handle)}")
        made = self._api.CUipcMemHandle()
        ctypes.memmove(int(made.getPtr()), handle, HANDLE_BYTES)
        flags = int(self._api.CUipcMem_flags.CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS)
        return int(self.call("cuIpcOpenMemHandle", made, flags))

    def close(self, address: int) -> None:
        """Unmap what ``open`` mapped."""
        self.call("cuIpcCloseMemHandle", address)


class Image:
    """The kernels of one cubin, loaded into the device's context.

    Args:
        driver: of the device.
        code: the cubin.
    """

    def __init__(self, driver: Driver, code: bytes) -> None:
        driver.enter()
        self._driver = driver
        self._module = driver.call("cuModuleLoadData", code)
        self._functions: dict[str, Any] = {}

    def launch(
        self, name: str, grid: int, block: int, stream: int, values: Sequence[int], types: Sequence[Any]
    ) -> None:
        """Launch a kernel on a stream; returns at once.

        Args:
            name: the kernel's name in the image.
            grid: blocks.
            block: threads of a block.
            stream: the stream's handle.
            values: arguments; addresses as numbers.
            types: the ctypes type of each.
        """
        if name not in self._functions:
            self._functions[name] = self._driver.call("cuModuleGetFunction", self._module, name.encode())
        given = (tuple(values), tuple(types))
        self._driver.call(
            "cuLaunchKernel", self._functions[name], grid, 1, 1, block, 1, 1, 0, stream, given, 0
        )
