"""The live page's promises: first paint at 10,000 trials, delay of a new best, and what it costs the run.

``python -m benchmarks.bench_page [--json FILE]`` needs Chromium; on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from kernelevo.core import Evaluation, Program, Task, Trial
from kernelevo.store import RunStore
from tests.dashboard.browser import chromium
from tests.dashboard.live import START
from tests.dashboard.test_browser import Server, fill, text_of, wait_for

TRIALS = 10_000
PAINT = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime || 0"
SEEN = "const t=document.querySelector('.tile.lead b');return t ? t.innerText : ''"


def first_paint(driver: Any, folder: Path, times: int = 7) -> list[float]:
    """Milliseconds until something, and until the figures, are on the screen; the larger of the two."""
    fill(folder, TRIALS)
    server = Server(folder)
    found = []
    try:
        for _ in range(times):
            driver.get("about:blank")
            began = time.monotonic()
            driver.get(server.run)
            wait_for(lambda: text_of(driver, ".tile.lead b") not in ("", "–"), "figures are shown")
            found.append(max(1000 * (time.monotonic() - began), driver.execute_script(PAINT)))
    finally:
        server.close()
    return found


def delays(driver: Any, folder: Path, times: int = 20) -> list[float]:
    """Milliseconds from the moment a new best is written until it stands on the open page."""
    with RunStore.create(folder, Task("by hand", "", (Program.single(START),), "none"), {}) as store:
        server = Server(folder)
        found = []
        try:
            driver.get(server.run)
            wait_for(lambda: text_of(driver, ".tile.lead"), "the page is there")
            for number in range(times):
                store.record(Trial(number, Program.single(f"v{number}"), Evaluation.ok(1.5 + number)))
                began, wanted = time.monotonic(), f"{1.5 + number:.4g}"
                while driver.execute_script(SEEN) != wanted:
                    assert time.monotonic() - began < 30
                found.append(1000 * (time.monotonic() - began))
                time.sleep(0.3)
        finally:
            server.close()
    return found


def rate(driver: Any, root: Path, watched: bool, trials: int = 1200) -> float:
    """Trials a second over the second half of a run of very quick trials, with the page open or not.

    The first half is left out: the page's server starts in it, which takes a core for a second.
    """
    folder = root / f"run-{watched}-{time.monotonic_ns()}"
    words = ["-m", "tests.dashboard.live", str(folder), "--budget", str(trials), "--seconds", "0.01"]
    run = subprocess.Popen([sys.executable, *words])
    server = None
    if watched:
        wait_for((folder / "run.db").exists, "the run begins")
        server = Server(folder)
        driver.get(server.run)
    run.wait()
    if server:
        server.close()
    with RunStore.open(folder, readonly=True) as store:
        ends = sorted(trial.ended for trial in store.trials())
    return (len(ends) - 1 - len(ends) // 2) / (ends[-1] - ends[len(ends) // 2])


def main() -> None:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, chromium() as driver:
        root = Path(name)
        paints = first_paint(driver, root / "long")
        waits = delays(driver, root / "hand")
        driver.get("about:blank")
        runs = [(rate(driver, root, False), rate(driver, root, True)) for _ in range(5)]
    result = {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "first_paint_ms": [round(value) for value in paints],
        "first_paint_median_ms": round(median(paints)),
        "delay_ms": [round(value) for value in waits],
        "delay_median_ms": round(median(waits)),
        "delay_longest_ms": round(max(waits)),
        "trials_per_second_alone": [round(alone, 1) for alone, _ in runs],
        "trials_per_second_watched": [round(watched, 1) for _, watched in runs],
    }
    print(json.dumps(result, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
