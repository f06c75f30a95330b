"""Missing: what to raise where an order speaks of something that a run does not have."""

from __future__ import annotations

from collections.abc import Iterable

from kernelevo.errors import BadSetting, closest


def no_program(name: str, *, why: str = "") -> BadSetting:
    """Return the error for a name that no judged program has, or several."""
    return BadSetting(
        f"no single judged program is called {name!r}",
        why=why,
        now="give a trial's number, or more of the beginning of a program's id",
    )


def no_order(number: int, *, why: str = "") -> BadSetting:
    """Return the error for an order that gave nothing that could be withdrawn."""
    return BadSetting(
        f"order {number} is no hint, note or fork that still holds",
        why=why,
        now="kernelevo steer RUN lists the orders with their numbers",
    )


def no_proposer(name: str, known: Iterable[str]) -> BadSetting:
    """Return the error for a proposer that is not among those of a run."""
    return BadSetting(f"there is no proposer {name!r}", why=closest(name, known), now="use one of these")


def no_island(number: int, islands: int) -> BadSetting:
    """Return the error for an island beyond the last one."""
    return BadSetting(
        f"there is no island {number}", why=f"islands are 0 to {islands - 1}", now="use one of these"
    )
