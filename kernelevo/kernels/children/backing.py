"""Backing: the huge pages that a subject's batches fill lie in memory that is there before the clock starts.

Where a virtual machine's host takes free memory back (``device.host_memory``), a call takes one time in one
process and four times as long in the next, by what the host did in between. So the parent looks how many
bytes on huge pages a subject's first batches gain, and asks for as many before each later one. Both sides of
a duel are treated alike; who uses no huge pages is left alone: small pages seldom come from what was taken.
"""

from __future__ import annotations

from collections.abc import Callable

from kernelevo.device import host_memory
from kernelevo.device.process_memory import huge_bytes

_LOOKS = 6
"""Batches that are looked at: the first ones have few calls."""
_MOST_BYTES = 1 << 30


class Backing:
    """What one subject's batches need.

    Args:
        pid: its process.
        taken: whether the host takes memory back.
        resident: returns a process's bytes on huge pages.
    """

    def __init__(
        self, pid: int, taken: bool | None = None, resident: Callable[[int], int] | None = None
    ) -> None:
        self._pid, self._resident = pid, resident or huge_bytes
        self._looks = _LOOKS if (host_memory.is_taken_back() if taken is None else taken) else 0
        self._held, self._each = 0, 0.0

    def before(self, calls: int) -> int:
        """Ask for what so many calls will need; returns bytes."""
        if self._looks:
            self._held = self._resident(self._pid)
        wanted = min(round(self._each * calls), _MOST_BYTES)
        if wanted and not host_memory.ask_back(wanted):
            self._looks, self._each = 0, 0.0
        return wanted

    def after(self, calls: int) -> None:
        """Look what a batch of so many calls has gained, which the child still holds."""
        if self._looks:
            self._looks -= 1
            self._each = max(self._each, (self._resident(self._pid) - self._held) / calls)
