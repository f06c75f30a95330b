import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.device.priority import AHEAD, MEASURED, prioritise

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


def test_every_thread_and_the_session_step_back(sleeper):
    before = niceness(os.getpid())
    assert prioritise(sleeper, AHEAD)
    assert niceness(sleeper) == [AHEAD, AHEAD]
    if AUTOGROUP.exists():
        assert Path(f"/proc/{sleeper}/autogroup").read_text().endswith(f"nice {AHEAD}\n")
    assert niceness(os.getpid()) == before


def test_coming_first_is_a_privilege(sleeper):
    allowed = prioritise(sleeper, MEASURED)
    assert niceness(sleeper) == ([MEASURED, MEASURED] if allowed else [0, 0])
    if os.geteuid() != 0:
        assert not allowed or os.getpriority(os.PRIO_PROCESS, 0) <= MEASURED


def test_a_process_that_is_gone_is_no_error():
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    assert not prioritise(process.pid, AHEAD)
