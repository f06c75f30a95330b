"""Writes, on any machine, the programs that graph rewrites make of level 3 tasks for a GPU.

    python -m benchmarks.gpu.write_programs --to FOLDER [--size v0] [--tasks 1-6,11]

Two programs a task: ``sure.py`` (every rewrite that fires but those as likely to slow a module down) and
``greedy.py`` (every one), in ``FOLDER/kernelbench_3_N/``. Then ``python -m benchmarks.gpu.rehearsal FOLDER
--carry .gpu-carry`` compiles them for a device, and there one command judges them all, without capturing
anything: ``kernelevo bench kernelbench:3 --device cuda --size v0 --solutions FOLDER``.

A module is captured, and every rewrite compared with it, on this machine's CPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kernelevo.bench.suite import Suite, folder_name
from kernelevo.errors import KernelEvoError
from kernelevo.proposers.workbench import Workbench
from kernelevo.tasks import load_task

# the report's seventeen, those bound by launches, the rest
TASKS = "1-6,11,13,17,31,33,35,43,44,46,47,50,9,19,20,22-24,32,34,36-42,7,8,10,12,14-16,18,21,25-30,45,48,49"


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--size", default="v0")
    parser.add_argument("--tasks", default=TASKS)
    told = parser.parse_args(given)
    missed = 0
    for name in Suite.find("kernelbench:3", None).select(told.tasks):
        start = time.monotonic()
        try:
            written = ", ".join(write(name, told.size, told.to))
        except KernelEvoError as error:
            written, missed = f"nothing: {error.what} {error.why}", missed + 1
        print(f"{name}: {written} ({time.monotonic() - start:.1f} s)", flush=True)
    return 1 if missed else 0


def write(name: str, size: str, to: Path) -> list[str]:
    """Write the programs of one task that are not there; return each one's name with its rewrites.

    Raises:
        KernelEvoError: if the task is unknown, or its module cannot be captured.
    """
    folder = to / folder_name(name)
    bench = Workbench(load_task(name, size=size, device="cuda"))
    written: list[str] = []
    texts: set[str] = set()
    for kind, rewrites in (("sure", bench.sure), ("greedy", bench.greedy)):
        draft = bench.draft(rewrites)
        if draft.rewrites and draft.text not in texts:
            texts.add(draft.text)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{kind}.py").write_text(draft.text, encoding="utf-8")
            written.append(f"{kind}: {'+'.join(draft.rewrites)}")
    return written or ["no rewrite fires"]


if __name__ == "__main__":
    sys.exit(main())
