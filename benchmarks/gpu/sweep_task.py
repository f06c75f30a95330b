"""One task of ``benchmarks.gpu.sweep``, in a process of its own: prepared, then timed when it is told to.

Reads one JSON object a line from stdin: first the order, then ``{"go": true}``; prints
``{"ready": seconds}``, ``{"found": ...}`` when its programs are judged, and ``{"row": ...}`` at the end.
What else it says goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kernelevo.api.check import read_program
from kernelevo.core import Artifact, Evaluation
from kernelevo.errors import KernelEvoError
from kernelevo.kernels.baselines.baseline import WAYS
from kernelevo.kernels.judge import KernelJudge
from kernelevo.sandbox.lifeline import die_with_parent
from kernelevo.tasks import load_task

BUILDERS = 4
FORWARD_PATIENCE = 120.0
"""Seconds for a first forward: one compiles sixteen Triton kernels in turn, beside other tasks' builds."""


def main() -> int:
    die_with_parent()
    talk = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whoever prints does not print into the conversation
    order = json.loads(sys.stdin.readline())
    device = order["device"]
    judge = KernelJudge(
        load_task(order["task"], size=order["size"], device=device),
        compiled=tuple(
            name
            for name, way in WAYS.items()
            if name in order["baselines"] and (device != "cpu" or not way.on_device)
        ),
        search_seconds=order["search"],
        final_seconds=order["final"],
        forward_patience=FORWARD_PATIENCE,
    )
    with judge:
        began = time.monotonic()
        artifacts = prepare(judge, [Path(path) for path in order["programs"]])
        say(talk, {"ready": time.monotonic() - began})
        if not sys.stdin.readline():
            return 1
        began = time.monotonic()
        row = timed(judge, artifacts)
        say(talk, {"found": row})
        if row["best"] is not None and order["final"] > 0:
            without_bounds(judge)
            row["final"] = plain(judge.finalize(artifacts[row["best"]]))
        say(talk, {"row": {**row, "timing_seconds": time.monotonic() - began}})
    return 0


def say(talk: Any, message: dict[str, Any]) -> None:
    """Send one message."""
    talk.write(json.dumps(message) + "\n")
    talk.flush()


def prepare(judge: KernelJudge, paths: list[Path]) -> dict[str, Artifact]:
    """Build the programs and the baselines; nothing is timed."""
    baselines = judge.ground.baselines
    baselines.begin()
    with ThreadPoolExecutor(BUILDERS) as builders:
        built = list(builders.map(lambda path: judge.prepare(read_program(path)), paths))
    judge.ground.pool.fill()
    baselines.wait()
    return {f"{path.parent.parent.name}/{path.stem}": made for path, made in zip(paths, built, strict=True)}


def timed(judge: KernelJudge, artifacts: dict[str, Artifact]) -> dict[str, Any]:
    """Judge every program of a task; where the judge breaks at one, the others' verdicts are not lost."""
    judge.warm()
    found: dict[str, dict[str, Any]] = {}
    for name, artifact in artifacts.items():
        try:
            found[name] = plain(judge.measure(artifact))
        except KernelEvoError as error:
            traceback.print_exc()
            found[name] = {"status": "fault", "score": None, "metrics": {}, "feedback": str(error)}
    row: dict[str, Any] = {"programs": found, "baselines": judge.baselines(), "best": None}
    right = [name for name, verdict in found.items() if verdict["score"] is not None]
    if right:  # a score without an interval comes behind any that has one
        best = max(right, key=lambda n: (found[n]["metrics"]["score_low"] is not None, found[n]["score"]))
        row |= {"best": best, "program_id": artifacts[best].program.id}
    return row


def without_bounds(judge: KernelJudge) -> None:
    """Leave the libraries' bounds out of a confirmation: four more processes, each with captures."""
    bounds = judge.ground.bounds
    bounds.reasons |= dict.fromkeys(bounds.missing, "not measured in a sweep")


def plain(verdict: Evaluation) -> dict[str, Any]:
    """Return what a row keeps of a verdict."""
    told = verdict.to_json()
    return {key: told[key] for key in ("status", "score", "metrics", "feedback")}


if __name__ == "__main__":
    sys.exit(main())
