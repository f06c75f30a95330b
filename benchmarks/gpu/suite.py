"""``make gpu``: run the gpu checks, judge every bundled solution, write a dated JSON.

Usage: ``python -m benchmarks.gpu.suite [--only TEXT] [--size full] [--seconds 1500] [--out FILE]``.
Needs torch with a CUDA device and what kernelevo needs at run time; no pytest and no network. Every program
is judged by ``kernelevo check`` in a process of its own, so one that breaks costs its own row only. Ends with
1 if a check or a program fails, with 3 without a device.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = ROOT / "kernelbench_tasks" / "solutions"
RESULTS = ROOT / "benchmarks" / "results"


def main() -> int:
    arguments = _arguments()
    import torch

    from benchmarks.gpu import checks

    if not torch.cuda.is_available():
        print("torch sees no CUDA device: nothing can be measured here", file=sys.stderr)
        return 3
    began = time.monotonic()
    report: dict[str, Any] = {"facts": facts(), "checks": [], "programs": []}
    out = arguments.out or RESULTS / f"gpu-{report['facts']['date'].replace(':', '')}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    for check in checks.CHECKS:
        report["checks"].append(_run(check))
        _say(report["checks"][-1])
    try:
        report["launch_us"] = checks.launch_overhead()
    except Exception as error:  # a figure that cannot be had is null, the rest goes on
        report["launch_us"], report["launch_error"] = None, repr(error)
    out.write_text(json.dumps(report, indent=1))
    torch.cuda.empty_cache()
    for path, task in solutions(arguments.only):
        left = arguments.seconds - (time.monotonic() - began)
        row = {"program": str(path.relative_to(ROOT)), "task": task}
        row.update(
            judge(path, task, arguments.size, left) if left > 10 else {"status": None, "why": "no time left"}
        )
        report["programs"].append(row)
        _say({"name": f"{row['program']} on {task}", "ok": row["status"] == "ok", "says": _line(row)})
        out.write_text(json.dumps(report, indent=1))  # whatever happens next, this much is known
    print(f"written to {out}")
    good = all(c["ok"] for c in report["checks"]) and all(p["status"] == "ok" for p in report["programs"])
    return 0 if good else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="judge programs whose path holds this text")
    parser.add_argument("--size", default="full")
    parser.add_argument("--seconds", type=float, default=1500.0, help="stop judging after this time")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def facts() -> dict[str, Any]:
    """Return what the figures were measured on."""
    import torch

    from kernelevo.backends import toolchain

    major, minor = torch.cuda.get_device_capability(0)
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "device": torch.cuda.get_device_name(0),
        "capability": f"{major}.{minor}",
        "memory_gib": round(torch.cuda.get_device_properties(0).total_memory / 2**30, 1),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": sys.version.split()[0],
        "tools": toolchain.facts(),
        "commit": _words(["git", "rev-parse", "HEAD"]),
        "driver": _words(["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm", "--format=csv,noheader"]),
    }


def solutions(only: str) -> list[tuple[Path, str]]:
    """Return the programs and their tasks: ``<suite>_<id>/<name>.py``."""
    found = []
    for path in sorted(SOLUTIONS.glob("*/*.py")):
        suite, _, rest = path.parent.name.partition("_")
        task = f"{suite}:{rest.replace('_', '/', 1)}" if suite == "kernelbench" else f"{suite}/{rest}"
        if only in str(path):
            found.append((path, task))
    return found


def judge(path: Path, task: str, size: str, seconds: float) -> dict[str, Any]:
    """Return the verdict of ``kernelevo check --json``, or why there is none."""
    command = [sys.executable, "-m", "kernelevo", "check", str(path), task, "--json"]
    command += ["--device", "cuda", "--size", size]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return {"status": None, "why": f"no verdict within {seconds:.0f} s"}
    told: dict[str, Any] = {"seconds": round(time.monotonic() - began, 2), "exit": done.returncode}
    try:
        return {**json.loads(done.stdout), **told}
    except ValueError:
        return {"status": None, "why": (done.stderr or done.stdout)[-3000:], **told}


def _run(check: Any) -> dict[str, Any]:
    began = time.monotonic()
    try:
        check()
    except Exception as error:  # a check may fail in any way; the row says how
        says = "".join(traceback.format_exception(error))[-3000:]
        return {"name": check.__name__, "ok": False, "seconds": time.monotonic() - began, "says": says}
    return {"name": check.__name__, "ok": True, "seconds": time.monotonic() - began, "says": ""}


def _line(row: dict[str, Any]) -> str:
    metrics = row.get("metrics") or {}
    kept = ("latency_ms", "speedup_vs_eager", "speedup_vs_compile", "speedup_vs_cublas", "max_abs_error")
    figures = [f"{k} {metrics[k]:.4g}" for k in kept if isinstance(metrics.get(k), int | float)]
    return ", ".join([str(row["status"]), *figures]) or str(row.get("why", ""))


def _say(row: dict[str, Any]) -> None:
    print(f"{'ok  ' if row['ok'] else 'FAIL'} {row['name']}  {row['says']}", flush=True)


def _words(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
