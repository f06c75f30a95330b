"""Programs of one folder of solutions against those of another, call by call beside each other.

Usage: ``python -m benchmarks.shelves FOLDER OTHER [--tasks 6,7@he] [--processes 3] [--out FILE]``

For every task that both folders have, each process loads the first program of either folder with the weights
of the task's module, and calls the two in turns on the same inputs. A line per task: milliseconds of either
(median over all processes), the ratio ``FOLDER / OTHER`` of each process (above 1: OTHER is faster), and the
largest differences from the module. This finds out which of two texts a machine runs faster; it proves
nothing: ``kernelevo check`` does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from kernelevo.backends.reference import load_reference
from kernelevo.tasks import load_task

PREFIX = "kernelbench_3_"


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--tasks", help="numbers of level 3, variants after @, with commas; default: all")
    parser.add_argument("--size", default="small")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of calls in each process")
    parser.add_argument("--out", type=Path, help="JSON lines, one per task")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    told = parser.parse_args(given)
    if told.child:
        print(json.dumps(turns(told.child, (told.folder, told.other), told.size, told.seconds)))
        return 0
    wanted = told.tasks.split(",") if told.tasks else shared(told.folder, told.other)
    for task in wanted:
        line = compared(task, told.folder, told.other, told.size, told.processes, told.seconds)
        print(json.dumps(line), flush=True)
        if told.out is not None:
            with told.out.open("a") as file:
                file.write(json.dumps(line) + "\n")
    return 0


def shared(folder: Path, other: Path) -> list[str]:
    """Return the level 3 tasks that both folders have programs for, by number."""
    names = {path.name for path in folder.iterdir()} & {path.name for path in other.iterdir()}
    tasks = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
    return sorted(tasks, key=lambda task: int(task.split("@")[0]))


def compared(
    task: str, folder: Path, other: Path, size: str, processes: int, seconds: float
) -> dict[str, Any]:
    """Compare the two programs of a task in fresh processes, and return a line of figures.

    A program that fails has the end of its error as ``failed``.
    """
    files = [first_program(shelf, task) for shelf in (folder, other)]
    command = [sys.executable, "-m", "benchmarks.shelves", *map(str, files), "--child", task]
    command += ["--size", size, "--seconds", str(seconds)]
    rows = []
    for _ in range(processes):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return {"task": task, "failed": done.stderr.strip().splitlines()[-1:]}
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return {
        "task": task,
        "ms": [round(statistics.median(row["ms"][side] for row in rows), 3) for side in (0, 1)],
        "ratios": [round(row["ms"][0] / row["ms"][1], 3) for row in rows],
        "differences": [max(row["differences"][side] for row in rows) for side in (0, 1)],
    }


def first_program(folder: Path, task: str) -> Path:
    return min((folder / f"{PREFIX}{task}").glob("*.py"))


def turns(task: str, files: Sequence[Path], size: str, seconds: float) -> dict[str, Any]:
    """Call the programs in turns for so many seconds; return medians in ms and distances from the module."""
    reference = load_reference(load_task(f"kernelbench:3/{task}", size=size).options["reference"])
    with torch.no_grad():
        module, inputs = reference.build(0), reference.inputs(0)
        expected = module(*inputs)
        programs = [loaded(file, reference, module) for file in files]
        differences = [distance(program(*inputs), expected) for program in programs]
        times: list[list[float]] = [[], []]
        for program in programs:
            program(*inputs)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times[0]) < 4:
            for side in (0, 1, 1, 0):
                start = time.perf_counter()
                programs[side](*inputs)
                times[side].append(1e3 * (time.perf_counter() - start))
    return {"ms": [statistics.median(side) for side in times], "differences": differences}


def loaded(file: Path, reference: Any, module: torch.nn.Module) -> Callable[..., Any]:
    namespace: dict[str, Any] = {"__name__": file.stem, "__file__": str(file)}
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    program = namespace["ModelNew"](*reference.init_args(0), **reference.init_kwargs(0))
    program.load_state_dict(module.state_dict())
    return program.train(module.training)


def distance(got: Any, expected: Any) -> float:
    """Return the largest difference over the largest value, of the worst tensor."""
    pairs = zip(leaves(got), leaves(expected), strict=True)
    return max(float((g - e).abs().max() / e.abs().max().clamp_min(1e-30)) for g, e in pairs)


def leaves(values: Any) -> list[torch.Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor)]


if __name__ == "__main__":
    sys.exit(main())
