"""Groups: process groups whose work must rest while this machine's CPU is being timed."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from kernelevo.device.guardian import start_time
from kernelevo.errors import SandboxError


def runtime_folder() -> Path:
    """Return this user's folder for locks and registrations, made private on first use.

    Raises:
        SandboxError: if somebody else owns it, which would let them stop our processes.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(base) / "kernelevo" if base else Path(tempfile.gettempdir()) / f"kernelevo-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SandboxError(
            f"{folder} is not private to this user",
            why=f"owner {found.st_uid}, mode {found.st_mode & 0o777:o}",
            now=f"remove it, or `chmod 700 {folder}`",
        )
    return folder


class Registration:
    """One group of processes that is stopped, two seconds at a time, while the CPU is leased for timing.

    Register what compiles, prepares baselines or works on oracles; never the process that measures. The
    registration ends with ``close``, or by itself when the group's leader ends.

    Args:
        pgid: the process group; its leader must live.
        purpose: for people, e.g. ``"build"``.
        folder: the runtime folder; None for this user's.

    Raises:
        ValueError: if there is no such group, or it is our own.
    """

    def __init__(self, pgid: int, purpose: str, *, folder: Path | None = None) -> None:
        started = start_time(pgid)
        if started is None or pgid <= 1:
            raise ValueError(f"no process group {pgid}")
        if pgid == os.getpgrp():
            raise ValueError("a process cannot register its own group: it would stop itself")
        place = groups_folder(folder)
        self._path = place / f"{pgid}-{started}.json"
        entry = {"pgid": pgid, "started": started, "purpose": purpose, "registered_by": os.getpid()}
        partial = self._path.with_suffix(f".{os.getpid()}.new")
        partial.write_text(json.dumps(entry), encoding="utf-8")
        partial.replace(self._path)

    def close(self) -> None:
        """Forget the group; may be called twice. Call it once the group's work is over."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Registration:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def groups_folder(folder: Path | None = None) -> Path:
    """Return the folder of registrations inside a runtime folder, made on first use."""
    place = (folder or runtime_folder()) / "groups"
    place.mkdir(mode=0o700, exist_ok=True)
    return place
