"""Autotune: what ``max-autotune`` takes relative to eager, once per task, kept for every later verdict.

Usage: ``python -m benchmarks.gpu.autotune TASK SIZE SECONDS`` prints a row as JSON. A whole network compiles
for minutes in this mode, so no judge waits for it: it reads the ratio that is kept per device in
``benchmarks/baselines`` and times eager beside the program. A ratio that is kept already is not measured
again: remove its entry, or the file, to have it anew.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from typing import Any

from benchmarks.gpu.machine import commit
from kernelevo.core import Task
from kernelevo.kernels.baselines.baseline import Name
from kernelevo.kernels.baselines.kept import KeptRatios, Ratio, key_of, today
from kernelevo.kernels.children.setting import Setting
from kernelevo.kernels.ground import Ground
from kernelevo.tasks import load_task

NAME: Name = "compile-max-autotune"
TIMING_SECONDS = 10.0


def measure(task: Task, kept: KeptRatios | None, seconds: float) -> dict[str, Any]:
    """Return a task's row; its ratio is kept first.

    Args:
        task: on its device.
        kept: where ratios are kept; None for the file of that device.
        seconds: the most that the compiler may take.
    """
    ground = Ground(
        task, zygote=None, secret=None, cache=None, threads=None, compiled=(NAME,), patience=seconds
    )
    try:
        kept = kept or _of(ground.setting)
        key = key_of(task, ground.setting, NAME)
        known = kept.find(key)
        if known is None:
            known = _timed(ground, task)
            kept.put(key, known)
        return {
            "status": "ok",
            "figures": {"slowdown_vs_eager": known.slowdown, "low": known.low, "high": known.high},
            "remark": f"{known.precision}, measured {known.date}, kept in {kept.path.name}",
        }
    finally:
        ground.close()


def _timed(ground: Ground, task: Task) -> Ratio:
    ground.make_ready()
    ground.begin()
    ground.baselines.wait()
    ground.rebase(TIMING_SECONDS)
    found = ground.baselines.all[NAME]
    if found.slowdown is None:
        raise RuntimeError(f"max-autotune was not ready: {found.reason}")
    low, high = found.interval or (None, None)
    precision = found.precision or "fp32-accurate"
    return Ratio(task.name, NAME, found.slowdown, low, high, precision, today(), commit())


def _of(setting: Setting) -> KeptRatios:
    import torch

    return KeptRatios.of_device(torch.cuda.get_device_name(setting.device))


def main(given: list[str]) -> int:
    task, size, seconds = given
    began = time.monotonic()
    try:
        row = measure(load_task(task, size=size, device="cuda"), None, float(seconds))
    except Exception as error:  # it may fail in any way; the row says how
        row = {"status": "failed", "why": "".join(traceback.format_exception(error))[-3000:]}
    print(json.dumps({**row, "seconds": round(time.monotonic() - began, 1)}))
    return 0 if row["status"] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
