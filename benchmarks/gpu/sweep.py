"""Judges the programs of many tasks one after the other, and prepares the next tasks while one is timed.

    python -m benchmarks.gpu.sweep FOLDER... [--size v0] [--tasks 1-6,11] [--baselines compile,graphed]
        [--seconds 400] [--search 1] [--final 6] [--ahead 2] [--device cuda] --out FILE

Each FOLDER holds programs as ``kernelbench_3_N/*.py``. Of a task every program is judged for ``--search``
seconds, its best once more in three fresh processes (``--final`` seconds in all). While it is timed, the
baselines and programs of the next tasks are compiled; whatever uses the device rests while it is leased.
FILE (JSON) is written after every program, a table (.md) beside it; a task that is in FILE is not done again.
Ends with 1 where a task has no right program, 3 without the device.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gpu import machine
from kernelevo.api.check import read_program
from kernelevo.bench.suite import Suite, folder_name
from kernelevo.core import Artifact, Evaluation, Status
from kernelevo.device.lease import Lease
from kernelevo.errors import KernelEvoError
from kernelevo.kernels.baseline import WAYS
from kernelevo.kernels.ground import PRELOAD
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.place import device_of
from kernelevo.sandbox.zygote import Zygote
from kernelevo.tasks import load_task

BASELINES = "compile,graphed,compile-graphed"
BUILDERS = 4
SHOWN = ("latency_ms", "score_low", "score_high", "baseline", "precision", "roofline_fraction")


@dataclass
class Prepared:
    """A task whose baselines and programs are ready to be timed."""

    name: str
    judge: KernelJudge
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    seconds: float = 0.0


def main(given: Sequence[str] | None = None) -> int:
    told = _arguments(given)
    try:
        return sweep(told)
    except KernelEvoError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--size", default="v0")
    parser.add_argument("--tasks")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--baselines", default=BASELINES)
    parser.add_argument("--seconds", type=float, default=480.0, help="begin no task after so long")
    parser.add_argument("--search", type=float, default=1.0)
    parser.add_argument("--final", type=float, default=6.0)
    parser.add_argument("--ahead", type=int, default=2, help="tasks that are prepared at a time")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(given)


def sweep(told: argparse.Namespace) -> int:
    """Judge all tasks that have programs.

    Raises:
        KernelEvoError: for a wrong task, or without the device.
    """
    began = time.monotonic()
    record: dict[str, Any] = {"facts": _facts(told), "tasks": {}}
    if told.out.is_file():
        record["tasks"] = json.loads(told.out.read_text("utf-8"))["tasks"]
    names = [n for n in Suite.find("kernelbench:3", None).select(told.tasks) if programs(told.folders, n)]
    waiting = [name for name in names if name not in record["tasks"]]
    for name, prepared in _in_order(waiting, told, began):
        row = (
            prepared
            if isinstance(prepared, dict)
            else timed(prepared, told, record["facts"], time.monotonic())
        )
        record["tasks"][name] = row
        keep(told.out, record)
        print(f"[{time.monotonic() - began:5.0f} s] {name}: {words(row)}", flush=True)
    print(table(record), flush=True)
    return 0 if all(row.get("best") for row in record["tasks"].values()) else 1


def programs(folders: Sequence[Path], name: str) -> list[Path]:
    """Return the programs that there are for a task."""
    return [path for folder in folders for path in sorted((folder / folder_name(name)).glob("*.py"))]


def _facts(told: argparse.Namespace) -> dict[str, Any]:
    here = machine.facts() if told.device != "cpu" else {"device": "cpu", "commit": machine.commit()}
    options = ("size", "baselines", "search", "final", "ahead")
    return {**here, **{name: getattr(told, name) for name in options}}


def _in_order(
    names: Sequence[str], told: argparse.Namespace, began: float
) -> Iterator[tuple[str, Prepared | dict[str, Any]]]:
    """Yield tasks as they are prepared, in order; what cannot be prepared as its row."""
    with (
        closing(Zygote(PRELOAD, threads=len(os.sched_getaffinity(0)))) as zygote,
        ThreadPoolExecutor(told.ahead) as pool,
    ):
        left, running = list(names), list[tuple[str, "Future[Prepared]"]]()
        while left or running:
            while left and len(running) < told.ahead and time.monotonic() - began < told.seconds:
                name = left.pop(0)
                running.append((name, pool.submit(prepare, name, told, zygote)))
            if not running:
                print(f"no time left for {', '.join(left)}", flush=True)
                return
            name, future = running.pop(0)
            try:
                prepared = future.result()
            except Exception as error:  # one task's fault costs that task
                yield name, {"fault": "".join(traceback.format_exception(error))[-3000:]}
                continue
            with prepared.judge:
                yield name, prepared


def prepare(name: str, told: argparse.Namespace, zygote: Zygote) -> Prepared:
    """Build a task's programs and baselines; what is timed is timed alone on the device."""
    began = time.monotonic()
    task = load_task(name, size=told.size, device=told.device)
    judge = KernelJudge(
        task,
        zygote=zygote,
        compiled=tuple(
            name
            for name, way in WAYS.items()
            if name in told.baselines.split(",") and (told.device != "cpu" or not way.on_device)
        ),
        search_seconds=told.search,
        final_seconds=told.final,
    )
    try:
        with Lease(device_of(task.options)):
            judge.warm()
        judge.ground.baselines.begin()
        given = {path: read_program(path) for path in programs(told.folders, name)}
        with ThreadPoolExecutor(BUILDERS) as builders:
            built = list(builders.map(judge.prepare, given.values()))
        judge.ground.baselines.wait()
    except BaseException:
        judge.close()
        raise
    names = [f"{path.parent.parent.name}/{path.stem}" for path in given]
    return Prepared(name, judge, dict(zip(names, built, strict=True)), time.monotonic() - began)


def timed(
    prepared: Prepared, told: argparse.Namespace, facts: Mapping[str, Any], began: float
) -> dict[str, Any]:
    """Judge every program of a task, and the best once more."""
    judge = prepared.judge
    found = {name: judge.measure(artifact) for name, artifact in prepared.artifacts.items()}
    right = {n: v for n, v in found.items() if v.status is Status.OK and v.score is not None}
    row: dict[str, Any] = {
        "programs": {name: _plain(verdict) for name, verdict in found.items()},
        "baselines": judge.baselines(),
        "preparing_seconds": prepared.seconds,
        "best": None,
    }
    if right:
        best = max(right, key=lambda n: right[n].score or 0.0)
        final = judge.finalize(prepared.artifacts[best])
        row |= {"best": best, "program_id": prepared.artifacts[best].program.id, "final": _plain(final)}
    return {**row, "timing_seconds": time.monotonic() - began}


def _plain(verdict: Evaluation) -> dict[str, Any]:
    told = verdict.to_json()
    return {key: told[key] for key in ("status", "score", "metrics", "feedback")}


def keep(path: Path, record: Mapping[str, Any]) -> None:
    """Write the record and its table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    path.with_suffix(".md").write_text(table(record), "utf-8")


def words(row: Mapping[str, Any]) -> str:
    """Say how a task went."""
    if "fault" in row:
        return row["fault"].strip().splitlines()[-1][:300]
    tried = "; ".join(f"{name} {_came_of(verdict)}" for name, verdict in row["programs"].items())
    final = row.get("final") or {"metrics": {}, "score": None}
    score = f"{final['score']:.2f}" if final["score"] else "none"
    shown = {k: final["metrics"].get(k) for k in SHOWN}
    return f"{score} by {row['best']} {shown} | {tried}"


def _came_of(verdict: Mapping[str, Any]) -> str:
    return (
        f"{verdict['score']:.2f}" if verdict["score"] else f"{verdict['status']}: {verdict['feedback'][:160]}"
    )


def table(record: Mapping[str, Any]) -> str:
    """Return a table of the tasks, and the geometric means over those that have a right program."""
    ways = ["eager", "eager_fp32", "compile", "graphed", "compile_graphed"]
    facts = record["facts"]
    lines = [
        f"{facts.get('device')}, size {facts['size']}, commit {facts.get('commit')}",
        "",
        "| task | best | ms | x best baseline | 95 % | baseline | "
        + " | ".join(f"x {w}" for w in ways)
        + " | class | roofline | error |",
        "|---" * (9 + len(ways)) + "|",
    ]
    ratios: dict[str, list[float]] = {}
    for name, row in record["tasks"].items():
        final = row.get("final")
        if not final or final["score"] is None:
            lines.append(f"| {name} | {row.get('best') or 'none'} | |" + " |" * (6 + len(ways)))
            continue
        m = final["metrics"]
        per = [m.get(f"speedup_vs_{w}") for w in ways]
        for way, ratio in zip(["best", *ways], [final["score"], *per], strict=True):
            if ratio:
                ratios.setdefault(way, []).append(ratio)
        ends = [m.get("score_low"), m.get("score_high")]
        cells = [name, row["best"], _number(m.get("latency_ms")), _number(final["score"])]
        cells += ["to".join(f" {_number(e)} " for e in ends).strip(), str(m.get("baseline"))]
        cells += [*map(_number, per), str(m.get("precision"))]
        cells += [_number(m.get("roofline_fraction")), _number(m.get("oracle_error"))]
        lines.append("| " + " | ".join(cells) + " |")
    means = {w: math.exp(sum(map(math.log, r)) / len(r)) for w, r in ratios.items()}
    lines += [
        "",
        *(f"geometric mean against {w}: {m:.3f} ({len(ratios[w])} tasks)" for w, m in means.items()),
    ]
    return "\n".join(lines) + "\n"


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else ""


if __name__ == "__main__":
    threading.excepthook = lambda args: traceback.print_exception(args.exc_value)
    sys.exit(main())
