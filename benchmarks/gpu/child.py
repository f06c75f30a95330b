"""Child: one row's work in a process of its own, so that what breaks or hangs costs that row only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.gpu.machine import ROOT


def ask(arguments: list[str], seconds: float) -> dict[str, Any]:
    """Run ``python -m ARGUMENTS`` and return the JSON that it prints, with its time and exit code.

    Without such JSON the status is null and ``why`` holds the end of what it said.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", *arguments]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"status": None, "why": f"no verdict within {seconds:.0f} s"}
    told: dict[str, Any] = {"seconds": round(time.monotonic() - began, 2), "exit": done.returncode}
    try:
        return {**json.loads(done.stdout), **told}
    except (ValueError, TypeError):
        why = (done.stderr or done.stdout)[-3000:] or f"it said nothing and ended with {done.returncode}"
        return {"status": None, "why": why, **told}


def ask_ours(arguments: list[str], seconds: float) -> dict[str, Any]:
    """Do the same with a module that ends by ``tell``: a process that broke has failed its row."""
    row = ask(arguments, seconds)
    return {**row, "status": "failed"} if row["status"] is None and row.get("exit") else row


def tell(known: Mapping[str, Callable[[], Any]], names: list[str]) -> int:
    """Run the one function named and print its row as JSON: figures if it returns some, else ok or failed."""
    if len(names) != 1 or names[0] not in known:
        print(f"expected one name of: {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        figures = known[names[0]]()
    except Exception as error:  # it may fail in any way; the row says how
        why = "".join(traceback.format_exception(error))[-3000:]
        print(json.dumps({"status": "failed", "why": why}))
        return 1
    print(json.dumps({"status": "ok", "figures": figures} if figures else {"status": "ok"}))
    return 0
