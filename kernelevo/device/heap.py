"""Heap: how a process of ours keeps the memory that it frees.

A judge makes and drops tensors of many megabytes for every call that it checks. The C library gives such
memory back to the kernel at once, and takes it anew, zeroed, page by page: at level 3's sizes that was more
than half of a judge's own time. Programs under test and baselines are processes of their own and keep the
system's ways.
"""

from __future__ import annotations

import ctypes
import os

# mallopt(3)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_LARGEST = 2**31 - 1  # mallopt takes an int


def keep_freed() -> bool:
    """Let this process use freed memory again instead of giving it back; for the first lines of a ``main``.

    At most an eighth of the machine's memory is kept at the heap's end (and 2 GiB at most). Tensors of 2 MiB
    and more that torch makes here lie on huge pages where the kernel lets them.

    Returns:
        Whether the C library could be told; another than glibc cannot.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read by torch at its first tensor
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    told = [
        mallopt(_M_ARENA_MAX, 1),  # threads that start later have no heap of their own
        mallopt(_M_MMAP_MAX, 0),
        mallopt(_M_TRIM_THRESHOLD, min(_memory() // 8, _LARGEST)),
        mallopt(_M_TOP_PAD, 64 << 20),
    ]
    return all(told)


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
