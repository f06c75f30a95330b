"""Record: one benchmark's figures as a table for people and a dated JSON file with their circumstances."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with what all these benchmarks share."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--quiet", action="store_true", help="say in the record that the machine was quiet")
    parser.add_argument("--no-record", action="store_true", help="print only")
    return parser


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows with the same keys as a table."""
    keys = list(rows[0])
    cells = [keys, *([_said(row[key]) for key in keys] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(keys))]
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)), flush=True)


def keep(name: str, chosen: argparse.Namespace, rows: Sequence[Mapping[str, Any]], note: str) -> None:
    """Print the table and write ``results/engine-NAME-DATE.json``.

    Args:
        name: of the benchmark.
        chosen: its flags.
        rows: the figures.
        note: what one has to know to read them.
    """
    show(rows)
    print(note)
    if chosen.no_record:
        return
    record = {
        "benchmark": name,
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "machine": {"cores": os.cpu_count(), "quiet": chosen.quiet, "load": os.getloadavg()},
        "python": platform.python_version(),
        "note": note,
        "rows": list(rows),
    }
    path = RESULTS / f"engine-{name}-{record['date']}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(f"written: {path.relative_to(RESULTS.parents[1])}")


def _said(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=RESULTS, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
