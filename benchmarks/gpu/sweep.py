"""Judges the programs of many tasks one after the other, and prepares the next tasks while one is timed.

    python -m benchmarks.gpu.sweep FOLDER... [--size v0] [--tasks 1-6,11] [--baselines compile,graphed]
        [--seconds 400] [--search 1] [--final 6] [--ahead 2] [--device cuda] --out FILE

Each FOLDER holds programs as ``kernelbench_3_N/*.py``. Of a task every program is judged for ``--search``
seconds, its best once more in three fresh processes (``--final`` seconds in all; 0: not at all). A task has a
process of its own; while one is timed, those of the next tasks compile; they rest while it holds the device.
FILE (JSON) is written after every task, a table (.md) beside it; a task that is in FILE is not done again,
unless it broke off there, or its confirmation did. Whichever task is prepared first is timed first. After
``--seconds`` no task's timing is begun; one that is under way then has ``--grace`` seconds left.
Ends with 1 where a task has no right program, 3 without the device.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from benchmarks.gpu import machine
from benchmarks.gpu.machine import ROOT
from benchmarks.gpu.sizes import meant_for
from kernelevo.bench.job import same_program
from kernelevo.bench.suite import Suite, folder_name
from kernelevo.device.groups import Registration
from kernelevo.errors import InputError, KernelEvoError

BASELINES = "compile,graphed,compile-graphed"
PATIENCE = {"ready": 500.0, "found": 450.0, "row": 450.0}
"""Seconds that nobody's preparation ends, that a task's programs are timed and its best one is confirmed."""
ALIKE = ("device", "size", "torch", "triton", "baselines")
"""Facts that all rows of a record have in common."""
SHOWN = ("latency_ms", "score_low", "score_high", "baseline", "precision", "roofline_fraction")


class Worker:
    """One task's process; it rests with every registered group until it is told to time.

    Args:
        name: of the task.
        order: see ``benchmarks.gpu.sweep_task``.
        log: where it says what it says besides.
    """

    def __init__(self, name: str, order: Mapping[str, Any], log: Path) -> None:
        self.name, self._said = name, b""
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.gpu.sweep_task"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, bufsize=0, cwd=ROOT,
                env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
            )  # fmt: skip
        self._rest = Registration(self._process.pid, "prepares a task")
        self._send(order)

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # its row says so
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    def fileno(self) -> int:
        """Return the pipe that it speaks into, for ``select``; what has ended can be read, too."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def hear(self, key: str, end: float = math.inf) -> Any:
        """Return its next message's value; None if it has ended or says nothing for too long."""
        pipe, end = self.fileno(), min(end, time.monotonic() + PATIENCE[key])
        while b"\n" not in self._said:
            if not select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            part = os.read(pipe, 1 << 16)
            if not part:
                return None
            self._said += part
        line, _, self._said = self._said.partition(b"\n")
        return json.loads(line).get(key)

    def time(self, end: float = math.inf) -> Iterator[dict[str, Any]]:
        """Let it time its programs, alone; yield the row of its search when that is done, then the whole one.

        Whoever is killed during a confirmation has kept the verdicts of the search by then.

        Args:
            end: when it must have said all that it has to say, on the monotonic clock.
        """
        prepared = self.hear("ready", end)
        self._rest.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGCONT)
        self._send({"go": True})
        found = self.hear("found", end)
        if found is not None:
            yield {**found, "preparing_seconds": prepared, "unconfirmed": "it has not ended"}
        row = found and self.hear("row", end)
        if row is None:
            ended: int | None = None
            with suppress(subprocess.TimeoutExpired):  # a pipe is closed a moment before its process is gone
                ended = self._process.wait(1.0)
            why = "said nothing for too long" if ended is None else f"ended with {ended}"
            if found is None:
                yield {"fault": f"its process {why}; the log says more"}
                return
            row = {**found, "unconfirmed": f"its process {why}"}  # verdicts of the search are worth keeping
        yield {**row, "preparing_seconds": prepared}

    def close(self) -> None:
        """End it."""
        self._rest.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGCONT)
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                assert pipe is not None
                pipe.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


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
    parser.add_argument("--seconds", type=float, default=480.0, help="time no task after so long")
    parser.add_argument("--grace", type=float, default=90.0, help="then give up a task that is being timed")
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
        record["tasks"] = measured(told.out, record["facts"])
    selected = Suite.find("kernelbench:3", None).select(told.tasks)
    names = graded([name for name in selected if programs(told.folders, name, told.size)])
    if told.tasks and (others := [name for name in selected if name not in names]):
        print(f"not judged, for lack of a program or blind as shipped: {', '.join(others)}", flush=True)
    if not names:
        raise InputError(
            "there is no program to judge",
            why=f"no kernelbench_3_N/*.py of these tasks in {', '.join(map(str, told.folders))}",
            now="name folders that hold some, or other tasks",
        )
    waiting = [name for name in names if not done(record["tasks"].get(name))]
    for name, row in _in_order(waiting, told, began):
        if "fault" not in row or "programs" not in record["tasks"].get(name, {}):
            # verdicts of a search are worth more than a fault; other rows may be of another commit or day
            record["tasks"][name] = {**row, "facts": record["facts"]}
        keep(told.out, record)
        print(f"[{time.monotonic() - began:5.0f} s] {name}: {words(row)}", flush=True)
    print(table(record), flush=True)
    return 0 if all(row.get("best") for row in record["tasks"].values()) else 1


def done(row: Mapping[str, Any] | None) -> bool:
    """Tell whether a task's row is whole: neither it nor its best program's confirmation broke off."""
    return row is not None and not row.keys() & {"fault", "unconfirmed"}


def measured(path: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tasks of a record that is gone on with, each with the facts of the sweep that measured it.

    Raises:
        InputError: if it is none, or of another device, size, versions or set of baselines.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        old, tasks = found["facts"], dict(found["tasks"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no record of a sweep", why=str(error), now="give --out another file"
        ) from error
    apart = [key for key in ALIKE if old.get(key) != facts.get(key)]
    if apart:
        words = ", ".join(f"{key} {old.get(key)} there, {facts.get(key)} here" for key in apart)
        raise InputError(f"{path} was measured otherwise", why=words, now="give --out another file")
    return {name: {"facts": old, **row} for name, row in tasks.items()}


def graded(names: Sequence[str]) -> list[str]:
    """Return the tasks without those that have a repaired variant among them: these are blind as shipped."""
    repaired = {name.partition("@")[0] for name in names if "@" in name}
    return [name for name in names if name not in repaired]


def programs(folders: Sequence[Path], name: str, size: str | None = None) -> list[Path]:
    """Return the programs that there are for a task, those for another size (``*_v0``, ``*_full``) left out.

    A variant that differs in its weights alone has those of the task as shipped, where it has none itself.

    Args:
        folders: of programs.
        name: of the task.
        size: at which they are to be judged; None for all of them.
    """
    places = [folder_name(name), same_program(name)]
    there = (
        [p for folder in folders for p in sorted((folder / place).glob("*.py"))] for place in places if place
    )
    return [path for path in next(filter(None, there), []) if meant_for(path, size)]


def _facts(told: argparse.Namespace) -> dict[str, Any]:
    here = machine.facts() if told.device != "cpu" else {"device": "cpu", "commit": machine.commit()}
    options = ("size", "baselines", "search", "final", "ahead")
    return {**here, **{name: getattr(told, name) for name in options}}


def _in_order(
    names: Sequence[str], told: argparse.Namespace, began: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of tasks, as they are prepared; a task's last one is its whole row.

    When the time is over those that are prepared are given up too.
    """
    left, running = list(names), list[Worker]()
    told.out.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        while left or running:
            remains = began + told.seconds - time.monotonic()
            if remains <= 0:
                print(f"no time left for {', '.join([*(w.name for w in running), *left])}", flush=True)
                return
            while left and len(running) <= told.ahead:
                name = left.pop(0)
                order = {
                    "task": name,
                    "programs": [str(path.absolute()) for path in programs(told.folders, name, told.size)],
                    "baselines": told.baselines.split(","),
                    **{key: getattr(told, key) for key in ("size", "device", "search", "final")},
                }
                running.append(Worker(name, order, told.out.with_suffix(".log")))
                stack.callback(running[-1].close)
            patience = min(remains, PATIENCE["ready"])
            speaking = select.select(running, [], [], patience)[0][:1]
            for worker in speaking:
                for row in worker.time(began + told.seconds + told.grace):
                    yield worker.name, row
            silent = [] if speaking else list(running)
            for worker in silent:
                yield worker.name, {"fault": f"nothing was prepared for {patience:.0f} s; the log says more"}
            for worker in speaking or silent:
                running.remove(worker)
                worker.close()


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
    final = decisive(row) or {"metrics": {}, "score": None}
    score = f"{final['score']:.2f}" if final["score"] else "none"
    shown = {k: final["metrics"].get(k) for k in SHOWN}
    return f"{score} by {row['best']} {shown} | {tried}"


def decisive(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the verdict that counts: the confirmation, or where none was asked for the best one."""
    found = row.get("final") or row.get("programs", {}).get(row.get("best"))
    return dict(found) if found else None


def _came_of(verdict: Mapping[str, Any]) -> str:
    return (
        f"{verdict['score']:.2f}" if verdict["score"] else f"{verdict['status']}: {verdict['feedback'][:160]}"
    )


def table(record: Mapping[str, Any]) -> str:
    """Return a table of the tasks, and the geometric means over those that have a right program."""
    ways = ["eager", "eager_fp32", "compile", "graphed", "compile_graphed"]
    facts = record["facts"]
    commits = dict.fromkeys(str(told.get("facts", facts).get("commit")) for told in record["tasks"].values())
    lines = [
        f"{facts.get('device')}, size {facts['size']}, commit {', '.join(commits) or facts.get('commit')}",
        "",
        *([facts["note"], ""] if facts.get("note") else []),
        "| task | best | ms | x best baseline | 95 % | baseline | "
        + " | ".join(f"x {w}" for w in ways)
        + " | class | roofline | error | cases |",
        "|---" * (10 + len(ways)) + "|",
    ]
    ratios: dict[str, list[float]] = {}
    for name, row in record["tasks"].items():
        final = decisive(row)
        if not final or final["score"] is None:
            lines.append(f"| {name} | {row.get('best') or 'none'} | |" + " |" * (7 + len(ways)))
            continue
        m = final["metrics"]
        per = [m.get(f"speedup_vs_{w}") for w in ways]
        for way, ratio in zip(["best", *ways], [final["score"], *per], strict=True):
            if ratio and _is_sure(final):
                ratios.setdefault(way, []).append(ratio)
        ends = [m.get("score_low"), m.get("score_high")]
        cells = [
            name,
            row["best"] + ("" if "final" in row else ", once"),
            _number(m.get("latency_ms")),
            _number(final["score"]),
        ]
        known = all(isinstance(end, float) for end in ends)
        cells += [" to ".join(map(_number, ends)) if known else "unknown", str(m.get("baseline"))]
        cells += [*map(_number, per), str(m.get("precision"))]
        cells += [_number(m.get("roofline_fraction")), _number(m.get("oracle_error")), str(m.get("cases"))]
        lines.append("| " + " | ".join(cells) + " |")
    if any(
        (final := decisive(row)) and final["score"] and not _is_sure(final)
        for row in record["tasks"].values()
    ):
        lines += ["", "Rows without an interval (the clock was disturbed) are in no mean."]
    means = {w: math.exp(sum(map(math.log, r)) / len(r)) for w, r in ratios.items()}
    lines += [
        "",
        *(f"geometric mean against {w}: {m:.3f} ({len(ratios[w])} tasks)" for w, m in means.items()),
    ]
    return "\n".join(lines) + "\n"


def _is_sure(verdict: Mapping[str, Any]) -> bool:
    return verdict["metrics"].get("score_low") is not None


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else ""


if __name__ == "__main__":
    sys.exit(main())
