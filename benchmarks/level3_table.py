"""Several series over level 3 as one table: each task's best row, and what all of them come to.

    python -m benchmarks.level3_table FOLDER_OR_RECORD... [--to benchmarks/results/level3-small-all-DATE.json]

A series is cut into parts where a night is too short for all of it, and tasks are searched again with more
time. The best row of a task counts, as in one series (``kernelevo.bench.figures``); the part it is from, with
its budget and commit, stands in the table. Parts of other devices, sizes or machines are refused. Choosing
the best of two runs of one task is kind to it: the table says how many rows there were.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kernelevo.bench.figures import summary
from kernelevo.bench.page import their_word
from kernelevo.bench.row import Row
from kernelevo.report.table import milliseconds, number

ALIKE = ("suite", "device", "size")


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="+", type=Path, help="folders of series, or their records")
    parser.add_argument("--to", type=Path, help="also write it all down as JSON")
    told = parser.parse_args(given)
    records = {path.stem if path.is_file() else path.name: read(path) for path in told.parts}
    problem = differs(records)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    whole = joined(records)
    print("\n".join(lines(whole)))
    if told.to:
        told.to.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return 0


def read(path: Path) -> dict[str, Any]:
    """Read a series' record."""
    return dict(json.loads((path / "bench.json" if path.is_dir() else path).read_text(encoding="utf-8")))


def differs(records: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what keeps parts from being one series, or return an empty text."""
    found = {
        name: [*(record["bench"][key] for key in ALIKE), record["bench"]["hardware"]["cpu"]["name"]]
        for name, record in records.items()
    }
    first, *others = found
    for name in others:
        if found[name] != found[first]:
            return f"{name} is of {found[name]}, {first} of {found[first]}: they are not one series"
    return ""


def joined(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return every task's best row with the part that it is from, and the summary of all."""
    rows = [(part, Row.from_json(row)) for part, record in records.items() for row in record["tasks"]]
    best: dict[str, tuple[str, Row]] = {}
    for part, row in rows:
        if row.name not in best or (row.score or 0.0) > (best[row.name][1].score or 0.0):
            best[row.name] = (part, row)
    counts = Counter(row.name for _, row in rows)
    ordered = sorted(best.values(), key=lambda found: -(found[1].score or 0.0))
    keys = ("kernelevo", "tasks", "seeds", "settings", "sittings", "hardware", "versions", "mode")
    return {
        "parts": {name: {key: record["bench"].get(key) for key in keys} for name, record in records.items()},
        "tasks": [{"part": part, "rows": counts[row.name], **row.to_json()} for part, row in ordered],
        "summary": summary([row for _, row in ordered]),
    }


def lines(whole: Mapping[str, Any]) -> list[str]:
    """Return the table and the figures as Markdown."""
    heads = ("task", "ours ms", "against the faster one [95 %]", "error vs fp64", "KernelBench's own rule")
    found = [f"| {' | '.join((*heads, 'made by', 'part', 'rows'))} |", "|---" * 8 + "|"]
    for data in whole["tasks"]:
        row = Row.from_json({k: v for k, v in data.items() if k not in ("part", "rows")})
        cells = [
            row.name,
            milliseconds(row.metrics.get("latency_ms")),
            f"{row.interval} {row.metrics.get('baseline') or row.word}",
            number(row.metrics.get("oracle_error"), "{:.0e}"),
            their_word(row),
            row.made_by or row.program or "",
            data["part"],
            str(data["rows"]),
        ]
        found.append(f"| {' | '.join(cells)} |")
    told = whole["summary"]
    found += ["", f"{told['correct']} of {told['tasks']} judgeable tasks correct; {told['claims']}"]
    theirs = {
        "eager, by KernelBench's own rule (1e-4)": told["upstream"]["today"],
        "eager, by its first rule (1e-2)": told["upstream"]["loose"],
    }
    for name, against in {**told["baselines"], **theirs}.items():
        mean, low, high = (number(against[k], "{:.2f}") for k in ("geometric_mean", "low", "high"))
        shares = ", ".join(f"{number(share, '{:.2f}')} at {p}" for p, share in against["fast_p"].items())
        means = f"geometric mean {mean} [{low}, {high}] of the right ones"
        found.append(f"{name}: {means}; over {against['tasks']}, fast_p {shares}")
    return found


if __name__ == "__main__":
    sys.exit(main())
