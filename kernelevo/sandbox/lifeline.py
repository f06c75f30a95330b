"""Lifeline: a process of ours that ends when the one that started it does, however that ends."""

from __future__ import annotations

import os
import signal

from kernelevo.sandbox.syscalls import PR_SET_PDEATHSIG, prctl


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when the thread that started it is gone.

    Args:
        parent: process id of the parent, if the caller was told: it may be gone by now.
    """
    parent = os.getppid() if parent is None else parent
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
