"""From a task name to a Task: plain data, read without importing torch or the task file."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernelevo.core import Task
from kernelevo.errors import BadSetting, TaskNotFound, closest
from kernelevo.tasks import library, literals
from kernelevo.tasks.names import TaskName, resolve
from kernelevo.tasks.objectives import declared

POLICIES = ("any", "no-aten")
FULL = "full"
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


def load_task(
    name: str,
    *,
    size: str | None = None,
    device: str = "cpu",
    policy: str = "any",
    folder: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Task:
    """Load a task by the name a user types.

    Args:
        name: see ``kernelevo.tasks.names.resolve``.
        size: ``"full"`` or a key of the file's ``SIZES``; None means ``small`` on a CPU where the file
            has it, else ``full``.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
        policy: ``"any"``, or ``"no-aten"`` (no PyTorch compute apart from the launcher).
        folder: where relative paths start; the current folder if None.
        options: more plain data for the evaluator, laid over ours.

    Raises:
        TaskNotFound: no such task, file, class, function or variant.
        BadProgram: the file is not readable Python.
        BadSetting: a size, device or policy that does not exist.
    """
    check_settings(device, policy)
    resolved = resolve(name, folder=folder)
    if resolved.kind == "evaluator":
        return _evaluator_task(resolved, options or {})
    return _module_task(resolved, size, device, policy, options or {})


def check_settings(device: str, policy: str) -> None:
    """Refuse an unknown device or policy with a BadSetting that lists the known ones."""
    if policy not in POLICIES:
        raise BadSetting(f"Unknown policy {policy!r}.", why=closest(policy, POLICIES), now="use one of these")
    if not _DEVICE.fullmatch(device):
        raise BadSetting(
            f"Unknown device {device!r}.", why="known: cpu, cuda, cuda:N", now="use one of these"
        )


def _evaluator_task(resolved: TaskName, options: Mapping[str, Any]) -> Task:
    """The evaluator brings its own seeds; the room of evaluators loads it by this reference."""
    if resolved.variant is not None:
        raise TaskNotFound(
            f"{resolved.symbol} in {resolved.path} has no variant {resolved.variant!r}.",
            why="it is an evaluator: variants are those of a PyTorch module's file",
            now="leave out the part from '@'",
        )
    tree = ast.parse(resolved.path.read_text(encoding="utf-8-sig"))
    goal = _stated_goal(tree, resolved.symbol)
    goal = goal or f"Raise the score that {resolved.symbol} in {resolved.path.name} gives."
    given = {**declared(tree), **options}
    return Task(resolved.name, goal, (), f"{resolved.path}:{resolved.symbol}", given)


def _stated_goal(tree: ast.Module, symbol: str) -> str:
    """Return the aim of an evaluator in words: what @evaluator is given as goal, or else the docstring."""
    doc, made = "", list(literals.values(tree, symbol))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == symbol:
            doc, made = ast.get_docstring(node) or "", [*node.decorator_list]
    parts = [part for whole in made for part in ast.walk(whole)]
    for part in parts:
        if isinstance(part, ast.keyword) and part.arg == "goal":
            return inspect.cleandoc(literals.text(tree, part.value) or doc)
    return doc


def _module_task(
    resolved: TaskName, size: str | None, device: str, policy: str, options: Mapping[str, Any]
) -> Task:
    text = resolved.path.read_text(encoding="utf-8-sig")
    tree = ast.parse(text)
    sizes = tables(tree, "SIZES")
    _needs_inputs(resolved, tree)
    known = {FULL, *sizes}
    if any(isinstance(node, ast.ClassDef) and node.name == "ModelV0" for node in tree.body):
        known.add("v0")  # another class at, maybe, the same constants
    chosen = size or ("small" if device == "cpu" and "small" in sizes else FULL)
    if chosen not in known:
        raise BadSetting(
            f"{resolved.name} has no size {chosen!r}.",
            why=closest(chosen, known),
            now="use one of these",
        )
    variants = tables(tree, "VARIANTS")
    if resolved.variant is not None and resolved.variant not in variants:
        raise TaskNotFound(
            f"{resolved.name.rpartition('@')[0]} has no variant {resolved.variant!r}.",
            why=closest(resolved.variant, variants),
            now="leave out the part from '@', or use one of these",
        )
    spec = {
        "kind": "source",
        "text": text,
        "filename": _label(resolved),
        "size": chosen,
        "variant": resolved.variant,
        "entry": resolved.symbol,
    }
    goal = _goal(resolved, ast.get_docstring(tree) or "", chosen, device, policy)
    return Task(
        resolved.name,
        goal,
        (),
        "kernel",
        {"reference": spec, "device": device, "size": chosen, "policy": policy, **declared(tree), **options},
    )


def _label(resolved: TaskName) -> str:
    """A bundled file's label is the same on every machine, so that verdicts may be compared."""
    if resolved.kind == "bundled":
        return library.find(resolved.name.partition("@")[0]).label
    return str(resolved.path)


def tables(tree: ast.Module, name: str) -> dict[str, dict[str, Any]]:
    """Return a table of overrides (``SIZES``, ``VARIANTS``) from a task file's syntax tree.

    A foreign file may use the same name for something else: only a table of tables counts, else there is
    none.

    Raises:
        BadSetting: if the table holds anything but literals.
    """
    for value in literals.values(tree, name):
        if not isinstance(value, ast.Dict) or not all(isinstance(v, ast.Dict) for v in value.values):
            continue
        try:
            table: dict[str, dict[str, Any]] = ast.literal_eval(value)
        except (ValueError, TypeError) as error:
            raise BadSetting(
                f"{name} in line {value.lineno} of the task file is not a literal table.",
                why=f'expected {name} = {{"name": {{"CONSTANT": value}}}}; {error}',
                now="write the values as plain literals",
            ) from error
        return table
    return {}


def _needs_inputs(resolved: TaskName, tree: ast.Module) -> None:
    names = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    if "get_inputs" not in names:
        raise TaskNotFound(
            f"{resolved.path} defines {resolved.symbol!r} but no function get_inputs().",
            why="a module is judged on inputs that its file draws: get_inputs() returns a list of tensors",
            now="add get_inputs() (and get_init_inputs() if the constructor takes arguments), "
            "or call kernelevo.optimize(module, inputs) from Python",
        )


def _goal(resolved: TaskName, doc: str, size: str, device: str, policy: str) -> str:
    about = doc or f"the module {resolved.symbol} of {resolved.path.name}"
    rule = (
        "Every tensor operation must be done by your own kernels; PyTorch may only allocate and launch."
        if policy == "no-aten"
        else "Use any mix of your own kernels and PyTorch."
    )
    return (
        f"Make this PyTorch module faster on {device} at size {size!r}, with the same results "
        f"(within 1e-5 of an fp64 evaluation), parameters and side effects.\n{rule}\n\n{about}"
    )
