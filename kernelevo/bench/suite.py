"""Suite: which tasks a series is over, which of them a person names, and which may enter a mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kernelevo.errors import BadSetting, closest
from kernelevo.tasks import GivenTask, bundled, facts, grade, load_task, read_level

JUDGEABLE = "judgeable"
HE = "he"  # the one variant that a given task has: He-normal weights
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_NUMBER = re.compile(r"[0-9]{1,9}")
_UPSTREAM = re.compile(r"kernelbench:([1-4])")


@dataclass(frozen=True)
class Suite:
    """Tasks that share the part of their name before the last ``/``: bundled ones, or those of a folder.

    Args:
        name: e.g. ``"kernelbench:3"`` or ``"ops"``.
        ids: what stands after the ``/``, in the order of the library.
        given: of a folder's tasks each, by its id; empty for bundled ones.
        unread: what in that folder could not be read at all, with the reason.
    """

    name: str
    ids: tuple[str, ...]
    given: Mapping[str, GivenTask] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @classmethod
    def find(cls, name: str, folder: str | None = None) -> Suite:
        """Return the suite of that name.

        Args:
            name: of a bundled suite, or ``kernelbench:1`` to ``kernelbench:4`` with a folder.
            folder: an upstream checkout or dataset whose files are read instead of the bundled tasks.

        Raises:
            BadSetting: if there is none, with the known ones, or the folder holds nothing of it.
        """
        level = _UPSTREAM.fullmatch(name)
        if folder is not None:
            if level is None:
                raise BadSetting(
                    f"the suite {name!r} cannot be read from a folder",
                    why="known: kernelbench:1, kernelbench:2, kernelbench:3, kernelbench:4",
                    now="leave --from out for bundled tasks",
                )
            found = read_level(Path(os.path.expanduser(folder)), int(level[1]))
            given = {str(number): task for number, task in found.tasks.items()}
            return cls(name, tuple(given), given, found.unread)
        known: dict[str, list[str]] = {}
        for task in bundled():
            suite, _, number = task.rpartition("/")
            known.setdefault(suite, []).append(number)
        if name not in known:
            now = "use one of these" + (", or --from CHECKOUT for upstream's own files" if level else "")
            raise BadSetting(f"there is no suite {name!r}", why=closest(name, known), now=now)
        return cls(name, tuple(known[name]))

    def tasks(self) -> tuple[str, ...]:
        """Return all tasks; beside one that grades nothing as shipped stand its repaired variants."""
        return tuple(name for found in self.ids for name in self._with_repaired(f"{self.name}/{found}"))

    def _with_repaired(self, name: str) -> list[str]:
        """Return a task and, if as shipped it grades nothing, its variants that do."""
        # lint of a given task comes with its run, and its repaired variant after it
        return [name] if self.given else [name, *repaired(name)]

    def grade(self, name: str) -> str:
        """Return lint's word on a task: the manifest's, or ``unknown`` of a given one until it was run."""
        return "unknown" if self.given else grade(name)

    def knows(self, number: str, variant: str) -> bool:
        """Return whether a task has a variant; of a given one there is only the repaired one."""
        if number not in self.ids:
            return False
        return variant == HE if self.given else variant in facts(f"{self.name}/{number}").get("variants", {})

    def source(self, name: str) -> GivenTask | None:
        """Return a given task; None for a bundled one."""
        return self.given.get(name.removeprefix(f"{self.name}/").partition("@")[0])

    def select(self, text: str | None) -> tuple[str, ...]:
        """Return the tasks that a person names: numbers, ranges, names and variants, with commas.

        A range takes the tasks in it. A task that grades nothing as shipped brings its repaired variants; a
        variant stands for itself alone. None takes all tasks.

        Args:
            text: e.g. ``"1-17,31,28@batchfirst"`` or ``"gemm,softmax"``; full names are taken too.

        Raises:
            BadSetting: for a task that is not in this suite, or a range that is empty or leaves it.
            TaskNotFound: for an unknown variant.
        """
        if text is None:
            return self.tasks()
        named = [name for part in text.split(",") for name in self._part(part.strip(), text)]
        for name in named if not self.given else ():
            load_task(name)  # knows the variants
        return tuple(dict.fromkeys(other for name in named for other in self._with_repaired(name)))

    def _part(self, part: str, whole: str) -> Iterable[str]:
        if match := _RANGE.fullmatch(part):
            return self._range(int(match[1]), int(match[2]), part, whole)
        found, at, variant = part.removeprefix(f"{self.name}/").partition("@")
        found = str(int(found)) if _NUMBER.fullmatch(found) else found
        unknown = self.given and at and variant != HE
        if found not in self.ids or (at and not variant) or unknown:
            raise self._bad(whole, f"{self.name} has no task {part!r}; {closest(found, self.ids)}")
        return [f"{self.name}/{found}{at}{variant}"]

    def _range(self, first: int, last: int, part: str, whole: str) -> Sequence[str]:
        numbers = [int(found) for found in self.ids if _NUMBER.fullmatch(found)]
        if not numbers:
            raise self._bad(whole, f"the tasks of {self.name} have names, not numbers; {self._known()}")
        if first > last:
            raise self._bad(whole, f"the range {part} ends before it begins")
        if first < 1 or last > max(numbers):
            raise self._bad(whole, f"the range {part} leaves 1-{max(numbers)}; {self._known()}")
        inside = [f"{self.name}/{n}" for n in numbers if first <= n <= last]
        if not inside:
            raise self._bad(
                whole, f"no task of {part} is {'there' if self.given else 'bundled'}; {self._known()}"
            )
        return inside

    def _known(self) -> str:
        return f"known: {', '.join(self.ids)}"

    def _bad(self, text: str, why: str) -> BadSetting:
        now = f"write it like {'1-17,31' if self.ids[0].isdigit() else ','.join(self.ids[:2])}"
        return BadSetting(f"the tasks {text!r} cannot be used.", why=why, now=now)


def folder_name(task: str) -> str:
    """Return a task's name as that of a folder: ``kernelbench:3/13`` is ``kernelbench_3_13``."""
    return re.sub("[:/]", "_", task)


def repaired(task: str) -> list[str]:
    """Return the variants of a bundled task that grade something, if as shipped it grades nothing."""
    if "@" in task or grade(task) == JUDGEABLE:
        return []
    variants = (f"{task}@{variant}" for variant in facts(task).get("variants", {}))
    return [name for name in variants if grade(name) == JUDGEABLE]
