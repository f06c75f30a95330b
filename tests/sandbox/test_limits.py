"""Every forbidden act is tried in a real child and refused; what honest work needs is allowed."""

import ctypes
import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest

from kernelevo.sandbox import identity, landlock, limits, seccomp
from kernelevo.sandbox.channel import PeerClosed
from kernelevo.sandbox.importable import importable
from kernelevo.sandbox.limits import Limits, compiler_roots, rules
from kernelevo.sandbox.zygote import Zygote

NEEDS_BOTH = pytest.mark.skipif(
    landlock.abi() < 6 or bool(seccomp.supported()), reason="needs Landlock 6 and x86-64"
)
EVERYWHERE = [
    "socket", "socketpair", "ptrace parent", "read parent memory", "kill parent", "kill zygote",
    "stop a sibling", "parent environ", "zygote environ", "parent memory file", "password file",
    "outside file", "write outside", "write to own package", "write shared memory", "list processes",
    "pidfd of parent", "hide (dumpable)", "outlive the zygote", "become root", "mount", "userfaultfd",
    "io_uring", "x32 fork", "lasting memory", "lasting queue", "new namespace", "new namespace (clone3)",
    "hide memory", "limit the parent", "limit a sibling", "pin a sibling", "slow a sibling", "priority",
    "signal a sibling by a descriptor", "signal a thread by a descriptor", "signal a sibling by a socket",
    "kill everyone",
]  # fmt: skip
IN_THE_RUN_STAGE = [
    "fork", "execve", "vfork", "clone a process", "clone3", "subprocess", "thread-kill parent", "setsid",
    "setpgid",
]  # fmt: skip


def attempt(spawn, plain, tmp_path, stage, acts):
    outside = tmp_path / "outside.txt"
    outside.write_text("not for children")
    secret = ctypes.create_string_buffer(b"expected value")
    sibling = spawn("wait", stage=stage)
    payload = {
        "acts": acts,
        "parent": os.getpid(),
        "zygote": plain.pid,
        "sibling": sibling.pid,
        "secret": [0, ctypes.addressof(secret)],
        "outside": str(outside),
    }
    child = spawn("attempt", payload, stage=stage)
    found = child.channel.recv(20.0)
    sibling.channel.recv(5.0)
    assert sibling.alive()
    return found


@NEEDS_BOTH
@pytest.mark.parametrize("stage", ["run", "build"])
def test_forbidden_acts_are_refused(spawn, plain, tmp_path, stage):
    received = []
    before = signal.signal(signal.SIGUSR1, lambda *_: received.append(1))
    try:
        acts = EVERYWHERE + (IN_THE_RUN_STAGE if stage == "run" else [])
        found = attempt(spawn, plain, tmp_path, stage, acts)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not received
    if os.getuid() == 0 and plain.facts["identity"] == "root-":
        found.pop("become root")  # it is root's number, without a capability
    allowed = {act: how for act, how in found.items() if how == "allowed"}
    assert not allowed
    if stage == "run":
        assert found["clone3"] == "OSError"  # ENOSYS, so that glibc falls back to clone
        assert found["fork"] == found["execve"] == "PermissionError"


def test_the_build_stage_compiles_and_loads(spawn):
    child = spawn("compile_c", stage="build", memory_bytes=1 << 30)
    try:
        assert child.channel.recv(60.0) == 42
    except PeerClosed:
        child.wait(5.0)
        pytest.fail(child.output())


@pytest.mark.parametrize("stay", [True, False])
def test_what_flees_from_the_build_stage_dies_with_it(spawn, stay):
    child = spawn("escape", {"stay": stay}, stage="build")
    grouped = child.channel.recv(10.0)["group"]
    if stay:
        child.kill()
    child.wait(5.0)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (alive(grouped) or sleepers(child.limits.scratch)):
        time.sleep(0.02)
    assert not alive(grouped)
    assert not sleepers(child.limits.scratch)


@NEEDS_BOTH
@pytest.mark.parametrize("stage", ["run", "build"])
def test_a_device_opens_one_kind_of_socket_and_no_way_to_talk(spawn, stage):
    acts = {"acts": ["listen", "connect", "send", "socket", "socketpair"]}
    found = spawn("attempt", acts, stage=stage, cuda=True).channel.recv(20.0)
    assert found.pop("listen") == "allowed" and "allowed" not in found.values(), found
    without = spawn("attempt", acts, stage=stage).channel.recv(20.0)
    assert "allowed" not in without.values(), without


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def sleepers(folder: Path):
    """Return the processes whose working folder is a child's scratch."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd") == str(folder):
                found.append(pid)
        except OSError:
            continue
    return [pid for pid in found if alive(pid)]


def test_a_trusted_child_is_not_bound(spawn, plain, tmp_path):
    found = attempt(spawn, plain, tmp_path, "trusted", ["outside file", "socket", "fork"])
    assert set(found.values()) == {"allowed"}


def test_scratch_and_read_only_are_as_granted(spawn, plain, tmp_path):
    shared = tmp_path / "cache"
    shared.mkdir()
    (shared / "built.so").write_text("x")
    payload = {"outside": str(shared / "built.so"), "acts": ["outside file", "write outside"]}
    child = spawn("attempt", payload, read_only=(shared,))
    found = child.channel.recv(10.0)
    assert found == {"outside file": "allowed", "write outside": "PermissionError"}


def test_limits_are_plain_data(tmp_path):
    limits = Limits("build", tmp_path, (Path("/usr"),), memory_bytes=5, environ={"A": "b"})
    assert Limits.from_json(limits.to_json()) == limits
    with pytest.raises(ValueError, match="stage"):
        Limits("other", tmp_path)


def test_no_whole_checkout_is_readable():
    """A path entry that holds the package grants the package, not what lies beside it (tests, tasks)."""
    package = Path(landlock.__file__).resolve().parents[1]
    roots = importable(sys.path).roots
    assert str(package) in roots
    if package.parent.name != "site-packages":
        assert str(package.parent) not in roots


@NEEDS_BOTH
@pytest.mark.parametrize("stage", ["build", "run"])
def test_of_a_persons_folder_modules_may_be_imported_and_nothing_else_is_read(tmp_path, monkeypatch, stage):
    project = tmp_path / "project"
    texts = {
        "helper.py": "VALUE = 1\n", "net/__init__.py": "", "net/part.py": "", "spread/out.py": "",
        ".env": "KEY=1\n", "notes.txt": "x", "runs/one/run.db": "x", ".hidden/secret.py": "x = 1\n",
        "spread/deep/__init__.py": "", "spread/answers.csv": "1", "net/table.bin": "1", "a-run/best.py": "",
    }  # fmt: skip
    for name, text in texts.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    for folder in (tmp_path, project, *project.rglob("*")):
        folder.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(project)]))
    with Zygote(("misbehaviour",), threads=1) as zygote:
        payload = {
            "modules": ["helper", "net.part", "spread.out", "spread.deep"],
            "files": [*texts],
            "folder": str(project),
        }
        with zygote.spawn("misbehaviour:look", payload, limits=Limits(stage, tmp_path / "scratch")) as child:
            found = child.channel.recv(20.0)
    assert found["imported"] == payload["modules"]
    assert sorted(found["read"]) == [
        "helper.py", "net/__init__.py", "net/part.py", "net/table.bin", "spread/deep/__init__.py",
        "spread/out.py",
    ]  # fmt: skip


def test_installed_packages_are_granted_whole_and_a_script_s_folder_is_not(tmp_path):
    for name in ("target/thing.dist-info", "target/thing/data", "project/data", "site-packages/x"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "project" / "model.py").write_text("")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "script.py").write_text("")
    (tmp_path / "project" / "linked").symlink_to(tmp_path / "home")  # with all that lies there
    entries = tuple(str(tmp_path / name) for name in ("target", "project", "site-packages", "not-there"))
    found = importable(entries)
    ours = [root for root in found.roots if root.startswith(str(tmp_path))]
    assert ours == [entries[0], f"{entries[1]}/model.py", entries[2]] and found.listed == (entries[1],)


def test_filters_jump_inside_their_program():
    """Each jump lands on an instruction, and each path ends in a return."""
    for stage in ("build", "run"):
        code = seccomp.program(stage, 1234)
        assert len(code) % 8 == 0
        count = len(code) // 8
        assert count < 4096
        for i in range(count):
            kind, yes, no = code[8 * i], code[8 * i + 2], code[8 * i + 3]
            if kind & 7 == 5:
                assert i + 1 + max(yes, no) < count
        assert code[-8] == 6


def test_of_a_compilers_folder_no_more_is_granted_than_it_needs(tmp_path, monkeypatch):
    """Somebody's compiler may lie in the folder of everything else that is theirs."""
    for name in ("bin", "lib64", "include", ".ssh", "documents"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "gcc").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "gcc").chmod(0o755)
    alone = tmp_path / "documents" / "nvcc"
    alone.write_text("#!/bin/sh\n")
    alone.chmod(0o755)
    ninja = tmp_path / ".ssh" / "ninja"
    ninja.write_text("#!/bin/sh\n")
    ninja.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{alone.parent}:{ninja.parent}")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    names = (".ssh/ninja", "bin", "documents", "include", "lib64")
    assert compiler_roots() == [str(tmp_path / name) for name in names]


@pytest.mark.parametrize("stage", ["run", "build"])
def test_a_project_beside_an_interpreter_is_not_granted_with_it(tmp_path, monkeypatch, stage):
    """Images keep projects in /usr/src, and `python -m venv .` makes the project's folder the prefix."""
    project = tmp_path / "project"
    for name in ("lib", "bin", "data"):
        (project / name).mkdir(parents=True)
    (project / "pyvenv.cfg").write_text("")
    monkeypatch.setattr("sys.prefix", str(project))
    monkeypatch.setattr("sys.base_prefix", "/usr")
    roots = [Path(rule.path) for rule in rules(Limits(stage, tmp_path / "scratch"))]

    def granted(path):
        return any(Path(path).is_relative_to(root) for root in roots)

    for path in (project / "lib/python3/x.py", project / "bin/python", "/usr/lib/x.so", "/usr/bin/x"):
        assert granted(path), path
    for path in (project / "data/answers.csv", project / "tsp.py", "/usr/src/app/tsp.py", "/usr/local/src/x"):
        assert not granted(path), path


def test_a_child_on_every_core_may_have_all_of_its_threads(tmp_path, monkeypatch):
    """The kernel counts what a user has: where children have one of their own, all of them together."""
    given = {}
    monkeypatch.setattr(limits, "_limit", lambda which, soft, hard=None: given.update({which: soft}))
    for name in ("set_environment", "_set_rlimits", "prctl"):
        monkeypatch.setattr(limits, name, lambda *_: None)
    for room, name in ((identity, "give"), (identity, "become"), (seccomp, "enforce")):
        monkeypatch.setattr(room, name, lambda *_, **__: None)
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    limits.apply(Limits("run", tmp_path, processes=64), "nobody")
    assert given[resource.RLIMIT_NPROC] >= 64 * 64
