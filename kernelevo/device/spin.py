"""Spin: a kernel that holds a stream until the host has queued all that is to follow without a gap."""

from __future__ import annotations

import ctypes

from kernelevo.device.driver import Driver, Image

LONGEST_NS = 50_000_000
"""However much is queued, a device is held no longer than this."""
_BASE_NS, _EACH_NS = 2_000_000, 50_000
TICKETS = 1 << 32


def limit_ns(launches: int) -> int:
    """Return for how long a stream may be held while the host queues so many operations, in nanoseconds.

    50 us for each (an operation of eager PyTorch takes 5 to 10), 2 ms besides, 50 ms at the most.
    """
    return min(LONGEST_NS, _BASE_NS + _EACH_NS * max(launches, 0))


def released(flag: int, ticket: int) -> bool:
    """Tell whether a flag's value lets a ticket pass, as the kernel decides it; both count modulo 2**32."""
    return (flag - ticket) % TICKETS < TICKETS // 2


class Spin:
    """Holds one stream at a time.

    Every hold has a ticket of its own, so a hold that still runs never sees the flag of the next one taken
    back. The kernel gives up by itself when its time is over: a host that dies leaves no hanging device.

    Args:
        driver: of the device.
        image: has the kernel ``spin``.
        stream: handle of the stream.
    """

    def __init__(self, driver: Driver, image: Image, stream: int) -> None:
        self._image, self._stream = image, stream
        self._flag = driver.allocate_host(4)
        self._word = ctypes.c_uint32.from_address(self._flag)
        self._word.value = self._ticket = 0

    def hold(self, launches: int) -> None:
        """Hold the stream until ``release``, or for as long as queueing so many operations may take."""
        self._ticket = (self._ticket + 1) % TICKETS
        values = (self._flag, self._ticket, limit_ns(launches))
        kinds = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64)
        self._image.launch("spin", 1, 1, self._stream, values, kinds)

    def release(self) -> None:
        """Let the stream go on."""
        self._word.value = self._ticket
