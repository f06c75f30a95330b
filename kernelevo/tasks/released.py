"""Released solutions: what others published, read in their own layouts; nothing is imported or executed.

Two layouts, and any mix of them below one folder:

- tables (``jsonl``, ``json``, parquet, arrow): one row for each solution, with the level and number of its
  task, the solution's code and, maybe, the reference's;
- Python files with a class ``ModelNew``, named by their task: ``level3/13_Name.py``,
  ``level_3_problem_13_sample_0_kernel.py``, ``kernelbench_3_13/anything.py``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernelevo.errors import BadProgram, BadSetting
from kernelevo.tasks import table_files
from kernelevo.tasks.upstream import broken

# what published sets call the parts of a row; compared without case
_SOLUTION = ("custom_code", "solution_code", "solution", "optimized_code", "kernel_code", "custom_cuda",
             "cuda_code", "kernel", "code")  # fmt: skip
_REFERENCE = (
    "ref_code",
    "reference_code",
    "reference",
    "ref_arch_src",
    "pytorch_code_module",
    "pytorch_code",
)
_LEVEL = ("level_id", "level")
_NUMBER = ("task_id", "problem_id", "task", "problem", "problem_name", "name", "op_name", "id")
_PLACES = (
    re.compile(r"kernelbench[_:](\d)[_/](\d{1,4})(?!\d)"),
    re.compile(r"level[_-]?(\d)(?:[/_-]problem[_-]?|/(?:[^/]*/)*?|_)(\d{1,4})(?!\d)"),
)
_ON_A_GPU = re.compile(
    r"__global__|\bcuda_sources?\b|^\s*(?:import|from)\s+(?:triton|cupy)\b|torch\.cuda\.|\.cuda\(|"
    r"[\"']cuda(?::\d+)?[\"']|\.cu[\"']",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Released:
    """One released solution.

    Args:
        task: name of its task, e.g. ``"kernelbench:3/13"``.
        place: where it was read, e.g. ``"h100.json/17"`` (a row) or ``"level3/13_Net.py"``.
        text: the solution; empty where its makers have none.
        reference: the task's own text as they give it; empty where they do not.
        claims: numbers that they give for it.
    """

    task: str
    place: str
    text: str
    reference: str = ""
    claims: Mapping[str, float] = field(default_factory=dict)

    @property
    def on_a_gpu(self) -> bool:
        """Whether it can only run on a GPU: it holds CUDA or Triton, or moves tensors there."""
        return _ON_A_GPU.search(self.text) is not None


def read_released(folder: Path) -> tuple[list[Released], list[str]]:
    """Return the solutions of a folder, and what could not be read, with the reason.

    Raises:
        BadSetting: if the folder is missing or holds no solution.
    """
    if not folder.is_dir():
        raise BadSetting(f"there is no folder {folder}", now="--from takes a folder of released solutions")
    unread: list[str] = []
    found = [*_from_tables(folder, unread), *_from_files(folder, unread)]
    if not found:
        raise BadSetting(
            f"{folder} holds no solution that can be read",
            why="; ".join(unread[:3]) or "looked for json, jsonl, parquet and for Python files with ModelNew",
            now="rows need level_id, task_id and custom_code; files are named like level3/13_Name.py",
        )
    return found, unread


def _from_tables(folder: Path, unread: list[str]) -> Iterator[Released]:
    for path in table_files.files([folder]):
        name = path.relative_to(folder).as_posix()
        try:
            for number, row in table_files.rows(path):
                place = f"{name}/{number}"
                found = _of_row(row, place) if isinstance(row, Mapping) else f"{place}: {row}"
                if isinstance(found, str):
                    unread.append(found)
                else:
                    yield found
        except BadProgram as error:
            unread.append(f"{name}: {error.what}" + (f" ({error.why})" if error.why else ""))


def _of_row(row: Mapping[str, Any], place: str) -> Released | str:
    given = {str(key).lower(): value for key, value in row.items()}
    if not any(key in given for key in _SOLUTION):
        return f"{place}: no solution (looked for {', '.join(_SOLUTION[:4])} and the like)"
    task = _task(given, place)
    if task is None:
        return f"{place}: it does not say its level and task (level_id, task_id)"
    reference, text = _first(given, _REFERENCE), _first(given, _SOLUTION)
    claims = {
        key: float(value)
        for key, value in given.items()
        if key.startswith("score") or "speedup" in key
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    }
    return Released(task, place, text, reference, claims)


def _task(given: Mapping[str, Any], place: str) -> str | None:
    level, number = (_digits(_any(given, keys)) for keys in (_LEVEL, _NUMBER))
    told = _named(f"{place} {_any(given, _NUMBER)}")
    if number is None:
        return told
    if level is None:
        level = re.search(r"level[_-]?(\d)", place, re.IGNORECASE)
        level = level[1] if level else None
    return f"kernelbench:{level}/{number}" if level else told


def _any(given: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((given[key] for key in keys if given.get(key) is not None), None)


def _first(given: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((v for key in keys if isinstance(v := given.get(key), str) and v.strip()), "")


def _digits(value: Any) -> Any:
    """The number that a text begins with: ``3``, ``"13_Name"``, ``"level_3"``, ``3.0``."""
    found = re.match(r"(?:level[_-]?)?0*(\d{1,4})(?:\.0$|(?!\d))", str(value).strip(), re.IGNORECASE)
    return None if value is None or isinstance(value, bool) or not found else found[1]


def _named(text: str) -> str | None:
    for pattern in _PLACES:
        if found := pattern.search(text):
            return f"kernelbench:{found[1]}/{int(found[2])}"
    return None


def _from_files(folder: Path, unread: list[str]) -> Iterator[Released]:
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder).as_posix()
        task = _named(f"{folder.name}/{place}")
        if task is None:
            continue
        try:
            text = path.read_text("utf-8")
            names = {n.name for n in ast.parse(text).body if isinstance(n, ast.ClassDef)}
        except (OSError, UnicodeDecodeError, SyntaxError, ValueError) as error:
            unread.append(f"{place}: {error}")
            continue
        if "ModelNew" not in names:
            unread.append(f"{place}: no class ModelNew")
            continue
        yield Released(task, place, text, text if not broken(text) else "")
