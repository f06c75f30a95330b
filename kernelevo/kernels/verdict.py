"""Verdict: what was measured, put into the metrics and the words that a proposer and a person read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core import Evaluation, Status, claims
from kernelevo.core.evaluation import Fidelity, Metric
from kernelevo.device.statistics import Estimate
from kernelevo.kernels.baselines.baselines import Baselines
from kernelevo.kernels.baselines.bounds import Bounds
from kernelevo.kernels.baselines.bounds import Name as BoundName
from kernelevo.kernels.baselines.ranking import RANK
from kernelevo.kernels.faults import rules
from kernelevo.kernels.reference.correctness import Precision
from kernelevo.kernels.reference.gaps import Report
from kernelevo.kernels.timing import clocks

NAMES = (
    "latency_ms",
    "speedup_vs_eager",
    "speedup_vs_compile",
    "speedup_vs_cublas",
    "speedup_vs_library",
    "max_abs_error",
    "max_rel_error",
    "oracle_error",
    "reference_oracle_error",
    "meets_1e-5",
    "precision",
    "roofline_fraction",
    "roofline_ms",
    "roofline_bound",
    *clocks.NAMES,
    "core_clock_mhz",
    "peak_memory_mb",
    "build_seconds",
)
"""Metrics that every verdict has; None where a number does not exist.

``core_clock_mhz``: of the processor's cores, as the kernel tells it when the last timed batch has ended.
"""
_RANKS: dict[str, int] = {str(name): rank for name, rank in RANK.items()}


@dataclass
class Notes:
    """What is known of a program so far; grows along the ladder.

    Args:
        metrics: facts by name.
        reports: one report for each case that was checked.
    """

    metrics: dict[str, Metric] = field(default_factory=lambda: dict.fromkeys(NAMES))
    reports: list[Report] = field(default_factory=list)

    def add_report(self, report: Report, *, shipped: bool) -> None:
        """Take one case's comparison down; errors are those on inputs as shipped."""
        self.reports.append(report)
        self.metrics["cases"] = len(self.reports)
        if shipped:
            self.metrics["meets_1e-5"] = report.meets_gate and self.metrics["meets_1e-5"] is not False
        if shipped and not report.problem:
            for name, value in (
                ("max_abs_error", report.from_ref),
                ("max_rel_error", report.rel_from_ref),
                ("oracle_error", report.max_abs),
                ("reference_oracle_error", report.e_ref),
            ):
                old = self.metrics[name]
                self.metrics[name] = max(value, old) if isinstance(old, float) else value

    def add_times(
        self,
        ratio: Estimate,
        latency: float,
        precision: Precision,
        baselines: Baselines,
        bounds: Bounds,
    ) -> float:
        """Take the times down: score against the best baseline, and what follows for the others.

        Args:
            ratio: seconds of the live baseline that was timed beside the program / the program's.
            latency: seconds of one of the program's calls.
            precision: the program's class.
            baselines: what is known of them.
            bounds: what is known of these.

        Returns:
            The score.
        """
        against = baselines.opponent(precision)
        best, factor = against.best, against.factor
        score, m = ratio.ratio * factor, self.metrics
        m["latency_ms"] = latency * 1e3
        m["baseline"] = best.name
        if against.anchor is not best:
            m["baseline_kept"] = f"{best.kept}, by its ratio to {against.anchor.name}"
        known = math.isfinite(ratio.high)
        m["score_low"], m["score_high"] = (ratio.low * factor, ratio.high * factor) if known else (None, None)
        per_eager = score / (best.slowdown or 1.0)  # speedup over a baseline / that baseline's slowdown
        for other in baselines.all.values():
            m[other.speedup_key] = None if other.slowdown is None else per_eager * other.slowdown
            if other.state == "failed":
                m[f"{other.name}_missing"] = other.reason[:200]
        for name in ("library", "cublas"):
            own: BoundName = name if RANK[precision] == 0 else f"{name}-tf32"  # type: ignore[assignment]
            bound = bounds.slowdown.get(own)
            m[f"speedup_vs_{name}"] = None if bound is None else per_eager * bound
            if own in bounds.reasons:
                m[f"{name}_missing"] = bounds.reasons[own][:200]
        return score

    def wrong(self, report: Report, case: str) -> Evaluation:
        """Return the verdict on a program whose answer is wrong."""
        return Evaluation(Status.WRONG, None, self.metrics, str(rules.wrong_result(report, case)))

    def ok(
        self, score: float, *, fidelity: Fidelity, weights: str, precision: Precision | None
    ) -> Evaluation:
        """Return the verdict on a program that is right."""
        self.metrics["precision"] = precision
        self.metrics["weights"] = weights
        return Evaluation(
            Status.OK, score, self.metrics, self.words(score, fidelity, precision), {}, fidelity
        )

    def words(self, score: float, fidelity: Fidelity, precision: str | None) -> str:
        """Say in a few sentences how good a right program is."""
        m = self.metrics
        low, high = m.get("score_low"), m.get("score_high")
        place = f"{score:.3g}x the speed of {m.get('baseline')}"
        if isinstance(low, float) and isinstance(high, float):
            place += f" {claims.phrase(low, high)}"
        lines = [f"correct; {place}; {_number(m.get('latency_ms'))} ms a call"]
        if fidelity == "rough":
            lines[0] += "; timed roughly, since it is clearly slower than what was asked for"
        lines.append(
            f"error {_number(m.get('oracle_error'))} against fp64 (PyTorch's own: "
            f"{_number(m.get('reference_oracle_error'))}); precision {precision}"
        )
        if isinstance(m.get("roofline_fraction"), float):
            share, least = _number(m["roofline_fraction"]), _number(m.get("roofline_ms"))
            lines.append(
                f"{share} of the roofline: the reference's work takes {least} ms at the device's measured "
                f"{m.get('roofline_bound')} ceiling"
            )
        return "\n".join(lines)


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) and math.isfinite(value) else "unknown"


def settled(parts: Sequence[Evaluation], wanted: int) -> bool:
    """Whether a winner needs no further process: one failed, enough were calm, or none of so many was.

    On a machine that disturbs as many as are wanted two more would hardly both be calm, which an interval
    needs.

    Args:
        parts: the verdicts so far.
        wanted: calm processes.
    """
    if parts[-1].status is not Status.OK:
        return True
    calm = sum(part.metrics.get("score_low") is not None for part in parts)
    return calm >= wanted or (len(parts) >= wanted and not calm)


def combine(parts: Sequence[Evaluation]) -> Evaluation:
    """Join the verdicts of several fresh processes: median score, widest interval; any failure decides.

    A process that other work disturbed has a score without an interval: it counts only where fewer than two
    have one, and the whole has no interval then.
    """
    for part in parts:
        if part.status is not Status.OK or part.score is None:
            return part
    calm = [p for p in parts if isinstance(p.metrics.get("score_low"), float)]
    ordered = sorted(calm if len(calm) > 1 else parts, key=lambda p: p.score or 0.0)
    middle = ordered[(len(ordered) - 1) // 2]  # of two the slower one
    metrics: dict[str, Any] = {
        **middle.metrics,
        "processes": len(parts),
        "cases": max(p.metrics.get("cases") or 0 for p in parts),
        "score_low": None,
        "score_high": None,
    }
    if len(calm) > 1:
        for name, widest in (("score_low", min), ("score_high", max)):
            metrics[name] = widest(v for p in calm if isinstance(v := p.metrics.get(name), float))
    for name in ("max_abs_error", "max_rel_error", "oracle_error"):
        values = [v for p in parts if isinstance(v := p.metrics.get(name), float)]
        metrics[name] = max(values, default=None)
    profiled = next((p for p in parts if p.metrics.get("device_span_by") == clocks.PROFILER), None)
    if profiled is None:
        metrics |= {k: v for k, v in parts[0].metrics.items() if k == "device_span_missing"}
    else:
        own = {name: profiled.metrics.get(name) for name in clocks.PROFILED}
        metrics = {k: v for k, v in metrics.items() if k != "device_span_missing"} | own
        metrics["launch_bound"] = clocks.launch_bound(metrics)
    precision = max((str(p.metrics.get("precision")) for p in parts), key=lambda c: _RANKS.get(c, 0))
    metrics["precision"] = precision
    assert middle.score is not None
    text = Notes(metrics).words(middle.score, "full", precision)
    return Evaluation(Status.OK, middle.score, metrics, text, middle.artifacts)
