"""Lease: the right to measure alone on one device of this machine."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from kernelevo.device import guardian
from kernelevo.device.groups import groups_folder, runtime_folder
from kernelevo.errors import LeaseTimeout

_RETRY_FIRST, _RETRY_LAST = 0.002, 0.05
_GUARDIAN_SECONDS = 10.0


class _Door:
    """What this process knows of one lock file: one door per file, however many leases pass through it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.depth = 0
        self.fd = -1
        self.guard: _Guard | None = None


_doors: dict[Path, _Door] = {}
_doors_lock = threading.Lock()


def _physical(device: str) -> str:
    """Return which of the machine's devices is meant: CUDA counts only those that a process may see."""
    kind, _, number = device.partition(":")
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    if kind != "cuda" or int(number or 0) >= len(seen):
        return device
    name = re.sub(r"[^\w-]", "", seen[int(number or 0)])
    return f"cuda:{name}" if name else device


_of_thread = threading.local()


def waited_seconds() -> float:
    """Return how long this thread has waited so far for leases that other processes held."""
    return float(getattr(_of_thread, "waited", 0.0))


def _forget_in_child() -> None:
    """A fork must not keep our locks alive after us: it closes its copies."""
    for door in _doors.values():
        if door.fd >= 0:
            os.close(door.fd)
    _doors.clear()


os.register_at_fork(after_in_child=_forget_in_child)


class Lease:
    """A lock per device, held by at most one process of this user; released by the kernel if it dies.

    One thread may take it again while it holds it. While it is held, every registered group rests
    (``groups.Registration``): stopped for two seconds at most, then 50 ms of breath. On a device too:
    compilers try kernels out there.

    Args:
        device: ``"cpu"`` or ``"cuda:0"``.
        timeout: seconds to wait for it; None for ever.
        folder: the runtime folder; None for this user's.
    """

    def __init__(self, device: str, *, timeout: float | None = 600.0, folder: Path | None = None) -> None:
        if not re.fullmatch(r"[a-z]+(:\d+)?", device):
            raise ValueError(f"not a device: {device!r}; one is written 'cpu' or 'cuda:0'")
        self.device = device
        self.timeout = timeout
        #: seconds the last ``acquire`` waited
        self.waited = 0.0
        self._folder = folder or runtime_folder()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = (self._folder / f"lease-{_physical(device).replace(':', '-')}.lock").resolve()
        with _doors_lock:
            self._door = _doors.setdefault(path, _Door(path))

    def acquire(self) -> Lease:
        """Wait for the device and take it.

        Raises:
            LeaseTimeout: if it stayed busy; names the holder's process.
        """
        start = time.monotonic()
        if not self._door.lock.acquire(timeout=-1 if self.timeout is None else self.timeout):
            raise self._timed_out()
        try:
            if self._door.depth == 0:
                asked = time.monotonic()
                self._lock_file(None if self.timeout is None else start + self.timeout)
                _of_thread.waited = waited_seconds() + time.monotonic() - asked
                self._rest()
            self._door.depth += 1
        except BaseException:
            if self._door.depth == 0:
                self._unlock_file()
            self._door.lock.release()
            raise
        self.waited = time.monotonic() - start
        return self

    def release(self) -> None:
        """Give the device back; every registered group goes on."""
        self._door.depth -= 1
        try:
            if self._door.depth == 0:
                if self._door.guard is not None:
                    self._door.guard.close()
                    self._door.guard = None
                self._unlock_file()
        finally:
            self._door.lock.release()

    def __enter__(self) -> Lease:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def breathe(self) -> None:
        """Let the registered groups run for 50 ms now, between two samples; the two seconds start anew."""
        if self._door.guard is not None:
            self._door.guard.breathe()

    def forced_breaths(self) -> int:
        """Return how often groups ran unasked since the lease was taken: drop a sample in which it grew."""
        return 0 if self._door.guard is None else self._door.guard.forced()

    def holder(self) -> dict[str, Any] | None:
        """Return who holds the device (``pid``, ``since``), or None if nobody does."""
        try:
            fd = os.open(self._door.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_holder(fd)
        finally:
            os.close(fd)
        return None

    # --- inside -------------------------------------------------------------------------------------

    def _lock_file(self, deadline: float | None) -> None:
        fd = os.open(self._door.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        pause = _RETRY_FIRST
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline is not None and time.monotonic() >= deadline:
                    os.close(fd)
                    raise self._timed_out() from None
                time.sleep(pause)
                pause = min(_RETRY_LAST, pause * 1.5)
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": os.getpid(), "since": time.time()}).encode(), 0)
        self._door.fd = fd

    def _unlock_file(self) -> None:
        fd, self._door.fd = self._door.fd, -1
        if fd >= 0:
            os.ftruncate(fd, 0)
            os.close(fd)

    def _rest(self) -> None:
        folder = groups_folder(self._folder)
        # a holder and its guardian that were both killed at once may have left groups stopped
        guardian.resume_all(str(folder))
        self._door.guard = _Guard(folder)

    def _timed_out(self) -> LeaseTimeout:
        found = self.holder()
        who = f"process {found['pid']}" if found and "pid" in found else "another process or thread"
        return LeaseTimeout(
            f"{self.device} stayed busy for {self.timeout:g} s",
            why=f"{who} holds its lease ({self._door.path})",
            now="wait for it, stop it, or measure on another device",
        )


def _read_holder(fd: int) -> dict[str, Any]:
    try:
        return dict(json.loads(os.pread(fd, 4096, 0)))
    except ValueError:
        return {}  # taken this instant, its name not yet written


class _Guard:
    """Our end of a guardian process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._forced = 0
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian.__file__, str(theirs.fileno()), str(folder)],
                pass_fds=(theirs.fileno(),), env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self._socket = ours
        self._socket.settimeout(_GUARDIAN_SECONDS)
        self._order(b"h")

    def breathe(self) -> None:
        self._order(b"b")

    def forced(self) -> int:
        self._socket.setblocking(False)
        try:
            self._forced += len(self._socket.recv(4096))
        except (BlockingIOError, ConnectionError):
            return self._forced
        finally:
            self._socket.settimeout(_GUARDIAN_SECONDS)
        return self._forced

    def close(self) -> None:
        try:
            self._order(b"r")
        finally:
            self._socket.close()  # its end, too, makes the guardian resume everything and end
            self._process.wait(_GUARDIAN_SECONDS)

    def _order(self, letter: bytes) -> None:
        """Send an order, wait until it is done; if the guardian was killed, resume all ourselves."""
        try:
            self._socket.sendall(letter)
            while (answer := self._socket.recv(1)) != letter:
                if not answer:
                    raise ConnectionError("the guardian is gone")
                self._forced += 1
        except (ConnectionError, TimeoutError):
            guardian.resume_all(str(self._folder))
