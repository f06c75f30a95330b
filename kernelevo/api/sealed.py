"""Opening what a run's search never saw: a sealed test, or private cases; once, and recorded."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from kernelevo.api.result import Result
from kernelevo.core import Program
from kernelevo.errors import BadSetting, StoreError, refused
from kernelevo.evaluators import load
from kernelevo.evaluators.secret import machine_secret

SEALED = "sealed.json"


def unseal(run: str) -> dict[str, Any]:
    """Judge a finished run's best program on what was kept from its search, and record the answer.

    The answer goes to the person and to ``sealed.json`` in the run's folder; no part of the engine reads
    that. Asked again, the recorded answer is returned: the seal is broken once.

    Args:
        run: folder, name or ``@last``.

    Returns:
        plain data: ``opened`` (seconds since the epoch), ``trial``, ``task`` and what the evaluator found.

    Raises:
        RunNotFound: if there is none.
        BadSetting: for a task that keeps nothing sealed, a run that still goes on, or one without a program.
        StoreError: if the record cannot be read or written.
    """
    result = Result.read(run)
    path = result.folder / SEALED
    if path.exists():
        try:
            return dict(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read.", why=str(error), now="restore it") from error
    if result.state not in ("done", "stopped"):
        raise BadSetting(
            f"the run {result.folder} is {result.state}",
            why="what is sealed may be seen once, after the search",
            now="go on with it (kernelevo resume)"
            if result.state == "interrupted"
            else "wait for its end, or stop it",
        )
    best = result.best
    if best is None:
        raise BadSetting(f"the run {result.folder} found no correct program", now="nothing was opened")
    found = _judged(result, best.program)
    record = {"opened": time.time(), "task": result.task.name, "trial": best.number, **found}
    try:
        fresh = path.with_name(f"{SEALED}.{os.getpid()}")
        fresh.write_text(json.dumps(record, indent=1), encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise refused(f"the answer cannot be recorded in {path}.", error) from error
    return record


def _judged(result: Result, program: Program) -> dict[str, Any]:
    judge = load(result.task)
    if not hasattr(judge, "unseal"):
        raise BadSetting(
            f"{result.task.name} keeps nothing sealed",
            why="machine-learning tasks have a sealed test, combinatorial problems private cases",
            now="its scores are final as they are: kernelevo show",
        )
    try:
        return dict(judge.unseal(program, machine_secret()))
    finally:
        if hasattr(judge, "close"):
            judge.close()
