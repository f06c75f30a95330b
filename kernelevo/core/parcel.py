"""Parcel: files that a task names, for machines that do not have them; ``here`` finds them there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DELIVERED = "KERNELEVO_DELIVERED"
"""Variable that names the folder into which a parcel was unpacked, for a process and those it starts."""
LARGEST = 64 << 20


@dataclass(frozen=True)
class Parcel:
    """Files by their absolute paths on the machine that packed them.

    Args:
        files: path -> content.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def pack(cls, paths: Iterable[Path], *, largest: int = LARGEST) -> Parcel:
        """Read files, all or none: together they may have ``largest`` bytes, else the parcel is empty.

        What is no file, or may not be read, is left out.
        """
        found = sorted({path.absolute() for path in paths if path.is_file() and os.access(path, os.R_OK)})
        if sum(path.stat().st_size for path in found) > largest:
            return cls()
        return cls({str(path): path.read_bytes() for path in found})

    @property
    def is_here(self) -> bool:
        """Whether this machine has all of these files, with the same content."""
        return all(_content(Path(path)) == content for path, content in self.files.items())

    def unpack(self, folder: Path) -> None:
        """Write the files below a folder, each under its whole path: they lie to each other as before."""
        for path, content in self.files.items():
            place = _below(folder, Path(path))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def here(path: Path) -> Path:
    """Return where a file or folder that a task names is on this machine: delivered, or at its own path."""
    delivered = os.environ.get(DELIVERED)
    if delivered:
        place = _below(Path(delivered), path)
        if place.exists():
            return place
    return path


def _below(folder: Path, path: Path) -> Path:
    return folder.joinpath(*path.parts[1:]) if path.is_absolute() else folder / path


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
