"""Which policy finds faster kernels, with equal evaluations: six tasks, the proposers without a model.

    python -m benchmarks.engine.kernel_ablation --folder runs/kernel-ablation-DATE

Every cell (task, policy, seed) is one run of so many evaluations at size ``small`` on the CPU. The cells of a
task share a table of verdicts (``tabled``), so that each program is measured once, whoever proposes it, and a
search that meets known programs alone takes seconds. A cell whose run is done is not run again, one that was
cut off is resumed: the same command goes on. The table has the geometric mean of the best speed-ups over
the seeds with a bootstrap interval, and mean ranks; ``--json FILE`` writes it down. It wants a machine that
does nothing else.
``--report`` prints the table of what is there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from benchmarks.engine.tabled import LOADER, OPTION
from kernelevo.api import load_run
from kernelevo.api.loading import find_task
from kernelevo.api.parts import Plan, carry_out
from kernelevo.config import load_settings
from kernelevo.core import Trial
from kernelevo.engine import Budget
from kernelevo.engine.evaluation import close_all
from kernelevo.engine.replay import SEED
from kernelevo.errors import RunNotFound, StoreError
from kernelevo.store import RunStore

TASKS = (
    "kernelbench:3/1",
    "kernelbench:3/4",
    "kernelbench:3/6",
    "kernelbench:3/31",
    "kernelbench:3/43",
    "kernelbench:3/46",
)
SEEDS = (0, 1, 2, 3, 4)
EVALUATIONS = 24
AFTER = (2, 4, 8, 16, 24)  # evaluations after which searches are compared too
RESAMPLES = 2000
CLUSTERS, ELITES = {"no_clusters": False}, {"no_elites": False}
# settings of a run; the first is the default, to which the others are compared
POLICIES: dict[str, dict[str, Any]] = {
    "default": {},
    "clusters": CLUSTERS,
    "elites": ELITES,
    "all on": CLUSTERS | ELITES,
    "2 islands, all on": CLUSTERS | ELITES | {"islands": 2},
    "topk": {"sampler": "topk"},
    "refine": {"sampler": "refine"},
    "random": {"sampler": "random"},
    "best_of_n": {"sampler": "best_of_n"},
}


def plain(text: str) -> str:
    """Return a text as it may stand in a file's name."""
    return text.replace(":", "-").replace("/", "-").replace(", ", "-").replace(" ", "-")


def folder_of(root: Path, task: str, policy: str, seed: int) -> Path:
    """Return the folder of one cell's run."""
    return root / f"{plain(f'{task}-{policy}')}-{seed}"


def run_cell(root: Path, task: str, policy: str, seed: int, evaluations: int, size: str) -> str:
    """Run, resume or leave one cell; return what was done."""
    folder = folder_of(root, task, policy, seed)
    state = _state(folder)
    if state == "done":
        return "was there"
    told = {"seed": seed, "size": size, "device": "cpu", "budget": str(evaluations), "executor": "inline"}
    settings = load_settings({**told, **POLICIES[policy]})
    if state is None:
        root.mkdir(parents=True, exist_ok=True)
        found = find_task(task, settings)
        table = str((root / f"verdicts-{plain(task)}.jsonl").absolute())
        shared = replace(found, options={**found.options, OPTION: table})
        opened = RunStore.create(folder, shared, settings.to_json())
    else:
        opened = RunStore.open(folder)
    with opened as store:
        carry_out(Plan(store, settings, Budget.parse(settings.budget), loader=LOADER))
    if _state(folder) != "done":
        raise SystemExit(f"{task}, {policy}, seed {seed}: stopped; the same command goes on")
    return "done" if state is None else "resumed"


def _state(folder: Path) -> str | None:
    try:
        return load_run(folder).state
    except (RunNotFound, StoreError):
        return None


def read(root: Path, tasks: Iterable[str], policies: Iterable[str], seeds: Iterable[int]) -> dict[str, Any]:
    """Read the scores of all cells that are done: task -> policy -> seed -> facts."""
    found: dict[str, Any] = {}
    chosen = list(policies), list(seeds)
    for task in tasks:
        for policy in chosen[0]:
            for seed in chosen[1]:
                folder = folder_of(root, task, policy, seed)
                if _state(folder) == "done":
                    result = load_run(folder)
                    best = result.best.number if result.best else None
                    facts = {"score": result.speedup, "trials": len(result.trials), "best": best}
                    facts["after"] = best_after(result.trials)
                    found.setdefault(task, {}).setdefault(policy, {})[seed] = facts
    return found


def best_after(trials: Sequence[Trial]) -> dict[int, float]:
    """Return the best score after so many evaluations, failed ones too; all start from the module itself.

    A search that ran out of programs has what it has found from then on.
    """
    searched = [trial for trial in trials if trial.program.origin.proposer != SEED]
    scores = [1.0, *(trial.score or 0.0 for trial in searched)]
    return {k: max(scores[: k + 1]) for k in AFTER}


def interval(logs: Sequence[float], rng: Random) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the geometric mean of scores, from their logarithms."""
    means = sorted(fmean(rng.choices(logs, k=len(logs))) for _ in range(RESAMPLES))
    return math.exp(means[round(0.025 * (RESAMPLES - 1))]), math.exp(means[round(0.975 * (RESAMPLES - 1))])


def summary(found: Mapping[str, Any], policies: Sequence[str]) -> dict[str, Any]:
    """Return geometric means with intervals for each task and policy, and the way there on complete seeds.

    A cell without a correct program counts as 1.0: the module itself is what a person is left with.
    """
    rows: dict[str, Any] = {}
    ranks: dict[str, list[float]] = {policy: [] for policy in policies}
    ways: dict[str, list[list[float]]] = {policy: [] for policy in policies}
    for task, cells in found.items():
        rows[task] = {}
        for policy in policies:
            scores = [max(facts["score"] or 1.0, 1e-9) for facts in cells.get(policy, {}).values()]
            if not scores:
                continue
            logs = [math.log(score) for score in scores]
            low, high = interval(logs, Random(f"{task} {policy}"))
            rows[task][policy] = {"mean": math.exp(fmean(logs)), "low": low, "high": high, "seeds": len(logs)}
        complete = set.intersection(*(set(cells.get(policy, {})) for policy in policies))
        known = max((f["after"][AFTER[-1]] for cell in cells.values() for f in cell.values()), default=1.0)
        for seed in sorted(complete):
            way = {p: [math.log(cells[p][seed]["after"][k] / known) for k in AFTER] for p in policies}
            for policy in policies:
                ways[policy].append(way[policy])
                ranks[policy].append(_rank(fmean(way[policy]), [fmean(w) for w in way.values()]))
    blocks = len(next(iter(ranks.values()), []))
    mean_ranks = {policy: fmean(values) if values else None for policy, values in ranks.items()}
    after = {policy: _shares(way, policy) for policy, way in ways.items() if way}
    return {"tasks": rows, "mean_rank": mean_ranks, "after": after, "blocks": blocks}


def _rank(mine: float, all_of_them: Sequence[float]) -> float:
    """Rank of a figure, 1 for the highest; equal ones share the mean of their places."""
    better, equal = sum(o > mine for o in all_of_them), sum(o == mine for o in all_of_them)
    return better + (equal + 1) / 2


def _shares(way: Sequence[Sequence[float]], policy: str) -> dict[int, dict[str, float]]:
    """Return what part of the best known speed-up was found after so many evaluations, over all blocks."""
    shares = {}
    for column, count in enumerate(AFTER):
        logs = [row[column] for row in way]
        low, high = interval(logs, Random(f"{policy} {count}"))
        shares[count] = {"share": math.exp(fmean(logs)), "low": low, "high": high}
    return shares


def table(summed: Mapping[str, Any], policies: Sequence[str]) -> str:
    """Return the table for people."""
    tasks = list(summed["tasks"])
    width = max([len(p) for p in policies] + [8]) + 2
    lines = ["geometric mean of the speed-up over the seeds [95 % interval]"]
    lines.append("policy".ljust(width) + "mean rank".ljust(11) + "".join(t.ljust(26) for t in tasks))
    for policy in policies:
        rank = summed["mean_rank"][policy]
        line = policy.ljust(width) + ("-" if rank is None else f"{rank:.2f}").ljust(11)
        for task in tasks:
            cell = summed["tasks"][task].get(policy)
            text = "-" if cell is None else f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"
            line += text.ljust(26)
        lines.append(line.rstrip())
    lines.append(f"ranks over {summed['blocks']} blocks of task and seed that every policy has,")
    lines.append("by the mean of what the next table tells")
    lines.append(
        "part of the best speed-up known of the task that was found after so many evaluations [95 %]"
    )
    lines.append("policy".ljust(width) + "".join(str(k).ljust(21) for k in AFTER))
    for policy, shares in summed["after"].items():
        cells = [f"{c['share']:.3f} [{c['low']:.3f}, {c['high']:.3f}]" for c in shares.values()]
        lines.append((policy.ljust(width) + "".join(c.ljust(21) for c in cells)).rstrip())
    return "\n".join(lines)


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="of all runs")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--policies", default=";".join(POLICIES), help="names, with semicolons")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS)
    parser.add_argument("--size", default="small")
    parser.add_argument("--report", action="store_true", help="only the table of what is there")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    told = parser.parse_args(given)
    tasks, policies = told.tasks.split(","), told.policies.split(";")
    seeds = [int(seed) for seed in told.seeds.split(",")]
    # seeds outermost: whoever stops early has whole blocks
    cells = [(task, policy, seed) for seed in seeds for task in tasks for policy in policies]
    judged = None
    for index, (task, policy, seed) in enumerate(() if told.report else cells):
        if task != judged:
            close_all()  # one judge at a time
            judged = task
        began = time.monotonic()
        done = run_cell(told.folder, task, policy, seed, told.evaluations, told.size)
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{index + 1}/{len(cells)} {task}, {policy}, seed {seed}: {done}, {took}", flush=True)
    close_all()
    found = read(told.folder, tasks, policies, seeds)
    summed = summary(found, policies)
    print(table(summed, policies))
    if told.json:
        facts = {"evaluations": told.evaluations, "size": told.size, **summed, "cells": found}
        told.json.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
