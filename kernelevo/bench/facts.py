"""Facts of a series: suite, settings, versions, machine; no two of them are mixed in one record."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kernelevo
from kernelevo.backends.source_tree import csrc
from kernelevo.bench.suite import Suite
from kernelevo.config import Settings
from kernelevo.device.facts import cpu_facts
from kernelevo.errors import InputError, MachineError
from kernelevo.kernels.upstream import SEED
from kernelevo.tasks import bundled, library
from kernelevo.tasks.upstream import spelled

# what rows of one record must share, in the words of the refusal; a dot goes one level down
SAME = {
    "suite": "suite",
    "mode": "mode (search, or programs judged)",
    "from": "folder of tasks",
    "solutions": "folder of programs",
    "device": "device",
    "size": "size",
    "settings": "settings",
    "kernelevo.sources": "version of kernelevo",
    "versions": "version of Python, torch or Triton",
    "hardware": "machine",
    "tasks": "text of the task files",
}
# of a processor's facts those that a boot, a kernel's update or a daemon changes on one and the same machine
PASSING = ("governor", "max_mhz", "memory_bytes")
FULL = "full"
_PACKAGE = Path(kernelevo.__file__).resolve().parent
_ASK_CUDA = "import json; from kernelevo.device.facts import cuda_facts; print(json.dumps(cuda_facts()))"


def facts(
    suite: Suite,
    settings: Settings,
    solutions: str | None,
    where: str | None = None,
    mode: str = "",
    size: str | None = None,
) -> dict[str, Any]:
    """Return what a record says of its series.

    Args:
        suite: the suite.
        settings: of every run, ``out`` left out.
        solutions: the folder of programs that are judged, None for a search.
        where: the folder that the tasks were read from; None for bundled ones.
        mode: ``search`` or ``solutions`` if it is empty.
        size: at which the tasks are judged; None for what ``size_of`` says.

    Raises:
        MachineError: if there is no CUDA device where one is asked for.
    """
    return {
        "suite": suite.name,
        "mode": mode or ("search" if solutions is None else "solutions"),
        "from": None if where is None else spelled(where),
        "unread": list(suite.unread),
        "solutions": None if solutions is None else spelled(solutions),
        "device": settings.device,
        "size": size or size_of(settings, given=bool(suite.given)),
        "settings": settings.to_json() if solutions is None else _judging(settings),
        "seeds": {"search": settings.seed if solutions is None else None, "upstream": SEED},
        "kernelevo": {"version": kernelevo.__version__, "commit": commit(), "sources": sources_digest()},
        "versions": {"python": platform.python_version(), **{p: _version(p) for p in ("torch", "triton")}},
        "hardware": hardware(settings.device),
        "tasks": given_digest(suite) if suite.given else tasks_digest(suite.name),
        "sittings": [now()],
    }


def size_of(settings: Settings, *, given: bool) -> str:
    """Return at which size a task is judged; one that is given, not bundled, has its own alone."""
    if given:
        return FULL
    return settings.size or ("small" if settings.device == "cpu" else FULL)


def _judging(settings: Settings) -> dict[str, Any]:
    """Of the settings those that matter where nothing is searched."""
    return {k: v for k, v in settings.to_json().items() if k in ("device", "size", "policy")}


def now() -> str:
    """Return date and time, UTC, in seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refuse_foreign(there: Mapping[str, Any], here: Mapping[str, Any], folder: Path) -> None:
    """Refuse to go on with the record of another series.

    A machine is the same one whatever its governor, the clock that it may reach, and the bytes of memory that
    its kernel left: an update or a daemon changes these.

    Raises:
        InputError: with the first difference of ``SAME``.
    """
    for key, words in SAME.items():
        old, new = _at(there, key), _at(here, key)
        if key == "settings":  # the size that came of it was compared: the usual one is named or not
            old, new = _without(old, "size"), _without(new, "size")
        if key == "hardware":
            old, new = _lasting(old), _lasting(new)
        if old != new:
            old, new = _difference(old, new)
            raise InputError(
                f"{folder} holds a series of another {words}: it cannot be gone on with",
                why=f"there it is {old}, here it is {new}; one record holds rows of one kind",
                now="choose another folder with --out, or leave it out for a new one",
            )


def _lasting(hardware: Any) -> Any:
    if not isinstance(hardware, Mapping) or "cpu" not in hardware:
        return hardware
    return {**hardware, "cpu": _without(hardware["cpu"], *PASSING)}


def _without(facts: Any, *names: str) -> Any:
    if not isinstance(facts, Mapping):
        return facts
    return {key: value for key, value in facts.items() if key not in names}


def _at(data: Mapping[str, Any], key: str) -> Any:
    head, _, rest = key.partition(".")
    found = data.get(head)
    return _at(found, rest) if rest and isinstance(found, Mapping) else found


def _difference(old: Any, new: Any) -> tuple[str, str]:
    """Of two values, or tables of tables, only what differs, each with the path to it: ``cpu.cores 2``."""
    leaves = list(_leaves(old, new, ""))
    return ", ".join(one for one, _ in leaves), ", ".join(other for _, other in leaves)


def _leaves(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                yield from _leaves(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif path:
        yield f"{path} {old}", f"{path} {new}"
    else:
        yield repr(old), repr(new)


def hardware(device: str) -> dict[str, Any]:
    """Return the facts of the machine that do not change from minute to minute.

    CUDA is asked in a process of its own: this one lives through the whole series and must hold no device
    memory.

    Raises:
        MachineError: if there is no CUDA device where one is asked for.
    """
    cpu = {k: v for k, v in cpu_facts().items() if k != "memory_available_bytes"}
    if device == "cpu":
        return {"cpu": cpu}
    command = [sys.executable, "-c", _ASK_CUDA]
    done = subprocess.run(command, cwd=_PACKAGE.parent, capture_output=True, text=True, check=False)
    cuda = json.loads(done.stdout) if done.returncode == 0 else None
    if cuda is None:
        raise MachineError(
            f"there is no device {device} here",
            why=done.stderr.strip()[-300:] or "torch.cuda.is_available() is false",
            now="--device cpu, or see what is missing: kernelevo doctor",
        )
    return {"cpu": cpu, "cuda": {k: v for k, v in cuda.items() if k != "state"}}  # clocks, heat, who uses it


def commit() -> str | None:
    """Return the commit that is checked out, with ``-dirty`` if files differ; None outside a checkout."""
    root = _PACKAGE.parent
    if not (root / ".git").exists():
        return None
    found = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = _git(root, "status", "--porcelain", "--", "kernelevo", "csrc", "kernelbench_tasks")
    return f"{found}-dirty" if found and changed else found


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def sources_digest() -> str:
    """Return a short name for the state of kernelevo's own files: a checkout may be edited."""
    kinds = {".py", ".md", ".cpp", ".h", ".cuh", ".cu"}
    files = {
        f"{root.name}/{path.relative_to(root).as_posix()}": path
        for root in (_PACKAGE, csrc())
        for path in root.rglob("*")
        if path.suffix in kinds and path.is_file()
    }
    return _digest(files)


def tasks_digest(suite: str) -> str:
    """Return a short name for the task files of a suite and the manifest beside them."""
    files = {task.label: task.path for name, task in bundled().items() if name.startswith(f"{suite}/")}
    return _digest({**files, "manifest.toml": library.root() / "manifest.toml"})


def given_digest(suite: Suite) -> str:
    """Return a short name for the texts of a folder's tasks, wherever the folder lies."""
    total = hashlib.sha256()
    for number, task in sorted(suite.given.items()):
        total.update(f"{number}\0{hashlib.sha256(task.text.encode()).hexdigest()}\n".encode())
    return total.hexdigest()[:16]


def _digest(files: Mapping[str, Path]) -> str:
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{hashlib.sha256(files[name].read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()[:16]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
