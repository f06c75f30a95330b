"""Folders of other systems, unchanged: an evaluator with ``evaluate(path)`` and a program to start from.

Two forms are read. OpenEvolve's: ``initial_program.*``, ``evaluator.py``, perhaps ``config.yaml`` (its
``evaluator.timeout``, ``cascade_evaluation``, ``cascade_thresholds``, ``prompt.system_message`` and
``database.feature_dimensions`` hold) and stages ``evaluate_stage1`` and so on. Where it returns no
``combined_score``, its fitness is the mean of the numbers that are no feature dimensions: that is the score
then, and the feedback says so. FM Agent's: ``init.*`` and ``evaluator.py`` whose result has ``validity``,
``combined_score`` and ``error_info``.

The foreign evaluator runs in a process of its own, without keys, with a time limit, and is killed with all
that it started. What it says is believed: such evaluators import the candidate, so a candidate may forge a
score; ``kernelevo audit`` shows how far.
"""

from __future__ import annotations

import ast
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.core import Evaluation, Origin, Program, Status, Task, here
from kernelevo.errors import BadProgram, TaskNotFound, ToolchainMissing
from kernelevo.evaluators import foreign_child
from kernelevo.evaluators.foreign_child import mean_of, score_of
from kernelevo.evaluators.function import as_evaluation, case_scores
from kernelevo.evaluators.own_process import ask

PREFIX = "folder:"
EVALUATOR = "evaluator.py"
_SEEDS = ("initial_program", "init")
_TIMEOUT = 300.0
_THRESHOLDS = (0.5, 0.75, 0.9)
_FEATURES = ("complexity", "diversity")  # those of OpenEvolve where a folder names none
_BESIDE = {".bak", ".cfg", ".ini", ".json", ".log", ".md", ".orig", ".pyc", ".toml", ".txt", ".yaml", ".yml"}
"""Suffixes of what may lie beside a program under its name."""
_LANGUAGES = {".py": "python", ".cc": "cpp", ".cxx": "cpp"}


@dataclass(frozen=True)
class Folder:
    """What a foreign folder says.

    Args:
        path: where it is.
        seed: the program to start from.
        goal: the aim in words.
        timeout: seconds for judging one program.
        cascade: whether stages are used where there are any.
        thresholds: what a stage's score has to reach.
        features: metrics that describe a program and enter no mean.
    """

    path: Path
    seed: Program
    goal: str
    timeout: float = _TIMEOUT
    cascade: bool = True
    thresholds: tuple[float, ...] = _THRESHOLDS
    features: tuple[str, ...] = _FEATURES


def is_folder(name: str) -> bool:
    """Return whether a name is that of a foreign folder."""
    return os.path.isfile(os.path.join(os.path.expanduser(name), EVALUATOR))


def read_folder(name: str) -> Folder:
    """Read a foreign folder; nothing in it is executed.

    Raises:
        TaskNotFound: if it has no evaluator, or no program to start from.
        BadProgram: if its configuration cannot be read, or its evaluator has no function ``evaluate``.
        ToolchainMissing: if it has a configuration and PyYAML is not installed.
    """
    path = here(Path(os.path.expanduser(name)).resolve())
    if not os.path.isfile(path / EVALUATOR):
        raise TaskNotFound(f"{path} has no {EVALUATOR}", now="name a folder with an evaluator and a program")
    _refuse_without_evaluate(path / EVALUATOR)
    found = _beginnings(path)
    if not found:
        raise TaskNotFound(
            f"{path} has no program to start from",
            why="looked for initial_program.* (OpenEvolve) and init.* (FM Agent)",
            now=f"put one beside {EVALUATOR}",
        )
    config = _configuration(path)
    section, prompt, database = (_mapping(config.get(name)) for name in ("evaluator", "prompt", "database"))
    features = database.get("feature_dimensions", _FEATURES)
    goal = str(prompt.get("system_message") or _docstring(path / EVALUATOR) or _docstring(found[0]))
    try:
        timeout = float(section.get("timeout", _TIMEOUT))
        if not timeout > 0:
            raise ValueError(f"a timeout of {timeout:g} s")
        thresholds = tuple(float(bar) for bar in section.get("cascade_thresholds", _THRESHOLDS))
    except (TypeError, ValueError) as error:
        raise BadProgram(
            f"{path / 'config.yaml'} cannot be used",
            why=f"evaluator: {error}",
            now="correct its evaluator section, or take it out",
        ) from error
    return Folder(
        path, _seed(found[0]), goal or f"Raise the combined_score that {EVALUATOR} gives.", timeout,
        bool(section.get("cascade_evaluation", True)), thresholds,
        tuple(map(str, features)) if isinstance(features, list | tuple) else _FEATURES,
    )  # fmt: skip


def folder_task(name: str) -> Task:
    """Return the task of a foreign folder; raises as :func:`read_folder`."""
    folder = read_folder(name)
    return Task(folder.path.name, folder.goal, (folder.seed,), f"{PREFIX}{folder.path}")


def named(task: Task) -> str:
    """Return what names a task on a command line: its name, or the path of a foreign folder."""
    return task.evaluator.removeprefix(PREFIX) if task.evaluator.startswith(PREFIX) else task.name


class ForeignEvaluator:
    """Judges programs by a foreign folder's evaluator.

    Args:
        folder: what the folder says.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def seeds(self) -> tuple[Program, ...]:
        """Return the program to start from."""
        return (self.folder.seed,)

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program in a process of the foreign evaluator."""
        suffix = Path(next(iter(self.folder.seed.files))).suffix
        with tempfile.TemporaryDirectory(prefix="kernelevo-foreign-", ignore_cleanup_errors=True) as place:
            try:
                file = _laid_down(program, Path(place), f"program{suffix}")
            except ValueError as error:
                return Evaluation(Status.BUILD_FAILED, None, {}, str(error))
            order = {
                "folder": str(self.folder.path),
                "program": str(file),
                "parent": os.getpid(),
                "cascade": self.folder.cascade,
                "thresholds": list(self.folder.thresholds),
            }
            answer = ask(foreign_child.__file__, order, cwd=self.folder.path, timeout=self.folder.timeout)
            printed = answer.printed.replace(place, ".")
        return _verdict(answer.said, answer.how, printed, self.folder)


def _laid_down(program: Program, place: Path, name: str) -> Path:
    """Write a program's files into a folder and return the path of its entry, which is called ``name`` there.

    Raises:
        ValueError: if it has several files and none is the entry.
    """
    entry = name if name in program.files else program.entry
    for path, text in program.files.items():
        file = place / (name if path == entry else path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", errors="replace")
    return place / name


def _verdict(said: dict[str, Any] | None, how: str, printed: str, folder: Folder) -> Evaluation:
    artifacts = {"output": printed} if printed.strip() else {}
    if said is None:
        if how == "timeout":
            return Evaluation(
                Status.TIMED_OUT, None, {}, f"no verdict within {folder.timeout:g} s", artifacts
            )
        return Evaluation(Status.CRASHED, None, {}, f"the evaluator's process ended: {how}", artifacts)
    artifacts |= {str(k): str(v) for k, v in _mapping(said.get("artifacts")).items()}
    if "raised" in said:
        return Evaluation(Status.CRASHED, None, {}, f"evaluating raises {said['raised']}", artifacts)
    metrics = _mapping(said.get("metrics"))
    error = next((metrics.pop(k) for k in ("error_info", "error") if _complains(metrics.get(k))), "")
    if "tests" in metrics and case_scores(metrics["tests"]) is None:
        metrics["their tests"] = metrics.pop("tests")  # a word of ours, which means something else here
    invalid = "validity" in metrics and not (
        isinstance(metrics["validity"], int | float) and metrics["validity"] > 0
    )
    score, note = score_of(metrics), ""
    stages, ran = (n if isinstance(n := said.get(key), int) else 0 for key in ("stages", "ran"))
    text = f"stopped after stage {ran} of {stages}"
    if score is None and {"combined_score", "score"} & set(metrics):
        given = metrics.get("combined_score", metrics.get("score"))
        error = error or f"{_lacking(metrics)}: {given!r}"
    elif score is None and ran < stages:
        error = error or f"{text}: below the bar of that stage"
    elif score is None:
        score = mean_of(metrics, folder.features)
        note = f"{_lacking(metrics)}: the score is the mean of the numbers, as in OpenEvolve"
        error = error or ("" if score is not None else f"{_lacking(metrics)}, and no number")
    words = error if isinstance(error, str) else json.dumps(error)
    if invalid or error:
        score, words = None, words or "the evaluator says that the program is not valid"
    words = words or note
    for name in ("combined_score", "score"):
        metrics.pop(name, None)
    verdict = as_evaluation({"score": score, "feedback": words, "metrics": metrics, "artifacts": artifacts})
    if ran >= stages or verdict.score is None:
        return verdict
    return Evaluation(
        verdict.status, verdict.score, {**verdict.metrics, "stage": ran}, text, verdict.artifacts, "rough"
    )


def _lacking(metrics: Mapping[str, Any]) -> str:
    named = ", ".join(sorted(metrics)) or "nothing"
    return f"no combined_score among what the evaluator returned ({named})"


def _mapping(given: Any) -> dict[str, Any]:
    """Return a mapping of what a candidate may have written itself; an empty one for anything else."""
    return dict(given) if isinstance(given, dict) else {}


def _complains(value: Any) -> bool:
    """Whether what stands under "error" says that something failed: a number there is a measured one."""
    return bool(value) and (isinstance(value, bool) or not isinstance(value, int | float))


def _refuse_without_evaluate(file: Path) -> None:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise BadProgram(f"{file} cannot be read as Python", why=str(error), now="correct it") from error
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            bound |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    if not bound & {"evaluate", "evaluate_stage1", "*"}:
        raise BadProgram(
            f"{file} defines no function evaluate",
            why="it is called with the path of a program, and returns a mapping with combined_score",
            now="define it: def evaluate(program_path)",
        )


def _beginnings(path: Path) -> list[Path]:
    """Return the files that a search may start from: Python first, then other languages, then the rest."""
    files = [file for stem in _SEEDS for file in sorted(path.glob(f"{stem}.*")) if file.is_file()]
    return sorted(files, key=lambda file: (file.suffix != ".py", file.suffix in _BESIDE))


def _configuration(path: Path) -> dict[str, Any]:
    file = next((path / name for name in ("config.yaml", "config.yml") if (path / name).is_file()), None)
    if file is None:
        return {}
    try:
        import yaml
    except ImportError as error:
        raise ToolchainMissing(f"reading {file} needs PyYAML", now="pip install pyyaml") from error
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadProgram(f"{file} cannot be read", why=str(error), now="check who may read it") from error
    return found if isinstance(found, dict) else {}


def _docstring(file: Path) -> str:
    try:
        return ast.get_docstring(ast.parse(file.read_bytes())) or ""
    except (OSError, SyntaxError, ValueError):
        return ""


def _seed(file: Path) -> Program:
    language = _LANGUAGES.get(file.suffix, file.suffix.removeprefix(".") or "text")
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadProgram(f"{file} cannot be read as text", why=str(error), now="write it as UTF-8") from error
    return Program({f"program{file.suffix}": text}, language, origin=Origin("seed", file.name))
