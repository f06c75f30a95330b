"""A lease is exclusive, survives nobody's death, and groups it stopped always go on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from kernelevo.device import guardian
from kernelevo.device.groups import Registration, runtime_folder
from kernelevo.device.lease import Lease, waited_seconds
from kernelevo.errors import LeaseTimeout, SandboxError

HOLD = (
    "import sys, time\nfrom pathlib import Path\nfrom kernelevo.device.lease import Lease\n"
    "lease = Lease('cpu', folder=Path(sys.argv[1]), timeout=10).acquire()\n"
    "print('held', lease._door.guard._process.pid, flush=True)\ntime.sleep(60)\n"
)


@pytest.fixture
def busy():
    """A process in a group of its own, such as a build."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "while True: pass"], start_new_session=True
    ) as process:
        yield process
        process.kill()


def state(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def becomes(pid, wanted, within=5.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if state(pid) in wanted:
            return True
        time.sleep(0.005)
    return False


def hold_elsewhere(folder):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    word, guard = process.stdout.readline().split()
    assert word == "held"
    return process, int(guard)


def test_one_at_a_time_across_processes(tmp_path):
    process, _ = hold_elsewhere(tmp_path)
    with process:
        lease = Lease("cpu", folder=tmp_path, timeout=0.05)
        assert lease.holder()["pid"] == process.pid
        with pytest.raises(LeaseTimeout, match=str(process.pid)):
            lease.acquire()
        with Lease("cuda:0", folder=tmp_path, timeout=0.5):
            pass  # another device is another lease
        process.kill()
        process.wait()
        with Lease("cpu", folder=tmp_path, timeout=5) as again:  # a dead holder holds nothing
            assert again.holder()["pid"] == os.getpid()
        assert lease.holder() is None


def test_what_another_process_holds_it_for_is_known_and_what_a_thread_of_ours_does_is_not(tmp_path):
    before = waited_seconds()
    process, _ = hold_elsewhere(tmp_path)
    with process:
        threading.Timer(0.4, process.kill).start()
        with Lease("cpu", folder=tmp_path, timeout=20):
            assert 0.2 < waited_seconds() - before < 20
            told = []

            def other():
                with contextlib.suppress(LeaseTimeout):
                    Lease("cpu", folder=tmp_path, timeout=0.2).acquire()
                told.append(waited_seconds())

            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            assert told == [0.0]


def test_one_thread_may_take_it_twice_another_waits(tmp_path):
    with Lease("cuda:0", folder=tmp_path, timeout=1), Lease("cuda:0", folder=tmp_path, timeout=1):
        refused = []

        def other():
            try:
                Lease("cuda:0", folder=tmp_path, timeout=0.05).acquire()
            except LeaseTimeout as error:
                refused.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert refused
    with Lease("cuda:0", folder=tmp_path, timeout=1) as lease:
        assert lease.waited < 1


def test_threads_take_turns(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(5):
            with Lease("cuda:1", folder=tmp_path, timeout=20):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_processes_that_see_one_gpu_each_do_not_wait_for_each_other(tmp_path, monkeypatch):
    """Ray shows each worker its own GPU as number 0."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    first = Lease("cuda:0", folder=tmp_path)._door.path
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    assert Lease("cuda:1", folder=tmp_path)._door.path == first
    assert Lease("cuda", folder=tmp_path)._door.path != first
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert Lease("cuda:3", folder=tmp_path)._door.path == first
    assert Lease("cpu", folder=tmp_path)._door.path.name == "lease-cpu.lock"


def test_a_bad_device_name():
    with pytest.raises(ValueError, match="not a device"):
        Lease("../etc")


def test_registered_groups_rest_and_go_on(tmp_path, busy):
    with Registration(busy.pid, "build", folder=tmp_path):
        with Lease("cpu", folder=tmp_path, timeout=5) as lease:
            assert becomes(busy.pid, "T", 1.5)
            lease.breathe()
            assert becomes(busy.pid, "T", 1.5)
            assert lease.forced_breaths() == 0
        assert becomes(busy.pid, "RS", 1.5)
        with Lease("cuda:0", folder=tmp_path, timeout=5):
            assert becomes(busy.pid, "T", 1.5)  # compilers try kernels out on a device
        assert becomes(busy.pid, "RS", 1.5)


def test_the_order_of_releases_does_not_matter(tmp_path, busy):
    with Registration(busy.pid, "build", folder=tmp_path):
        first, second = (Lease("cpu", folder=tmp_path, timeout=5).acquire() for _ in range(2))
        first.release()
        rests = becomes(busy.pid, "T", 2.0)
        second.release()
        assert rests
        assert becomes(busy.pid, "RS", 1.5)


def test_a_stop_lasts_two_seconds_at_most(tmp_path, busy):
    with Registration(busy.pid, "build", folder=tmp_path), Lease("cpu", folder=tmp_path) as lease:
        assert becomes(busy.pid, "T", 1.5)
        start = time.monotonic()
        assert becomes(busy.pid, "RS", 3.0)
        assert time.monotonic() - start < guardian.LONGEST_STOP + 0.5
        assert becomes(busy.pid, "T", 1.5)
        assert lease.forced_breaths() == 1


def test_a_group_registered_while_the_lease_is_held_is_noticed(tmp_path, busy):
    with Lease("cpu", folder=tmp_path), Registration(busy.pid, "build", folder=tmp_path):
        assert becomes(busy.pid, "T", 2.0)
    assert becomes(busy.pid, "RS", 1.5)


@pytest.mark.parametrize("victims", ["holder", "guardian", "both"])
def test_groups_go_on_whoever_is_killed(tmp_path, busy, victims):
    with Registration(busy.pid, "build", folder=tmp_path):
        process, guard = hold_elsewhere(tmp_path)
        with process:
            assert becomes(busy.pid, "T", 1.0)
            if victims in ("guardian", "both"):
                os.kill(guard, signal.SIGKILL)
            if victims in ("holder", "both"):
                process.kill()
                process.wait()
            if victims != "holder":
                # nobody is left to resume: the next lease does, before anything else
                process.kill()
                process.wait()
                with Lease("cpu", folder=tmp_path, timeout=5):
                    pass
            assert becomes(busy.pid, "RS", 3.0)


def test_a_killed_guardian_is_noticed_by_its_holder(tmp_path, busy):
    with Registration(busy.pid, "build", folder=tmp_path):
        with Lease("cpu", folder=tmp_path, timeout=5) as lease:
            assert becomes(busy.pid, "T", 1.0)
            os.kill(lease._door.guard._process.pid, signal.SIGKILL)
        assert becomes(busy.pid, "RS", 1.5)


def test_stale_and_damaged_registrations_are_forgotten(tmp_path, busy):
    with Registration(busy.pid, "build", folder=tmp_path):
        groups = tmp_path / "groups"
        stale = groups / "1-2.json"
        stale.write_text(json.dumps({"pgid": busy.pid, "started": 1}))
        (groups / "3-4.json").write_text("{")
        assert guardian.registered(str(groups)) == [busy.pid]
        assert not stale.exists()
    assert guardian.registered(str(groups)) == []


def test_bad_registrations(tmp_path):
    if guardian.start_time(os.getpgrp()) is not None:
        with pytest.raises(ValueError, match="own group"):
            Registration(os.getpgrp(), "x", folder=tmp_path)
    with pytest.raises(ValueError, match="no process group"):
        Registration(1 << 22, "x", folder=tmp_path)


def test_the_runtime_folder_must_be_private(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_folder() == tmp_path / "kernelevo"
    (tmp_path / "kernelevo").chmod(0o777)
    with pytest.raises(SandboxError, match="not private"):
        runtime_folder()
