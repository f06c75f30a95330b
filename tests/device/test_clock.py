"""Disturbance of a sample is seen where it happens and not where it does not."""

import os
import subprocess
import sys
import time

import pytest

from kernelevo.device.clock import Disturbance, Watch, machine_times, now_ns, process_time_ns, waited_ns


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
    busy, stolen = machine_times()
    assert busy > 0
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


def test_end_needs_begin():
    with pytest.raises(RuntimeError, match="begin"):
        Watch([]).end()
