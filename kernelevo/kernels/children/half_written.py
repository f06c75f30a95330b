"""Half written: shared objects over which a compiler was killed, and which pass for whole ones from then on.

Inductor looks whether the file is there, loads it, and fails from then on: a baseline that took too long once
would be gone for good, and every program would look better for it.
"""

from __future__ import annotations

import logging
import struct
from pathlib import Path

_log = logging.getLogger(__name__)
_HEADER = 64  # bytes of a 64-bit ELF file's


def remove_half_written(folder: Path) -> int:
    """Remove the shared objects below a folder that are not whole; return how many.

    Args:
        folder: of a compiler's cache in which nobody works now; it need not exist.
    """
    removed = 0
    for path in folder.rglob("*.so"):
        try:
            if not _is_whole(path):
                path.unlink()
                removed += 1
        except OSError as error:  # another process was quicker
            _log.info("%s could not be looked at: %s", path, error)
    return removed


def _is_whole(path: Path) -> bool:
    """Tell whether a file reaches as far as its header says; a linker writes that last."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if len(head) < _HEADER or head[:4] != b"\x7fELF":
        return False
    (sections,) = struct.unpack_from("<Q", head, 40)
    step, count = struct.unpack_from("<HH", head, 58)
    return bool(sections > 0 and sections + step * count <= path.stat().st_size)
