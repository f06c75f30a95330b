"""Competition: what an installed ``mlebench`` says of one, asked in a process of its own."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from kernelevo.errors import BadSetting, MachineError, TaskNotFound, ToolchainMissing, closest
from kernelevo.evaluators.mlebench import inside
from kernelevo.evaluators.own_process import ask

PREFIX = "mlebench:"
DATA = "KERNELEVO_MLEBENCH_DATA"
"""Environment variable with the folder of prepared competitions; mlebench's own default if it is not set."""
PATIENCE = 300.0
"""Seconds that mlebench may take for one answer."""
Direction = Literal["min", "max"]
_NAME = re.compile(r"mlebench:([A-Za-z0-9][\w.-]*)(?:@(min|max))?")


@dataclass(frozen=True)
class Competition:
    """A prepared competition.

    Args:
        id: its name in mlebench.
        data: folder of prepared competitions, None for mlebench's default.
        description: in words, from its authors.
        direction: whether smaller or larger values of its metric are better.
        train: the public table with labels.
        test: the public table without.
        sample: a submission with the test's ids.
        answers: the sealed table; only its header is read.
        answers_header: that header.
        withheld: names of public files that are no table of it: candidates do not get them.
    """

    id: str
    data: str | None
    description: str
    direction: Direction
    train: Path
    test: Path
    sample: Path
    answers: Path
    answers_header: tuple[str, ...]
    withheld: tuple[str, ...]


def is_competition(name: str) -> bool:
    """Return whether a name is meant for mlebench."""
    return name == PREFIX.rstrip(":") or name.startswith(PREFIX)


def data_folder() -> str | None:
    """Return where a person said that prepared competitions are, as an absolute path."""
    given = os.environ.get(DATA)
    return str(Path(os.path.expanduser(given)).resolve()) if given else None


def read_competition(name: str, data: str | None) -> Competition:
    """Ask the installed mlebench for a competition.

    Args:
        name: ``mlebench:COMPETITION``, perhaps with ``@min`` or ``@max``: the direction of its metric.
        data: folder of prepared competitions, None for mlebench's default.

    Raises:
        TaskNotFound: for a name that is none, or a competition that mlebench does not know.
        ToolchainMissing: if mlebench is not installed, or cannot be imported.
        MachineError: if its data are not prepared here.
        BadSetting: if nobody can tell the direction of its metric, or the leaderboard has another one.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise TaskNotFound(
            f"{name} names no competition",
            why="the form is mlebench:COMPETITION, or mlebench:COMPETITION@min",
            now="for example mlebench:spooky-author-identification",
        )  # fmt: skip
    which, stated = match.groups()
    if find_spec("mlebench") is None:
        raise ToolchainMissing(
            f"{name} needs the package mlebench, which is not installed",
            why="it holds the competitions' graders and prepares their data",
            now="git clone https://github.com/openai/mle-bench, then in it: git lfs pull, "
            f"pip install -e ., mlebench prepare -c {which} (with a Kaggle account that accepted its rules)",
        )
    said = tell({"do": "describe", "competition": which, "data": data})
    if "unknown" in said:
        raise TaskNotFound(
            f"mlebench has no competition {which!r}",
            why=closest(which, said["unknown"]),
            now="use one of these",
        )
    if said["missing"] is not None:
        raise MachineError(
            f"the data of {which} are not prepared here as tables",
            why=f"there is no file {said['missing']}",
            now=f"mlebench prepare -c {which}; prepared data elsewhere: set {DATA} to their folder. A "
            "competition without train.csv and test.csv (images, sound) cannot be used",
        )
    tables = {key: Path(path) for key, path in said["tables"].items()}
    used = {*(path.name for path in tables.values()), "description.md"}
    return Competition(
        which, data, str(said["description"]), _direction(name, stated, said["board"]),
        tables["train"], tables["test"], tables["sample"], tables["answers"],
        tuple(said["answers_header"]), tuple(entry for entry in said["public"] if entry not in used),
    )  # fmt: skip


def tell(order: Mapping[str, Any]) -> dict[str, Any]:
    """Have mlebench's process do one order and return what it said.

    Raises:
        ToolchainMissing: if mlebench cannot be used here.
        MachineError: if its process gave no answer.
    """
    with tempfile.TemporaryDirectory(prefix="kernelevo-mlebench-", ignore_cleanup_errors=True) as place:
        given = {**order, "parent": os.getpid()}
        said, how, printed = ask(inside.__file__, given, cwd=place, timeout=PATIENCE)
    if said is None:
        raise MachineError(
            f"the process that asks mlebench gave no answer: {how}", why=printed.strip()[-2000:],
            now="try mlebench's own command line, e.g. mlebench grade-sample",
        )  # fmt: skip
    if "raised" in said:
        raise ToolchainMissing(
            "the installed mlebench cannot be used", why=str(said["raised"]),
            now="install it with all that it needs: pip install -e . in its checkout",
        )  # fmt: skip
    return said


def _direction(name: str, stated: str | None, board: Mapping[str, Any]) -> Direction:
    """A stated direction holds where the board cannot tell; where it can, the two have to agree."""
    found = board.get("direction")
    if found is None and stated is None:
        raise BadSetting(
            f"it cannot be told whether smaller or larger is better in {name}", why=str(board["fault"]),
            now=f"git lfs pull in mlebench's checkout, or state it: {name}@min or {name}@max",
        )  # fmt: skip
    if found is not None and stated is not None and found != stated:
        raise BadSetting(
            f"{name} says {stated}, the leaderboard says {found}",
            why="its first row is the best, its last the worst", now=f"leave out @{stated}",
        )  # fmt: skip
    return "min" if "min" in (found, stated) else "max"
