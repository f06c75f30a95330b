"""The forbidden acts themselves, each tried inside a child to learn whether it is refused; all harmless."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from kernelevo.sandbox.channel import Channel
from kernelevo.sandbox.syscalls import (
    PR_SET_DUMPABLE,
    is_x86_64,
    prctl,
    read_process,
    set_capabilities,
    syscall,
)

Act = Callable[[Mapping[str, Any]], object]
_PTRACE_SEIZE = 0x4206
_PTRACE_DETACH = 17
_PTRACE = 101  # x86-64
_CAP_SYS_ADMIN = 21
_SHMGET, _SHMCTL, _IPC_RMID = 29, 31, 0  # x86-64


def _read_parent(given: Mapping[str, Any]) -> None:
    mine = ctypes.create_string_buffer(16)
    read_process(given["parent"], [(given["address"], ctypes.addressof(mine), 16)])


def _open(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _write(path: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write("x")
    os.unlink(path)


def _mark(path: str, change: Callable[[str], None]) -> None:
    """Change what is known of a file and look whether it did; calls that are refused seem to work."""
    before = os.stat(path)
    change(path)
    after = os.stat(path)
    if (before.st_mode, before.st_mtime_ns) == (after.st_mode, after.st_mtime_ns):
        raise OSError(errno.EPERM, "it did nothing")
    os.chmod(path, before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _fork(given: Mapping[str, Any]) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _exec(given: Mapping[str, Any]) -> None:
    subprocess.run(["/bin/true"], check=True)


def _ptrace(given: Mapping[str, Any]) -> None:
    if not is_x86_64():
        raise OSError(errno.ENOSYS, "number unknown on this architecture")
    syscall(_PTRACE, _PTRACE_SEIZE, given["parent"], 0, 0)
    syscall(_PTRACE, _PTRACE_DETACH, given["parent"], 0, 0)


def _leave_memory(given: Mapping[str, Any]) -> None:
    if not is_x86_64():
        raise OSError(errno.ENOSYS, "number unknown on this architecture")
    segment = syscall(_SHMGET, os.getpid(), 4096, 0o1600)
    syscall(_SHMCTL, segment, _IPC_RMID, 0)


# signal 0 asks only whether a signal would be allowed
BUILD_ACTS: dict[str, Act] = {
    "open a socket": lambda given: socket.socket().close(),
    "read the parent's memory": _read_parent,
    "trace the parent": _ptrace,
    "signal the parent": lambda given: os.kill(given["parent"], 0),
    "signal the zygote": lambda given: os.kill(given["zygote"], 0),
    "signal every process": lambda given: os.kill(-1, 0),
    "read the parent's environment": lambda given: _open(f"/proc/{given['parent']}/environ"),
    "read a file outside": lambda given: _open(given["outside"]),
    "read /etc/passwd": lambda given: _open("/etc/passwd"),
    "write outside scratch": lambda given: _write(given["outside"] + ".new"),
    "change a file's mode": lambda given: _mark(given["outside"], lambda path: os.chmod(path, 0o640)),
    "change a file's times": lambda given: _mark(given["outside"], lambda path: os.utime(path, ns=(0, 1))),
    "write to /tmp": lambda given: _write(f"/tmp/kernelevo-probe-{os.getpid()}"),
    "write shared memory": lambda given: _write(f"/dev/shm/kernelevo-probe-{os.getpid()}"),
    "leave memory behind": _leave_memory,
    "gain a capability": lambda given: set_capabilities(1 << _CAP_SYS_ADMIN),
    "hide from the parent": lambda given: prctl(PR_SET_DUMPABLE, 0),
}
RUN_ACTS: dict[str, Act] = {
    **BUILD_ACTS,
    "fork a process": _fork,
    "execute a program": _exec,
    "leave the session": lambda given: os.setpgid(0, 0),
}


def attempt(channel: Channel, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Try the acts named in ``payload["acts"]`` in order; send one line about each."""
    for name in payload["acts"]:
        channel.send(_outcome(RUN_ACTS[name], payload))


def _outcome(act: Act, payload: Mapping[str, Any]) -> str:
    try:
        act(payload)
    except OSError as error:
        return f"refused: {errno.errorcode.get(error.errno or 0, str(error.errno))}"
    return "allowed"
