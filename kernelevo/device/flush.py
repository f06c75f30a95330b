"""Flush: writes twice the L2, so that a timed call finds none of its data there."""

from __future__ import annotations

from kernelevo.device.driver import Driver

LEAST = 64 << 20
"""Bytes written where the size of the L2 is not known or small."""


def flush_bytes(l2_bytes: int) -> int:
    """Return how many bytes to write for an L2 of so many: twice its size, whole 4 KiB pages."""
    return max(LEAST, -(-2 * l2_bytes // 4096) * 4096)


class Flush:
    """A buffer allocated once (an allocation for each sample would stall the stream), written each time.

    Args:
        driver: of the device.
        stream: handle of the stream on which writing is ordered.
    """

    def __init__(self, driver: Driver, stream: int) -> None:
        self._driver, self._stream = driver, stream
        self.nbytes = flush_bytes(driver.attribute("L2_CACHE_SIZE"))
        self._address = driver.allocate(self.nbytes)  # as long as the process lives

    def write(self) -> None:
        """Write the buffer; returns at once, what is given to the stream later waits for it there."""
        self._driver.fill(self._address, 0, self.nbytes, self._stream)

    def forget_persisting(self) -> None:
        """Take persisting lines back: they survive any number of writes."""
        self._driver.forget_persisting()
