import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.device.priority import MEASURED, prioritise, prompt

BEHIND = 10
AUTOGROUP = Path("/proc/self/autogroup")


@pytest.fixture
def sleeper():
    code = (
        "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); print(flush=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    process.stdout.readline()
    yield process.pid
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def niceness(pid):
    tids = os.listdir(f"/proc/{pid}/task")
    return [os.getpriority(os.PRIO_PROCESS, int(tid)) for tid in tids]


def session(pid):
    return Path(f"/proc/{pid}/autogroup").read_text().split()[-1]


def test_every_thread_and_the_session_get_a_niceness(sleeper):
    before = niceness(os.getpid())
    assert prioritise(sleeper, BEHIND)
    assert niceness(sleeper) == [BEHIND, BEHIND]
    if AUTOGROUP.exists():
        assert session(sleeper) == str(BEHIND)
    assert niceness(os.getpid()) == before


def test_whoever_holds_a_clock_comes_first_for_a_while():
    code = (
        "import os; from kernelevo.device.priority import first_in_line\n"
        "def now(): return os.getpriority(os.PRIO_PROCESS, 0)\n"
        "with first_in_line(): inside = now()\n"
        "print(inside, now())"
    )
    for leads in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", code], start_new_session=leads, capture_output=True, text=True, check=True
        )
        inside, after = map(int, done.stdout.split())
        assert after == 0 and inside == (MEASURED if leads and os.geteuid() == 0 else 0)


def test_coming_first_is_a_privilege(sleeper):
    allowed = prioritise(sleeper, MEASURED)
    assert niceness(sleeper) == ([MEASURED, MEASURED] if allowed else [0, 0])
    if os.geteuid() != 0:
        assert not allowed or os.getpriority(os.PRIO_PROCESS, 0) <= MEASURED


def test_a_process_that_is_gone_is_no_error():
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    assert not prioritise(process.pid, BEHIND)


def test_whoever_waits_for_an_answer_is_run_at_once_where_the_kernel_allows_it(monkeypatch):
    before = os.sched_getscheduler(0)
    assert before == os.SCHED_OTHER
    with pytest.raises(KeyError), prompt():
        inside = os.sched_getscheduler(0)
        with prompt():
            assert os.sched_getscheduler(0) == inside
        assert os.sched_getscheduler(0) == inside
        raise KeyError
    assert os.sched_getscheduler(0) == before
    allowed = os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] > 0
    assert (inside & os.SCHED_FIFO == os.SCHED_FIFO) == allowed

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with prompt():
        assert os.sched_getscheduler(0) == before
