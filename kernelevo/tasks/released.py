"""Released solutions: what others published, read in their own layouts; nothing is imported or executed.

Two layouts, and any mix of them below one folder:

- tables (``jsonl``, ``json``, parquet, arrow): one row for each solution, with the level and number of its
  task, the solution's code and, maybe, the reference's;
- Python files with a class ``ModelNew``, named by their task: ``level3/13_Name.py``,
  ``level_3_problem_13_sample_0_kernel.py``, ``kernelbench_3_13/anything.py``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernelevo.errors import BadProgram, BadSetting
from kernelevo.tasks import table_files
from kernelevo.tasks.upstream import broken, spelled, writable

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
# what a value may look like: 3, 3.0, "level_3"; 13, 13.0, "013", "13_Name"
_AS_LEVEL = re.compile(r"(?:level[\s_-]?)?0*(\d{1,4})(?:\.0)?$", re.IGNORECASE | re.ASCII)
_AS_NUMBER = re.compile(r"0*(\d{1,4})(?:\.0)?(?:_|$)", re.ASCII)
_LEVEL_IN_PATH = re.compile(r"level[_-]?(\d)(?!\d)", re.IGNORECASE | re.ASCII)
_PLACES = (
    re.compile(r"kernelbench[_:](\d)[_/](\d{1,4})(?!\d)", re.IGNORECASE | re.ASCII),
    re.compile(r"level[_-]?(\d)(?:[/_-]problem[_-]?|_)(\d{1,4})(?![\da-z])", re.IGNORECASE | re.ASCII),
)
_LEVEL_OF_PATH = re.compile(r"level[_-]?(\d)(?!\d)[^/]*/(.+)", re.IGNORECASE | re.ASCII)
_TITLED = re.compile(r"(\d{1,4})_[a-z]", re.IGNORECASE | re.ASCII)  # 13_DenseNet121TransitionLayer
_NUMBERED = re.compile(r"(\d{1,4})(?![\da-z])", re.IGNORECASE | re.ASCII)
_MODEL_NEW = re.compile(
    r"^[ \t]*(?:class\s+ModelNew\b|ModelNew\s*[:=]|(?:from|import)\b.*\bModelNew\b)", re.MULTILINE
)
_LARGEST = 1e300  # of the numbers that makers give: a whole number may be beyond what a float can hold
_ON_A_GPU = re.compile(
    r"__global__|\bcuda_sources?\b|torch\.cuda\.|\.cuda\(|"
    r"^\s*(?:import|from)\s+(?:triton|cupy|pycuda|cutlass|tilelang|cuda)\b|"
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
    if folder.is_file():
        raise BadSetting(
            f"{folder} is a file", why="--from takes a folder", now="give the folder that the file lies in"
        )
    if not folder.is_dir():
        raise BadSetting(f"there is no folder {folder}", now="--from takes a folder of released solutions")
    unread: list[str] = []
    whole = Path(os.path.abspath(folder))  # "." has no name, and a name may say the level
    found = [*_from_tables(whole, unread), *_from_files(whole, unread)]
    if not found:
        raise BadSetting(
            f"{folder} holds no solution that can be read",
            why="; ".join(unread[:3]) or "looked for json, jsonl, parquet and for Python files with ModelNew",
            now="rows need level_id, task_id and custom_code; files are named like level3/13_Name.py",
        )
    return found, unread


def _from_tables(folder: Path, unread: list[str]) -> Iterator[Released]:
    for path in table_files.below(folder):
        name = spelled(path.relative_to(folder).as_posix())
        try:
            for number, row in table_files.rows(path):
                place = f"{name}/{number}"
                if not isinstance(row, Mapping):
                    unread.append(f"{place}: {row}")
                    continue
                found = _of_row(row, place, f"{folder.name}/{name}")
                if isinstance(found, str):
                    unread.append(f"{place}: {found}")
                else:
                    yield found
        except BadProgram as error:
            unread.append(f"{name}: {error.what}" + (f" ({error.why})" if error.why else ""))


def _of_row(row: Mapping[str, Any], place: str, file: str) -> Released | str:
    """Return the solution of a row, or why it is none.

    Args:
        row: as it is in its file.
        place: of the row.
        file: path of its file, which may say what the row does not.
    """
    given = {str(key).lower(): value for key, value in row.items()}
    if not any(key in given for key in _SOLUTION):
        return f"no solution (looked for {', '.join(_SOLUTION[:4])} and the like)"
    task = _task(given, file)
    if task is None:
        return "it does not say its level and task (level_id, task_id)"
    reference, text = _first(given, _REFERENCE), _first(given, _SOLUTION)
    if writable(reference + text) != reference + text:
        return "half a surrogate pair stands in its text, which no file can hold"
    if text and not _MODEL_NEW.search(text):
        return "its solution has no class ModelNew (a kernel alone, without the module around it?)"
    claims = {
        writable(key): float(value)
        for key, value in given.items()
        if key.startswith("score") or "speedup" in key
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
    }
    return Released(task, place, text, reference, claims)


def _task(given: Mapping[str, Any], file: str) -> str | None:
    """Return the task that a row names; where it does not, the one that its file's path names."""
    levels = (_whole(_AS_LEVEL, given.get(key)) for key in _LEVEL)
    level = next(filter(None, (*levels, *reversed(_LEVEL_IN_PATH.findall(file)))), None)
    for value in map(given.get, _NUMBER):
        if isinstance(value, str) and (task := _named(value)):
            return task
        number = _whole(_AS_NUMBER, value)
        if level and number:
            return f"kernelbench:{level}/{number}"
    return _named(file)


def _first(given: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((v for key in keys if isinstance(v := given.get(key), str) and v.strip()), "")


def _whole(pattern: re.Pattern[str], value: Any) -> str | None:
    """Return the number in a value, without leading zeros; None if it is not of the pattern."""
    found = None if isinstance(value, bool) else pattern.match(str(value).strip())
    return found[1] if found else None


def _named(text: str) -> str | None:
    """Return the task that a path or a text names; None if it names none, or more than one."""
    for pattern in _PLACES:
        if found := pattern.search(text):
            return f"kernelbench:{found[1]}/{int(found[2])}"
    found = _LEVEL_OF_PATH.search(text)
    if found is None:
        return None
    parts = found[2].split("/")
    titled = {int(match[1]) for part in parts if (match := _TITLED.match(part))}
    if len(titled) > 1:  # 7_samples/13_Net.py, 13_Net/1_kernel.py: which is meant cannot be told
        return None
    plain = [int(match[1]) for part in parts if (match := _NUMBERED.match(part))]
    numbers = [*titled, *plain]
    return f"kernelbench:{found[1]}/{numbers[0]}" if numbers else None


def _from_files(folder: Path, unread: list[str]) -> Iterator[Released]:
    for path in sorted(folder.rglob("*.py")):
        if any(name.startswith(".") for name in path.relative_to(folder).parts):
            continue  # copies that editors keep
        place = spelled(path.relative_to(folder).as_posix())
        task = _named(f"{folder.name}/{place}")
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            if task is not None:
                unread.append(f"{place}: {error}")
            continue
        solves = _MODEL_NEW.search(text) is not None
        if task is not None and solves:
            yield Released(task, place, text, text if not broken(text) else "")
        elif task is not None:
            unread.append(f"{place}: no class ModelNew")
        elif solves:
            unread.append(
                f"{place}: its path names no task, or two (looked for level3/13_Name.py and the like)"
            )
