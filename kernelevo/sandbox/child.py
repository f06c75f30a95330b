"""Child: the parent's hold on one sandboxed process: stop, resume, read its memory, kill, learn its end."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernelevo.errors import SandboxError
from kernelevo.sandbox import freeze
from kernelevo.sandbox.channel import Channel, PeerFault
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.scratch import Scratch
from kernelevo.sandbox.syscalls import read_process, write_process

OUTPUT_BYTES = 20_000
STOP_TIMEOUT = 10.0
_PAGE = resource.getpagesize()
_ADDRESS_LIMIT = 1 << 63
_PIECE_LIMIT = 1 << 40
_MEMORY_ROOM = 32 << 20
_CHUNK, _CHUNKS = 1 << 16, 64


class ChildDied(PeerFault):
    """The child ended while we needed it alive; its ``exit_reason`` says how."""


class BadAddress(PeerFault):
    """The child named memory that it does not have."""


@dataclass(frozen=True)
class Birth:
    """What the parent holds of a new process: its number and three descriptors, ours from now on."""

    pid: int
    pidfd: int
    channel_fd: int
    output_fd: int


class Child:
    """One process forked by a zygote. Use it from one thread; made by ``Zygote.spawn``.

    Attributes:
        pid: its process id, also the id of its process group and session.
        channel: the conversation with its entry function.
        limits: what it was bound with.
        orphaned: whether it is known to have ended with its zygote, which could not say how it ended.
    """

    def __init__(self, birth: Birth, limits: Limits, ask: Callable[[int], Mapping[str, Any] | None]) -> None:
        self.pid = birth.pid
        self.limits = limits
        self.channel = Channel(birth.channel_fd, drain=self._drain, drain_fd=birth.output_fd)
        self._pidfd = birth.pidfd
        self._output_fd = birth.output_fd
        os.set_blocking(birth.output_fd, False)
        self._output = bytearray()
        self._output_total = 0
        self._ask = ask
        self._status: Mapping[str, Any] | None = None
        self._killed_for: str | None = None
        self.orphaned = False
        self._pidfd_lock = threading.Lock()  # the memory watchdog's thread uses the descriptor too
        self._rss_at_birth = self.rss()
        self._scratch = Scratch(limits.scratch, limits.scratch_bytes)

    # --- life ---------------------------------------------------------------------------------------

    def alive(self) -> bool:
        """Return whether it still runs (or is stopped)."""
        return self._status is None and not self._ended(0)

    def has_ended(self) -> bool:
        """Return whether its process is gone, or ``close`` was called; may be asked by any thread."""
        with self._pidfd_lock:
            return self._ended(0)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its end, reading its output meanwhile; False if it lives after ``timeout`` seconds."""
        if self._status is None:
            if not self.wait_for(self._pidfd, select.POLLIN, timeout):
                return False
            self._learn_status()
        return True

    def wait_for(self, fd: int, event: int, timeout: float | None = None) -> bool:
        """Wait until a descriptor of ours is ready; False if it is not within ``timeout`` seconds.

        Its output is read meanwhile: nobody who writes much there shall stand still, and we with it.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        writable = self._output_fd >= 0
        while True:
            poller = select.poll()
            poller.register(fd, event)
            if writable:
                poller.register(self._output_fd, select.POLLIN)
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = dict(poller.poll(None if left is None else left * 1e3))
            if self._output_fd in ready:
                writable = self._drain()  # a pipe that nobody can write to any more would be ready for ever
            if fd in ready:
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def kill(self, reason: str | None = None) -> None:
        """Kill it and all it started, and wait until it is gone; may be called twice.

        Args:
            reason: what ``exit_reason`` should say, e.g. ``"timeout"``; None for the signal's name.
        """
        if self._status is None and not self._ended(0):
            self._killed_for = self._killed_for or reason
            with contextlib.suppress(ChildDied):  # it may end between the question and the signal
                self._signal(signal.SIGKILL)
        if self._status is None and not self.wait(10.0):
            raise SandboxError(
                f"process {self.pid} did not end within 10 s of SIGKILL",
                why="it is stuck inside the kernel (a device or a file system that does not answer)",
                now="look at it with `ps`; the run goes on once it is gone",
            )

    def kill_now(self, reason: str) -> None:
        """Send SIGKILL without waiting; may be called from the watchdog's thread."""
        with self._pidfd_lock:
            if self._pidfd >= 0 and not self._ended(0):
                self._killed_for = self._killed_for or reason
                self._send(signal.SIGKILL)

    def close(self) -> None:
        """Kill it if it lives, and free every descriptor."""
        try:
            self.kill()
        finally:
            self._drain()
            self.channel.close()
            with self._pidfd_lock:
                for name in ("_output_fd", "_pidfd"):
                    fd = getattr(self, name)
                    setattr(self, name, -1)
                    if fd >= 0:
                        os.close(fd)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def exit_reason(self) -> str | None:
        """Return None while it lives, else ``"exit 3"``, a signal's name, ``"oom"``, or why we killed it."""
        if self._status is None and not self._ended(0):
            return None
        status = self._learn_status()
        if self._killed_for and status["signal"] == "SIGKILL":
            return self._killed_for
        return str(status["signal"]) if status["signal"] else f"exit {status['code']}"

    def usage(self) -> dict[str, Any] | None:
        """Return ``maxrss_bytes`` and ``cpu_seconds`` once it has ended, None before."""
        if self._status is None and not self._ended(0):
            return None
        status = self._learn_status()
        return {name: status[name] for name in ("maxrss_bytes", "cpu_seconds")}

    # --- stop and read ------------------------------------------------------------------------------

    def stop(self, timeout: float = STOP_TIMEOUT) -> int:
        """Stop its whole process group.

        Returns:
            ``time.monotonic_ns()`` when every thread was confirmed stopped.

        Raises:
            ChildDied: if it has ended or ends meanwhile.
            SandboxError: if a thread still runs after ``timeout`` seconds.
        """
        self._signal(signal.SIGSTOP)
        try:
            stamp = freeze.wait_stopped(self.pid, timeout, descendants=self.limits.stage != "run")
        except ProcessLookupError:
            raise self._died() from None
        if self._ended(0):
            raise self._died()
        if stamp is None:
            raise SandboxError(f"process {self.pid} could not be stopped within {timeout:g} s")
        return stamp

    def resume(self) -> None:
        """Let a stopped group go on.

        Raises:
            ChildDied: if it has ended.
        """
        self._signal(signal.SIGCONT)

    def read(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        """Return a copy of ``nbytes`` bytes of its memory; stop it first, or the bytes may be torn.

        Raises:
            BadAddress: if the child does not have that memory.
            ChildDied: if it is gone.
            SandboxError: if this machine refuses process_vm_readv.
        """
        return self.read_many([(address, nbytes)])[0]

    def read_many(self, parts: Sequence[tuple[int, int]]) -> list[NDArray[np.uint8]]:
        """Return copies of several (address, bytes) pieces, in few system calls; raises as ``read``."""
        for address, size in parts:
            _check_piece(address, size)
        return self.read_into(parts, [np.empty(size, np.uint8) for _, size in parts])

    def read_into(
        self, parts: Sequence[tuple[int, int]], out: list[NDArray[np.uint8]]
    ) -> list[NDArray[np.uint8]]:
        """Copy several pieces into arrays that exist already (no page faults in a timed read); as ``read``.

        Args:
            parts: (address, bytes) of each piece; the child names addresses, we know the sizes.
            out: one contiguous byte array per piece, of that size.
        """
        for (address, size), array in zip(parts, out, strict=True):
            _check_piece(address, size)
            if array.nbytes != size or not array.flags.c_contiguous:
                raise ValueError("each array must be contiguous and as large as its piece")
        with self._reaching("read"):
            read_process(
                self.pid, [(a, array.ctypes.data, n) for (a, n), array in zip(parts, out, strict=True)]
            )
        return out

    def write(self, address: int, values: NDArray[np.uint8]) -> None:
        """Copy bytes into its memory; stop it first.

        Raises:
            BadAddress: if the child does not have that memory, or may not write to it.
            ChildDied: if it is gone.
            SandboxError: if this machine refuses process_vm_writev.
        """
        source = np.ascontiguousarray(values)
        _check_piece(address, source.nbytes)
        with self._reaching("write to"):
            write_process(self.pid, [(address, source.ctypes.data, source.nbytes)])

    @contextlib.contextmanager
    def _reaching(self, do: str) -> Iterator[None]:
        """Say of what the kernel answers when we reach into the child's memory what it means."""
        try:
            yield
        except ProcessLookupError:
            raise self._died() from None
        except PermissionError as error:
            raise SandboxError(
                f"this machine refuses to {do} a child's memory",
                why=str(error),
                now="allow ptrace of own processes (kernel.yama.ptrace_scope), or use the shared-memory copy",
            ) from None
        except OSError as error:
            if not self.alive():
                raise self._died() from None
            raise BadAddress("the child does not have the memory it named", why=str(error)) from None

    # --- facts --------------------------------------------------------------------------------------

    def rss(self) -> int:
        """Return its resident memory in bytes, pages shared with the zygote included; 0 once it is gone."""
        return _rss(self.pid)

    def over_limits(self) -> str | None:
        """Return why it must be killed, or None: ``oom``, ``disk``, ``too many threads`` or ``processes``."""
        grown = self.rss() - self._rss_at_birth
        if _thread_count(self.pid) > self.limits.processes:
            return "too many threads"
        started = freeze.descendants(self.pid) if self.limits.stage != "run" else []
        if started:
            grown += sum(_rss(pid) for pid in started)
            if len(started) > self.limits.processes:
                return "too many processes"
        if self.limits.stage != "trusted" and self._scratch.overfull([self.pid, *started]):
            return "disk"
        limit = self.limits.memory_bytes
        # some room above RLIMIT_DATA, whose MemoryError tells the program's author more than a kill does
        return "oom" if limit is not None and grown > limit + _MEMORY_ROOM else None

    def output(self) -> str:
        """Return the last 20 kB it wrote to stdout and stderr, with a note if there was more."""
        self._drain()
        text = bytes(self._output).decode(errors="replace")
        lost = self._output_total - len(self._output)
        return f"[{lost} bytes left out]\n{text}" if lost else text

    def defences(self) -> dict[str, str]:
        """Return what the kernel says binds it now (user, capabilities, filter), read from /proc."""
        wanted = {"Uid": "uid", "CapEff": "capabilities", "NoNewPrivs": "no_new_privs", "Seccomp": "seccomp"}
        found = {}
        with open(f"/proc/{self.pid}/status", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name in wanted:
                    found[wanted[name]] = value.split()[0]
        return found

    # --- inside -------------------------------------------------------------------------------------

    def _signal(self, number: signal.Signals) -> None:
        if self._status is not None or self._ended(0):
            raise self._died()
        self._send(number)

    def _send(self, number: signal.Signals) -> None:
        """Signal the whole group, which has the child's number from its first instructions on.

        Nobody else can have the number: it is not reaped yet, or its descriptor would be ready.
        """
        # all at once: a fork bomb must not outrun us. Without a group (too young) or once it is a zombie,
        # the descriptor is enough
        if self.limits.stage != "run":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def _died(self) -> ChildDied:
        return ChildDied("the candidate's process ended", why=str(self.exit_reason()))

    def _ended(self, timeout_ms: int) -> bool:
        if self._pidfd < 0:
            return True
        poller = select.poll()
        poller.register(self._pidfd, select.POLLIN)
        return bool(poller.poll(timeout_ms))

    def _learn_status(self) -> Mapping[str, Any]:
        if self._status is None:
            self._drain()
            lost = {"code": None, "signal": "SIGKILL", "maxrss_bytes": None, "cpu_seconds": None}
            said = self._ask(self.pid)
            self.orphaned = said is None
            self._status = said or lost
        return self._status

    def _drain(self) -> bool:
        """Take what the output pipe holds; False once nobody can write to it any more.

        From one that is full again whenever we have read it we take 4 MiB, and look at the clock.
        """
        for _ in range(_CHUNKS):
            if self._output_fd < 0:
                return False
            try:
                chunk = os.read(self._output_fd, _CHUNK)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._output_total += len(chunk)
            self._output += chunk
            del self._output[:-OUTPUT_BYTES]
        return True


def _check_piece(address: int, size: int) -> None:
    if not (0 < address < _ADDRESS_LIMIT and 0 <= size < _PIECE_LIMIT):
        raise BadAddress(f"not a piece of memory: {size} bytes at {address:#x}")


def _rss(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _thread_count(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/task").st_nlink - 2
    except OSError:
        return 0
