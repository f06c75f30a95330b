"""Hotspots: the costliest submodules of a large model made faster one by one, and put back into it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

from kernelevo.api.result import Result
from kernelevo.core.claims import MARGIN
from kernelevo.device.statistics import Estimate
from kernelevo.engine import Budget
from kernelevo.errors import BadSetting
from kernelevo.report import table

if TYPE_CHECKING:
    from torch import nn

    from kernelevo.kernels.hotspots import Hotspot

Search = Callable[["nn.Module", "Hotspot", str], Result]
StandIn = Callable[["nn.Module"], "nn.Module"]


@dataclass(frozen=True)
class Part:
    """One group of alike submodules and what became of it.

    Args:
        kind: their class's name.
        paths: their names in the model, all of them where one stands in several places.
        share: of the model's time.
        result: of the search.
        replaced: the paths that run the winner now.
        kept_for: why the original stays in the others, or an empty text.
    """

    kind: str
    paths: tuple[str, ...]
    share: float
    result: Result
    replaced: tuple[str, ...]
    kept_for: str


class Stitched:
    """A large model with its hotspots made faster.

    Args:
        model: the copy of the model with the parts in their places.
        parts: what was searched, the costliest first.
        whole: time of the original / time of the stitched model, measured in this process.
        error: largest distance of the stitched model from an fp64 evaluation of the original.
        reference_error: the same of the original in its own precision.
    """

    def __init__(
        self,
        model: nn.Module,
        parts: tuple[Part, ...],
        whole: Estimate,
        error: float,
        reference_error: float,
    ) -> None:
        self._model = model
        self.parts, self.whole = parts, whole
        self.error, self.reference_error = error, reference_error

    @property
    def speedup(self) -> float:
        """Of the whole model; 1.0 is parity."""
        return self.whole.ratio

    def module(self) -> nn.Module:
        """Return the model with the faster parts in their places, a copy of its own."""
        return copy.deepcopy(self._model)

    def table(self) -> Table:
        """One row for each part, and the whole model below."""
        grid = Table(box=None, pad_edge=False)
        for name in ("part", "places", "share of the time", "speed-up [95 %]", "replaced", "why not"):
            grid.add_column(name)
        for part in self.parts:
            verdict = part.result.evaluation
            grid.add_row(
                part.kind,
                str(len(part.paths)),
                f"{part.share:.0%}",
                table.NONE if verdict is None else table.interval(verdict),
                f"{len(part.replaced)} of {len(part.paths)}",
                part.kept_for,
            )
        whole = f"{self.whole.ratio:.2f} [{self.whole.low:.2f}, {self.whole.high:.2f}]"
        grid.add_row("the whole model", "", "", whole, "", f"error {self.error:.1e} vs fp64")
        return grid


def stitch(
    model: nn.Module, sets: list[tuple[Any, ...]], count: int, budget: Budget, search: Search
) -> Stitched:
    """Find the hotspots of a model, search each, put the winners in their places, time the whole.

    Args:
        model: on the CPU; it is not changed.
        sets: argument tuples of its forward; the first is profiled.
        count: how many groups of submodules at the most.
        budget: shared among the groups by what they cost.
        search: makes one submodule faster, with a budget as text.

    Raises:
        BadSetting: for a count that is none.
        InputError: if no submodule is worth it.
    """
    from kernelevo.kernels.hotspots import agree, find_hotspots, gain, names_of, stitched

    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise BadSetting(f"hotspots={count!r} is no number of submodules", now="e.g. hotspots=3")
    spots = find_hotspots(model, sets[0], count)
    total = sum(spot.seconds for spot in spots)
    parts: list[Part] = []
    winners: dict[str, StandIn] = {}
    for spot in spots:
        share = spot.seconds / total
        limits = {u: _portion(u, limit, share) for u, limit in budget.limits.items()}
        result = search(copy.deepcopy(model.get_submodule(spot.paths[0])), spot, str(Budget(limits)))
        fitting, why = _fitting(model, spot, result)
        winners |= fitting
        names, run = names_of(model, spot.paths), names_of(model, fitting)
        parts.append(Part(spot.kind, names, spot.share, result, run, why))
    whole = stitched(model, winners)
    reports = [agree(model, whole, args) for args in sets]
    wrong = next((report.problem or "the values differ" for report in reports if not report.ok), "")
    if wrong:  # each part passed by itself; together their roundings did not
        parts = [Part(p.kind, p.paths, p.share, p.result, (), f"the whole model: {wrong}") for p in parts]
        whole = stitched(model, {})
        reports = [agree(model, whole, args) for args in sets]
    return Stitched(
        whole,
        tuple(parts),
        gain(model, whole, sets),
        max(r.max_abs for r in reports),
        max(r.e_ref for r in reports),
    )


def _portion(unit: str, limit: float, share: float) -> float:
    return max(1.0, round(limit * share)) if unit in ("trials", "tokens") else limit * share


def _fitting(model: nn.Module, spot: Hotspot, result: Result) -> tuple[dict[str, StandIn], str]:
    """Return what replaces each submodule in which the winner is right, and why not in the others."""
    from kernelevo.kernels.dropin import Optimized
    from kernelevo.kernels.hotspots import agree
    from kernelevo.kernels.signature import Signature

    verdict = result.evaluation
    low = None if verdict is None else verdict.metrics.get("score_low")
    if result.program is None or not isinstance(low, float) or low <= 1 + MARGIN:
        reasons = [text.split("\n")[0] for text in result.hindrances]
        return {}, "; ".join(["nothing surely faster was found", *reasons])
    found: dict[str, StandIn] = {}
    why = ""
    for path in spot.paths:
        original = copy.deepcopy(model.get_submodule(path))
        proven = [Signature.of(original, args) for args in spot.inputs]
        stand_in = functools.partial(Optimized, program=result.program, proven=proven)
        reports = [agree(original, stand_in(original), args) for args in spot.inputs]
        if all(report.ok for report in reports):
            found[path] = stand_in
        else:
            why = f"wrong in {path}: {next(r.problem for r in reports if not r.ok) or 'values differ'}"
    return found, why
