"""A zygote forks children quickly, hands them what they need and takes them along when it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kernelevo.errors import SandboxError
from kernelevo.sandbox import nursery
from kernelevo.sandbox.channel import Channel, PeerClosed
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.plain_zygote import plain_zygote
from kernelevo.sandbox.zygote import Zygote, clean_environment


def gone(pid: int, within: float = 5.0) -> bool:
    """Return whether a process is gone, or only its zombie is left, within some seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                if file.read().rpartition(b")")[2].split()[0] == b"Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_a_child_gets_its_payload_and_a_clean_world(spawn, monkeypatch):
    child = spawn("echo", {"n": 1}, environ={"KERNELEVO_CACHE": "/somewhere"})
    reply = child.channel.recv(10.0)
    scratch = str(child.limits.scratch)
    assert reply["payload"] == {"n": 1}
    assert reply["cwd"] == scratch
    assert reply["environ"]["KERNELEVO_STAGE"] == "run"
    assert reply["environ"]["KERNELEVO_CACHE"] == "/somewhere"
    assert reply["environ"]["HOME"] == reply["environ"]["TMPDIR"] == scratch
    assert reply["environ"]["OMP_NUM_THREADS"] == "2"
    assert child.wait(5.0)
    assert child.exit_reason() == "exit 0"
    assert "printed" in child.output()
    assert child.usage()["maxrss_bytes"] > 1 << 20


def test_named_descriptors(spawn):
    read_end, write_end = os.pipe()
    child = spawn("pipe", fds={"out": write_end})
    os.close(write_end)
    assert child.wait(5.0)
    assert os.read(read_end, 100) == b"through a named descriptor"
    os.close(read_end)


def test_the_environment_holds_no_key(tmp_path):
    given = {
        "PATH": "/bin", "OPENAI_API_KEY": "k", "KERNELEVO_API_KEY": "k", "KERNELEVO_CACHE": "/c", "SOME": "x",
        "AWS_SECRET": "s", "PYTHONPATH": "/extra", "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "1", "KERNELEVO_BASE_URL": "https://me:password@endpoint",
    }  # fmt: skip
    env = clean_environment(tmp_path, given)
    assert not set(env) & {"OPENAI_API_KEY", "KERNELEVO_API_KEY", "SOME", "AWS_SECRET", "KERNELEVO_BASE_URL"}
    assert env["KERNELEVO_CACHE"] == "/c"
    assert (env["CUDA_DEVICE_ORDER"], env["CUDA_VISIBLE_DEVICES"]) == ("PCI_BUS_ID", "1")
    assert env["HOME"] == str(tmp_path)
    assert "/extra" in env["PYTHONPATH"].split(":")
    assert env["OMP_NUM_THREADS"] == "1"


USER = """
from kernelevo.sandbox.zygote import Zygote
with Zygote(("of_the_user",), threads=1) as zygote:
    print("found")
"""


def test_packages_of_the_users_own_are_found_though_home_is_another_one(tmp_path):
    """As after pip install --user: no virtual environment, and a base that is known by HOME alone."""
    base = tmp_path / ".local"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = base / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (packages / "of_the_user.py").write_text("")
    python = os.path.realpath(sys.executable)  # a virtual environment has no packages of the user's own
    paths = [str(Path(__file__).parents[2]), *(p for p in sys.path if p.endswith("-packages"))]
    environ = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(paths)}
    asked = [python, "-c", "import site; print(site.getusersitepackages() if site.ENABLE_USER_SITE else '')"]
    where = subprocess.run(asked, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if where != str(packages):
        pytest.skip("this Python knows no packages of the user's own")
    done = subprocess.run([python, "-c", USER], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "found", done.stderr


def test_facts_of_a_zygote_without_torch(plain):
    assert plain.facts["torch"] is None
    assert plain.facts["threads"] == 1


def test_parallel_operations_in_children(warm, spawn):
    assert warm.facts["child_threads"] == 2
    assert warm.facts["threads"] == 1
    for _ in range(3):
        child = spawn("parallel_torch", zygote=warm, memory_bytes=1 << 30)
        assert child.channel.recv(20.0) == [2.0 * (1 << 18), 36.0, 2]


@pytest.mark.parametrize(
    ("entry", "payload", "reason"),
    [("leave", {"code": 0}, "exit 0"), ("leave", {"code": 3}, "exit 3"),
     ("leave", {"code": "no such case"}, "exit 1"),
     ("raise_error", {}, "exit 1"), ("segfault", {}, "SIGSEGV"),
     ("kill_itself", {"signal": 15}, "SIGTERM"), ("kill_itself", {"signal": 40}, "signal 40")],
)  # fmt: skip
def test_how_a_child_ended(spawn, entry, payload, reason):
    child = spawn(entry, payload)
    with pytest.raises(PeerClosed):
        child.channel.recv(10.0)
    assert child.wait(5.0)
    assert child.exit_reason() == reason
    if entry == "raise_error":
        assert "a candidate's own mistake" in child.output()
    if payload.get("code") == "no such case":
        assert child.output() == "no such case\n"
    if entry == "segfault":
        assert "Segmentation fault" in child.output()


def test_an_unknown_entry_is_the_childs_end(spawn):
    child = spawn("no_such_function")
    assert child.wait(5.0)
    assert child.exit_reason() == "exit 1"
    assert "no_such_function" in child.output()


def test_a_module_that_does_not_exist_is_a_clear_error():
    with pytest.raises(SandboxError, match="no_such_module"):
        Zygote(("no_such_module",), threads=1)


def test_a_kernel_without_what_children_are_held_by_is_named(tmp_path, monkeypatch):
    refuse = "import os\ndef refuse(*_):\n    raise OSError(38, 'Function not implemented')\n"
    (tmp_path / "sitecustomize.py").write_text(refuse + "os.pidfd_open = refuse\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SandboxError, match="cannot be judged on this system") as caught:
        Zygote((), threads=1)
    assert "Function not implemented" in caught.value.why and "gVisor" in caught.value.now


def test_a_preload_that_starts_a_thread_is_refused(tmp_path, monkeypatch):
    (tmp_path / "busy.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SandboxError, match="2 threads"):
        Zygote(("busy",), threads=1)


def test_children_end_with_a_closed_zygote(tmp_path):
    with Zygote((), threads=1) as zygote:
        child = zygote.spawn(
            "kernelevo.sandbox.selftest:answer", {"token": "x"}, limits=Limits("run", tmp_path / "s")
        )
        child.channel.recv(5.0)
    assert gone(child.pid)
    assert child.exit_reason() == "SIGKILL"
    child.close()


@pytest.mark.parametrize("victim", ["parent", "zygote"])
def test_everything_dies_when_one_is_killed(tmp_path, victim):
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from kernelevo.sandbox.limits import Limits\nfrom kernelevo.sandbox.zygote import Zygote\n"
        "z = Zygote((), threads=1)\n"
        "c = z.spawn('kernelevo.sandbox.selftest:answer', {'token': 'x'},"
        f" limits=Limits('run', Path({str(tmp_path)!r})))\n"
        "c.channel.recv(5.0)\nprint(z.pid, c.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        zygote, child = map(int, parent.stdout.readline().split())
        os.kill(parent.pid if victim == "parent" else zygote, signal.SIGKILL)
        assert gone(child)
        assert gone(zygote)
        parent.kill()


def test_spawn_after_the_zygote_died_is_a_machine_error(tmp_path):
    with Zygote((), threads=1) as zygote:
        os.kill(zygote.pid, signal.SIGKILL)
        gone(zygote.pid)
        with pytest.raises(SandboxError, match="does not answer"):
            zygote.spawn("kernelevo.sandbox.selftest:answer", {}, limits=Limits("run", tmp_path / "s"))


ANSWER = "kernelevo.sandbox.selftest:answer"


def test_an_answer_that_was_not_read_is_not_taken_for_the_next_one(tmp_path, monkeypatch):
    """After Ctrl-C the shared zygote must not hand out the process of the call that was interrupted."""

    def interrupted(timeout):
        raise KeyboardInterrupt

    first, limits = plain_zygote(("json",)), Limits("run", tmp_path / "s")
    with monkeypatch.context() as patch:
        patch.setattr(first._control, "recv_fds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            first.spawn(ANSWER, {"token": "first"}, limits=limits)
    assert not first.alive()
    second = plain_zygote(("json",))
    assert second is not first
    with second.spawn(ANSWER, {"token": "another"}, limits=limits) as child:
        assert child.channel.recv(10.0)["bytes"] == len("another")


@pytest.mark.slow
def test_a_zygote_that_answers_too_late_is_given_up():
    with Zygote((), threads=1) as zygote:
        os.kill(zygote.pid, signal.SIGSTOP)
        with pytest.raises(SandboxError, match="does not answer"):
            zygote._call({"op": "status", "pid": 1}, timeout=0.05)
        assert not zygote.alive()


@pytest.mark.slow
def test_a_fork_that_the_system_refuses_costs_no_other_child(monkeypatch):
    def refused():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    ours, theirs = Channel.pair()
    read_end, write_end = os.pipe()
    monkeypatch.setattr(nursery, "thread_count", lambda: 1)
    monkeypatch.setattr(os, "fork", refused)
    nursery.Nursery(theirs, os.getpid())._obey({"op": "spawn"}, [write_end])
    assert "Resource temporarily unavailable" in ours.recv(5.0)["error"]
    assert os.read(read_end, 1) == b""  # its descriptors are closed
    os.close(read_end)
    ours.close()
    theirs.close()


def test_a_newborn_that_leads_no_group_yet_is_ended_too(monkeypatch):
    """Between its fork and its ``setsid`` no group has a child's number."""
    ours, theirs = Channel.pair()
    owner = nursery.Nursery(theirs, os.getpid())
    monkeypatch.setattr(owner, "_kill_orphans", lambda: None)  # all other children of this process
    with subprocess.Popen(["sleep", "60"]) as newborn:
        owner._alive[newborn.pid] = os.pidfd_open(newborn.pid)
        owner.end()
        assert newborn.wait(10.0) == -signal.SIGKILL
        owner.end()  # what has ended is no error
        os.close(owner._alive[newborn.pid])
    ours.close()
    theirs.close()
