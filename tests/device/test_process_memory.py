"""What the kernel says of a process's memory."""

import mmap
import os

from kernelevo.device.process_memory import huge_bytes, peak_megabytes


def test_the_kernel_says_what_lies_on_huge_pages_and_the_most_there_was():
    before = huge_bytes(os.getpid())
    with mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.madvise(mmap.MADV_HUGEPAGE)
        block.write(bytes(16 << 20))
        grown = huge_bytes(os.getpid()) - before
    assert grown % (2 << 20) == 0 and grown <= 16 << 20
    peak = peak_megabytes(os.getpid())
    assert peak is not None and peak > 16
    assert huge_bytes(2**30) == 0 and peak_megabytes(2**30) is None
