"""The bundled tasks: where their files lie, what they are called, and what their manifest says."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kernelevo.device.facts import cpu_facts
from kernelevo.errors import MachineError, TaskNotFound, closest

_LEVEL = re.compile(r"level(\d+)")
_NUMBERED = re.compile(r"(\d+)_(\w+)\.py")


@dataclass(frozen=True)
class BundledTask:
    """One task file that comes with kernelevo.

    Args:
        name: what a user types, without a variant, e.g. ``"kernelbench:3/13"``.
        path: the file.
        title: its name in words, from the file's stem.
    """

    name: str
    path: Path
    title: str

    @property
    def text(self) -> str:
        """Source of the task file."""
        return self.path.read_text(encoding="utf-8")

    @property
    def label(self) -> str:
        """The file's place inside the library; the same on every machine."""
        return f"kernelbench_tasks/{self.path.parent.name}/{self.path.name}"


def root() -> Path:
    """Return the folder of bundled tasks: beside the package in a checkout, inside it in a wheel.

    Raises:
        MachineError: if neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    places = (package.parent / "kernelbench_tasks", package / "_tasks")
    for place in places:
        if (place / "level3").is_dir():
            return place
    raise MachineError(
        "The bundled tasks are missing from this installation.",
        why=f"looked in {places[0]} and {places[1]}",
        now="reinstall kernelevo, or give the path of a task file",
    )


@cache
def bundled() -> Mapping[str, BundledTask]:
    """Return every bundled task by name, in the order of suite and number."""
    found: list[tuple[tuple[str, int, str], BundledTask]] = []
    folder = root()
    for path in folder.glob("level*/*.py"):
        level, stem = _LEVEL.fullmatch(path.parent.name), _NUMBERED.fullmatch(path.name)
        if level and stem:
            name = f"kernelbench:{level[1]}/{int(stem[1])}"
            found.append(((f"level{level[1]}", int(stem[1]), ""), BundledTask(name, path, stem[2])))
    for path in folder.glob("ops/*.py"):
        found.append((("ops", 0, path.stem), BundledTask(f"ops/{path.stem}", path, path.stem)))
    return {task.name: task for _, task in sorted(found, key=lambda pair: pair[0])}


def find(name: str) -> BundledTask:
    """Return the bundled task of that name.

    Raises:
        TaskNotFound: with the closest and all known names.
    """
    task = bundled().get(name)
    if task is None:
        within = [other for other in bundled() if other.startswith(f"{name}/")]
        if within:
            raise TaskNotFound(
                f"{name!r} is a suite of {len(within)} tasks.",
                why="one search makes one task faster",
                now=f"kernelevo bench {name}, or one of them: kernelevo run {within[0]}",
            )
        if os.path.isfile(name):  # a name that no file can have is none
            raise TaskNotFound(
                f"{name} is no task.",
                why="a task is a Python file, whose name ends in .py, or the name of a bundled one",
                now="give a file in KernelBench form, or a bundled task, e.g. kernelbench:3/13",
            )
        raise TaskNotFound(
            f"There is no bundled task {name!r}.",
            why=closest(name, bundled()),
            now="use one of these, or the path of a file in KernelBench form",
        )
    return task


def variant_constants(name: str) -> Mapping[str, Any]:
    """Return the constants that a bundled task's variant sets, e.g. ``{"INIT": "he"}``; empty if none."""
    base, _, variant = name.partition("@")
    for node in ast.parse(find(base).text).body:
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "VARIANTS" for t in node.targets):
            table: dict[str, dict[str, Any]] = ast.literal_eval(node.value)
            return table.get(variant, {})
    return {}


def shelves(device: str, features: Collection[str] | None = None) -> tuple[str, ...]:
    """Return the folders of ``solutions/`` that suit a machine, the one whose programs to prefer first.

    Most programs in ``cpu`` take vectors as wide as the machine's. Those of the tasks in ``cpu-avx2`` have
    register tiles of 512 bits, slower than PyTorch where the compiler has to cut these vectors up.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        features: of the processor, as the kernel names them; this machine's if None.
    """
    if device != "cpu":
        return (device,)
    known = cpu_facts()["features"] if features is None else features
    return ("cpu",) if "avx512f" in known else ("cpu-avx2", "cpu")


def solutions(shelf: str) -> Mapping[str, tuple[Path, ...]]:
    """Return the programs that come with kernelevo, by the name of the task they solve.

    They lie in ``solutions/<shelf>/<suite>_<id>/<name>.py``: the task's name with ``:`` and ``/`` written as
    ``_``. A program that was measured has its record beside it, ``<name>.json``.

    Args:
        shelf: ``"cpu"``, ``"cpu-avx2"`` or ``"cuda"``.
    """
    known = {re.sub("[:/]", "_", name): name for name in bundled()}
    found = {}
    for place in sorted((root() / "solutions" / shelf).glob("*")):
        stem, at, variant = place.name.partition("@")
        if stem in known and (paths := tuple(sorted(place.glob("*.py")))):
            found[f"{known[stem]}{at}{variant}"] = paths
    return found


@cache
def _manifest() -> Mapping[str, Mapping[str, Any]]:
    path = root() / "manifest.toml"
    if not path.is_file():
        return {}
    data: dict[str, Mapping[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["tasks"]
    return data


def facts(name: str) -> Mapping[str, Any]:
    """Return what the manifest says of a bundled task (FLOPs, bytes, traps, lint); empty if nothing."""
    return _manifest().get(name.partition("@")[0], {})


def grade(task: str) -> str:
    """Return lint's word on a task in the manifest: ``judgeable``, ``blind``, ``unjudgeable``, ``unknown``.

    Only ``judgeable`` tasks enter means and ``fast_p``.
    """
    known, variant = facts(task), task.partition("@")[2]
    if variant:
        return str(known.get("variants", {}).get(variant, {}).get("lint", "unknown"))
    return str(known.get("lint", {}).get("verdict", "unknown"))
