"""SharedOutputs: outputs of a staged batch, read by the parent itself out of memory that the child shares.

On a device the parent's clock ends with this read. Reading every byte would cost as much as a memory-bound
program itself, so it takes one secret window of each output of *every* call, by one kernel and one copy, and
reads one whole secret call after the clock. What is read whole must hold the windows that were taken inside
the clock: a program that says "done" before its outputs are there is caught by the window of any late call.
The empty program's read costs the same and is taken off with the rest of the protocol; a program whose
outputs are late makes its own read longer.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kernelevo.core import Status
from kernelevo.device.filling import Row
from kernelevo.kernels.children.filling import computed, memory
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.reference.tree import Leaf

_log = logging.getLogger(__name__)

WINDOW = 256
"""Most bytes of an output that are read inside the clock; of a smaller one all."""
Piece = tuple[int, int]


class Reader(Protocol):
    """Reads memory at addresses of the child's."""

    def take(self, segments: Sequence[Sequence[Any]]) -> None:
        """Learn where the child's memory can be found."""
        ...

    def read(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        """Return a copy of one piece."""
        ...

    def write(self, address: int, values: NDArray[np.uint8]) -> None:
        """Write bytes there."""
        ...

    def fill(self, rows: Sequence[Row]) -> None:
        """Write rows whose ``out`` is the child's, from memory of this process that lies where its does."""
        ...

    def same(self, pairs: Sequence[tuple[int, int, int]]) -> bool:
        """Tell whether pieces, each (the child's address, this process's, bytes), hold the same."""
        ...

    def gather(self, pieces: Sequence[Piece]) -> bytes:
        """Return several pieces one after the other."""
        ...

    def close(self) -> None:
        """Let go of the child's memory."""
        ...


class HostReader:
    """Host memory of a stopped child: what the protocol is tried with where there is no device.

    Args:
        read_many: copies (address, bytes) pieces out of the child.
        write: copies bytes to an address of the child's.
    """

    def __init__(
        self,
        read_many: Callable[[Sequence[Piece]], list[NDArray[np.uint8]]],
        write: Callable[[int, NDArray[np.uint8]], None],
    ) -> None:
        self._read_many, self._write = read_many, write

    def take(self, segments: Sequence[Sequence[Any]]) -> None:
        """See ``Reader``: the kernel maps a process's memory for us."""

    def read(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        """See ``Reader``."""
        return self._read_many([(address, nbytes)])[0]

    def write(self, address: int, values: NDArray[np.uint8]) -> None:
        """See ``Reader``."""
        self._write(address, values)

    def fill(self, rows: Sequence[Row]) -> None:
        """See ``Reader``."""
        for row in rows:
            self.write(row.out, computed(row))

    def same(self, pairs: Sequence[tuple[int, int, int]]) -> bool:
        """See ``Reader``."""
        return all(np.array_equal(self.read(a, n), memory(b, n)) for a, b, n in pairs)

    def gather(self, pieces: Sequence[Piece]) -> bytes:
        """See ``Reader``."""
        return b"".join(piece.tobytes() for piece in self._read_many(pieces))

    def close(self) -> None:
        """See ``Reader``: nothing is held."""


class SharedOutputs:
    """The outputs of a session's latest batch.

    Where the reader fails once, it is not used again (``why`` says so): the child copies from then on.

    A program that could make the reader fail would be told its inputs before the clock, as where there is
    none: where ``strict``, what fails is the program's, and it is refused.

    Args:
        reader: of the child's memory.
        seed: of the windows' places; None draws it from the system. It never enters a child.
        strict: whether the child runs a program, on a machine where the reader has worked before.
    """

    def __init__(self, reader: Reader, seed: int | None = None, *, strict: bool = False) -> None:
        self._reader, self._strict = reader, strict
        self._rng = np.random.default_rng(int.from_bytes(os.urandom(16), "big") if seed is None else seed)
        self.why = ""
        self._windows: list[Piece] = []
        self._secured = b""

    @property
    def usable(self) -> bool:
        """Whether the parent still reads by itself."""
        return not self.why

    def take(self, said: dict[str, Any]) -> None:
        """Learn from a reply of the child where its memory can be found.

        Raises:
            Failed: if it says something that no child of ours says.
        """
        segments = said.get("segments")
        if segments is None:
            words = (said.get("missing") or {}).get("ipc") if isinstance(said.get("missing"), dict) else None
            self.give_up(f"the program's process cannot share its memory: {words}")
            return
        try:
            self._reader.take(segments)
        except (RuntimeError, LookupError) as error:
            self.give_up(str(error))
        except (TypeError, ValueError, AttributeError) as error:
            saw = f"the program's process does not say where its memory lies: {error}"
            raise Failed(Status.REJECTED, rules.PROTOCOL.broken(saw)) from error

    def secure(self, said: dict[str, Any]) -> int:
        """Take a secret window of each output of every call; return the instant when all were here.

        Args:
            said: the child's description of its results, as ``results.describe`` makes it.

        Raises:
            Failed: if that is malformed.
        """
        self._windows, self._secured = [], b""
        self.take(said)
        if self.usable:
            self._windows = self._choose(_pieces(said))
            try:
                self._secured = self._reader.gather(self._windows)
            except (RuntimeError, LookupError) as error:
                self.give_up(str(error))
        return time.monotonic_ns()

    def _choose(self, pieces: list[Piece]) -> list[Piece]:
        if not pieces:
            return []
        sizes = np.array([n for _, n in pieces], np.int64)
        width = np.minimum(sizes, WINDOW)
        starts = (self._rng.random(len(pieces)) * (sizes - width + 1)).astype(np.int64)
        return [(a + s, w) for (a, _), s, w in zip(pieces, starts.tolist(), width.tolist(), strict=True)]

    def give_up(self, why: str) -> None:
        """Read no more: the child copies from now on, and the verdict says why.

        Raises:
            Failed: where ``strict``.
        """
        self.why = why[:200]
        if self._strict:
            saw = f"the program's memory cannot be reached any more: {self.why}"
            raise Failed(Status.REJECTED, rules.REACHABLE.broken(saw))

    # ------------------------------------------------------------------ after the clock

    def unchanged(self) -> bool:
        """Tell whether the windows of every call still hold what they held at the end of the clock.

        A reader that fails is given up, and says so.
        """
        try:
            return self._reader.gather(self._windows) == self._secured
        except (RuntimeError, LookupError) as error:
            self.give_up(str(error))
            return True

    def read(self, pieces: Sequence[Piece]) -> list[NDArray[np.uint8]]:
        """Return whole outputs of the latest batch.

        Raises:
            Failed: where one does not hold what its window held at the end of the clock.
            RuntimeError: if one cannot be read.
        """
        whole = [self._reader.read(address, nbytes) for address, nbytes in pieces]
        at = 0
        for start, width in self._windows:
            window = np.frombuffer(self._secured, np.uint8, width, at)
            at += width
            for (address, nbytes), values in zip(pieces, whole, strict=True):
                first = start - address
                inside = first >= 0 and first + width <= nbytes
                if inside and not np.array_equal(values[first : first + width], window):
                    saw = "outputs changed after they were returned (a deferred write)"
                    raise Failed(Status.REJECTED, rules.FINAL.broken(saw))
        return whole

    def plain_read(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        """Return memory that is no output (inputs); raises RuntimeError or LookupError."""
        return self._reader.read(address, nbytes)

    def write(self, address: int, values: NDArray[np.uint8]) -> None:
        """Change the child's inputs; raises RuntimeError or LookupError."""
        self._reader.write(address, values)

    def same(self, pairs: Sequence[tuple[int, int, int]]) -> bool:
        """Compare the child's inputs with this process's memory; raises RuntimeError or LookupError."""
        return self._reader.same(pairs)

    def fill(self, rows: Sequence[Row]) -> None:
        """Change the child's inputs by rows; raises RuntimeError or LookupError."""
        self._reader.fill(rows)

    def close(self) -> None:
        """Let go of the child's memory; trouble there is logged, since everything was read by then."""
        try:
            self._reader.close()
        except RuntimeError as error:
            _log.warning("a child's memory could not be unmapped: %s", error)


def _pieces(said: dict[str, Any]) -> list[Piece]:
    """Return (address, bytes) of every tensor leaf of a description; inside the clock, so in few steps."""
    try:
        sizes = [_nbytes(kind) for kind in said["kinds"]]
        found = [
            (int(address), sizes[kind])
            for _, places in said["results"]
            for kind, address in places
            if sizes[kind] and address  # one that lies nowhere is judged by its kind
        ]
        if any(not 0 < address < 1 << 63 for address, _ in found):
            raise ValueError("an output at an address that there is not")
        return found
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        saw = f"the program's process does not describe its outputs: {error}"
        raise Failed(Status.REJECTED, rules.PROTOCOL.broken(saw)) from error


def _nbytes(kind: dict[str, Any]) -> int:
    if "dtype" not in kind:
        return 0
    shape, stride = tuple(map(int, kind["shape"])), tuple(map(int, kind["stride"]))
    if len(shape) != len(stride) or min((*shape, *stride), default=0) < 0:
        raise ValueError("negative sizes")
    return Leaf(str(kind["dtype"]), shape, stride).nbytes
