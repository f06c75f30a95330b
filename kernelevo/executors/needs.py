"""Needs: what a piece of work asks of a worker (``cpu``, ``build``, ``device:0``)."""

from __future__ import annotations

from kernelevo.errors import BadSetting


def check_needs(needs: str) -> None:
    """Refuse what is neither ``cpu`` nor ``build`` nor ``device:NAME``.

    Raises:
        BadSetting: saying what is known.
    """
    if needs in ("cpu", "build") or (needs.startswith("device:") and needs != "device:"):
        return
    raise BadSetting(
        f"no worker offers {needs!r}", why="known: cpu, build, device:0 (or another device's name)"
    )
