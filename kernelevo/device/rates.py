"""Rates: what a device reaches in a large copy, in a copy that its caches hold, and in matrix products."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

Timer = Callable[[Callable[[], Any], int], list[float]]
"""Given a call and a number of calls, returns the milliseconds of each."""

CALLS = 50
WARM_UP_MS = 300.0
_MOST_WARM_UPS = 10_000
_BLOCKS = tuple(1 << power for power in range(15, 20))
_BLOCK_CALLS = 200


@dataclass(frozen=True)
class Rate:
    """How much work a device did in a unit of time.

    Args:
        value: by the median of the calls' times.
        unit: ``"GB/s"`` or ``"TFLOP/s"``.
        least: by the longest time.
        most: by the shortest time; other work on the machine only ever adds time, so this is the ceiling.
    """

    value: float
    unit: str
    least: float
    most: float

    def to_json(self) -> dict[str, Any]:
        """Return this rate as plain data."""
        return asdict(self)


def rate(work: float, times: list[float], scale: float, unit: str) -> Rate:
    """Return the rate of calls that do ``work`` each and took so many milliseconds.

    Args:
        work: bytes or operations of one call.
        times: milliseconds of each call.
        scale: work that makes one unit, such as 1e9 bytes.
        unit: its name.
    """
    middle, least, most = (
        work / (t * 1e-3) / scale for t in (statistics.median(times), max(times), min(times))
    )
    return Rate(middle, unit, least, most)


def event_times(call: Callable[[], Any], calls: int, *, warm_up_ms: float = WARM_UP_MS) -> list[float]:
    """Return the milliseconds of each call by CUDA events, after the clocks had time to rise."""

    def once() -> tuple[Any, Any]:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        call()
        end.record()
        return start, end

    warm = 0.0
    call()  # the first call loads its kernel: it says nothing about time
    for _ in range(_MOST_WARM_UPS):
        start, end = once()
        end.synchronize()
        warm += start.elapsed_time(end)
        if warm >= warm_up_ms:
            break
    pairs = [once() for _ in range(calls)]
    torch.cuda.synchronize()
    return [float(start.elapsed_time(end)) for start, end in pairs]


def host_times(call: Callable[[], Any], calls: int, *, most_ms: float = 150.0) -> list[float]:
    """Return the milliseconds of each call by the host's clock; fewer calls where they are slow.

    Args:
        call: returns when its work is done.
        calls: how many at the most, one more that is not counted before them.
        most_ms: no further call begins after so long.
    """
    call()
    begin = time.perf_counter_ns()
    times: list[float] = []
    while len(times) < calls and (not times or (time.perf_counter_ns() - begin) * 1e-6 < most_ms):
        start = time.perf_counter_ns()
        call()
        times.append(max(1, time.perf_counter_ns() - start) * 1e-6)
    return times


def copy(
    count: int, *, device: str = "cuda", timer: Timer = event_times, calls: int = CALLS, at_once: int = 1
) -> Rate:
    """Return the rate of a copy within a device's memory in GB/s, bytes read and bytes written both counted.

    Args:
        count: bytes that are copied: far more than any cache holds for the memory's own rate, less than half
            of a cache for that cache's.
        device: where.
        timer: gives the milliseconds of each call.
        calls: how many.
        at_once: copies in one call: short ones hide the gap between two launches.

    Raises:
        AssertionError: if the copy differs from its source.
    """
    source = torch.full((count // 4,), 3.0, device=device)
    target = torch.zeros_like(source)

    def call() -> None:
        for _ in range(at_once):
            target.copy_(source)

    times = timer(call, calls)
    if not torch.equal(target, source):
        raise AssertionError("the copy differs from its source")
    return rate(2.0 * 4 * (count // 4) * at_once, times, 1e9, "GB/s")


def core_copy(threads: int, *, blocks: tuple[int, ...] = _BLOCKS, calls: int = _BLOCK_CALLS) -> Rate:
    """Return the best rate at which cores copy what their own caches hold, in GB/s, read and written.

    One core is measured and taken ``threads`` times: the caches next to a core are its own, and one that
    cores share is no faster than they are together.

    Args:
        threads: how many cores may work.
        blocks: bytes that are copied; the best one counts.
        calls: copies of each block.
    """
    found = []
    for count in blocks:
        source, target = ctypes.create_string_buffer(count), ctypes.create_string_buffer(count)
        to, back = ctypes.addressof(target), ctypes.addressof(source)
        # memmove alone lies between the two readings of the clock
        times = []
        for _ in range(calls):
            start = time.perf_counter_ns()
            ctypes.memmove(to, back, count)
            times.append(max(1, time.perf_counter_ns() - start) * 1e-6)
        found.append(rate(2.0 * count * threads, times, 1e9, "GB/s"))
    return max(found, key=lambda r: r.most)


def matmul(
    dtype: torch.dtype,
    *,
    tf32: bool,
    side: int,
    device: str = "cuda",
    timer: Timer = event_times,
    calls: int = CALLS,
) -> Rate:
    """Return the rate of a square ``torch.matmul`` in TFLOP/s, multiplication and addition counted as two.

    Args:
        dtype: of both factors.
        tf32: whether fp32 factors may be rounded to TF32.
        side: rows and columns of each factor.
        device: where.
        timer: gives the milliseconds of each call.
        calls: how many.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        out = torch.empty_like(a)
        times = timer(lambda: torch.matmul(a, b, out=out), calls)
    finally:
        torch.set_float32_matmul_precision(before)
    return rate(2.0 * side**3, times, 1e12, "TFLOP/s")


def packed_matmul(*, side: int, timer: Timer = host_times, calls: int = CALLS) -> Rate:
    """Return the rate of a square fp32 product with a matrix in oneDNN's own layout, on the CPU, in TFLOP/s.

    ``torch.matmul`` calls MKL, which reaches half of what some CPUs of another maker than its own can do.

    Args:
        side: rows and columns of each factor.
        timer: gives the milliseconds of each call.
        calls: how many.

    Raises:
        AttributeError, RuntimeError: if this build of torch has no such operator.
    """
    a, b = torch.randn(side, side), torch.randn(side, side)
    packed = torch.ops.mkldnn._reorder_linear_weight(b, None)
    times = timer(lambda: torch.ops.mkldnn._linear_pointwise(a, packed, None, "none", [], ""), calls)
    return rate(2.0 * side**3, times, 1e12, "TFLOP/s")
