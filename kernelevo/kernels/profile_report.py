"""ProfileReport: where the time of a right program's calls goes, and what the device could do, line by line.

For people, and for whoever writes the next program; no score depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernelevo.backends.kernel_facts import printable
from kernelevo.core.evaluation import Metric
from kernelevo.device.ceilings import Ceilings
from kernelevo.kernels.faults.rules import quoted
from kernelevo.kernels.own_share import computes, is_own, of_torch, times
from kernelevo.kernels.profiling import OWN

_SHOWN = 16
_NO_KERNELS = "the profiler saw no kernel on the device (may this user read CUPTI?); what the host does is:"


@dataclass(frozen=True)
class _Part:
    """What one operator or kernel took.

    Args:
        name: of it.
        whose: who wrote it, in words.
        microseconds: its own time, in all calls.
        times: how often it ran, in all calls.
    """

    name: str
    whose: str
    microseconds: float
    times: float


def profile_report(
    said: Any,
    metrics: Mapping[str, Metric],
    own: frozenset[str],
    ceilings: Ceilings | None,
    *,
    on_device: bool,
) -> str:
    """Return the report on a program.

    Args:
        said: what its profiled process answered (see ``profiling``), plain data of an untrusted process.
        metrics: of its verdict.
        own: identifiers of the device kernels that its text defines.
        ceilings: what this device was measured to reach; None where it was not.
        on_device: whether it ran on one, and not on the CPU.
    """
    return "\n".join([*_spent(said, metrics, own, on_device), *_reached(metrics, ceilings)])


def _spent(said: Any, metrics: Mapping[str, Metric], own: frozenset[str], on_device: bool) -> list[str]:
    if not isinstance(said, Mapping) or "error" in said:
        why = str(said["error"]) if isinstance(said, Mapping) else "its process gave no answer"
        return [f"where the time goes is not known: {quoted(why)}"]
    wall, calls = _amount(said.get("wall_us")), _amount(said.get("calls"))
    if not wall or not calls:
        return ["where the time goes is not known: no time was measured"]
    counts = said.get("times")
    counts = counts if isinstance(counts, Mapping) else {}
    each, timed = wall / calls / 1e3, metrics.get("latency_ms")
    beside = f"; {timed:.3g} ms where it is timed" if isinstance(timed, float) else ""
    head = f"{calls:.0f} calls under torch's profiler took {each:.3g} ms each{beside}"
    kernels = _parts(said.get("device"), counts.get("device"), lambda name: _author(name, own))
    if kernels:
        busy = sum(part.microseconds for part in kernels)
        line = f"kernels keep the device busy for {busy / calls / 1e3:.3g} ms of a call; of that:"
        return [head, line, *_rows(kernels, busy, calls)]
    host = _parts(said.get("host"), counts.get("host"), _operator)
    rest = max(0.0, wall - sum(part.microseconds for part in host))
    host.append(_Part("outside of these", "Python, and what the profiler cannot see", rest, calls))
    return [head, *([_NO_KERNELS] if on_device else []), *_rows(host, wall, calls)]


def _parts(spent: Any, counts: Any, whose: Callable[[str], str]) -> list[_Part]:
    often = times(counts)
    return [
        _Part(printable(name.removeprefix(OWN)), whose(name), us, often.get(name, 0.0))
        for name, us in times(spent).items()
    ]


def _author(kernel: str, own: frozenset[str]) -> str:
    return "the program's" if is_own(kernel, own) else "of a library"


def _operator(name: str) -> str:
    if name.startswith(OWN):
        return "the program's C++"
    if computes(name):
        return "torch"
    return "torch: memory and views" if of_torch(name) else "runtime"


def _rows(parts: Sequence[_Part], total: float, calls: float) -> list[str]:
    ordered = sorted(parts, key=lambda part: -part.microseconds)
    shown, others = ordered[:_SHOWN], ordered[_SHOWN:]
    if others:
        spent, often = sum(p.microseconds for p in others), sum(p.times for p in others)
        shown.append(_Part(f"{len(others)} others", "", spent, often))
    return [
        f"{100 * part.microseconds / total:7.1f} %{part.microseconds / calls / 1e3:11.4f} ms"
        f"{part.times / calls:8.4g} x  {part.name}{f'  ({part.whose})' if part.whose else ''}"
        for part in shown
    ]


def _reached(metrics: Mapping[str, Metric], ceilings: Ceilings | None) -> list[str]:
    """What the module's own work means at the measured time, beside what the device was measured to do."""
    flops, moved = metrics.get("work_flops"), metrics.get("work_bytes")
    latency, share = metrics.get("latency_ms"), metrics.get("roofline_fraction")
    figures = (flops, moved, latency, share)
    if ceilings is None or not all(isinstance(f, float) and math.isfinite(f) for f in figures):
        why = metrics.get("roofline_missing") or "nothing was measured"
        return [f"how far it is from the device's ceilings is not known: {quoted(str(why))}"]
    assert isinstance(flops, float) and isinstance(moved, float)
    assert isinstance(latency, float) and isinstance(share, float)
    rates = f"{flops / latency / 1e6:.3g} GFLOP/s and {moved / latency / 1e6:.3g} GB/s"
    units = ", ".join(f"{rate * 1e3:.4g} GFLOP/s in {unit}" for unit, rate in ceilings.tflops.items())
    copied = f" and {ceilings.copy_gbs:.4g} GB/s of a large copy" if ceilings.copy_gbs else ""
    return [
        f"the module's own work is {flops / 1e9:.3g} GFLOP and {moved / 1e6:.3g} MB a call: {rates}",
        f"this device was measured to reach {units}{copied}",
        f"that is {share:.3g} of the roofline ({metrics.get('roofline_bound')} bound)",
    ]


def _amount(value: Any) -> float:
    good = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if good else 0.0
