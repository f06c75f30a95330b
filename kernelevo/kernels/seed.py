"""Seed: the reference itself, written as a program, so that a run's first verdict needs no proposer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernelevo.backends import taskfile
from kernelevo.backends.reference import load_reference
from kernelevo.core import Origin, Program
from kernelevo.errors import CaptureError
from kernelevo.graphs.graphless import advised


def seeds(spec: Mapping[str, Any], news: list[dict[str, Any]]) -> tuple[Program, ...]:
    """Return the reference as a program to start from; none for a live module that has no graph to print.

    Args:
        spec: ``Task.options["reference"]``.
        news: where it is told why there is none, as an evaluator's notice.

    Raises:
        InputError: if the reference cannot be loaded.
    """
    try:
        text = seed_text(spec)
    except CaptureError as error:
        refused = error
    except ValueError as error:
        refused = CaptureError("the module's graph cannot be written down as a program", why=str(error))
    else:
        return (Program.single(text, origin=Origin("seed", "the module as it is")),)
    told = advised(refused)
    news.append({"kind": "graphless", "what": told.what, "why": told.why, "now": told.now})
    return ()


def seed_text(spec: Mapping[str, Any]) -> str:
    """Return a program that does what the reference does, in its own words where they are text.

    Args:
        spec: ``Task.options["reference"]``.

    Raises:
        InputError: if the reference cannot be loaded; CaptureError if a live module has no graph.
    """
    if spec.get("kind") == "source":
        return _as_written(spec)
    from kernelevo.graphs.dispatch import capture_each, print_dispatch

    reference = load_reference(spec)
    captures = capture_each(reference.build(0), reference.input_sets())
    return print_dispatch(captures, header="The module as captured.")


def _as_written(spec: Mapping[str, Any]) -> str:
    """Return the task file with the constants of its size and variant, and ``ModelNew`` beside ``Model``."""
    text, name = str(spec["text"]), str(spec.get("filename") or "task.py")
    size = str(spec.get("size") or taskfile.FULL)
    values = taskfile.overrides(text, size, spec.get("variant"), name)
    entry = str(spec.get("entry") or "Model")
    if size == taskfile.V0 and f"{entry}V0" in taskfile.classes(taskfile.parse(text, name)):
        entry += "V0"
    return f"{taskfile.with_constants(text, values, name)}\n\nModelNew = {entry}\n"
