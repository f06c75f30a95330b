"""System calls that Python does not offer: prctl, capset, raw syscalls, process_vm_readv and its twin."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
for _reach in (_libc.process_vm_readv, _libc.process_vm_writev):
    _reach.restype = ctypes.c_ssize_t
    _reach.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong,
    ]  # fmt: skip

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
_CAP_VERSION = 0x20080522
_MAX_PARTS = 1024  # IOV_MAX


def is_x86_64() -> bool:
    """Return whether this is 64-bit x86, the architecture whose syscall numbers we know."""
    return platform.machine() == "x86_64" and ctypes.sizeof(ctypes.c_void_p) == 8


def prctl(option: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0) -> int:
    """Call prctl(2).

    Raises:
        OSError: with the kernel's errno.
    """
    result: int = _libc.prctl(option, a, b, c, d)
    if result < 0:
        raise _os_error(f"prctl {option}")
    return result


def syscall(number: int, *args: Any) -> int:
    """Call a system call by number; arguments are ints, bytes, None or ctypes objects.

    Raises:
        OSError: with the kernel's errno.
    """
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result: int = _libc.syscall(ctypes.c_long(number), *given)
    if result < 0:
        raise _os_error(f"system call {number}")
    return result


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def set_capabilities(mask: int) -> None:
    """Make ``mask`` the effective, permitted and inheritable capabilities of this thread (capset(2))."""
    header = _CapHeader(_CAP_VERSION, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = (ctypes.c_uint32 * 6)(low, low, low, high, high, high)
    if _libc.capset(ctypes.byref(header), ctypes.byref(data)) < 0:
        raise _os_error("capset")


def read_process(pid: int, parts: list[tuple[int, int, int]]) -> None:
    """Copy memory of another process into ours with process_vm_readv(2).

    Args:
        pid: the other process.
        parts: (their address, our address, bytes) of each piece.

    Raises:
        OSError: EPERM if refused, EFAULT for an address that is not mapped there, ESRCH if it is gone.
    """
    for start in range(0, len(parts), _MAX_PARTS):
        _move(_libc.process_vm_readv, pid, [p for p in parts[start : start + _MAX_PARTS] if p[2]])


def write_process(pid: int, parts: list[tuple[int, int, int]]) -> None:
    """Copy memory of ours into another process with process_vm_writev(2); as ``read_process``."""
    for start in range(0, len(parts), _MAX_PARTS):
        _move(_libc.process_vm_writev, pid, [p for p in parts[start : start + _MAX_PARTS] if p[2]])


def _move(reach: Any, pid: int, parts: list[tuple[int, int, int]]) -> None:
    while parts:
        count = len(parts)
        remote, local = (ctypes.c_size_t * (2 * count))(), (ctypes.c_size_t * (2 * count))()
        for i, (theirs, ours, size) in enumerate(parts):
            remote[2 * i], local[2 * i] = theirs, ours
            remote[2 * i + 1] = local[2 * i + 1] = size
        done: int = reach(pid, ctypes.addressof(local), count, ctypes.addressof(remote), count, 0)
        if done <= 0:
            raise _os_error(reach.__name__) if done < 0 else OSError(14, f"{reach.__name__} moved nothing")
        # one call moves at most 2 GiB and stops at an unmapped page: go on with what is left
        rest = []
        for theirs, ours, size in parts:
            moved = min(done, size)
            done -= moved
            if moved < size:
                rest.append((theirs + moved, ours + moved, size - moved))
        parts = rest


def signal_name(number: int) -> str:
    """Return a signal's name; those between the first and the last real-time signal have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _os_error(what: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f"{what}: {os.strerror(code)}")
