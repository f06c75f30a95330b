"""``make gpu``: what a machine with a GPU is asked, in parts that can be cut off and resumed.

Usage: ``python -m benchmarks.gpu.suite [--part NAME] [--only TEXT] [--size full] [--seconds 480]
[--out FOLDER | --resume FILE]``.

    doctor     what kernelevo finds here, the device, launch overhead, A/A, ceilings, first launches
    tests      the gpu checks
    baselines  PyTorch's own ways to run every task that has a solution
    ops        solutions of single operators
    level3     solutions of KernelBench level 3
    autotune   max-autotune against eager on these tasks, kept for later verdicts

Without a part all of them, in this order. Needs torch with a CUDA device and what kernelevo needs at run
time; no pytest and no network. Ends with 0 if every row is ok, 1 if one is not, 2 for bad input, 3 without a
device.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gpu import machine, report
from benchmarks.gpu.child import ask, ask_ours
from benchmarks.gpu.machine import ROOT
from benchmarks.gpu.sizes import meant_for
from kernelevo.errors import InputError, KernelEvoError

SOLUTIONS = ROOT / "kernelbench_tasks" / "solutions" / "cuda"
RESULTS = ROOT / "benchmarks" / "results"
PARTS = ("doctor", "tests", "baselines", "ops", "level3", "autotune")
SUITES = {"ops": "ops/", "level3": "kernelbench:3/"}
SIZE = "full"
LEAST = 10.0  # no row has a verdict within fewer seconds
SHOWN = (
    "latency_ms",
    "speedup_vs_eager",
    "speedup_vs_compile",
    "speedup_vs_cublas",
    "speedup_vs_library",
    "max_abs_error",
    "precision",
)


@dataclass(frozen=True)
class Job:
    """One row to come.

    Args:
        name: of the row.
        run: given the seconds that are left, returns the verdict.
        about: what the row says besides.
    """

    name: str
    run: Callable[[float], dict[str, Any]]
    about: dict[str, Any] = field(default_factory=dict)


def main(given: Sequence[str] | None = None) -> int:
    arguments = _arguments(given)
    try:
        return _run(arguments)
    except KernelEvoError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, help="one part; without it all of them")
    parser.add_argument("--only", default="", help="rows whose name or folder holds this text")
    parser.add_argument("--size", help=f"size of the tasks; {SIZE} if not said")
    parser.add_argument("--seconds", type=float, default=480.0, help="the most that each part may take")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--out", type=Path, default=RESULTS, help="folder of the records")
    place.add_argument("--resume", type=Path, help="go on with this record, in its part and size")
    return parser.parse_args(given)


def _run(arguments: argparse.Namespace) -> int:
    parts: Sequence[str] = (arguments.part,) if arguments.part else PARTS
    size = arguments.size or SIZE
    if arguments.resume:
        found = report.read(arguments.resume)["facts"]
        parts = (arguments.part or found.get("part"),)
        size = arguments.size or found.get("size")
        if parts[0] not in PARTS:
            raise InputError(
                f"{arguments.resume} names no part that there is",
                why=f"it says {parts[0]!r}; parts are {', '.join(PARTS)}",
                now="name a JSON file that `make gpu` wrote, or start a new one (leave --resume out)",
            )
    planned = {part: plan(part, size, arguments.only) for part in parts}
    if not any(planned.values()):
        raise InputError(
            "there is nothing to do",
            why=f"no row of {', '.join(parts)} holds {arguments.only!r} in its name or folder",
            now="give --only another text, or leave it out",
        )
    facts = machine.facts()
    good = True
    for part, jobs in planned.items():
        if not jobs:
            continue
        here = {"part": part, "size": size, **facts}
        if arguments.resume:
            record = report.Record.resume(arguments.resume, here)
        else:
            stamp = facts["date"].replace(":", "")
            record = report.Record(arguments.out / f"gpu-{part}-{stamp}.json", here)
        print(f"{part}: {len(jobs)} rows to {record.path}", flush=True)
        work(record, jobs, arguments.seconds)
        good = good and record.good
    return 0 if good else 1


def plan(part: str, size: str, only: str = "") -> list[Job]:
    """Return the rows of a part whose name or folder holds a text."""
    if part == "doctor":
        jobs = doctor_jobs()
    elif part == "tests":
        from benchmarks.gpu.checks import CHECKS

        jobs = [_child(check.__name__, "benchmarks.gpu.checks", check.__name__) for check in CHECKS]
    elif part in ("baselines", "autotune"):
        tasks = {task: path.parent.name for path, task in solutions()}
        ask_for = baselines if part == "baselines" else autotune
        jobs = [
            Job(task, lambda left, t=task: ask_for(t, size, left), {"task": task, "folder": folder})
            for task, folder in tasks.items()
        ]
    else:
        jobs = [
            Job(
                str(path.relative_to(ROOT)),
                lambda left, p=path, t=task: solution(p, t, size, left),
                {"task": task, "folder": path.parent.name},
            )
            for path, task in solutions(SUITES[part])
            if meant_for(path, size)
        ]
    return [job for job in jobs if only in job.name or only in job.about.get("folder", "")]


def work(
    record: report.Record, jobs: Sequence[Job], seconds: float, clock: Callable[[], float] = time.monotonic
) -> None:
    """Do every row that has no verdict and write each as it comes; what time does not allow is said so."""
    ends = clock() + seconds
    record.plan([{"name": job.name, **job.about} for job in jobs])
    for job in jobs:
        if record.done(job.name):
            continue
        left = ends - clock()
        verdict = _tried(job, left) if left >= LEAST else {"status": None, "why": "no time left"}
        row = {"name": job.name, **job.about, **verdict}
        record.put(row)
        print(f"{'ok  ' if row['status'] == 'ok' else 'FAIL'} {job.name}  {report.words(row)}", flush=True)


def _tried(job: Job, left: float) -> dict[str, Any]:
    try:
        return job.run(left)
    except Exception as error:  # a fault of ours costs its own row only
        return {"status": "failed", "why": "".join(traceback.format_exception(error))[-3000:]}


def doctor_jobs() -> list[Job]:
    """Return the rows that describe the machine."""
    from benchmarks.gpu.ceilings import CEILINGS
    from benchmarks.gpu.first_launch import FIRST_LAUNCHES

    return [
        Job("doctor", doctor),
        Job("device", lambda _: {"status": "ok", "device": machine.device()}),
        _child("launch overhead", "benchmarks.gpu.checks", "launch_overhead"),
        _child("a program against itself", "benchmarks.gpu.same", "pairs"),
        *(_child(name, "benchmarks.gpu.ceilings", name) for name in CEILINGS),
        *(_child(name, "benchmarks.gpu.first_launch", name) for name in FIRST_LAUNCHES),
    ]


def _child(row: str, module: str, name: str) -> Job:
    return Job(row, lambda left: ask_ours([module, name], left))


def doctor(seconds: float) -> dict[str, Any]:
    """Return what ``kernelevo doctor`` finds; the remark names what is not there."""
    told = ask(["kernelevo", "doctor", "--json"], seconds)
    if "checks" not in told:
        return told
    kept = {key: told.pop(key) for key in ("seconds", "exit")}
    missing = [check["name"] for check in told["checks"] if not check["ok"]]
    remark = f"not there: {', '.join(missing)}" if missing else "all is there"
    return {"status": "ok" if kept["exit"] == 0 else "failed", "remark": remark, **kept, "doctor": told}


def solutions(prefix: str = "") -> list[tuple[Path, str]]:
    """Return the programs of ``<suite>_<id>/<name>.py`` and their tasks, where a task begins so."""
    found = []
    for path in sorted(SOLUTIONS.glob("*/*.py")):
        suite, _, rest = path.parent.name.partition("_")
        task = f"{suite}:{rest.replace('_', '/', 1)}" if suite == "kernelbench" else f"{suite}/{rest}"
        if task.startswith(prefix):
            found.append((path, task))
    return found


def solution(path: Path, task: str, size: str, seconds: float) -> dict[str, Any]:
    """Return the verdict on a program, with the figures that the table shows."""
    told = judge(path, task, size, seconds)
    metrics = told.get("metrics") or {}
    return {**told, "figures": {key: metrics.get(key) for key in SHOWN}}


def baselines(task: str, size: str, seconds: float) -> dict[str, Any]:
    """Return the latencies of PyTorch's own ways: the task's own module judged as a program.

    The judge times them beside the program, and says how many times slower than it they are.
    """
    from kernelevo.kernels.baselines.baseline import WAYS, Baseline
    from kernelevo.kernels.seed import seed_text
    from kernelevo.tasks import load_task

    text = seed_text(load_task(task, size=size, device="cuda").options["reference"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "module.py"
        path.write_text(text, encoding="utf-8")
        told = judge(path, task, size, seconds)
    metrics = told.get("metrics") or {}
    own = metrics.get("latency_ms")
    speedups = {name: metrics.get(Baseline(name).speedup_key) for name in WAYS}
    figures = {
        f"{name}_ms": None if own is None or speedup is None else own * speedup
        for name, speedup in speedups.items()
    }
    return {**told, "figures": {"module_ms": own, **figures}}


def autotune(task: str, size: str, seconds: float) -> dict[str, Any]:
    """Return max-autotune's ratio to eager; the compiler may take what is left but for the rest's share."""
    return ask_ours(["benchmarks.gpu.autotune", task, size, f"{max(seconds - 60, seconds / 2):.0f}"], seconds)


def judge(path: Path, task: str, size: str, seconds: float) -> dict[str, Any]:
    """Return the verdict of ``kernelevo check --json``, or why there is none."""
    return ask(["kernelevo", "check", str(path), task, "--json", "--device", "cuda", "--size", size], seconds)


if __name__ == "__main__":
    sys.exit(main())
