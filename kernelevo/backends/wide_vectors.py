"""Vectors wider than the machine's, which gcc cuts up and keeps in memory, so that loops over them crawl."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kernelevo.backends import toolchain

# sizes, and no numbers of so many digits that Python refuses to read them
_SIZE = re.compile(r"\bvector_size\s*\(\s*(\d{1,9})\s*\)")


def advice(texts: Iterable[str]) -> str:
    """Return a sentence where a program's C++ has such vectors by a number, else an empty text.

    What it costs: on an EPYC with AVX2, convolutional networks on register tiles of 64-byte vectors took 2.4
    to 8 times as long as PyTorch's, and 0.3 to 0.9 times on tiles of the machine's own vectors.

    Args:
        texts: the program's files.

    Raises:
        ToolchainMissing: if there is no compiler to ask for the machine's vectors.
    """
    widest = max((int(size) for text in texts for size in _SIZE.findall(text)), default=0)
    if not widest or widest <= (here := toolchain.compiler().vector_bytes):
        return ""
    return (
        f"vector_size({widest}) is wider than this machine's vectors of {here} bytes: gcc keeps such values "
        "in memory, several times slower than registers; take kernelevo::vfloat from <kernelevo/math.h>, "
        "kLanes floats each, in kVectorRegisters registers"
    )
