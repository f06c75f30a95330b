"""Disturbance of a sample is seen where it happens and not where it does not."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time

import pytest

from kernelevo.device.clock import Disturbance, Toll, Watch, machine_times, now_ns, process_time_ns, waited_ns


def test_the_clock_runs_forward():
    a = now_ns()
    assert now_ns() >= a


def test_the_largest_share_decides():
    assert not Disturbance(10**9, 10**7, None, 0).too_much()
    assert Disturbance(10**9, 3 * 10**7, None, 0).too_much()
    assert Disturbance(10**9, None, 3 * 10**7, 0).too_much()
    assert Disturbance(10**9, 0, 0, 3 * 10**7).too_much()
    assert Disturbance(10**9, 0, 5, 0).to_json()["others_ns"] == 5


def test_reading_processes():
    before = process_time_ns(os.getpid())
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    assert process_time_ns(os.getpid()) - before > 4e7
    assert process_time_ns(1 << 22) == 0
    assert waited_ns(1 << 22) is None
    busy, stolen = machine_times(range(os.cpu_count()))
    assert busy > max(machine_times([core])[0] for core in range(os.cpu_count())) // 2 > 0
    assert stolen >= 0


def test_a_rival_on_the_same_core_is_seen():
    """Two endless loops bound to one core wait for each other half of the time."""
    core = min(os.sched_getaffinity(0))
    loop = f"import os\nos.sched_setaffinity(0, [{core}])\nwhile True: pass"
    with (
        subprocess.Popen([sys.executable, "-S", "-c", loop]) as ours,
        subprocess.Popen([sys.executable, "-S", "-c", loop]) as rival,
    ):
        try:
            time.sleep(0.2)
            if waited_ns(ours.pid) is None:
                pytest.skip("this kernel does not count waiting")
            watch = Watch([ours.pid])
            watch.begin()
            time.sleep(0.3)
            found = watch.end()
            assert found.waited_ns > 0.1 * found.wall_ns
            assert found.too_much()
        finally:
            ours.kill()
            rival.kill()


SPIN = """
import hashlib, os, threading
os.sched_setaffinity(0, [{core}])
os.kill(os.getpid(), 19)
def spin():  # without Python's lock, so that threads meet on the core
    while True: hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000)
for _ in range({threads} - 1): threading.Thread(target=spin, daemon=True).start()
spin()
"""


@contextlib.contextmanager
def spinning(threads):
    """A process, stopped before its threads begin to spin on one core."""
    source = SPIN.format(core=min(os.sched_getaffinity(0)), threads=threads)
    with subprocess.Popen([sys.executable, "-S", "-c", source]) as process:
        try:
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            if waited_ns(process.pid) is None:
                pytest.skip("this kernel does not count waiting")
            yield process
        finally:
            process.kill()


def lost_in(process, seconds):
    """Let a stopped process run for a while; return what it may have lost to others, and the time it had."""
    toll, begin = Toll(process.pid), time.monotonic_ns()
    process.send_signal(signal.SIGCONT)
    time.sleep(seconds)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    wall = time.monotonic_ns() - begin
    return toll, toll.lost_ns(wall), wall


def test_what_a_rival_on_the_same_core_took_is_lost():
    with spinning(1) as ours, spinning(1) as rival:
        rival.send_signal(signal.SIGCONT)
        _, lost, wall = lost_in(ours, 0.3)
        assert 0.2 * wall < lost < 0.8 * wall


def test_threads_that_wait_for_one_another_lose_no_more_than_the_cores_had_left(monkeypatch):
    """Three threads on one core wait two thirds of the time, and leave none of that core to anybody."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    with spinning(3) as ours:
        before = waited_ns(ours.pid)
        toll, lost, wall = lost_in(ours, 0.3)
        assert waited_ns(ours.pid) - before > 0.5 * wall
        assert lost < 0.3 * wall
        monkeypatch.setattr("kernelevo.device.clock._threads", lambda pid: None)
        assert toll.lost_ns(wall) is None


def test_a_thread_that_hardly_ran_delayed_nothing(monkeypatch):
    """Of two threads that each waited 100 ms of a second, one ran 200 ms and one 5 ms."""
    counts = iter(
        [{"1": (0, 7), "2": (10**9, 0)}, {"1": (2 * 10**8, 7 + 10**8), "2": (1_005_000_000, 10**8)}]
    )
    monkeypatch.setattr("kernelevo.device.clock._threads", lambda pid: next(counts))
    assert Toll(1 << 22).lost_ns(10**9) == 10**8


def test_many_threads_that_stand_in_line_delay_their_process_once(monkeypatch):
    """Eight threads that each ran 200 ms of a second and waited 40 ms lose no more than two of them did."""
    before = {str(tid): (0, 0) for tid in range(8)}
    counts = iter([before, {tid: (2 * 10**8, 4 * 10**7) for tid in before}])
    monkeypatch.setattr("kernelevo.device.clock._threads", lambda pid: next(counts))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert Toll(1 << 22).lost_ns(10**9) == 8 * 10**7


def test_only_the_cores_that_are_ours_to_use_count(tmp_path, monkeypatch):
    """Of four cores two are ours: on one of them others ran for 300 ms, on those of others for a second."""
    lines = ["cpu 9 9 9 9 9 9 9 9", *(f"cpu{core} {{{core}}} 0 0 0 0 0 0 0" for core in range(4)), "intr 5"]
    stat = iter("\n".join(lines).format(*ticks) for ticks in ((10, 10, 10, 10), (110, 40, 10, 110)))
    monkeypatch.setattr("builtins.open", lambda *args, **kwargs: io.StringIO(next(stat)))
    first, second = machine_times({1, 2}), machine_times({1, 2})
    tick = 10**9 // os.sysconf("SC_CLK_TCK")
    assert first == (20 * tick, 0) and second == (50 * tick, 0)


def test_end_needs_begin():
    with pytest.raises(RuntimeError, match="begin"):
        Watch([]).end()
