"""Orphans: children whose zygote was killed, and they with it; that says nothing of the programs in them."""

from __future__ import annotations

from kernelevo.errors import SandboxError
from kernelevo.sandbox.child import Child


def orphan(child: Child) -> SandboxError | None:
    """Return what to raise of an ended child that its zygote took along; None for any other.

    Args:
        child: one that has ended, and whose end was asked for (``exit_reason``, ``wait`` or ``kill``).
    """
    if not child.orphaned:
        return None
    return SandboxError(
        "the zygote of the processes that programs run in was killed, and all of these with it",
        why="the kernel kills processes where memory runs out (dmesg tells); so may a person",
        now="another one is started for what comes next; if it happens again, give it more memory",
    )
