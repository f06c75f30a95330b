"""Priority: what is measured comes before other work of this machine, and some work comes after all other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

MEASURED = -10
"""Niceness of processes under the clock, where the kernel allows it (root, or RLIMIT_NICE)."""
LAST = 19
"""Niceness of what may wait until nothing else runs."""


def prioritise(group: int, niceness: int) -> bool:
    """Give every thread of a process group a niceness; those started later inherit it.

    Linux may weigh sessions against one another first (``sched_autogroup_enabled``), and the niceness of a
    thread only counts inside its session then; so the session of the group's leader gets the same.

    Args:
        group: the process group; its leader must lead its session too, or only its threads are set.
        niceness: -20 (first) to 19 (last).

    Returns:
        Whether the kernel allowed it; a process that is gone counts as not allowed.
    """
    try:
        os.setpriority(os.PRIO_PGRP, group, niceness)
    except OSError:
        return False
    _weigh(group, niceness)
    return True


@contextlib.contextmanager
def first_in_line() -> Iterator[None]:
    """Let this process, if it leads a session of its own, come first for a while: it holds a clock."""
    group = os.getpgrp()
    raised = os.getsid(0) == os.getpid() == group and prioritise(group, MEASURED)
    try:
        yield
    finally:
        if raised:
            prioritise(group, 0)


@contextlib.contextmanager
def prompt() -> Iterator[None]:
    """Let this thread run the moment it is woken, where the kernel allows it (root, or RLIMIT_RTPRIO).

    Whoever waits for an answer and reads a clock then would otherwise wait for a time slice too, some 3 ms,
    if threads of whom it has asked still spin on its processor: OpenMP's do after a parallel region.
    """
    policy = os.sched_getscheduler(0)
    raised = policy == os.SCHED_OTHER and _scheduled(os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, 1)
    try:
        yield
    finally:
        if raised:
            _scheduled(policy, 0)


def _scheduled(policy: int, priority: int) -> bool:
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except OSError:
        return False
    return True


def _weigh(group: int, niceness: int) -> None:
    """Set what Linux weighs the group's session with, where it does and the group leads one."""
    with contextlib.suppress(OSError):
        if os.getsid(group) == group:
            Path(f"/proc/{group}/autogroup").write_text(str(niceness), encoding="ascii")
