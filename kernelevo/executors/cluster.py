"""Cluster: where one of Ray's is, and what one that did not come up left behind; Ray itself is not needed."""

from __future__ import annotations

import os
import socket
import traceback
from pathlib import Path

CONNECT_SECONDS = 10.0


def noted() -> bool:
    """Whether ``ray start`` began a cluster here that still answers; its note outlives a killed one."""
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    try:
        knock(Path(folder, "ray", "ray_current_cluster").read_text("utf-8").strip())
    except (OSError, ValueError):
        return False
    return True


def knock(address: str) -> None:
    """Look whether anybody listens there; Ray itself would try for minutes.

    Raises:
        OSError, ValueError: if nobody does, or if that is no address.
    """
    host, _, port = address.rpartition(":")
    if "://" in address or not (host and port.isdigit()):
        raise ValueError(f"{address!r} is not written HOST:PORT")
    socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


def clear_away(error: BaseException) -> None:
    """End what Ray had started of a cluster when it gave up: nothing but its frames still knows of that."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        end_all = getattr(frame.f_locals.get("self"), "kill_all_processes", None)
        if end_all is not None:
            end_all(check_alive=False, allow_graceful=True, wait=True)
