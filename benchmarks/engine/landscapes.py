"""Which policy finds more, with equal evaluations: all samplers and ablations on four landscapes.

Seeds 0 to 49 are for development, 150 to 249 for the report (50 to 149 were used for an earlier default).
``python -m benchmarks.engine.landscapes`` prints the table of the development seeds; ``--report`` that of the
others; ``--candidates`` compares settings of the default policy; ``--json FILE`` writes the figures down too.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from random import Random
from statistics import fmean, stdev

from benchmarks.engine.problems import MIXING, PROBLEMS, propose
from kernelevo.core import Origin, Program, Trial
from kernelevo.population import DEFAULT, Islands, Policy

DEVELOPMENT, REPORT = range(50), range(150, 250)
EVALUATIONS = 150
DIRECTIONS = tuple(map(str, range(6)))  # the stub proposer reads a direction as a number

PLAIN = {name: False for name in ("cold_start", "islands", "clusters", "elites")}
EARLIER = Policy()  # everything switched on: the default whose report was seeds 50 to 149
POLICIES: dict[str, tuple[int, Policy]] = {
    "default": (1, DEFAULT),
    "default, cold start off": (1, replace(DEFAULT, cold_start=False)),
    "default, no pressure": (1, replace(DEFAULT, pressure=False)),
    "default, clusters": (1, replace(DEFAULT, clusters=True)),
    "default, elites": (1, replace(DEFAULT, elites=True)),
    "default, 2 islands": (2, DEFAULT),
    "default, 4 islands": (4, DEFAULT),
    "all on": (1, EARLIER),
    "all on, no clusters": (1, replace(EARLIER, clusters=False)),
    "all on, 2 islands": (2, EARLIER),
    "refine, cold start": (1, replace(EARLIER, sampler="refine")),
    **{s: (1, Policy(sampler=s, **PLAIN)) for s in ("topk", "random", "best_of_n", "refine")},
}
# what the default was chosen from: the first of these has the best mean rank on the development seeds
COLDER = {"coldest": 0.05, "hottest": 0.4, "depth": 0.7}
GREEDY = {"coldest": 0.02, "hottest": 0.1, "discount": 0.0}
CANDIDATES: dict[str, tuple[int, Policy]] = {
    "as it was": (1, EARLIER),
    "colder": (1, replace(EARLIER, **COLDER)),
    "greedy": (1, replace(EARLIER, **GREEDY)),
    "no elites": (1, replace(EARLIER, elites=False)),
    "no distant": (1, replace(EARLIER, distant=False)),
    "no discount": (1, replace(EARLIER, discount=0.0)),
    "no cold start": (1, replace(EARLIER, cold_start=False)),
    "flat": (1, replace(EARLIER, clusters=False)),
    "flat, colder": (1, replace(EARLIER, clusters=False, **COLDER)),
    "flat, greedy": (1, replace(EARLIER, clusters=False, **GREEDY)),
    "flat, no elites": (1, replace(EARLIER, clusters=False, elites=False)),
    "flat, no elites, colder": (1, replace(EARLIER, clusters=False, elites=False, **COLDER)),
    "flat, no elites, greedy": (1, replace(EARLIER, clusters=False, elites=False, **GREEDY)),
    "flat, no elites, even": (1, replace(EARLIER, clusters=False, elites=False, discount=0.0)),
    "flat, no discount": (1, replace(EARLIER, clusters=False, discount=0.0)),
    "flat, no pressure": (1, replace(EARLIER, clusters=False, pressure=False)),
    "flat, no cold start": (1, replace(EARLIER, clusters=False, cold_start=False)),
    "flat, colder, warm": (1, replace(EARLIER, clusters=False, cold_start=False, **COLDER)),
    "flat, greedy, warm": (1, replace(EARLIER, clusters=False, cold_start=False, **GREEDY)),
    "2 islands": (2, EARLIER),
    "2 islands, flat": (2, replace(EARLIER, clusters=False)),
    "2 islands, refine": (2, replace(EARLIER, clusters=False, sampler="refine")),
    "refine, rest on": (1, replace(EARLIER, sampler="refine")),
    "refine": (1, Policy(sampler="refine", **PLAIN)),
    "topk of 2": (1, Policy(sampler="topk", top=2, **PLAIN)),
    "topk": (1, Policy(sampler="topk", **PLAIN)),
}


def search(problem_name: str, seed: int, policy: Policy, count: int) -> list[float]:
    """Run one search; return the best score after each evaluation."""
    problem = PROBLEMS[problem_name](seed)
    islands = Islands(count, policy=policy, directions=DIRECTIONS)
    genomes: dict[str, tuple[object, ...]] = {}
    best, curve = -math.inf, []
    for number in range(EVALUATIONS):
        rng = Random(f"{problem_name} {seed} {number}")  # the same stream for every policy
        asked = islands.ask(rng, parents=2 if rng.random() < MIXING else 1, turn=number)
        parents = [genomes[v.program.id] for v in asked.parents]
        genome = propose(problem, parents, int(asked.direction) if asked.direction else None, rng)
        program = Program.single(
            problem.text(genome),
            parents=tuple(v.program.id for v in asked.parents),
            origin=Origin("stub"),
        )
        genomes[program.id] = genome
        evaluation = problem.judge(genome)
        islands.tell(Trial(number, program, evaluation, island=asked.island))
        best = max(best, evaluation.score or -math.inf)
        curve.append(best)
    return curve


def _cell(work: tuple[str, str, Policy, int, tuple[int, ...]]) -> tuple[str, str, list[float], list[float]]:
    problem, name, policy, count, seeds = work
    curves = [search(problem, seed, policy, count) for seed in seeds]
    return problem, name, [curve[-1] for curve in curves], [fmean(curve) for curve in curves]


def compare(policies: Mapping[str, tuple[int, Policy]], seeds: Iterable[int], jobs: int) -> dict[str, object]:
    """Run everything; return final scores, areas under the curve and mean ranks."""
    chosen = tuple(seeds)
    work = [(p, name, policy, n, chosen) for p in PROBLEMS for name, (n, policy) in policies.items()]
    began = time.process_time()
    with ProcessPoolExecutor(jobs) as pool:
        cells = list(pool.map(_cell, work))
    finals = {(problem, name): final for problem, name, final, _ in cells}
    ranks: dict[str, list[float]] = {name: [] for name in policies}
    per_problem: dict[str, dict[str, float]] = {}
    for problem in PROBLEMS:
        mine: dict[str, list[float]] = {name: [] for name in policies}
        for index in range(len(chosen)):
            scores = {name: finals[problem, name][index] for name in policies}
            for name, score in scores.items():
                better = sum(other > score for other in scores.values())
                equal = sum(other == score for other in scores.values())
                mine[name].append(better + (equal + 1) / 2)
        per_problem[problem] = {name: fmean(values) for name, values in mine.items()}
        for name in policies:
            ranks[name] += mine[name]
    rows = {}
    for name in policies:
        row: dict[str, object] = {"mean_rank": fmean(ranks[name]), "rank_half_width": half_width(ranks[name])}
        for problem, cell_name, final, area in cells:
            if cell_name == name:
                row[problem] = {
                    "final": fmean(final),
                    "half_width": half_width(final),
                    "area": fmean(area),
                    "rank": per_problem[problem][name],
                    "less_default": _difference(finals, problem, name),
                }
        rows[name] = row
    return {
        "seeds": [chosen[0], chosen[-1]],
        "evaluations": EVALUATIONS,
        "rows": rows,
        "seconds_of_parent": time.process_time() - began,
    }


def _difference(finals: Mapping[tuple[str, str], list[float]], problem: str, name: str) -> list[float] | None:
    """Return the mean difference to the default on the same seeds, and half its 95 % interval."""
    if (problem, "default") not in finals or name == "default":
        return None
    pairs = zip(finals[problem, name], finals[problem, "default"], strict=True)
    differences = [mine - other for mine, other in pairs]
    return [fmean(differences), half_width(differences)]


def half_width(values: list[float]) -> float:
    """Return half of the 95 % interval of a mean over seeds (normal approximation)."""
    return 1.96 * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.inf


def table(result: Mapping[str, object]) -> str:
    """Return the table for people: best score after all evaluations with intervals, and mean ranks."""
    rows = result["rows"]
    assert isinstance(rows, dict)
    ordered = sorted(rows, key=lambda name: rows[name]["mean_rank"])
    lines = [f"best score after {EVALUATIONS} evaluations, mean over seeds {result['seeds']}, 95 % intervals"]
    lines.append("policy".ljust(25) + "mean rank".ljust(15) + "".join(p.ljust(22) for p in PROBLEMS))
    for name in ordered:
        row = rows[name]
        line = name.ljust(25) + f"{row['mean_rank']:.2f} +- {row['rank_half_width']:.2f}".ljust(15)
        for problem in PROBLEMS:
            cell = row[problem]
            line += f"{cell['final']:.4f} +- {cell['half_width']:.4f}".ljust(22)
        lines.append(line.rstrip())
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", action="store_true", help="seeds 150 to 249")
    parser.add_argument("--candidates", action="store_true", help="settings of the default policy")
    parser.add_argument("--only", help="names of policies, with semicolons")
    parser.add_argument("--seeds", type=int, help="only the first so many")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", help="a file for the figures")
    chosen = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    seeds = list(REPORT if chosen.report else DEVELOPMENT)[: chosen.seeds]
    policies = CANDIDATES if chosen.candidates else POLICIES
    if chosen.only:
        policies = {name: policies[name] for name in chosen.only.split(";")}
    result = compare(policies, seeds, chosen.jobs)
    print(table(result))
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
