"""Conversing with a candidate line by line: reactive problems, where the judge holds both pipes."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterator, Sequence

from kernelevo.core import Program, Status
from kernelevo.evaluators.calling import (
    MEMORY,
    TIMEOUT,
    ended,
    finished,
    launch,
    limits,
    workplace,
)
from kernelevo.evaluators.outcome import Outcome, ProgramFailed
from kernelevo.sandbox.child import Child
from kernelevo.sandbox.plain_zygote import plain_zygote

MOST = 8 << 20
_LINE = 1 << 20
_LAST_SECONDS = 2.0  # a program has for its end, once its pipes are closed


class Conversation:
    """One running program, spoken to by lines; made by :func:`converse`.

    Each method raises ``ProgramFailed`` when the program has ended, talks too much or takes too long, so that
    a deadlock costs no more than a limit.
    """

    def __init__(self, child: Child, to: int, back: int, clock: tuple[float, float], memory: int) -> None:
        self._child, self._to, self._back = child, to, back
        self._query_seconds, self._total_seconds = clock
        self._memory = memory
        self._buffer = bytearray()
        self._heard = 0
        self._began = time.perf_counter()
        os.set_blocking(to, False)

    @property
    def seconds(self) -> float:
        """Wall time since the program was started."""
        return time.perf_counter() - self._began

    def tell(self, *lines: str) -> None:
        """Write lines to its standard input."""
        data = memoryview("".join(f"{line}\n" for line in lines).encode())
        end = self._end()
        while data:
            try:
                data = data[os.write(self._to, data) :]
            except BlockingIOError:
                self._wait(self._to, select.POLLOUT, end)
            except BrokenPipeError:
                raise self._over() from None

    def hear(self) -> str:
        """Return the next line that it prints, without its line end."""
        end = self._end()
        while (at := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _LINE or self._heard > MOST:
                raise self._failed(Status.WRONG, f"it printed more than {MOST} bytes, or a line of {_LINE}")
            self._wait(self._back, select.POLLIN, end)
            part = os.read(self._back, 1 << 16)
            if not part:
                raise self._over()
            self._buffer += part
            self._heard += len(part)
        line = self._buffer[:at].decode(errors="replace")
        del self._buffer[: at + 1]
        return line.rstrip("\r")

    def ask(self, *lines: str) -> str:
        """Tell it lines, and return its next one."""
        self.tell(*lines)
        return self.hear()

    def end(self) -> Outcome:
        """Close its input, wait for its end, and return how it went; the rest of its words is the value.

        A program that fails here is an outcome, not an exception: what it said before may still count.
        """
        os.close(self._to)
        self._to = -1
        rest = bytes(self._buffer)
        while (part := self._rest()) and len(rest) <= MOST:
            rest += part
        if len(rest) > MOST:
            return self._failed(Status.WRONG, f"it printed more than {MOST} bytes").outcome
        self._child.wait(max(0.0, self._total_seconds - self.seconds))
        found = ended(self._child, self._total_seconds, self._memory)
        if found.ok:
            found = Outcome(Status.OK, rest.decode(errors="replace"))
        return finished(self._child, found, self.seconds, {})

    def close(self) -> None:
        """Close the pipes."""
        for fd in (self._to, self._back):
            if fd >= 0:
                os.close(fd)

    def _rest(self) -> bytes:
        """Return what it prints next; empty at its end, and when the time is up."""
        left = self._total_seconds - self.seconds
        heard = left > 0 and self._child.wait_for(self._back, select.POLLIN, left)
        return os.read(self._back, 1 << 16) if heard else b""

    def _end(self) -> float:
        now = time.perf_counter()
        return min(now + self._query_seconds, self._began + self._total_seconds)

    def _wait(self, fd: int, event: int, end: float) -> None:
        left = end - time.perf_counter()
        if left <= 0 or not self._child.wait_for(fd, event, left):
            self._child.kill("timeout")
            raise self._failed(
                Status.TIMED_OUT,
                f"no line within {self._query_seconds:g} s, or the whole took {self._total_seconds:g} s",
            )

    def _over(self) -> ProgramFailed:
        if not self._child.wait(_LAST_SECONDS):
            return self._failed(Status.WRONG, "it closed its standard input or output, and went on")
        found = ended(self._child, self._total_seconds, self._memory)
        if found.ok:
            found = Outcome(Status.WRONG, error="the program ended in the middle of the conversation")
        return ProgramFailed(finished(self._child, found, self.seconds, {}))

    def _failed(self, status: Status, error: str) -> ProgramFailed:
        self._child.kill()
        return ProgramFailed(finished(self._child, Outcome(status, error=error), self.seconds, {}))


@contextlib.contextmanager
def converse(
    program: Program,
    *,
    query_seconds: float = 2.0,
    timeout: float = TIMEOUT,
    memory_bytes: int = MEMORY,
    threads: int = 1,
    flags: Sequence[str] = (),
) -> Iterator[Conversation]:
    """Start a whole program, Python (as a script) or C++, and give a line-by-line conversation with it.

    Args:
        program: the candidate; it reads standard input and must flush what it prints.
        query_seconds: longest wait for one line.
        timeout: seconds of wall time for the whole.
        memory_bytes: how much memory it may use.
        threads: OpenMP threads of its process.
        flags: further compiler flags (C++).

    Raises:
        ProgramFailed: if it does not compile; from the conversation, if it breaks off.
        SandboxError: if this machine cannot run candidates.
    """
    entry, payload, more = launch(program, flags)
    theirs_in, to = os.pipe()
    back, theirs_out = os.pipe()
    talk: Conversation | None = None
    try:
        with (
            workplace(program, more) as folder,
            plain_zygote().spawn(
                entry, payload, limits=limits(folder, timeout, memory_bytes, threads),
                fds={"stdin": theirs_in, "stdout": theirs_out}, threads=threads,
            ) as child,
        ):  # fmt: skip
            os.close(theirs_in)
            os.close(theirs_out)
            theirs_in = theirs_out = -1
            talk = Conversation(child, to, back, (query_seconds, timeout), memory_bytes)
            yield talk
    finally:
        if talk is not None:
            talk.close()
        for fd in (theirs_in, theirs_out, *(() if talk else (to, back))):
            if fd >= 0:
                os.close(fd)
