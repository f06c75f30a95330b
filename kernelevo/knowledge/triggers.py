"""Triggers: when a search is stuck or fails, and with which words the notes are then asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kernelevo.core import Brief, Status, Verdict

STUCK = 0.5
"""Stagnation of an island, 0 to 1, from which on it counts as stuck."""
POOR = 0.5
"""Fraction of the roofline below which its side is a symptom."""
_ERRORS = (
    (r"NaN|nan\b|\binf\b|overflow", "nan infinity overflow fp32 accuracy softmax maximum"),
    (r"off by|max(?:imum)? error|error of|beyond|wrong",
     "wrong values fp32 accuracy rounding sum order tolerance"),
    (r"illegal|misaligned|out of bounds|segmentation|AddressSanitizer|SIGSEGV|SIGBUS|signal 11",
     "out of bounds index illegal address crash alignment tail"),
    (r"deadlock|timed out|time-out|hang|did not answer", "hang barrier deadlock time-out"),
    (r"shared memory|out of resource|too many resources|registers",
     "occupancy registers shared memory resources"),
    (r"load_state_dict|missing key|unexpected key|state_dict", "parameters state_dict packed weights"),
    (r"undeclared|not declared|expected .* before|no matching function|error:",
     "compile error C++ CUDA idioms"),
    (r"tl\.|triton", "triton idioms constexpr mask block power of two compile"),
)  # fmt: skip


@dataclass(frozen=True)
class Trigger:
    """Why notes are asked for.

    Args:
        kind: ``stagnation``, ``error``, ``roofline`` or ``memory`` (a search begins).
        says: in words, what was seen.
        words: what to search for.
    """

    kind: str
    says: str
    words: str


def triggers(brief: Brief, stagnation: float | None) -> list[Trigger]:
    """Return what this ask gives reason to look up, the most specific first.

    Args:
        brief: of the ask; its knowledge is still empty.
        stagnation: of the island, 0 to 1; None where it is unknown.
    """
    found = [*_errors(brief), *_roofline(brief)]
    if stagnation is not None and stagnation >= STUCK:
        found.append(
            Trigger(
                "stagnation", f"stagnation {stagnation:.2f}", "stuck plateau another algorithm restructure"
            )
        )
    if not brief.parents or (brief.direction and not found):
        found.append(
            Trigger("memory", "the beginning of a search", brief.direction or "what worked measured")
        )
    return found


def _errors(brief: Brief) -> list[Trigger]:
    """The latest failure, or a parent that did not pass, by the class of what was said."""
    failed: list[Verdict] = [v for v in brief.parents[:1] if v.evaluation.status is not Status.OK]
    failed += brief.failures[:1]
    for verdict in failed:
        evaluation = verdict.evaluation
        text = "\n".join([evaluation.feedback, *evaluation.artifacts.values()])
        words = next((words for sign, words in _ERRORS if re.search(sign, text)), "")
        named = {
            Status.WRONG: "wrong values accuracy",
            Status.BUILD_FAILED: "compile error idioms",
            Status.CRASHED: "crash out of bounds",
            Status.TIMED_OUT: "hang time-out",
        }.get(evaluation.status, "")
        if words or named:
            return [Trigger("error", f"{evaluation.status}: {evaluation.feedback[:80]}", f"{words} {named}")]
    return []


def _roofline(brief: Brief) -> list[Trigger]:
    for verdict in brief.parents[:1]:
        metrics = verdict.evaluation.metrics
        found = []
        if metrics.get("launch_bound") is True:
            found.append(Trigger("roofline", "launch bound", "launch-bound overhead small kernels graph"))
        part, side = metrics.get("roofline_fraction"), metrics.get("roofline_bound")
        if isinstance(part, float) and part < POOR and side in ("memory", "compute"):
            words = {
                "memory": "memory-bound bandwidth fusion traffic",
                "compute": "compute-bound FMA matrix product registers tile",
            }[str(side)]
            found.append(Trigger("roofline", f"{part:.2f} of the {side} roofline", words))
        if _spilling(metrics.get("kernels")):
            found.append(Trigger("roofline", "registers spill", "occupancy registers spill"))
        return found
    return []


def _spilling(kernels: Any) -> bool:
    rows = kernels if isinstance(kernels, list) else []
    return any(isinstance(row, dict) and row.get("spill_bytes") for row in rows)
