"""Find the ``small`` size of every bundled level 3 task by one rule, and print the constants.

The rule: same depth, channels and kernel sizes as ``full``; halve one knob at a time, in this order:

1. all widths by one factor (floor 256; tasks 1, 2, 3 and 33 only);
2. the batch (floor 2; 1 only where ``full`` has 1);
3. the resolution, where the constructor or an adaptive pool allows it (floor 32);
4. the sequence length (floor 128);

and stop at the first size where eager takes at most 200 ms on two cores, or where every floor is reached.
Eager means the module as shipped: train mode, no gradients, fp32. A knob is halved until its floor before
the next one is touched.

With ``--busy``, for a machine whose cores others use as well, the time is the processor time of one thread,
which does not count the waiting, divided by 1.5: two cores are taken to be that much faster than one.

The time of a size is the fastest of several calls, so that a busy machine can only make it look slower. A
size is not run at all where two cores cannot do it in 200 ms: more than 100 GFLOP (500 GFLOP/s would be
needed) or more than 4 GB of fresh results to write (20 GB/s would be needed).

Usage: ``python benchmarks/find_small_sizes.py [--tasks 13,31] [--json FILE]``. The sizes found on the
project's two-core machine are constants in the task files; they do not change when another machine is
faster or slower.
"""

from __future__ import annotations

import argparse
import ast
import json
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from kernelevo.backends import taskfile
from kernelevo.tasks import bundled

LIMIT_SECONDS = 0.2
MOST_FLOPS = 100e9
MOST_BYTES = 4e9
THREADS = 2
BUSY_SPEEDUP = 1.5
WIDTH_FLOOR, BATCH_FLOOR, RESOLUTION_FLOOR, SEQUENCE_FLOOR = 256, 2, 32, 128


@dataclass(frozen=True)
class Knobs:
    """Names of the constants that the rule may halve in one task file."""

    widths: tuple[str, ...] = ()
    batch: str = "BATCH"
    resolution: str | tuple[str, ...] = ()
    sequence: str | None = None


KNOBS: Mapping[int, Knobs] = {
    1: Knobs(widths=("IN_FEATURES", "HIDDEN", "OUT_FEATURES")),
    2: Knobs(widths=("IN_FEATURES", "HIDDEN", "OUT_FEATURES")),
    3: Knobs(widths=("IN_FEATURES", "HIDDEN", "OUT_FEATURES")),
    4: Knobs(),
    5: Knobs(),
    6: Knobs(resolution="RESOLUTION"),
    7: Knobs(resolution="RESOLUTION"),
    8: Knobs(resolution="RESOLUTION"),
    9: Knobs(resolution="RESOLUTION"),
    10: Knobs(resolution="RESOLUTION"),
    11: Knobs(),
    12: Knobs(),
    13: Knobs(resolution="RESOLUTION"),
    14: Knobs(resolution="RESOLUTION"),
    15: Knobs(resolution="RESOLUTION"),
    16: Knobs(resolution="RESOLUTION"),
    17: Knobs(resolution="RESOLUTION"),
    18: Knobs(resolution="RESOLUTION"),
    19: Knobs(),
    20: Knobs(resolution="RESOLUTION"),
    21: Knobs(resolution="RESOLUTION"),
    22: Knobs(resolution="RESOLUTION"),
    23: Knobs(resolution="RESOLUTION"),
    24: Knobs(resolution="RESOLUTION"),
    25: Knobs(resolution="RESOLUTION"),
    26: Knobs(resolution="RESOLUTION"),
    27: Knobs(resolution="RESOLUTION"),
    28: Knobs(resolution="IMAGE_SIZE"),
    29: Knobs(),
    30: Knobs(),
    31: Knobs(resolution="RESOLUTION"),
    32: Knobs(),
    33: Knobs(widths=("IN_FEATURES", "HIDDEN", "OUT_FEATURES")),
    34: Knobs(sequence="SEQUENCE"),
    35: Knobs(sequence="SEQUENCE"),
    36: Knobs(sequence="SEQUENCE"),
    37: Knobs(sequence="SEQUENCE"),
    38: Knobs(sequence="SEQUENCE"),
    39: Knobs(sequence="SEQUENCE"),
    40: Knobs(sequence="SEQUENCE"),
    41: Knobs(sequence="SEQUENCE"),
    42: Knobs(sequence="SEQUENCE"),
    43: Knobs(sequence="SEQUENCE"),
    44: Knobs(sequence="SEQUENCE"),
    45: Knobs(resolution=("HEIGHT", "WIDTH")),
    46: Knobs(),
    47: Knobs(),
    48: Knobs(sequence="SEQUENCE"),
    49: Knobs(sequence="SEQUENCE"),
    50: Knobs(sequence="SEQUENCE"),
}


class ResultBytes(TorchDispatchMode):
    """Adds up the bytes of every fresh tensor that is made while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            for value in result if isinstance(result, tuple | list) else (result,):
                if isinstance(value, Tensor):
                    self.total += value.numel() * value.element_size()
        return result


def constants(text: str) -> dict[str, Any]:
    """Return the values of a file's literal constants at size ``full``."""
    namespace = taskfile.execute(text, "task.py", prefix="constants")
    return {
        target.id: getattr(namespace, target.id)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id not in ("SIZES", "VARIANTS")
    }


def halved(value: int | list[int]) -> int | list[int]:
    return [v // 2 for v in value] if isinstance(value, list) else value // 2


def steps(full: Mapping[str, Any], knobs: Knobs) -> Iterator[dict[str, Any]]:
    """Yield the overrides of one size after another, ``full`` (no overrides) first."""
    chosen: dict[str, Any] = {}
    yield dict(chosen)
    resolution = (knobs.resolution,) if isinstance(knobs.resolution, str) else knobs.resolution
    turns: list[tuple[tuple[str, ...], int]] = [
        (knobs.widths, WIDTH_FLOOR),
        ((knobs.batch,), min(BATCH_FLOOR, full[knobs.batch])),
        (resolution, RESOLUTION_FLOOR),
        ((knobs.sequence,) if knobs.sequence else (), SEQUENCE_FLOOR),
    ]
    for names, floor in turns:
        while names:
            now = {name: halved(chosen.get(name, full[name])) for name in names}
            if min(min(v) if isinstance(v, list) else v for v in now.values()) < floor:
                break
            chosen |= now
            yield dict(chosen)


def hopeless(namespace: Any) -> str | None:
    """Say why two cores cannot run this size within the limit, or None if they might."""
    with torch.device("meta"), torch.no_grad():
        module, inputs = namespace.Model(*namespace.get_init_inputs()), namespace.get_inputs()
        with FlopCounterMode(display=False) as flops, ResultBytes() as fresh:
            module(*inputs)
    if flops.get_total_flops() > MOST_FLOPS:
        return f"{flops.get_total_flops() / 1e9:.0f} GFLOP"
    return f"{fresh.total / 1e9:.1f} GB of results" if fresh.total > MOST_BYTES else None


def eager_seconds(namespace: Any, busy: bool = False) -> float:
    """Return the fastest of several eager calls, in seconds; see the top for ``busy``."""
    torch.set_num_threads(1 if busy else THREADS)
    clock, share = (time.thread_time, 1 / BUSY_SPEEDUP) if busy else (time.perf_counter, 1.0)
    torch.manual_seed(0)
    module, inputs = namespace.Model(*namespace.get_init_inputs()), namespace.get_inputs()
    best, spent = float("inf"), 0.0
    with torch.no_grad():
        for call in range(40):
            begin = clock()
            module(*inputs)
            took = (clock() - begin) * share
            best, spent = min(best, took), spent + took
            far = not 0.5 < best / LIMIT_SECONDS < 4  # no doubt left, however busy the machine is
            if call >= 2 and (far or busy or spent > 15):
                break
    return best


def find(text: str, knobs: Knobs, busy: bool = False) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Walk down the sizes; return the overrides found and a log of every size looked at."""
    log: list[dict[str, Any]] = []
    chosen: dict[str, Any] = {}
    for chosen in steps(constants(text), knobs):
        source = taskfile.with_constants(text, chosen)
        namespace = taskfile.execute(source, "task.py", prefix="size")
        reason = hopeless(namespace)
        seconds = None if reason else eager_seconds(namespace, busy)
        log.append({"overrides": chosen, "eager_ms": seconds and round(seconds * 1e3, 1), "skipped": reason})
        print("   ", log[-1], flush=True)
        if seconds is not None and seconds <= LIMIT_SECONDS:
            break
    return chosen, log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default=",".join(map(str, KNOBS)), help="numbers, comma separated")
    parser.add_argument("--json", type=Path, help="write the log here")
    parser.add_argument("--busy", action="store_true", help="one thread's processor time over 1.5")
    options = parser.parse_args()
    report: dict[str, Any] = {"machine": platform.processor(), "torch": torch.__version__, "tasks": {}}
    for number in map(int, options.tasks.split(",")):
        print(f"kernelbench:3/{number}", flush=True)
        chosen, log = find(bundled()[f"kernelbench:3/{number}"].text, KNOBS[number], options.busy)
        print(f'  "small": {chosen}', flush=True)
        report["tasks"][number] = {"small": chosen, "log": log}
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
