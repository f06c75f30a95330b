"""Every bundled problem from its seed to a better program without a model: a row each, Markdown and JSON.

``python benchmarks/packs.py`` runs each problem for two minutes with two workers and writes
``benchmarks/results/packs.json`` after each; problems that are there already are kept, so it can be stopped
and started again (``--again`` runs them anew). Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from kernelevo.api import run_task
from kernelevo.config import load_settings
from kernelevo.errors import MachineError
from kernelevo.evaluators.combinatorial.problems import PROBLEMS as HEURISTIC
from kernelevo.evaluators.mathematics.problems import PROBLEMS as MATHEMATICS
from kernelevo.evaluators.ml.tasks import TASKS as MACHINE_LEARNING
from kernelevo.evaluators.registry import task_of

RESULTS = Path(__file__).parent / "results" / "packs.json"
NAMES = [*MATHEMATICS, *HEURISTIC, *MACHINE_LEARNING]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--budget", default="120s")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--to", type=Path, default=RESULTS)
    given = parser.parse_args()
    rows = json.loads(given.to.read_text("utf-8")) if given.to.is_file() else {}
    for name in given.names:
        if given.again or name not in rows:
            rows[name] = measured(name, given)
            given.to.parent.mkdir(parents=True, exist_ok=True)
            given.to.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
            print(line(name, rows[name]), flush=True)
    print("\n| problem | seed | best | ratio | value | trials | verdict |\n|---|---|---|---|---|---|---|")
    print("\n".join(line(name, rows[name]) for name in rows))


def measured(name: str, given: argparse.Namespace) -> dict:
    task = task_of(name)
    assert task is not None, f"no problem {name}"
    with tempfile.TemporaryDirectory(prefix="kernelevo-packs-") as folder:
        flags = {"budget": given.budget, "workers": given.workers, "seed": given.seed}
        settings = load_settings({**flags, "out": str(Path(folder) / "run")})
        began = time.time()
        try:
            result = run_task(task, settings)
        except MachineError as error:
            return {"error": error.what}
        first = next(t for t in result.trials if t.number == 0)
        verdict, best = result.evaluation, result.best
        metrics = verdict.metrics if verdict else {}
        return {
            "seed_score": first.score,
            "best_score": verdict.score if verdict else None,
            "seed_value": first.evaluation.metrics.get("value") if first.evaluation else None,
            "value": metrics.get("record_value", metrics.get("value")),
            "verified": metrics.get("verified"),
            "gain_low": metrics.get("gain_low"),
            "gain_high": metrics.get("gain_high"),
            "made_by": best.program.origin.proposer if best else None,
            "trials": len(result.trials),
            "seconds_of_search": round(result.searched, 1),
            "seconds_in_all": round(time.time() - began, 1),
            "when": time.strftime("%Y-%m-%d %H:%M"),
            "load": [round(x, 2) for x in os.getloadavg()],
            **flags,
        }


def line(name: str, row: dict) -> str:
    if "error" in row:
        return f"| {name} | - | - | - | - | - | {row['error']} |"
    seed, best = row["seed_score"], row["best_score"]
    ratio = f"{best / seed:.4f}" if seed and best and seed > 0 else "-"
    better = "better" if best is not None and (seed is None or best > seed) else "no better"
    shown = [f"{x:.6g}" if isinstance(x, float) else "-" for x in (seed, best)]
    return (
        f"| {name} | {shown[0]} | {shown[1]} | {ratio} | {row['value'] or '-'} | {row['trials']} | {better} |"
    )


if __name__ == "__main__":
    main()
