"""Suite: which bundled tasks a series is over, which of them a person names, and which may enter a mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kernelevo.errors import BadSetting, closest
from kernelevo.tasks import bundled, facts, load_task

JUDGEABLE = "judgeable"
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Suite:
    """Bundled tasks that share the part of their name before the last ``/``.

    Args:
        name: e.g. ``"kernelbench:3"`` or ``"ops"``.
        ids: what stands after the ``/``, in the order of the library.
    """

    name: str
    ids: tuple[str, ...]

    @classmethod
    def find(cls, name: str) -> Suite:
        """Return the suite of that name.

        Raises:
            BadSetting: if there is none, with the known ones.
        """
        known: dict[str, list[str]] = {}
        for task in bundled():
            suite, _, found = task.rpartition("/")
            known.setdefault(suite, []).append(found)
        if name not in known:
            raise BadSetting(f"there is no suite {name!r}", why=closest(name, known), now="use one of these")
        return cls(name, tuple(known[name]))

    def tasks(self) -> tuple[str, ...]:
        """Return all tasks; beside one that grades nothing as shipped stand its repaired variants."""
        names: list[str] = []
        for name in (f"{self.name}/{found}" for found in self.ids):
            names.append(name)
            if grade(name) != JUDGEABLE:
                repaired = (f"{name}@{variant}" for variant in facts(name).get("variants", {}))
                names += [other for other in repaired if grade(other) == JUDGEABLE]
        return tuple(names)

    def select(self, text: str | None) -> tuple[str, ...]:
        """Return the tasks that a person names: numbers, ranges, names and variants, with commas.

        A range takes the bundled tasks in it, as shipped. None takes all tasks.

        Args:
            text: e.g. ``"1-17,31,28@batchfirst"`` or ``"gemm,softmax"``; full names are taken too.

        Raises:
            BadSetting: for a task that is not in this suite, or a range that is empty or leaves it.
            TaskNotFound: for an unknown variant.
        """
        if text is None:
            return self.tasks()
        names = [name for part in text.split(",") for name in self._part(part.strip(), text)]
        for name in names:
            load_task(name)  # knows the variants
        return tuple(dict.fromkeys(names))

    def _part(self, part: str, whole: str) -> Iterable[str]:
        if match := _RANGE.fullmatch(part):
            return self._range(int(match[1]), int(match[2]), part, whole)
        found, at, variant = part.removeprefix(f"{self.name}/").partition("@")
        found = str(int(found)) if _NUMBER.fullmatch(found) else found
        if found not in self.ids or (at and not variant):
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
            raise self._bad(whole, f"no task of {part} is bundled; {self._known()}")
        return inside

    def _known(self) -> str:
        return f"known: {', '.join(self.ids)}"

    def _bad(self, text: str, why: str) -> BadSetting:
        now = f"write it like {'1-17,31' if self.ids[0].isdigit() else ','.join(self.ids[:2])}"
        return BadSetting(f"the tasks {text!r} cannot be used.", why=why, now=now)


def folder_name(task: str) -> str:
    """Return a task's name as that of a folder: ``kernelbench:3/13`` is ``kernelbench_3_13``."""
    return re.sub("[:/]", "_", task)


def grade(task: str) -> str:
    """Return lint's word on a task in the manifest: ``judgeable``, ``blind``, ``unjudgeable``, ``unknown``.

    Only ``judgeable`` tasks enter means and ``fast_p``.
    """
    known, variant = facts(task), task.partition("@")[2]
    if variant:
        return str(known.get("variants", {}).get(variant, {}).get("lint", "unknown"))
    return str(known.get("lint", {}).get("verdict", "unknown"))
