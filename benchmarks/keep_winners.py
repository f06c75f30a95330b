"""Keeps what a series found, or measured: its winners as solutions, each with its measured record beside it.

    python -m benchmarks.keep_winners runs/level3-small-DATE [--least 1.01]

A winner is kept if it was timed again in fresh processes and its whole interval lies above ``--least``, and
if it is better than the one that is kept already on the same kind of machine (a kept program that was judged
again has its newer verdict). It is written to
``kernelbench_tasks/solutions/<shelf>/<suite>_<id>/searched.py``, the record to ``searched.json``; a program
that was given keeps its name, and a bundled one the shelf it lies on and who its record says made it. The
shelf of others is the device, ``cpu-avx2`` for a processor without AVX-512.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kernelevo.bench.child import RUN
from kernelevo.bench.job import BUNDLED
from kernelevo.bench.suite import folder_name
from kernelevo.core import Program
from kernelevo.tasks import library

NAME = "searched"
SHOWN = (
    "score_low", "score_high", "baseline", "latency_ms", "speedup_vs_eager", "speedup_vs_compile",
    "max_abs_error", "oracle_error", "reference_oracle_error", "meets_1e-5", "precision", "weights",
    "core_clock_mhz",
)  # fmt: skip


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("series", type=Path, help="folder of a series that was searched")
    parser.add_argument("--least", type=float, default=1.01, help="what the whole interval has to exceed")
    parser.add_argument("--to", type=Path, help="default: the bundled solutions for the series' machine")
    parser.add_argument("--made-by", help="who wrote programs that were given")
    told = parser.parse_args(given)
    series = json.loads((told.series / "bench.json").read_text(encoding="utf-8"))
    for row in series["tasks"]:
        row["made_by"] = row["made_by"] or told.made_by
        why = refused(row, told.least)
        print(f"{row['name']}: {why or keep(row, series['bench'], told.series, told.to)}")
    return 0


def shelves(facts: Mapping[str, Any]) -> list[Path]:
    """Return where the bundled solutions for a series' machine lie, the ones to prefer first."""
    names = library.shelves(facts["device"], facts["hardware"]["cpu"]["features"])
    return [library.root() / "solutions" / name for name in names]


def source(row: Mapping[str, Any], facts: Mapping[str, Any], series: Path) -> Path:
    """Return the file of a row's program: a search's best one, or the one that was given."""
    if row["program"] is None:
        return series / row["folder"] / RUN / "best.py"
    if facts["solutions"] != BUNDLED:
        return Path(facts["solutions"]) / row["program"]
    places = [folder / row["program"] for folder in shelves(facts)]
    return next((place for place in places if place.is_file()), places[-1])


def refused(row: Mapping[str, Any], least: float) -> str | None:
    """Return why a row's winner is not kept; None if it is."""
    if row["status"] != "ok":
        return f"nothing to keep: {row['status'] or 'fault'}"
    if not row["confirmed"]:
        return "not timed again in fresh processes"
    precision = row["metrics"].get("precision")
    if precision != "fp32-accurate":
        return f"{row['score']:.2f}, but its results are only as exact as {precision}"
    low = row["metrics"].get("score_low")
    if low is None or low <= least:
        return f"{row['score']:.2f}, but its interval is not wholly above {least}"
    return None


def keep(row: Mapping[str, Any], facts: Mapping[str, Any], series: Path, to: Path | None = None) -> str:
    """Write a winner and its record, unless a better one lies there; return what was done.

    Args:
        row: of the series.
        facts: of the series.
        series: its folder.
        to: folder of solutions; default: the bundled ones for the series' machine.
    """
    where = source(row, facts, series)
    text = where.read_text(encoding="utf-8") if where.is_file() else ""
    found = record(row, facts)
    if Program.single(text).id != found["program_id"]:
        return f"left alone: {where} is not the program of the record"
    if to is None:
        to = where.parents[1] if facts["solutions"] == BUNDLED else shelves(facts)[0]
    folder = to / folder_name(row["name"])
    name = NAME if row["program"] is None else where.stem
    path = folder / f"{name}.json"
    if path.is_file():
        old = json.loads(path.read_text(encoding="utf-8"))
        same = old["program_id"] == found["program_id"]
        again = same and row["program"] is not None  # its newer verdict counts, better or not
        if not again and old["hardware"] == found["hardware"] and old["score"] >= found["score"]:
            return f"{found['score']:.2f}; a better one ({old['score']:.2f}) is kept"
        found["made_by"] = old["made_by"] if same else found["made_by"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return f"{found['score']:.2f} kept"


def record(row: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands beside a kept program: its figures, and with what and where they were measured."""
    return {
        "task": row["name"],
        "program_id": row["program_id"],
        "score": row["score"],
        "metrics": {name: row["metrics"].get(name) for name in SHOWN},
        "made_by": row["made_by"],
        "size": facts["size"],
        "searched_seconds": row["searched_seconds"],
        "ended": row["ended"],
        "hardware": facts["hardware"],
        "kernelevo": facts["kernelevo"],
        "versions": facts["versions"],
    }


if __name__ == "__main__":
    sys.exit(main())
