"""A/A: a program against itself, again and again: how often the judge calls one of two equals faster.

Usage: ``python -m benchmarks.gpu.same pairs`` (a row of ``make gpu PART=doctor``), or, on any machine,
``python -m benchmarks.gpu.same --device cpu --pairs 40 --seconds 60``. Prints one row as JSON: pairs timed,
how many were called faster or slower with the 95 % interval of that share, how far the ratios spread, and
what speaks against the judge.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu.child import tell
from kernelevo.core import Task
from kernelevo.core.claims import word
from kernelevo.device.statistics import MIN_BLOCKS, StopRule
from kernelevo.kernels.baselines.baselines import Baselines
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.timing.outcome import Blocks

PAIRS, SECONDS = 400, 200.0
EACH = 0.25
"""Seconds that one pair is timed for; a cheap pair is the case in which luck shows most."""
LEAST, MOST = 100, 0.01
"""Pairs with an interval below which a row says nothing: of 40 a judge that errs in one of twenty shows one
wrong claim or none two times in five. The share of equals that may be called faster."""
FRESH = 50
"""Pairs after which both processes are new ones: where their memory lies is a part of luck."""
TEXT = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


def get_inputs():
    return [torch.rand(256, 512)]


def get_init_inputs():
    return [512]
"""


def main(given: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if given is None else list(given)
    if arguments == ["pairs"]:
        return tell({"pairs": row}, arguments)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    found = parser.parse_args(arguments)
    figures = same(found.device, found.pairs, found.seconds)
    print(json.dumps({**figures, "problem": problem(figures)}))
    return 0


def row() -> dict[str, Any]:
    """Return the figures on the first CUDA device.

    Raises:
        AssertionError: if they say that the judge errs, or too few pairs were reached to say anything.
    """
    figures = same()
    wrong = problem(figures)
    if wrong:
        raise AssertionError(f"{wrong}; {json.dumps(figures)}")
    return figures


def problem(figures: Mapping[str, Any]) -> str:
    """Say what speaks against the judge in a row's figures; an empty text if nothing does."""
    if figures["low"] > MOST:
        return f"more than {MOST:.0%} of equals are called faster: {figures['faster']} of {figures['pairs']}"
    known = figures["pairs"] - figures["without_interval"]
    if known < LEAST:
        return f"{known} pairs with an interval say nothing: give it the seconds for at least {LEAST}"
    return ""


def same(device: str = "cuda", pairs: int = PAIRS, seconds: float = SECONDS) -> dict[str, Any]:
    """Time eager against eager and return what is said of equals, as a row's figures.

    Args:
        device: ``"cuda"`` or ``"cpu"``.
        pairs: duels to hold.
        seconds: begin no duel after so long.
    """
    spec = {"kind": "source", "text": TEXT, "filename": "task.py", "size": "full", "entry": "Model"}
    task = Task("same", "is as fast as itself", options={"reference": spec, "device": device})
    ratios: list[float] = []
    claims: list[str] = []
    unsure = 0
    with tempfile.TemporaryDirectory() as cache, KernelJudge(task, cache=Path(cache), compiled=()) as judge:
        judge.warm()
        ground = judge.ground
        ends = time.monotonic() + seconds
        while len(ratios) < pairs and time.monotonic() < ends:
            eager = _renewed(ground.baselines)
            with ground.equal() as twin:
                for _ in range(min(FRESH, pairs - len(ratios))):
                    if time.monotonic() >= ends:
                        break
                    rule = StopRule(0.005, EACH)
                    # so short a time has often too few blocks for an interval, and nothing is claimed
                    fewest = Blocks(calm=MIN_BLOCKS)
                    found = ground.ring.fight(twin, eager, rule, trusted=True, fewest=fewest).ratio
                    ratios.append(found.ratio)
                    claims.append(word(found.low, found.high))
                    unsure += not math.isfinite(found.high)
    return summary(ratios, claims, unsure)


def _renewed(baselines: Baselines) -> Session:
    """Return eager in a new process: claims against one whose memory lies badly would all err alike."""
    eager = baselines.all["eager"]
    assert eager.session is not None
    eager.session.close()
    baselines.revive()
    return eager.session


def summary(ratios: Sequence[float], claims: Sequence[str], unsure: int) -> dict[str, Any]:
    """Return the figures of a row.

    Args:
        ratios: of each pair, 1 for equals.
        claims: what the judge would say of each: faster, parity, slower, or nothing.
        unsure: pairs without an interval, about which nothing can be claimed.
    """
    count, faster = len(ratios), sum(c == "faster" for c in claims)
    low, high = share_interval(faster, count)
    logs = np.log(np.asarray(ratios)) if count else np.zeros(1)
    return {
        "value": faster / count if count else None,
        "unit": "share called faster",
        "low": low,
        "high": high,
        "pairs": count,
        "faster": faster,
        "slower": sum(c == "slower" for c in claims),
        "without_interval": unsure,
        "median_ratio": float(np.exp(np.median(logs))) if count else None,
        # half of the range that holds 95 in 100 ratios, relative
        "spread": float(np.diff(np.quantile(logs, [0.025, 0.975]))[0] / 2) if count else None,
    }


def share_interval(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of which ``hits`` in ``count`` were seen; (0, 1) for none."""
    if not count:
        return 0.0, 1.0
    share, more = hits / count, z * z / count
    middle = (share + more / 2) / (1 + more)
    half = z * math.sqrt(share * (1 - share) / count + more / (4 * count)) / (1 + more)
    return (max(0.0, middle - half) if hits else 0.0), (min(1.0, middle + half) if hits < count else 1.0)


if __name__ == "__main__":
    sys.exit(main())
