"""A driver whose device memory is host memory: two mappings of one block stand for two processes."""

import ctypes
import itertools
import mmap
import os
import time
from types import SimpleNamespace

import numpy as np

OK, UNKNOWN = 0, 1


class Handle:
    """What the driver fills in: 64 bytes at an address."""

    def __init__(self):
        self._bytes = ctypes.create_string_buffer(64)

    def getPtr(self):
        return ctypes.addressof(self._bytes)


class FakeApi:
    """The functions that ``device.driver`` calls; every call's name is written down.

    Args:
        broken: functions that fail.
    """

    PROCESSORS, MHZ = 4, 1500.0
    CUlimit = SimpleNamespace(CU_LIMIT_PERSISTING_L2_CACHE_SIZE=6)
    CUdevice_attribute = SimpleNamespace(
        CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE=38, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT=16
    )
    CUpointer_attribute = SimpleNamespace(CU_POINTER_ATTRIBUTE_BUFFER_ID=7)
    CUipcMem_flags = SimpleNamespace(CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS=1)
    CUipcMemHandle = Handle

    def __init__(self, broken=()):
        self.calls, self.broken = [], set(broken)
        self._serials = itertools.count(100)
        self.blocks = {}  # address -> (array, serial, fd)
        self.limits = {6: 1 << 20}
        self.holds = []  # (value of the flag, ticket, limit) at each launch of the spin kernel

    def __getattribute__(self, name):
        found = object.__getattribute__(self, name)
        if not name.startswith("cu") or name == "cuGetErrorString":
            return found
        self.calls.append(name)
        return (lambda *_: (UNKNOWN,)) if name in self.broken else found

    def cuGetErrorString(self, status):
        return OK, b"it does not work"

    def block(self, nbytes):
        """Make an allocation; return its address."""
        fd = os.memfd_create("fake")
        os.ftruncate(fd, nbytes)
        return self._map(fd, nbytes)

    def _map(self, fd, nbytes):
        array = np.frombuffer(mmap.mmap(fd, nbytes), np.uint8)
        self.blocks[array.ctypes.data] = (array, next(self._serials), fd)
        return array.ctypes.data

    def values(self, address):
        return self.blocks[address][0]

    def cuInit(self, flags):
        return (OK,)

    def cuDeviceGet(self, index):
        return OK, index

    def cuDeviceGetAttribute(self, kind, device):
        return OK, {38: 1 << 20, 16: self.PROCESSORS}[kind]

    def cuDevicePrimaryCtxRetain(self, device):
        return OK, "context"

    def cuCtxSetCurrent(self, context):
        return (OK if context == "context" else UNKNOWN,)

    def cuCtxSetLimit(self, limit, value):
        self.limits[limit] = value
        return (OK,)

    def cuCtxResetPersistingL2Cache(self):
        return (OK,)

    def cuMemsetD8Async(self, address, value, nbytes, stream):
        ctypes.memset(address, value, nbytes)
        return (OK,)

    def cuMemAlloc(self, nbytes):
        return OK, self.block(nbytes)

    def cuMemFree(self, address):
        return (OK if self.blocks.pop(address, None) else UNKNOWN,)

    def cuMemAllocHost(self, nbytes):
        return OK, self.block(nbytes)

    cuIpcCloseMemHandle = cuMemFree

    def cuMemcpyHtoD(self, address, source, nbytes):
        ctypes.memmove(address, source, nbytes)
        return (OK,)

    def cuMemcpyDtoH(self, into, address, nbytes):
        ctypes.memmove(into, address, nbytes)
        return (OK,)

    def cuMemGetAddressRange(self, address):
        for base, (array, _, _) in self.blocks.items():
            if base <= address < base + array.nbytes:
                return OK, base, array.nbytes
        return (UNKNOWN, None, None)

    def cuPointerGetAttribute(self, kind, address):
        return OK, self.blocks[address][1]

    def cuIpcGetMemHandle(self, base):
        handle, (array, _, fd) = Handle(), self.blocks[base]
        ctypes.memmove(handle.getPtr(), np.array([fd, array.nbytes], np.int64).ctypes.data, 16)
        return OK, handle

    def cuIpcOpenMemHandle(self, handle, flags):
        fd, nbytes = np.frombuffer(ctypes.string_at(handle.getPtr(), 16), np.int64).tolist()
        try:
            return OK, self._map(fd, nbytes)
        except (OSError, OverflowError):
            return UNKNOWN, None

    def cuModuleLoadData(self, code):
        return OK, code

    def cuModuleGetFunction(self, module, name):
        return OK, name.decode()

    def cuLaunchKernel(self, function, *given):
        grid, block, (values, kinds) = given[0], given[3], given[8]
        assert len(values) == len(kinds) and grid >= 1 and block >= 1
        getattr(self, f"_{function}")(*values)
        return (OK,)

    def _stamp(self, out):
        ns = time.perf_counter_ns()
        rows = [[ns, round(ns * self.MHZ / 1e3), processor] for processor in range(self.PROCESSORS)]
        ctypes.memmove(out, np.array(rows, np.int64).ctypes.data, 24 * self.PROCESSORS)

    def _spin(self, flag, ticket, limit_ns):
        self.holds.append((ctypes.c_uint32.from_address(flag).value, ticket, limit_ns))

    def _gather(self, table, out, count):
        rows = np.frombuffer(ctypes.string_at(table, 24 * count), np.int64).reshape(count, 3)
        for address, nbytes, offset in rows.tolist():
            ctypes.memmove(out + offset, address, nbytes)
