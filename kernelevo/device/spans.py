"""Spans: how long one call keeps the device busy, by three ways of asking; nanoseconds, each on a cold L2."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

from kernelevo.device.spin import Spin

Call = Callable[[], object]
REPEATS = 9
_PROFILED = 3
_QUEUED = 200  # operations that a held call may queue before its stream goes on by itself


def span_ns(activities: Iterable[tuple[float, float]]) -> float | None:
    """Return the time from the first start to the last end of (start, end) pairs in us; None for none."""
    pairs = list(activities)
    return (max(e for _, e in pairs) - min(s for s, _ in pairs)) * 1e3 if pairs else None


def held_ns(call: Call, flush: Call, spin: Spin, stream: Any) -> float:
    """Return the median time between events around a call that was queued while its stream was held.

    Args:
        call: queues the work on the stream.
        flush: queues a write over the L2.
        spin: holds the stream.
        stream: a torch stream.
    """
    pairs = [events() for _ in range(REPEATS)]
    for start, end in pairs:
        flush()
        spin.hold(_QUEUED)
        start.record(stream)
        try:
            call()
            end.record(stream)
        finally:
            spin.release()
        end.synchronize()
    return _median_ns(pairs)


def replay_ns(call: Call, flush: Call, stream: Any) -> float:
    """Capture a call into a CUDA graph and return the median time of its replays.

    Raises:
        RuntimeError: if it cannot be captured (it waits for the device, or allocates by other means).
    """
    import torch

    side = torch.cuda.Stream(stream.device)  # type: ignore[no-untyped-call]
    side.wait_stream(stream)
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    stream.wait_stream(side)
    graph, now = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph):
            kept = call()
    except BaseException:
        # torch leaves the capture's stream current where a capture breaks off, and the device's generator
        # waiting for its end: the calls that are judged next would run elsewhere, and could draw nothing
        torch.cuda.set_stream(now)
        generator = torch.cuda.default_generators[torch.cuda.current_device()]
        generator.graphsafe_set_state(generator.clone_state())
        raise
    pairs = [events() for _ in range(REPEATS)]
    with torch.cuda.stream(stream):
        graph.replay()
        for start, end in pairs:
            flush()
            start.record(stream)
            graph.replay()
            end.record(stream)
    stream.synchronize()
    del kept
    return _median_ns(pairs)


def profiled_ns(call: Call, flush: Call, stream: Any) -> float:
    """Return the median time from the first kernel's start to the last one's end, as CUPTI saw them.

    Raises:
        RuntimeError: if the profiler saw nothing on the device.
    """
    import torch
    from torch.autograd import DeviceType  # type: ignore[attr-defined]
    from torch.profiler import ProfilerActivity, profile

    found = []
    for _ in range(_PROFILED):
        flush()
        stream.synchronize()
        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            call()
            torch.cuda.synchronize(stream.device)
        ranges = [
            (e.time_range.start, e.time_range.end)
            for e in seen.events() or []
            if e.device_type == DeviceType.CUDA
        ]
        spent = span_ns(ranges)
        if spent is None:
            raise RuntimeError("the profiler saw no activity on the device")
        found.append(spent)
    return median(found)


def events() -> tuple[Any, Any]:
    """Return two events that take the time."""
    import torch

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    return start, end


def _median_ns(pairs: Iterable[tuple[Any, Any]]) -> float:
    return median(float(start.elapsed_time(end)) for start, end in pairs) * 1e6
