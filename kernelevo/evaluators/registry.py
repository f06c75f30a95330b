"""Registry: evaluators by name, from a file's function, from an installed entry point, from an adapter."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kernelevo.core import Evaluator, Origin, Program, StagedEvaluator, Task, here, read_tree
from kernelevo.core.objectives import DIRECTIONS
from kernelevo.errors import BadProgram, BadSetting, KernelEvoError, TaskNotFound, closest
from kernelevo.evaluators.catalogue import OURS
from kernelevo.evaluators.foreign import PREFIX, ForeignEvaluator, folder_task, is_folder, read_folder
from kernelevo.evaluators.function import TIME_LIMIT, Function, Plain, as_evaluation
from kernelevo.evaluators.mlebench.competition import is_competition

GROUP = "kernelevo.evaluators"
"""Entry point group in which installed packages offer evaluators."""

Maker = Callable[[Task], Evaluator | StagedEvaluator]
F = TypeVar("F", bound=Plain)
M = TypeVar("M", bound=Maker)

__all__ = ["Entry", "Function", "as_evaluation", "evaluator", "find", "load", "names", "staged", "task_of"]


@dataclass(frozen=True)
class Entry:
    """A registered evaluator.

    Args:
        name: its name.
        make: makes the evaluator of a task.
        seeds: programs to start from.
        function: the plain function behind it, or None.
        goal: the aim in words, from its docstring.
        options: what its task is given in every run, e.g. from which data its scores are; None for nothing.
    """

    name: str
    make: Maker
    seeds: tuple[Program, ...] = ()
    function: Plain | None = None
    goal: str = ""
    options: Callable[[], Mapping[str, Any]] | None = None


_REGISTERED: dict[str, Entry] = {}
_MADE: list[Entry] = []  # all that were made: two files may use one name
Seed = str | Path | Program


def evaluator(
    name: str,
    *,
    seed: Seed | Sequence[Seed] = (),
    language: str = "python",
    time_limit: float | None = TIME_LIMIT,
    better: Mapping[str, str] | None = None,
    goal: str = "",
) -> Callable[[F], F]:
    """Register a plain function as an evaluator.

    The function takes a ``Program`` (or, if its parameter is annotated ``str`` or named ``source``, the
    program's text) and returns an ``Evaluation``, a number (higher is better), or a mapping with the number
    under ``score`` (see ``function.as_evaluation``). It runs the program by ``call``, never by importing it.
    A ``ProgramFailed`` that it lets pass is the program's verdict; so is any other exception.

    Args:
        name: what ``Task.evaluator`` says.
        seed: program to start from, its text, or the path of its file or folder; or several.
        language: of seeds that are given as text.
        time_limit: seconds that judging one program may take; None for no limit.
        better: metric -> ``"higher"`` or ``"lower"``, for those that have a direction.
        goal: the aim in words; the docstring if it is empty.

    Raises:
        BadSetting: for a direction that is neither.
    """
    odd = {metric: way for metric, way in (better or {}).items() if way not in DIRECTIONS}
    if odd:
        raise BadSetting(
            f"the evaluator {name} cannot have better={odd!r}",
            why=f"a metric is better {' or '.join(DIRECTIONS)}",
            now='write e.g. better={"length": "lower"}',
        )  # fmt: skip

    def register(function: F) -> F:
        starts = tuple(_program(one, language) for one in _several(seed))
        words = goal or inspect.getdoc(function) or ""

        def make(task: Task) -> Function:
            return Function(function, starts, time_limit=time_limit, better=better)

        _keep(Entry(name, make, starts, function, words), function)
        return function

    return register


def staged(name: str, *, options: Callable[[], Mapping[str, Any]] | None = None) -> Callable[[M], M]:
    """Register a function that makes an evaluator for a task (one with two stages, usually).

    Args:
        name: what ``Task.evaluator`` says.
        options: what its task is given, asked for when the task is made.
    """

    def register(make: M) -> M:
        _keep(Entry(name, make, goal=inspect.getdoc(make) or "", options=options), make)
        return make

    return register


def _keep(entry: Entry, made: Callable[..., Any]) -> None:
    """Register an entry; one that comes with kernelevo stays what its name means, whoever uses it too."""
    _MADE.append(entry)
    if OURS.get(entry.name, made.__module__) == made.__module__:
        _REGISTERED[entry.name] = entry


def names() -> list[str]:
    """Return every evaluator name that is known: ours, registered ones, installed ones."""
    installed = [e.name for e in importlib.metadata.entry_points(group=GROUP)]
    return sorted({*OURS, *_REGISTERED, *installed})


def find(reference: str) -> Entry:
    """Find an evaluator by name, or as ``file.py:function``, ``folder:PATH`` or ``mlebench:COMPETITION``.

    Raises:
        TaskNotFound: if there is none.
        BadProgram: if its file raises on import.
    """
    if reference.startswith(PREFIX):
        folder = read_folder(reference.removeprefix(PREFIX))
        return Entry(reference, lambda task: ForeignEvaluator(folder), (folder.seed,), None, folder.goal)
    if is_competition(reference):
        from kernelevo.evaluators.mlebench.evaluator import make

        return Entry(reference, make)
    if ":" in reference and reference.rpartition(":")[0].endswith(".py"):
        return _from_file(reference)
    if reference not in _REGISTERED and reference in OURS:
        importlib.import_module(OURS[reference])
    if reference not in _REGISTERED:
        for point in importlib.metadata.entry_points(group=GROUP):
            if point.name == reference:
                return _as_entry(reference, _offered(point))
    if reference not in _REGISTERED:
        raise TaskNotFound(
            f"no evaluator {reference!r}",
            why=closest(reference, names()),
            now="use one of these, or FILE.py:FUNCTION for one of your own: what a notebook or a script "
            "defines, its workers do not know",
        )
    return _REGISTERED[reference]


def task_of(name: str, options: Mapping[str, Any] | None = None) -> Task | None:
    """Return the task of a known evaluator, a foreign folder or a competition; None for any other name.

    Raises:
        InputError, MachineError: see ``read_folder`` and ``read_competition``.
        BadProgram: if the package that offers it raises on import.
        Unwritable: for one whose data come from this machine's secret, if that cannot be kept.
    """
    if is_folder(name):
        return folder_task(name)
    if is_competition(name):
        from kernelevo.evaluators.mlebench.evaluator import competition_task

        return competition_task(name)
    if name not in names():
        return None
    entry = find(name)
    given = {**(entry.options() if entry.options else {}), **(options or {})}
    return Task(name, entry.goal or f"Raise the score of {name}.", entry.seeds, name, given)


def load(task: Task) -> Evaluator | StagedEvaluator:
    """Return the evaluator of a task.

    Raises:
        TaskNotFound: if ``task.evaluator`` names none.
        BadProgram: if its file raises on import.
    """
    return find(task.evaluator).make(task)


def _several(seed: Seed | Sequence[Seed]) -> Sequence[Seed]:
    return [seed] if isinstance(seed, str | Path | Program) else seed


def _program(seed: Seed, language: str) -> Program:
    if isinstance(seed, Program):
        return seed
    if isinstance(seed, Path):
        return read_tree(seed, origin=Origin("seed", seed.name))
    file = "program.py" if language == "python" else f"program.{language}"
    return Program({file: seed}, language, origin=Origin("seed"))


def _as_entry(name: str, loaded: Any) -> Entry:
    for entry in reversed(_MADE):
        if entry.function is loaded or entry.make is loaded:
            return entry
    if not callable(loaded):
        raise BadProgram(f"{name} is not a function", now="name a function that takes a program")
    return Entry(name, lambda task: Function(loaded), (), loaded, inspect.getdoc(loaded) or "")


def _offered(point: importlib.metadata.EntryPoint) -> Any:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise BadProgram(
            f"the package that offers {point.name} cannot be imported",
            why=f"{type(error).__name__}: {error}",
            now=f"mend or reinstall it; it says that {point.name} is {point.value}",
        ) from error


def _from_file(reference: str) -> Entry:
    path_text, _, function = reference.rpartition(":")
    path = here(Path(os.path.expanduser(path_text)).resolve())
    if not os.path.isfile(path):
        raise TaskNotFound(f"no such file: {path_text}", now="give the path of a Python file")
    state = path.stat()  # a file that was edited is read again, as by a fresh process
    stamp = f"{path} {state.st_mtime_ns} {state.st_size}".encode(errors="replace")
    name = f"kernelevo_evaluator_{path.stem}_{hashlib.sha256(stamp).hexdigest()[:16]}"
    module = sys.modules.get(name)
    if module is None:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None  # the path is a .py file
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            # what it prints is talk: stdout carries data
            with _among_its_neighbours(path.parent), contextlib.redirect_stdout(sys.stderr):
                spec.loader.exec_module(module)
        except KernelEvoError:  # it says what, why and what now
            del sys.modules[name]
            raise
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise BadProgram(
                f"{path_text} raises {type(error).__name__} when it is imported",
                why=str(error),
                now="run it with python to see the whole traceback",
            ) from error
    if not hasattr(module, function):
        public = [k for k, v in vars(module).items() if callable(v) and not k.startswith("_")]
        raise TaskNotFound(
            f"{path_text} has no function {function!r}",
            why=closest(function, public),
            now="name one of its functions: FILE.py:FUNCTION",
        )
    return _as_entry(reference, getattr(module, function))


@contextlib.contextmanager
def _among_its_neighbours(folder: Path) -> Iterator[None]:
    """Let a file import what lies beside it, as it can where Python runs it.

    Afterwards the folder is the last place to look in: a function that imports its neighbour when it is
    called finds it there, and nobody else finds a file of the user's in the place of a module.
    """
    place = str(folder)
    known = place in sys.path
    if not known:
        sys.path.insert(0, place)
    try:
        yield
    finally:
        if not known:
            with contextlib.suppress(ValueError):
                sys.path.remove(place)
            sys.path.append(place)
