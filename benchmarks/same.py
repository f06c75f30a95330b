"""A/A on this machine: the module judged against itself, how often luck is called speed, what checking costs.

Usage: ``python -m benchmarks.same [--device cpu] [--pairs 100] [--seconds 300] [--out FILE.json]``

Two tables. *Equals*: duels of the module with itself (``benchmarks.gpu.same`` holds them), how many were
called faster or slower with the 95 % interval (Wilson) of that share, and how far the ratios spread.
*Checking*: one honest program on a module above 5 ms, judged in full: what reading, hashing and comparing the
outputs of timed calls takes beside the timed calls themselves, and what the cases before take.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu.same import TEXT, same, share_interval
from kernelevo.core import Program, Task
from kernelevo.kernels.judge import KernelJudge

PAIRS, SECONDS = 100, 300.0
LARGER = TEXT.replace("torch.rand(256, 512)", "torch.rand(1024, 1024)").replace("[512]", "[1024]")
ABOVE_MS = 5.0


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="begin no pair after so long")
    parser.add_argument("--out", type=Path, help="JSON file")
    told = parser.parse_args(given)
    load = os.getloadavg()
    equals = same(told.device, told.pairs, told.seconds)
    equals["slower_low"], equals["slower_high"] = share_interval(equals["slower"], equals["pairs"])
    cost = checking(told.device)
    facts = {"date": datetime.date.today().isoformat(), "device": told.device, "cores": os.cpu_count()}
    facts |= {"load": load, "load_at_the_end": os.getloadavg()}
    for title, figures in (("equals", equals), ("checking", cost), ("machine", facts)):
        print(f"{title}\n{table(figures)}")
    if told.out is not None:
        record = {"facts": facts, "equals": equals, "checking": cost}
        told.out.write_text(json.dumps(record, indent=1) + "\n")
    return 0 if equals["pairs"] else 1


def checking(device: str = "cpu", text: str = LARGER, *, seconds: float = 2.0) -> dict[str, Any]:
    """Judge an honest program once, and return where the time went.

    Args:
        device: ``"cuda"`` or ``"cpu"``.
        text: of the module.
        seconds: for timing.

    Returns:
        Seconds: ``timed`` (batches of both sides), ``examined`` (reading and hashing between batches),
        ``verified`` (comparing kept outputs afterwards), ``mixed`` (comparing those of the one batch on
        inputs of every kind, which is not timed), ``cases`` (before timing), ``whole`` (the verdict);
        ``share_of_timed``: examined and verified over timed; ``latency_ms``; ``above_5_ms``.
    """
    spec = {"kind": "source", "text": text, "filename": "task.py", "size": "full", "entry": "Model"}
    task = Task("same", "is as fast as itself", options={"reference": spec, "device": device})
    program = text.split("def get_inputs", maxsplit=1)[0].replace("class Model(", "class ModelNew(")
    spent: dict[str, float] = defaultdict(float)
    with (
        tempfile.TemporaryDirectory() as cache,
        KernelJudge(task, cache=Path(cache), compiled=(), search_seconds=seconds) as judge,
    ):
        judge.warm()
        ground = judge.ground
        with ground.pool.turn:
            ground.pool.fill()
        artifact = judge.prepare(Program.single(program + "\n\nEQUAL = True\n"))
        after: dict[str, Callable[[], str]] = {  # what is compared before the duel is a case
            "verify": lambda: "verified" if spent["duel"] else "cases"
        }
        for owner, name, what in (
            (ground.ring, "_examine", "examined"),
            (ground.ring, "_beside", "examined"),
            (ground.ring, "fight", "duel"),
            (ground.checker, "verify", "verified"),
            (ground.checker, "reports", "mixed"),
            (ground.checker, "case", "cases"),
            (ground.checker, "several", "cases"),
        ):
            setattr(owner, name, _clocked(getattr(owner, name), spent, after.get(name, lambda w=what: w)))
        ground.ring.run = _batches(ground.ring.run, spent)
        start = time.monotonic()
        verdict = judge.measure(artifact)
        spent["whole"] = time.monotonic() - start
    found = {
        name: spent[name] for name in ("timed", "duel", "examined", "verified", "mixed", "cases", "whole")
    }
    latency, checked = verdict.metrics.get("latency_ms"), found["examined"] + found["verified"]
    return {
        "status": str(verdict.status),
        "score": verdict.score,
        "latency_ms": latency,
        "above_5_ms": latency is not None and latency > ABOVE_MS,
        **found,
        "share_of_timed": checked / found["timed"] if found["timed"] else None,
        "share_of_whole": (checked + found["mixed"] + found["cases"]) / found["whole"],
    }


def _clocked(act: Callable[..., Any], spent: dict[str, float], what: Callable[[], str]) -> Callable[..., Any]:
    def clocked(*given: Any, **named: Any) -> Any:
        start, name = time.monotonic(), what()
        try:
            return act(*given, **named)
        finally:
            spent[name] += time.monotonic() - start

    return clocked


def _batches(run: Callable[..., Any], spent: dict[str, float]) -> Callable[..., Any]:
    """Add up what batches take by the parent's clock: writing their inputs is not in it."""

    def counted(*given: Any) -> Any:
        batch, picks = run(*given)
        spent["timed"] += batch.seconds
        return batch, picks

    return counted


def table(figures: dict[str, Any]) -> str:
    """Return figures as lines of a name and a value."""
    rows = [(k, f"{v:.4g}" if isinstance(v, float) else str(v)) for k, v in figures.items()]
    return "\n".join(f"  {name:18} {value}" for name, value in rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
