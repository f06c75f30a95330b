"""Joins what sweeps measured into one record, and keeps the programs that won as solutions.

    python -m benchmarks.gpu.keep_swept SWEEP.json... --programs FOLDER... --to benchmarks/results/NAME.json
        [--made-by WHO] [--least 1.01]

The sweeps are of one size, device and set of baselines. Of tasks that several of them hold the last row
counts, but for one that was not confirmed where another one was. A program is kept in
``kernelbench_tasks/solutions/cuda/`` with its record beside it if it is right, fp32-accurate and surely
faster than the best baseline that was timed: a score without an interval is none to go by; ``confirmed`` says
whether three fresh processes did that, or one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu.sweep import decisive, keep, programs
from benchmarks.keep_winners import SHOWN
from kernelevo.bench.suite import folder_name
from kernelevo.core import Program
from kernelevo.tasks import library

CLOCKS = (
    "cases",
    "timed_outputs_verified",
    "stream_ms",
    "device_span_ms",
    "graph_replay_ms",
    "roofline_fraction",
    "speedup_vs_graphed",
)
ALIKE = ("size", "device", "baselines")
FACTS = ("torch", "triton", "cuda", "python")


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sweeps", nargs="+", type=Path)
    parser.add_argument("--programs", nargs="+", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--made-by")
    parser.add_argument("--note", help="what a reader of the table must know")
    parser.add_argument("--least", type=float, default=1.01)
    told = parser.parse_args(given)
    joined: dict[str, Any] = {"facts": {}, "tasks": {}}
    for path in told.sweeps:
        sweep = json.loads(path.read_text("utf-8"))
        joined["facts"] = joined["facts"] or sweep["facts"]
        if apart := [key for key in ALIKE if joined["facts"].get(key) != sweep["facts"].get(key)]:
            print(
                f"{path} differs from {told.sweeps[0]} in {', '.join(apart)}: join them apart",
                file=sys.stderr,
            )
            return 2
        for name, row in sweep["tasks"].items():
            if "fault" not in row and not ("final" in joined["tasks"].get(name, {}) and "final" not in row):
                # a sweep that was gone on with has rows of several commits: each holds its own facts
                joined["tasks"][name] = {"facts": sweep["facts"], **row}
    joined["facts"] = {**joined["facts"], "note": told.note}
    for name, row in joined["tasks"].items():
        print(f"{name}: {kept(name, row, told)}")
    keep(told.to, joined)
    return 0


def kept(name: str, row: Mapping[str, Any], told: argparse.Namespace) -> str:
    """Write a task's winner and its record; return what was done."""
    verdict = decisive(row)
    if verdict is None or verdict["score"] is None:
        return "no right program"
    metrics = verdict["metrics"]
    if metrics.get("precision") != "fp32-accurate":
        return f"{verdict['score']:.2f}, but its results are only as exact as {metrics.get('precision')}"
    if metrics.get("score_low") is None:
        return f"{verdict['score']:.2f}, but without an interval: its clock was disturbed in most blocks"
    if metrics["score_low"] < told.least:
        return f"{verdict['score']:.2f}, but it is not surely above {told.least}"
    text = next(
        (
            path.read_text("utf-8")
            for path in programs(told.programs, name)
            if Program.single(path.read_text("utf-8")).id == row["program_id"]
        ),
        None,
    )
    if text is None:
        return f"{verdict['score']:.2f}, but its program is in none of the folders"
    folder = library.root() / "solutions" / "cuda" / folder_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    stem = row["best"].partition("/")[2]
    (folder / f"{stem}.py").write_text(text, "utf-8")
    record = json.dumps(record_of(name, row, verdict, told.made_by), indent=1)
    (folder / f"{stem}.json").write_text(record + "\n", "utf-8")
    return f"{verdict['score']:.2f} kept"


def record_of(
    name: str, row: Mapping[str, Any], verdict: Mapping[str, Any], made_by: str | None
) -> dict[str, Any]:
    """Return what stands beside a kept program."""
    facts = row["facts"]
    return {
        "task": name,
        "program_id": row["program_id"],
        "score": verdict["score"],
        "confirmed": "final" in row,
        "metrics": {key: verdict["metrics"].get(key) for key in (*SHOWN, *CLOCKS)},
        "baselines_timed": [b["name"] for b in row["baselines"] if b["state"] == "ready"],
        "made_by": made_by,
        "size": facts["size"],
        "ended": facts["date"],
        "hardware": {"gpu": {"name": facts["device"], "driver": facts["driver"]}},
        "kernelevo": {"commit": facts["commit"], "sources": facts["sources"]},
        "versions": {key: facts[key] for key in FACTS},
    }


if __name__ == "__main__":
    sys.exit(main())
