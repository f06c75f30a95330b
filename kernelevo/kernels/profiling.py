"""Profiling: a program's calls under torch's profiler, in a child; what they took, by operator and kernel.

For ``own_share``, which decides what the policy ``no-aten`` refuses, and for ``profile_report``, which is for
people. The child's words are those of an untrusted process.
"""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import torch

from kernelevo.backends import calling
from kernelevo.kernels.children.heap import keep_freed_memory
from kernelevo.kernels.children.worker import Talk, Worker

CALLS = 3
REPORT_CALLS, REPORT_SECONDS = 20, 2.0
"""Calls of a report; none is begun after so many seconds."""
OWN = "kernelevo::"
"""How the names of the program's own C++ functions begin in a report."""
_FORWARD = "kernelevo: forward"


class _FailsHere(Exception):
    """The program raised under the profiler, after calls without it went well."""


def profile(channel: Talk, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Construct the program, call it a few times under torch's profiler, and say where the time went.

    With ``report`` in the payload it is called more often, and its C++ functions are told by their names,
    which costs some microseconds each.
    """
    reply: dict[str, Any]
    try:
        if payload["report"]:
            keep_freed_memory()  # as where it is timed
            if payload["device"] == "cpu":
                calling.watching = _named
        worker = Worker(payload, fds)
        worker.do_construct({"seed": payload["seed"]})
        order = {"slots": [0]}
        for _ in range(2):  # the first call may load code
            _call(worker, order, payload)
        reply = _profiled(worker, order, payload)
    except _FailsHere as error:
        reply = {"error": str(error)[:500], "fails": True}
    except Exception as error:  # whatever a program or a profiler raises: the parent reads it
        reply = {"error": f"{type(error).__name__}: {error}"[:500]}
    channel.send(reply)


def _named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a C++ function that the profiler sees."""

    def call(*args: Any) -> Any:
        with torch.profiler.record_function(f"{OWN}{name}"):
            return function(*args)

    return call


def _call(worker: Worker, order: dict[str, Any], payload: dict[str, Any]) -> None:
    worker.do_arm(order)
    if payload["staged"]:
        worker.do_stage({})
    with torch.profiler.record_function(_FORWARD):
        worker.go()
    worker.do_drop({})


def _profiled(worker: Worker, order: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    kinds = [torch.profiler.ProfilerActivity.CPU]
    on_device = payload["device"] != "cpu"
    if on_device:
        kinds.append(torch.profiler.ProfilerActivity.CUDA)
    calls, until = CALLS, math.inf
    if payload["report"]:
        calls, until = REPORT_CALLS, time.monotonic() + REPORT_SECONDS
    done = 0
    with torch.profiler.profile(activities=kinds, **_every_thread()) as profiler:
        while done < calls and (not done or time.monotonic() < until):
            try:
                _call(worker, order, payload)
            except Exception as error:
                raise _FailsHere(f"{type(error).__name__}: {error}") from error
            done += 1
    return {"calls": done, **_told(profiler.events() or [], on_device)}


def _told(events: Any, on_device: bool) -> dict[str, Any]:
    """Sum up what lies within the calls: own time, and how often, of each operator and each kernel."""
    spans = [(e.time_range.start, e.time_range.end) for e in events if e.name == _FORWARD and _on_host(e)]
    spent: dict[str, dict[str, float]] = {"host": defaultdict(float), "device": defaultdict(float)}
    times: dict[str, Counter[str]] = {"host": Counter(), "device": Counter()}
    for event in events:
        side = "host" if _on_host(event) else "device"
        # a user's annotation is shown on the device too, as long as all that runs under it
        named = side == "device" and getattr(event, "is_user_annotation", False)
        if event.name == _FORWARD or named or (side == "device" and not on_device):
            continue
        if any(a <= event.time_range.start <= b for a, b in spans):  # not the copies of inputs
            own = event.self_cpu_time_total if side == "host" else event.self_device_time_total
            spent[side][event.name] += own
            times[side][event.name] += 1
    return {
        "wall_us": sum(b - a for a, b in spans),
        **{side: dict(by_name) for side, by_name in spent.items()},
        "times": {side: dict(by_name) for side, by_name in times.items()},
    }


def _on_host(event: Any) -> bool:
    return str(event.device_type).endswith("CPU")


def _every_thread() -> dict[str, Any]:
    """Return the option that also sees operators in threads of the program, where torch has it."""
    try:
        from torch._C._profiler import _ExperimentalConfig

        return {"experimental_config": _ExperimentalConfig(profile_all_threads=True)}
    except (ImportError, TypeError):  # an older or newer torch without it: the calling thread alone
        return {}
