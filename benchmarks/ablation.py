"""The engine's parts on one problem, no model: adaptive, top-k, random, no cold start, no islands.

``python -m benchmarks.ablation`` runs every variant with five seeds on ``noisy_graphs`` and writes
``benchmarks/results/ablation.json`` after each run; runs that are there already are kept, so it can be
stopped and started again. The table gives the mean of the best scores with a 95 % interval (Student's t over
seeds), and the paired difference to the adaptive variant. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import mean, stdev

from kernelevo.api import run_task
from kernelevo.config import load_settings
from kernelevo.evaluators.registry import task_of

RESULTS = Path(__file__).parent / "results" / "ablation.json"
PROBLEM = "noisy_graphs"
# islands are given, so that proposers without a model have a cold start, too
VARIANTS: dict[str, dict] = {
    "adaptive": {"islands": 3},
    "top-k": {"sampler": "topk"},
    "random": {"sampler": "random"},
    "no cold start": {"islands": 3, "no_cold_start": True},
    "no islands": {},
}
T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""Quantiles of Student's t at 97.5 %, by the number of values."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", default=PROBLEM)
    parser.add_argument(
        "--budget", default="80", help="of each run; trials, so that the machine's load counts little"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--to", type=Path, default=RESULTS)
    given = parser.parse_args()
    done = json.loads(given.to.read_text("utf-8")) if given.to.is_file() else {}
    for seed in given.seeds:
        for name in VARIANTS:
            key = f"{given.problem}/{given.budget}/{name}/{seed}"
            if key not in done:
                done[key] = measured(given, name, seed)
                given.to.parent.mkdir(parents=True, exist_ok=True)
                given.to.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
                print(f"{key}: {done[key]['best']:.5f} after {done[key]['seconds']:.0f} s", flush=True)
    print("\n".join(table(done, given)))


def measured(given: argparse.Namespace, name: str, seed: int) -> dict:
    task = task_of(given.problem)
    assert task is not None, f"no problem {given.problem}"
    with tempfile.TemporaryDirectory(prefix="kernelevo-ablation-") as folder:
        flags = {"budget": given.budget, "workers": given.workers, "seed": seed, **VARIANTS[name]}
        began = time.time()
        result = run_task(task, load_settings({**flags, "out": str(Path(folder) / "run")}))
        scores = [t.score for t in result.trials if t.score is not None and t.evaluation.fidelity == "full"]
        return {
            "best": result.evaluation.score if result.evaluation else max(scores),
            "seed_score": result.trials[0].score,
            "trials": len(result.trials),
            "seconds": round(time.time() - began, 1),
            "workers": given.workers,
            "load": round(os.getloadavg()[0], 2),
            "when": time.strftime("%Y-%m-%d %H:%M"),
        }


def table(done: dict, given: argparse.Namespace) -> list[str]:
    lines = ["", "| variant | mean of best [95 %] | minus adaptive [95 %] | runs |", "|---|---|---|---|"]
    reached = {
        name: {
            s: done[k]["best"]
            for s in given.seeds
            if (k := f"{given.problem}/{given.budget}/{name}/{s}") in done
        }
        for name in VARIANTS
    }
    for name, values in reached.items():
        common = [values[s] - reached["adaptive"][s] for s in values if s in reached["adaptive"]]
        lines.append(
            f"| {name} | {with_interval(list(values.values()))} | {with_interval(common)} | {len(values)} |"
        )
    return lines


def with_interval(values: list[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.5f}" if values else "-"
    half = T.get(len(values), 1.96) * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.5f} [{mean(values) - half:.5f}, {mean(values) + half:.5f}]"


if __name__ == "__main__":
    main()
