"""Ceilings: the most that this device reaches in a large copy and in large matrix products.

Usage: ``python -m benchmarks.gpu.ceilings NAME`` prints one ceiling as JSON. Each is the median of many
calls, every call between two CUDA events of its own. A program's share of what was reached here says more
than its share of a data sheet.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.gpu.child import tell

Timer = Callable[[Callable[[], Any], int], list[float]]

CALLS = 50
WARM_UP_MS = 300.0
COPY_BYTES = 1 << 30
SIDE = 8192


def event_times(call: Callable[[], Any], calls: int) -> list[float]:
    """Return the milliseconds of each call by CUDA events, after the clocks had time to rise."""

    def once() -> tuple[torch.cuda.Event, torch.cuda.Event]:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        end.record()
        return start, end

    warm = 0.0
    call()  # the first call loads its kernel: it says nothing about time
    for _ in range(10_000):
        start, end = once()
        end.synchronize()
        warm += start.elapsed_time(end)
        if warm >= WARM_UP_MS:
            break
    pairs = [once() for _ in range(calls)]
    torch.cuda.synchronize()
    return [start.elapsed_time(end) for start, end in pairs]


def copy(count: int = COPY_BYTES, *, device: str = "cuda", timer: Timer = event_times) -> dict[str, Any]:
    """Return the rate of a copy from device to device in GB/s, bytes read and bytes written both counted.

    Args:
        count: bytes that are copied; far more than any cache holds.
        device: where.
        timer: gives the milliseconds of each call.
    """
    source = torch.full((count // 4,), 3.0, device=device)
    target = torch.zeros_like(source)
    times = timer(lambda: target.copy_(source), CALLS)
    if not torch.equal(target, source):
        raise AssertionError("the copy differs from its source")
    return rate(2.0 * 4 * (count // 4), times, 1e9, "GB/s")


def matmul(
    dtype: torch.dtype, *, tf32: bool, side: int = SIDE, device: str = "cuda", timer: Timer = event_times
) -> dict[str, Any]:
    """Return the rate of a square ``torch.matmul`` in TFLOP/s, multiplication and addition counted as two.

    Args:
        dtype: of both factors.
        tf32: whether fp32 factors may be rounded to TF32.
        side: rows and columns of each factor.
        device: where.
        timer: gives the milliseconds of each call.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
        out = torch.empty_like(a)
        times = timer(lambda: torch.matmul(a, b, out=out), CALLS)
    finally:
        torch.set_float32_matmul_precision(before)
    return rate(2.0 * side**3, times, 1e12, "TFLOP/s")


def rate(work: float, times: list[float], scale: float, unit: str) -> dict[str, Any]:
    """Return a call's work over the median of its milliseconds, and over the longest and the shortest."""
    middle, least, most = (
        work / (t * 1e-3) / scale for t in (statistics.median(times), max(times), min(times))
    )
    return {"value": middle, "unit": unit, "least": least, "most": most}


CEILINGS: dict[str, Callable[[], dict[str, Any]]] = {
    "copy bandwidth": copy,
    "fp32 matmul": lambda: matmul(torch.float32, tf32=False),
    "tf32 matmul": lambda: matmul(torch.float32, tf32=True),
    "bf16 matmul": lambda: matmul(torch.bfloat16, tf32=False),
}

if __name__ == "__main__":
    sys.exit(tell(CEILINGS, sys.argv[1:]))
