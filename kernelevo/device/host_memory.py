"""Host memory: what lies behind a virtual machine's free memory, and how to have it there again.

A virtual machine may tell its host every two seconds which large blocks of its memory are free (virtio 1.2,
section 5.5, VIRTIO_BALLOON_F_PAGE_REPORTING), and the host takes what lies behind them. Who is given such a
block next waits for the host: 64 MiB on huge pages took 3 ms, or 70 to 150 ms where the host had to find
memory first (one machine, 2026). On a machine of its own the same program never waits.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

_DEVICES = Path("/sys/bus/virtio/devices")
_BALLOON, _REPORTING = 5, 5  # virtio: the device's number, the feature's bit
_MORE = 16 << 20  # bytes beyond a processor's share: the free blocks that it may keep to itself
_TRIES, _AT_ONCE = 4, 0.3e-9  # seconds a byte: 0.05 ns where it is there, 1 to 2 ns where it is not
_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE of Linux 5.14, which Python 3.11 has no name for


@cache
def is_taken_back() -> bool:
    """Tell whether the host of this machine takes back what is free."""
    return any(_reports(device) for device in _DEVICES.glob("*"))


def _reports(device: Path) -> bool:
    try:
        number, features = (device / "device").read_text(), (device / "features").read_text()
        return int(number, 0) == _BALLOON and features[_REPORTING : _REPORTING + 1] == "1"
    except (OSError, ValueError):
        return False


def ask_back(nbytes: int) -> bool:
    """Touch and free so many bytes on huge pages until they are there at once, or a few tries are over.

    What is freed last is given out first, so whoever needs them next need not wait for the host. Each
    processor keeps some free blocks to itself, so each gets its share, and a little more.

    Returns:
        Whether this machine could do it.
    """
    processors = os.sched_getaffinity(0)
    share = -(-nbytes // len(processors)) + _MORE
    try:
        for _ in range(_TRIES):
            start = time.monotonic()
            _touch(share, sorted(processors))
            if time.monotonic() - start < _AT_ONCE * share * len(processors):
                break
    except OSError:  # an older kernel, or too little memory
        return False
    finally:
        os.sched_setaffinity(0, processors)
    return True


def _touch(nbytes: int, processors: Sequence[int]) -> None:
    """Let this thread touch so many bytes on each processor, and free them there once it has all of them."""
    with ExitStack() as held:
        for processor in processors:
            os.sched_setaffinity(0, {processor})
            block = held.enter_context(mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
            held.callback(os.sched_setaffinity, 0, {processor})  # before it is freed
            block.madvise(mmap.MADV_HUGEPAGE)
            block.madvise(_POPULATE_WRITE)
