"""Limits: what a child process may do, and how they are put on before any candidate byte runs."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kernelevo.sandbox import identity, landlock, seccomp
from kernelevo.sandbox.identity import Identity
from kernelevo.sandbox.importable import importable
from kernelevo.sandbox.landlock import EVERYTHING, READ, READ_EXECUTE, READ_WRITE, Rule
from kernelevo.sandbox.syscalls import PR_SET_PDEATHSIG, prctl

Stage = Literal["build", "run", "trusted"]

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/opt/cuda", "/usr/local/cuda")
_SHARED, _OF_A_VENV = ("/usr", "/usr/local"), ("etc", "pyvenv.cfg")
_FACTS = ("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system")
_TRITON_CACHE = "kernelevo.sandbox.triton_cache:InPlace"  # not imported: it imports Triton
_SINKS = ("/dev/null", "/dev/zero", "/dev/urandom")
_OF_A_COMPILER = re.compile(r"bin|lib\d*|libexec|include|share|nvvm|targets|(x86_64|aarch64)-.*")
CUDA_DEVICES = (
    "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset",
    *(f"/dev/nvidia{i}" for i in range(16)),
)  # fmt: skip
CUDA_FACTS = (
    "/proc/driver/nvidia", "/sys/bus/pci", "/sys/module/nvidia", "/proc/devices",
    "/proc/sys/vm/mmap_min_addr",
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What one child may use.

    Args:
        stage: ``"build"`` may fork and exec (compilers), ``"run"`` may only make threads, ``"trusted"``
            is our own code: no Landlock, no filter, no change of user.
        scratch: the one folder it may write; it becomes its working folder, HOME and TMPDIR.
        read_only: further files and folders it may read (the private compile cache in the run stage).
        memory_bytes: how much more memory than a fresh fork it may use: private memory by RLIMIT_DATA
            (unless ``cuda``), all of it, 32 MiB later, by a watchdog in the parent; None for no limit.
        cpu_seconds: processor time over all threads, then SIGXCPU.
        file_bytes: largest file it may write.
        scratch_bytes: how much its scratch folder may hold, by the watchdog (not a trusted child's).
        open_files: descriptors.
        processes: how many threads it may have, and in the build stage how many processes it may start:
            RLIMIT_NPROC where the child has a user of its own, and the watchdog.
        cuda: grant the NVIDIA device nodes.
        environ: further environment variables of the child.
    """

    stage: Stage
    scratch: Path
    read_only: tuple[Path, ...] = ()
    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    file_bytes: int = 2 << 30
    scratch_bytes: int = 4 << 30
    open_files: int = 512
    processes: int = 512
    cuda: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.stage not in ("build", "run", "trusted"):
            raise ValueError(f"no such stage: {self.stage!r}")
        object.__setattr__(self, "scratch", Path(self.scratch).absolute())
        object.__setattr__(self, "read_only", tuple(Path(p).absolute() for p in self.read_only))

    def to_json(self) -> dict[str, Any]:
        """Return these limits as plain data."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        data["scratch"] = str(self.scratch)
        data["read_only"] = [str(p) for p in self.read_only]
        data["environ"] = dict(self.environ)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Limits:
        """Rebuild limits from ``to_json``."""
        given = dict(data)
        given["scratch"] = Path(given["scratch"])
        given["read_only"] = tuple(Path(p) for p in given["read_only"])
        return cls(**given)


def _parts(root: str) -> list[str]:
    """Return what is granted of a folder with programs: the system's is not granted whole, nor is a venv.

    Container images keep a person's project in ``/usr/src``, and whoever made a virtual environment right in
    the folder of a project has everything else beside its ``lib``.
    """
    if root in _SHARED:
        names = [name for name in sorted(os.listdir(root)) if name != "src"]
    elif os.path.isfile(os.path.join(root, "pyvenv.cfg")):
        names = [n for n in sorted(os.listdir(root)) if n in _OF_A_VENV or _OF_A_COMPILER.fullmatch(n)]
    else:
        return [root]
    return [part for name in names for part in _parts(os.path.join(root, name))]


def compiler_roots() -> list[str]:
    """Return the folders of the compilers on the PATH, those of the system's own among them, and its ninja.

    A compiler's headers and its inner programs lie beside its ``bin``; nothing else there is granted, since
    somebody's compiler may lie in ``~/bin``. Ninja needs nothing beside it: that one file is granted.
    """
    names = (os.environ.get("CC"), os.environ.get("CXX"), "cc", "gcc", "c++", "g++", "clang", "nvcc", "ptxas")
    paths = (shutil.which(name) for name in names if name)
    folders = {Path(where).parent for path in paths if path for where in (path, os.path.realpath(path))}
    granted: set[Path] = set()
    for folder in folders:
        beside = folder.parent.iterdir() if folder.name == "bin" else ()
        granted |= {folder, *(path for path in beside if _OF_A_COMPILER.fullmatch(path.name))}
    if ninja := shutil.which("ninja"):  # torch's extensions are built with the first one on the PATH
        granted.add(Path(ninja))  # a link grants what it leads to
    return sorted(map(str, granted))


def rules(limits: Limits) -> list[Rule]:
    """Return the Landlock grants of these limits; call it in the child, ``/proc/self`` is bound to it."""
    run = READ if limits.stage == "run" else READ_EXECUTE
    modules = importable(sys.path)
    roots = [part for root in (*_SYSTEM, *modules.roots) for part in _parts(root)]
    granted = [Rule(p, run) for p in (*roots, *map(str, limits.read_only))]
    granted += [Rule(p, landlock.READ_DIR) for p in modules.listed]
    if limits.stage == "build":
        granted += [Rule(p, READ_EXECUTE) for p in compiler_roots()]
    granted += [Rule(p, READ) for p in (f"/proc/{os.getpid()}", *_FACTS)]
    granted += [Rule(p, READ_WRITE) for p in _SINKS]
    if limits.cuda:
        granted += [Rule(p, READ) for p in CUDA_FACTS] + [Rule(p, READ_WRITE) for p in CUDA_DEVICES]
        # the driver gives its threads names, and does not start where it cannot
        granted.append(Rule(f"/proc/{os.getpid()}/task", READ_WRITE | landlock.TRUNCATE))
    # in the run stage nothing may be executed, whether or not there is a filter; the rest stays granted
    own = EVERYTHING & ~landlock.EXECUTE if limits.stage == "run" else EVERYTHING
    return [*granted, Rule(str(limits.scratch), own)]


def apply(limits: Limits, who: Identity) -> None:
    """Bind this process, for ever; must run in a fresh child while it has one thread.

    Args:
        limits: what to put on.
        who: the identity found by ``identity.choose``; ignored for a trusted child.

    Raises:
        OSError: if a limit this kernel offers cannot be put on; the child must exit then.
    """
    set_environment(limits)
    _set_rlimits(limits)
    if who.startswith("nobody") and limits.stage != "trusted":
        # it counts the children of all zygotes, of which there may be one a core, each with its threads
        _limit(resource.RLIMIT_NPROC, (3 + (os.cpu_count() or 1)) * limits.processes)
    if limits.stage == "trusted":
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    ruleset = landlock.Ruleset(rules(limits))  # paths are opened while we may still open them
    identity.give(limits.scratch, who)
    identity.become(who)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which clears it; die with the zygote
    ruleset.enforce()
    seccomp.enforce(limits.stage, os.getpid(), cuda=limits.cuda)


def set_environment(limits: Limits) -> None:
    """Point HOME and the temporary and cache folders into scratch, name the stage, go there."""
    scratch = str(limits.scratch)
    os.environ.update(
        HOME=scratch,
        TMPDIR=scratch,
        TORCHINDUCTOR_CACHE_DIR=os.path.join(scratch, "inductor"),
        TRITON_CACHE_DIR=os.path.join(scratch, "triton"),
    )
    if limits.stage != "trusted":
        os.environ["KERNELEVO_STAGE"] = limits.stage
        if landlock.abi() == 1:
            os.environ["TRITON_CACHE_MANAGER"] = _TRITON_CACHE
    os.environ.update(limits.environ)
    tempfile.tempdir = None
    os.chdir(scratch)


def _set_rlimits(limits: Limits) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    if limits.cpu_seconds is not None:
        # the soft limit sends SIGXCPU, the hard one a second later cannot be caught
        _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)
    if limits.memory_bytes is not None and not limits.cuda:
        _limit(resource.RLIMIT_DATA, _data_bytes() + limits.memory_bytes)


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    """Lower a limit; one that is lower already stays."""
    ceiling = resource.getrlimit(which)[1]
    hard = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(which, (soft, hard))


def _data_bytes() -> int:
    """Return what RLIMIT_DATA already counts for this process (private writable memory), in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        fields = file.read().split()
    return int(fields[5]) * resource.getpagesize()
