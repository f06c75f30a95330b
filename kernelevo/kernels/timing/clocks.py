"""Clocks: what a call takes by other clocks than the parent's; shown beside the score, never part of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from kernelevo.core.evaluation import Metric
from kernelevo.device.sm_clock import spread
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.timing.series import Tally
from kernelevo.kernels.timing.stream import Stream

NAMES = ("stream_ms", "device_span_ms", "graph_replay_ms", "sm_clock_mhz", "sm_clock_spread")
"""Metrics of every verdict; None where a number does not exist, as all are on the CPU.

``stream_ms``: between events around each call of the scored batches, launch gaps included.
``device_span_ms``: from a call's first kernel to its last, as CUPTI saw it, or else between events behind a
held stream (``device_span_by`` says which). ``graph_replay_ms``: one replay of the call as a CUDA graph.
"""
PROFILER = "CUPTI"
PROFILED = ("device_span_ms", "device_span_by")
"""Metrics that only a profiled process has."""
_SPANS, _PROFILE = 15.0, 30.0
_GAP = 1.05  # a stream time so much above the device's own is a matter of launches


def told(session: Session, tally: Tally, stream: Stream, *, full: bool, profile: bool) -> dict[str, Metric]:
    """Return all of a verdict's other clocks; to be asked for last of all.

    Args:
        session: the subject, judged; it may break here, and has its verdict already.
        tally: what its duel saw.
        stream: fresh values.
        full: whether the subject makes calls under the clocks that no batch has.
        profile: whether one of them is CUPTI's, which takes seconds to start.
    """
    found = seen(tally)
    if full:
        found |= asked(session, stream, profile=profile)
    found["launch_bound"] = launch_bound(found)
    return found


def seen(tally: Tally) -> dict[str, Metric]:
    """Return what a duel's batches told by themselves."""
    clocks = [c for c in tally.clocks if c is not None]
    return {
        "stream_ms": median(tally.own) * 1e3 if tally.own else None,
        "sm_clock_mhz": median(clocks) if clocks else None,
        "sm_clock_spread": spread(clocks),
        "instruments_missing": words(tally.missing),
    }


def asked(session: Session, stream: Stream, *, profile: bool) -> dict[str, Metric]:
    """Let a subject that was judged make some more calls under other clocks; nothing depends on it.

    Whatever goes wrong here, the subject's process included, is the reason of a null.
    """
    pick = stream.pick()
    try:
        session.batch(stream.values([pick]), [pick.seed])
        said = session.ask("spans", profile=False, timeout=_SPANS)
    except Failed as failed:
        why = {"held": failed.saw, "graph_replay": failed.saw, "profiler": "not tried"}
        return named({"missing": why}, {})
    if not profile:
        return named(said, {"missing": {"profiler": "a winner alone is profiled"}})
    try:
        return named(said, session.ask("spans", profile=True, timeout=_PROFILE))
    except Failed as failed:
        return named(said, {"missing": {"profiler": failed.saw}})


def named(said: Mapping[str, Any], profiled: Mapping[str, Any]) -> dict[str, Metric]:
    """Turn what a child said of its spans into metrics, with the reasons for what is missing."""
    why = {**_reasons(said), **_reasons(profiled)}
    span, by = _milliseconds(profiled.get("profiled_ns")), PROFILER
    if span is None:
        span, by = _milliseconds(said.get("held_ns")), "events behind a held stream"
    replay = _milliseconds(said.get("graph_replay_ns"))
    found: dict[str, Metric] = {"device_span_ms": span, "graph_replay_ms": replay}
    if span is not None:
        found["device_span_by"] = by
    if span is None or by != PROFILER:
        reasons = {k: v for k, v in why.items() if k in ("profiler", "spin", "held")}
        found["device_span_missing"] = words(reasons) or "the program's process did not say"
    if replay is None:
        found["graph_replay_missing"] = why.get("graph_replay", "the program's process did not say")[:200]
    return found


def launch_bound(metrics: Mapping[str, Metric]) -> bool | None:
    """Tell whether launches and not the device decide a call's stream time; None where a clock is missing."""
    stream, span = metrics.get("stream_ms"), metrics.get("device_span_ms")
    if not isinstance(stream, float) or not isinstance(span, float) or span <= 0:
        return None
    return stream > _GAP * span


def words(missing: Mapping[str, str]) -> str | None:
    """Name what is missing and why, in one line; None where nothing is."""
    return "; ".join(f"{name}: {why}" for name, why in sorted(missing.items()))[:400] or None


def _reasons(said: Mapping[str, Any]) -> dict[str, str]:
    missing = said.get("missing")
    return {str(k): str(v)[:200] for k, v in missing.items()} if isinstance(missing, dict) else {}


def _milliseconds(ns: Any) -> float | None:
    good = isinstance(ns, int | float) and not isinstance(ns, bool) and 0 < ns < math.inf
    return ns / 1e6 if good else None
