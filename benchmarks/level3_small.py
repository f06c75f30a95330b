"""The sixteen level 3 tasks at ``small``, each searched for a while without a language model.

    python -m benchmarks.level3_small [--budget 90s] [--tasks 13,31] [--out benchmarks/results/FILE.json]

Every task is one ``kernelevo run`` in a process of its own. The figure of a task is its winner's
verdict from three fresh processes: fastest of eager and torch.compile / ours, with its interval.
Blind and unjudgeable tasks stand in a table of their own and enter no mean. A task that is in the output file
already is not run again, so a long series can be cut and continued.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# judgeable ones of the sixteen, with the repaired variant where the task as shipped grades nothing
JUDGED = (
    "1",
    "3@he",
    "4",
    "6",
    "8",
    "13",
    "17",
    "28@batchfirst",
    "31",
    "34",
    "35",
    "39",
    "43",
    "44",
    "47",
    "50",
)
# as shipped, their output does not depend on their input at 1e-5
BLIND = ("3", "28")
RESULTS = Path(__file__).parent / "results"


def run_one(name: str, budget: str, seed: int) -> dict[str, Any]:
    """Search one task and return its record; a run that found nothing says why."""
    with tempfile.TemporaryDirectory(prefix="level3-") as scratch:
        command = [sys.executable, "-m", "kernelevo", "run", f"kernelbench:3/{name}", "--budget", budget]
        command += ["--seed", str(seed), "--size", "small", "--json", "--out", str(Path(scratch, "run"))]
        began = time.time()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.stdout.strip():
            return {"exit_code": done.returncode, "error": done.stderr[-2000:]}
        document = json.loads(done.stdout)
    run, trials = document["run"], document["trials"]
    best = next((t for t in trials if t["number"] == run["best"]), None)
    statuses: dict[str, int] = {}
    for trial in trials:
        key = trial["status"] or "fault"
        statuses[key] = statuses.get(key, 0) + 1
    return {
        "exit_code": done.returncode,
        "verdict": run["verdict"],
        "confirmed": run["confirmed"],
        "origin": best["program"]["origin"] if best else None,
        "source": best["program"]["files"] if best else None,
        "trials": statuses,
        "searched_seconds": run["searched_seconds"],
        "preparation_seconds": run["preparation_seconds"],
        "first_verdict_seconds": min((t["ended"] for t in trials), default=began) - began,
        "commit": commit(),
    }


def summary(records: dict[str, Any]) -> dict[str, Any]:
    """Geometric mean of the scores and how many tasks lie wholly above 1.3 and wholly below 1."""
    verdicts = [r["verdict"] for name, r in records.items() if name not in BLIND and r.get("verdict")]
    scores = [v["score"] for v in verdicts if v["score"]]
    return {
        "judged": sum(name not in BLIND for name in records),
        "scored": len(scores),
        "geometric_mean": math.exp(sum(map(math.log, scores)) / len(scores)) if scores else None,
        "wholly_above_1.3": sum((v["metrics"].get("score_low") or 0) > 1.3 for v in verdicts),
        "wholly_below_1": sum((v["metrics"].get("score_high") or math.inf) < 1 for v in verdicts),
    }


def markdown(records: dict[str, Any]) -> str:
    """The table for people."""
    lines = [
        "| task | eager ms | compile ms | ours ms | speed-up [95 %] | error vs fp64 | what won |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, record in records.items():
        verdict = record.get("verdict")
        if not verdict or verdict["score"] is None:
            lines.append(f"| {name} | | | | nothing correct | | |")
            continue
        m = verdict["metrics"]
        ours = m["latency_ms"]

        def times(key: str, ours: float = ours, m: dict[str, Any] = m) -> str:
            return f"{ours * m[key]:.3g}" if m.get(key) else "-"

        low, high = m.get("score_low"), m.get("score_high")
        span = f" [{low:.2f}, {high:.2f}]" if low and high else ""
        lines.append(
            f"| {name} | {times('speedup_vs_eager')} | {times('speedup_vs_compile')} | {ours:.3g} "
            f"| {verdict['score']:.2f}{span} | {m.get('oracle_error') or 0:.1e} "
            f"| {record['origin']['proposer']}: {record['origin']['idea']} |"
        )
    return "\n".join(lines)


def commit() -> str:
    """The commit that is measured, marked where what is measured is not as committed."""

    def git(*words: str) -> str:
        command = ["git", *words]
        root = RESULTS.parents[1]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=root).stdout.strip()

    changed = git("status", "--porcelain", "--", "kernelevo", "kernelbench_tasks", "csrc")
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


def machine() -> dict[str, Any]:
    """Facts that a reader needs beside the figures."""
    import torch

    from kernelevo.device.facts import cpu_facts

    return {
        "cpu": cpu_facts(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", default="90s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tasks", default=",".join(JUDGED), help="ids, with commas; variants after @")
    today = datetime.date.today().isoformat()
    parser.add_argument("--out", type=Path, default=RESULTS / f"level3-small-{today}.json")
    given = parser.parse_args()
    document: dict[str, Any] = {"records": {}}
    if given.out.exists():
        document = json.loads(given.out.read_text())
    document |= {"date": today, "budget": given.budget, "seed": given.seed, "machine": machine()}
    for name in given.tasks.split(","):
        if name in document["records"]:
            continue
        record = run_one(name, given.budget, given.seed)
        document["records"][name] = record
        document["summary"] = summary(document["records"])
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(document, indent=1) + "\n")
        print(markdown({name: record}).splitlines()[-1], flush=True)
    print(markdown(document["records"]))
    print(json.dumps(document["summary"], indent=1))


if __name__ == "__main__":
    main()
