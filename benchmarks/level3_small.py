"""The level 3 tasks at ``small`` on the CPU, each searched for 90 s without a language model.

    python -m benchmarks.level3_small [--budget 90s] [--tasks 13,31] [--folder runs/level3-small-DATE]

This is ``kernelevo bench kernelbench:3`` without the shipped programs; its record is copied to
``benchmarks/results/level3-small-DATE.json``. A series that was cut off goes on with the same command. The
records up to 2026-11-26 were written by an earlier version of this file and have another shape.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import sys
from pathlib import Path

from kernelevo.cli.main import run_command

RESULTS = Path(__file__).parent / "results"


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    name = f"level3-small-{datetime.date.today().isoformat()}"
    parser.add_argument("--budget", default="90s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tasks", help="numbers, with commas; variants after @; default: all")
    parser.add_argument("--folder", type=Path, default=Path("runs") / name, help="of the series")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the record is copied to")
    told = parser.parse_args(given)
    command = ["bench", "kernelbench:3", "--device", "cpu", "--size", "small"]
    command += ["--budget", told.budget, "--seed", str(told.seed), "--out", str(told.folder)]
    code = run_command([*command, *(["--tasks", told.tasks] if told.tasks else [])])
    record = told.folder / "bench.json"
    if code in (0, 1) and record.is_file():
        told.results.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(record, told.results / f"{told.folder.name}.json")
    return code


if __name__ == "__main__":
    sys.exit(main())
