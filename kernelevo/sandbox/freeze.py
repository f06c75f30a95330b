"""Stopping a process and proving from /proc that none of its threads runs any more."""

from __future__ import annotations

import os
import time

_PATIENCE_NS = 150_000
_NAP = 2e-5
_STOPPED = frozenset(b"TtZXx")  # stopped, traced, zombie, dead: none of them executes an instruction


def wait_stopped(pid: int, timeout: float, *, descendants: bool = False) -> int | None:
    """Wait until every thread of a process that was sent SIGSTOP has stopped.

    A thread list is confirmed only if all its threads are stopped and it is unchanged afterwards: a
    stopped thread cannot make a new one, so then none was missed.

    Args:
        pid: the process.
        timeout: seconds.
        descendants: also wait for the processes it started (the build stage).

    Returns:
        ``time.monotonic_ns()`` at the confirmation, or None if a thread still ran at the time-out.

    Raises:
        ProcessLookupError: if the process is gone.
    """
    start = time.monotonic_ns()
    deadline = start + int(timeout * 1e9)
    folder = f"/proc/{pid}/task"
    while True:
        try:
            tids = os.listdir(folder)
            if all(_is_stopped(f"{folder}/{tid}/stat") for tid in tids) and os.listdir(folder) == tids:
                now = time.monotonic_ns()
                if not descendants or _descendants_stopped(pid):
                    return time.monotonic_ns() if descendants else now
        except FileNotFoundError:
            raise ProcessLookupError(f"process {pid} is gone") from None
        now = time.monotonic_ns()
        if now > deadline:
            return None
        # a thread must run once more to stop. On a quiet machine that takes microseconds; on a busy one it
        # may wait for the very core that we hold, so leave it
        if now - start < _PATIENCE_NS:
            os.sched_yield()
        else:
            time.sleep(_NAP)


def _is_stopped(path: str) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, ProcessLookupError):
        return True  # this thread ended
    try:
        text = os.read(fd, 512)
    except ProcessLookupError:
        return True
    finally:
        os.close(fd)
    # the state follows the name, which may hold anything, a parenthesis too
    return text[text.rindex(b")") + 2] in _STOPPED


def _descendants_stopped(pid: int) -> bool:
    for child in children(pid):
        try:
            tids = os.listdir(f"/proc/{child}/task")
        except FileNotFoundError:
            continue
        if not all(_is_stopped(f"/proc/{child}/task/{tid}/stat") for tid in tids):
            return False
        if not _descendants_stopped(child):
            return False
    return True


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that still live; empty if it is gone."""
    found: list[int] = []
    try:
        tids = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return found
    for tid in tids:
        try:
            with open(f"/proc/{pid}/task/{tid}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    found: list[int] = []
    waiting = children(pid)
    while waiting:
        found.append(waiting.pop())
        waiting += children(found[-1])
    return found
