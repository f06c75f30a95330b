"""A process with a lifeline ends with the one that started it."""

import os
import signal
import subprocess
import sys
import time

CHILD = """
import time
from kernelevo.sandbox.lifeline import die_with_parent
die_with_parent({})
print("on", flush=True)
time.sleep(60)
"""
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {CHILD.format('')!r}]).wait()"


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "Z"


def test_it_ends_with_its_parent_however_that_ends():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "on\n"
    with open(f"/proc/{parent.pid}/task/{parent.pid}/children", encoding="utf-8") as file:
        (child,) = map(int, file.read().split())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 10
    while not gone(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert gone(child)


def test_it_does_not_go_on_where_the_parent_is_gone_already():
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format("1 << 22")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL and done.stdout == ""
