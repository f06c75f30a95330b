"""Bounds: what the vendor's libraries alone would cost; shown beside a score, never part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from kernelevo.device.statistics import StopRule
from kernelevo.kernels.baselines.baseline import Baseline
from kernelevo.kernels.baselines.failures import Failures
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.children.small_file import SmallFile
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.timing.duel import Ring

Name = Literal["library", "cublas", "library-tf32", "cublas-tf32"]
BOUNDS: tuple[Name, ...] = ("library", "cublas", "library-tf32", "cublas-tf32")
"""Products and convolutions, or products alone, of strict fp32 and with TF32; the CPU has the first only."""
SECONDS = 1.0
PATIENCE = 60.0


class Bounds:
    """The bounds of one task: measured once against a baseline, kept as seconds relative to eager's.

    Args:
        names: which of ``BOUNDS``.
        reference: the reference's spec.
        folder: where this task's baselines are kept.
        start: starts a trusted child for a subject.
        place: brings a fresh session into the state of timed calls and makes one.
    """

    def __init__(
        self,
        names: tuple[Name, ...],
        reference: Mapping[str, Any],
        folder: Path,
        start: Callable[[dict[str, Any], str], Session],
        place: Callable[[Session, float], None],
    ) -> None:
        self._names, self._reference = names, reference
        self._file = SmallFile(folder / "bounds.json")
        self._failures = Failures(folder / "bounds-failed.json")
        self._start, self._place = start, place
        self.slowdown: dict[str, float] = {name: known for name in names if (known := self._known(name))}
        self.reasons: dict[str, str] = {
            name: reason for name in names if (reason := self._failures.reason(name))
        }

    @property
    def missing(self) -> list[Name]:
        """Those that are neither known nor given up."""
        return [n for n in self._names if n not in self.slowdown and n not in self.reasons]

    def measure(self, ring: Ring, anchor: Baseline) -> None:
        """Measure what is missing against a live baseline whose own slowdown is known."""
        assert anchor.session is not None
        for name in self.missing:
            subject = {
                "kind": "library",
                "reference": dict(self._reference),
                "products_only": name.startswith("cublas"),
                "tf32": "on" if name.endswith("tf32") else "off",
            }
            try:
                with self._start(subject, name) as session:
                    self._place(session, PATIENCE)
                    session.stop()
                    outcome = ring.fight(session, anchor.session, StopRule(0.02, SECONDS), trusted=True)
            except Failed as failed:
                self.reasons[name] = self._failures.remember(name, failed)
                continue
            self.slowdown[name] = (anchor.slowdown or 1.0) / outcome.ratio.ratio
            self._file.put(name, self.slowdown[name])

    def _known(self, name: str) -> float | None:
        """Return what an earlier judge measured, if that is a number one can divide by."""
        found = self._file.get(name)
        return found if isinstance(found, float) and 0 < found < float("inf") else None
