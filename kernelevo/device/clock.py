"""The judge's clock, and how much other work disturbed a sample, read from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

SHARE = 0.02  # of one core: samples too short to show so much tell nothing of other processes
_HARDLY = 0.01  # of a span: a thread that ran less did none of its work
_AS_OF = 2  # cores, and threads, where it was measured how much disturbs: sums over more are scaled to that
_TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


def now_ns() -> int:
    """Return the monotonic clock in nanoseconds; the same clock in every process of this machine."""
    return time.monotonic_ns()


def page_faults(pid: int) -> int:
    """Return how often a process had to be given memory by the kernel so far; 0 once it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[7])
    except OSError:
        return 0


@dataclass(frozen=True)
class Disturbance:
    """What other work did to one sample.

    Args:
        wall_ns: length of the sample.
        waited_ns: how long our threads stood ready while something else ran on their core, summed over
            threads; exact to the nanosecond; None where the kernel does not count it.
        others_ns: processor time of all other processes on the cores that are ours to use, as of two cores
            where there are more; None where the sample is too short for the kernel's 10 ms ticks to show
            ``SHARE`` of a core.
        stolen_ns: time the hypervisor gave to other machines there, in ticks, as of two cores too.
    """

    wall_ns: int
    waited_ns: int | None
    others_ns: int | None
    stolen_ns: int

    def share(self, own_wait_ns: int = 0) -> float:
        """The largest of the three, as a share of one core.

        Args:
            own_wait_ns: waiting that our own stopping and resuming causes, taken off.
        """
        waited = None if self.waited_ns is None else max(0, self.waited_ns - own_wait_ns)
        known = [n for n in (waited, self.others_ns, self.stolen_ns) if n is not None]
        return max(known) / max(self.wall_ns, 1)

    def too_much(self, limit: float = SHARE, own_wait_ns: int = 0) -> bool:
        """Return whether the sample must be dropped."""
        return self.share(own_wait_ns) > limit

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class _Reading:
    at_ns: int
    waited_ns: int | None
    own_ns: int
    busy_ns: int
    stolen_ns: int


class Watch:
    """Reads the kernel's counters before and after a sample (about 20 us each, outside the sample).

    Args:
        pids: the processes that belong to the measurement; ours is always one of them.
    """

    def __init__(self, pids: Sequence[int]) -> None:
        self._measured = tuple(pids)
        self._cores = os.sched_getaffinity(0)
        self._start: _Reading | None = None

    def begin(self) -> None:
        """Read the counters at the sample's beginning."""
        self._start = self._read()

    def end(self) -> Disturbance:
        """Read them again and return what happened in between.

        Raises:
            RuntimeError: without ``begin``.
        """
        start, end = self._start, self._read()
        if start is None:
            raise RuntimeError("Watch.end() without begin()")
        wall = end.at_ns - start.at_ns
        waited = _since(start.waited_ns, end.waited_ns)
        others, count = None, len(self._cores)
        # each core's counters are cut to ticks at both ends
        if wall * SHARE > 2 * _TICK_NS * min(count, _AS_OF):
            others = _scaled((end.busy_ns - start.busy_ns) - (end.own_ns - start.own_ns), count)
        return Disturbance(wall, waited, others, _scaled(end.stolen_ns - start.stolen_ns, count))

    def _read(self) -> _Reading:
        busy, stolen = machine_times(self._cores)
        own = time.process_time_ns() + sum(map(process_time_ns, self._measured))
        waits = [waited_ns(pid) for pid in self._measured]
        known = [w for w in waits if w is not None]
        total = sum(known) if len(known) == len(waits) else None
        return _Reading(now_ns(), total, own, busy, stolen)


class Toll:
    """What others may have taken from one process that is stopped now and when it is asked for.

    It is no more than the process's threads stood ready without a core, and no more than the time of the
    cores that they did not use themselves: threads wait for one another too. One that hardly runs (torch has
    a pool's, which looks up whenever its process goes on) delays nothing, however long it stands in line; and
    threads that stand in line side by side delay their process once: of more than two it is what two had.

    Args:
        pid: the process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cores = len(os.sched_getaffinity(0))
        self._used, self._threads = process_time_ns(pid), _threads(pid)

    def lost_ns(self, wall_ns: int) -> int | None:
        """Return it for a span of so many nanoseconds, which was all that the process ran in between.

        None where the kernel does not count how long threads wait.
        """
        threads = _threads(self._pid)
        if threads is None or self._threads is None:
            return None
        waited = running = 0
        for tid, (ran, waits) in threads.items():
            ran_before, waits_before = self._threads.get(tid, (0, 0))
            if ran - ran_before > _HARDLY * wall_ns:
                waited, running = waited + waits - waits_before, running + 1
        left = self._cores * wall_ns - (process_time_ns(self._pid) - self._used)
        return _scaled(min(waited, left), running)


def _since(before: int | None, now: int | None) -> int | None:
    """Return how far a count went, None where it is not kept; a thread that ended took its own along."""
    return None if before is None or now is None else max(0, now - before)


def _scaled(total: int, over: int) -> int:
    """Return a sum over so many cores or threads as it would be over ``_AS_OF`` of them."""
    return max(0, total) * _AS_OF // max(_AS_OF, over)


def machine_times(cores: Collection[int]) -> tuple[int, int]:
    """Return (busy, stolen) processor time of these cores since boot in nanoseconds, in steps of a tick."""
    wanted, ticks, stolen = {f"cpu{core}" for core in cores}, 0, 0
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            name, *fields = line.split()
            if name in wanted:
                user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
                ticks, stolen = ticks + user + nice + system + irq + softirq, stolen + steal
            elif not name.startswith("cpu"):
                break  # the cores come first
    return ticks * _TICK_NS, stolen * _TICK_NS


def process_time_ns(pid: int) -> int:
    """Return the processor time of another process over all its threads, in nanoseconds; 0 if it is gone."""
    try:
        # the kernel's numbering of another process's clock (clock_getcpuclockid)
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0


def waited_ns(pid: int) -> int | None:
    """Return how long all threads of a process have stood ready without a core; None if it is not counted."""
    threads = _threads(pid)
    return None if threads is None else sum(waited for _, waited in threads.values())


def _threads(pid: int) -> dict[str, tuple[int, int]] | None:
    """Return how long each thread ran, and stood ready without a core, in ns; None if it is not counted."""
    found = {}
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
                ran, waited, _ = map(int, file.read().split())
            found[tid] = (ran, waited)
    except (OSError, ValueError):
        return None
    return found
