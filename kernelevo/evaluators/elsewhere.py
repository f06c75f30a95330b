"""Elsewhere: programs go out as files, verdicts come back as lines; another machine judges.

A run without the device leaves each program in a folder. On the machine that has it, ``kernelevo check FOLDER
TASK`` appends one line for each program to ``checked.jsonl`` in that folder; copied back, or imported with
``kernelevo resume RUN --import FILE``, the lines become the run's verdicts. Each names the machine and the
version that judged it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kernelevo.core import ENTRY, Evaluation, Fault, Program, Task
from kernelevo.errors import BadProgram, BadSetting, SandboxError

RESULTS = "checked.jsonl"
_LOOK = 0.5
"""Seconds between two looks at the results."""
_NAME = 16
"""Digits of a program's id in its file's name."""
_LEFT = re.compile(r"[0-9a-f]{16}")
_LANGUAGES = {".py": "python", ".cc": "cpp", ".cxx": "cpp", ".cu": "cuda"}


@dataclass(frozen=True)
class Line:
    """One program's result as it stands in a file.

    Args:
        program: what was judged.
        task: name of the task.
        digest: hash of all that a verdict depends on (evaluator and options of the task).
        evaluation: the verdict, or None.
        fault: what broke, or None.
        machine: plain facts: where, when and by which version it was judged.
    """

    program: Program
    task: str
    digest: str
    evaluation: Evaluation | None = None
    fault: Fault | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain data."""
        return {
            "program": self.program.id,
            "files": dict(self.program.files),
            "language": self.program.language,
            "task": self.task,
            "digest": self.digest,
            "status": str(self.evaluation.status) if self.evaluation else None,
            "verdict": self.evaluation.to_json() if self.evaluation else None,
            "fault": self.fault.to_json() if self.fault else None,
            "machine": dict(self.machine),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Line:
        """Rebuild a line.

        Raises:
            ValueError, KeyError, TypeError: if it is none, or the program is not the one it names.
        """
        program = Program(dict(data["files"]), data["language"])
        if program.id != data["program"]:
            raise ValueError("the program's text is not the one that was judged")
        verdict, fault = data["verdict"], data["fault"]
        if (verdict is None) == (fault is None):
            raise ValueError("it needs a verdict or a fault, not both, not none")
        return cls(
            program,
            data["task"],
            data["digest"],
            Evaluation.from_json(verdict) if verdict else None,
            Fault.from_json(fault) if fault else None,
            data["machine"],
        )

    def told(self) -> Evaluation | None:
        """The verdict with where it is from among its metrics."""
        if self.evaluation is None:
            return None
        from_ = {f"judged_{name}": value for name, value in self.machine.items() if value is not None}
        return replace(self.evaluation, metrics={**self.evaluation.metrics, **from_})


def write_program(folder: Path, program: Program) -> Path:
    """Leave a program in a folder, in one step; one that is there already stays.

    Returns:
        Its file; for one of several files its folder.
    """
    name = program.id[:_NAME]
    if list(program.files) == [ENTRY]:
        path = folder / f"{name}.py"
        if not path.exists():
            partial = folder / f".{path.name}.{os.getpid()}"
            partial.write_text(program.source, encoding="utf-8", newline="")
            partial.replace(path)
        return path
    tree = folder / name
    if not tree.exists():
        partial = folder / f".{name}.{os.getpid()}"
        for inside, text in program.files.items():
            target = partial / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="")
        partial.replace(tree)
    return tree


def programs_in(folder: Path) -> list[tuple[Path, Program]]:
    """Return the programs of a folder, by name.

    They are each Python file, each folder with a ``program.py``, and what :func:`write_program` left of
    programs in other languages.

    Raises:
        BadProgram: if the folder or one of them cannot be read as text, or there is none.
    """
    found = []
    try:
        for path in sorted(folder.iterdir()):
            if path.name.startswith((".", "_")):
                continue
            if path.suffix == ".py" and path.is_file():
                found.append((path, _named({ENTRY: _text(path)}, path.stem)))
            elif path.is_dir() and ((path / ENTRY).is_file() or _LEFT.fullmatch(path.name)):
                files = [p for p in sorted(path.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
                if not files:
                    continue
                program = _named({str(p.relative_to(path)): _text(p) for p in files}, path.name)
                if ENTRY in program.files or program.id[:_NAME] == path.name:
                    found.append((path, program))
    except OSError as error:
        raise BadProgram(
            f"{folder} cannot be read.", why=str(error), now="check the path and who may read it"
        ) from error
    if not found:
        raise BadProgram(
            f"{folder} holds no programs.",
            why=f"looked for *.py, for folders with a {ENTRY}, and for what a run with --elsewhere left",
            now="name a folder of programs, or one file",
        )
    return found


def _named(files: Mapping[str, str], name: str) -> Program:
    """Return the program of these files whose id begins with a name; a person's, by the suffix of its entry.

    Neither a file nor a folder tells the language, which belongs to the id.
    """
    suffix = Path(ENTRY if ENTRY in files else next(iter(files))).suffix
    own = suffix.removeprefix(".") or "text"
    languages = dict.fromkeys([_LANGUAGES.get(suffix, own), own, "python", "cpp"])
    guesses = (Program(files, language) for language in languages)
    left = next((guess for guess in guesses if guess.id[:_NAME] == name), None)
    plain = {path: text.removeprefix("\ufeff") for path, text in files.items()}  # some editors' mark
    return left or Program(plain, next(iter(languages)))


def lines_of(file: Path, damaged: Callable[[int, str], None]) -> Iterator[Line]:
    """Return the results of a file, as far as they can be read.

    Args:
        file: with one JSON object a line; a file that is not there holds none.
        damaged: called with the number of a line that cannot be read, and why.

    Raises:
        BadSetting: if the file cannot be read as text.
    """
    try:
        text = file.read_text("utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(
            f"the results {file} cannot be read.", why=str(error), now="check the path and who may read it"
        ) from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield Line.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                damaged(number, f"{type(error).__name__}: {error}")


def append(file: Path, line: Line) -> None:
    """Add a result; afterwards nothing can lose it. A last line that was cut off is ended first."""
    with file.open("ab+") as handle:
        handle.seek(0, os.SEEK_END)
        if handle.tell():
            handle.seek(-1, os.SEEK_END)
            if handle.read(1) != b"\n":
                handle.write(b"\n")
        handle.write(json.dumps(line.to_json()).encode() + b"\n")
        handle.flush()
        os.fsync(handle.fileno())


class Elsewhere:
    """An evaluator that leaves programs in a folder and waits for their verdicts.

    Args:
        folder: made if missing.
        task: what is judged; only results with its digest count.
        sleep: how to wait.

    Raises:
        BadSetting: if the folder cannot be made.
    """

    def __init__(self, folder: Path, task: Task, *, sleep: Callable[[float], None] = time.sleep) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(
                f"the folder {folder} cannot be made.",
                why=str(error),
                now="choose a folder that you may write to",
            ) from error
        self.folder, self._task, self._sleep = folder, task, sleep
        self._known: dict[str, Line] = {}
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def __call__(self, program: Program) -> Evaluation:
        """Return the verdict, however long it takes to come.

        Raises:
            SandboxError: if the other machine broke while it judged this program.
        """
        write_program(self.folder, program)
        while not self._closed:
            line = self._look().get(program.id)
            if line is not None:
                verdict = line.told()
                if verdict is not None:
                    return verdict
                said = line.fault.message if line.fault else ""
                raise SandboxError(f"the other machine failed: {said}", now="check the program there again")
            self._sleep(_LOOK)
        raise SandboxError("the run ended before the verdict came")

    def close(self) -> None:
        """Let everybody who waits go."""
        self._closed = True

    def _look(self) -> Mapping[str, Line]:
        """Read the results again if they changed; the last line of a program counts."""
        file = self.folder / RESULTS
        with self._lock:
            try:
                status = file.stat()
            except FileNotFoundError:
                return self._known
            stamp = (status.st_size, status.st_mtime_ns)
            if stamp != self._stamp:
                self._stamp = stamp
                fitting = (
                    line for line in lines_of(file, lambda n, why: None) if line.digest == self._task.digest
                )
                self._known = {line.program.id: line for line in fitting}
            return self._known


_OPEN: dict[str, Elsewhere] = {}
"""By the task's digest: the folder of the run of this process that waits for verdicts on it."""


@contextlib.contextmanager
def relayed(folder: Path, task: Task) -> Iterator[None]:
    """Let :func:`relay` answer for a task, by way of a folder, as long as the block lasts.

    Raises:
        BadSetting: if the folder cannot be made.
    """
    judge = _OPEN[task.digest] = Elsewhere(folder, task)
    try:
        yield
    finally:
        judge.close()
        _OPEN.pop(task.digest, None)


def relay(task: Task) -> Callable[[Program], Evaluation]:
    """Return the evaluator of a task that is judged elsewhere; what an engine's workers load."""

    def judge(program: Program) -> Evaluation:
        return _OPEN[task.digest](program)

    return judge


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BadProgram(
            f"{path} cannot be read as text", why=str(error), now="programs are files in UTF-8; write it anew"
        ) from error
