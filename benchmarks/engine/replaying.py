"""Is a replay exact? 200 programs recorded with 1, 2 and 8 workers, each killed once, then replayed twice.

``python -m benchmarks.engine.replaying`` records the runs in child processes (kill -9 in the middle, then a
resume), replays each in two fresh processes with different hash seeds, and prints the table; ``--json FILE``
writes it down. Exit code 1 if a replay deviates or two replays differ. Evaluations take a random time, so
that verdicts come in another order each time: the lineages of the three runs differ, each replay must not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from kernelevo.core import Brief, Evaluation, Origin, Program, Proposal, Task
from kernelevo.engine import Budget, Engine, Reenactment, Schedule
from kernelevo.executors import ProcessExecutor
from kernelevo.population import DEFAULT, Islands, Policy
from kernelevo.store import RunStore

WORKERS = (1, 2, 8)
PROGRAMS = 200
BITS = 32
SEED = 7
POLICIES = {"default": (1, DEFAULT), "all on": (3, Policy(migrate_every=20, dead_after=20))}


class Bits:
    """Judges a string of bits after a random time: how many ones, and how many pairs of ones."""

    def __call__(self, program: Program) -> Evaluation:
        text = program.source
        time.sleep(random.SystemRandom().random() * 0.02)
        if text.count("0") == 5:
            return Evaluation.wrong("five zeros are forbidden")
        return Evaluation.ok(text.count("1") + 0.5 * text.count("11"), launches=text.count("01"))


def load(task: Task) -> Bits:
    """Make the evaluator, inside a worker."""
    return Bits()


class Changes:
    """Changes some bits of its first parent, or joins two; now and then it has nothing, or two at a time."""

    def __init__(self, name: str, bits: int, parents: int) -> None:
        self.name, self._bits, self.parents = name, bits, parents

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        await asyncio.sleep(random.SystemRandom().random() * 0.01)
        if rng.random() < 0.1:
            return []
        return [self._one(brief, rng) for _ in range(1 if rng.random() < 0.8 else 2)]

    def _one(self, brief: Brief, rng: Random) -> Proposal:
        sources = [verdict.program.source for verdict in brief.parents]
        text = list(sources[0] if sources else "".join(rng.choice("01") for _ in range(BITS)))
        if len(sources) > 1:
            at = rng.randrange(BITS)
            text[at:] = sources[1][at:]
        for _ in range(self._bits):
            at = rng.randrange(BITS)
            text[at] = "10"[int(text[at])]
        parents = tuple(verdict.program.id for verdict in brief.parents)
        return Proposal(Program.single("".join(text), parents=parents, origin=Origin(self.name)))


def population(name: str) -> Islands:
    """Return the empty population of a policy of this benchmark."""
    count, policy = POLICIES[name]
    return Islands(count, policy=policy, directions=("a", "b", "c"))


def record(folder: Path, workers: int, policy: str) -> None:
    """Record a run, or go on with one that was killed."""
    fresh = not (folder / "run.db").exists()
    task = Task("bits", "many ones", (Program.single("0" * BITS),), "bits")
    store = RunStore.create(folder, task, {}) if fresh else RunStore.open(folder)
    executor = ProcessExecutor(cpu=workers, build=0)
    try:
        engine = Engine(
            store,
            [Changes("one", 1, 1), Changes("three", 3, 1), Changes("mix", 1, 2)],
            executor,
            Budget.parse(str(PROGRAMS)),
            islands=population(policy),
            loader="benchmarks.engine.replaying:load",
            device=None,
            seed=SEED,
            schedule=Schedule(thinkers=workers, builders=workers, measurers=workers),
        )
        asyncio.run(engine.run())
    finally:
        executor.close()
        store.close()


def replay(folder: Path, policy: str) -> dict[str, Any]:
    """Replay a run; return the outcome with its time."""
    began = time.perf_counter()
    with RunStore.open(folder, readonly=True) as store:
        found = Reenactment(store, population(policy)).run()
    return {**found.to_json(), "seconds": time.perf_counter() - began}


def child(*words: str, hash_seed: int = 0) -> subprocess.Popen[str]:
    """Start this module in a fresh process of its own group."""
    command = [sys.executable, "-m", "benchmarks.engine.replaying", *words]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        start_new_session=True,
    )


def killed_once(folder: Path, workers: int, policy: str) -> int:
    """Record a run with one kill -9 in its middle; return how many trials were recorded by then."""
    words = ("--record", str(folder), "--workers", str(workers), "--policy", policy)
    process = child(*words)
    while process.poll() is None and _count(folder) < PROGRAMS // 2:
        time.sleep(0.01)
    if process.poll() is not None:
        raise RuntimeError("the run ended before it could be killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = _count(folder)
    again = child(*words)
    again.communicate()
    if again.returncode:
        raise RuntimeError(f"the resumed run ended with {again.returncode}")
    return before


def _count(folder: Path) -> int:
    if not (folder / "run.db").exists():
        return 0
    try:
        with RunStore.open(folder, readonly=True) as store:
            return store.count()
    except Exception:  # its creation is not finished
        return 0


def measure(root: Path, workers: Sequence[int], policies: Sequence[str]) -> list[dict[str, Any]]:
    """Record and replay every combination."""
    rows = []
    for policy in policies:
        for count in workers:
            folder = root / f"{policy.replace(' ', '-')}-{count}"
            before = killed_once(folder, count, policy)
            replays = []
            for hash_seed in (1, 2):
                process = child("--replay", str(folder), "--policy", policy, hash_seed=hash_seed)
                replays.append(json.loads(process.communicate()[0]))
            exact = all(r["exact"] for r in replays)
            same = replays[0]["lineage_sha256"] == replays[1]["lineage_sha256"]
            rows.append(
                {
                    "policy": policy,
                    "workers": count,
                    "killed_after": before,
                    "exact": exact and same,
                    **replays[0],
                }
            )
            row = rows[-1]
            print(
                f"{policy}, {count} workers: {row['trials']} trials, killed after {before}, "
                f"{'identical' if row['exact'] else row['deviation']}, {row['seconds']:.2f} s, "
                f"lineage {row['lineage_sha256'][:12]}",
                flush=True,
            )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, help="record one run in this folder")
    parser.add_argument("--replay", type=Path, help="replay the run in this folder")
    parser.add_argument("--workers", type=int, action="append")
    parser.add_argument("--policy", choices=POLICIES, action="append")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    chosen = parser.parse_args()
    policies = chosen.policy or list(POLICIES)
    if chosen.record:
        record(chosen.record, chosen.workers[0], policies[0])
        return 0
    if chosen.replay:
        print(json.dumps(replay(chosen.replay, policies[0])))
        return 0
    with tempfile.TemporaryDirectory(prefix="kernelevo-replaying-") as root:
        rows = measure(Path(root), chosen.workers or WORKERS, policies)
    if chosen.json:
        chosen.json.write_text(json.dumps({"programs": PROGRAMS, "rows": rows}, indent=1), encoding="utf-8")
    return 0 if all(row["exact"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
