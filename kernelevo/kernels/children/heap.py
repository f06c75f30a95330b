"""Heap: the C library keeps what it has, so that a call costs the same wherever its memory happens to lie."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_LARGEST = 32 << 20  # glibc takes no larger threshold on 64 bits
_NEVER = (1 << 31) - 1


def keep_freed_memory() -> bool:
    """Let freed memory stay with this process; return whether the allocator can be told so.

    glibc gives the end of its heap back whenever enough of it is free. Whether that happens at every call
    hangs on what else lies there: twenty page faults a call for one process, none for another that does the
    same, and a call of 0.1 ms takes half as long again. Blocks above 32 MiB are mapped anew all the same.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return False
    set_one = mallopt(_M_MMAP_THRESHOLD, _LARGEST)
    set_two = mallopt(_M_TRIM_THRESHOLD, _NEVER)
    return bool(set_one) and bool(set_two)
