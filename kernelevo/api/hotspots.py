"""Hotspots: the costliest submodules of a large model made faster one by one, and put back into it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

from kernelevo.api.result import Result
from kernelevo.core import Evaluation, Program
from kernelevo.core.claims import MARGIN
from kernelevo.device.statistics import Estimate
from kernelevo.engine import Budget
from kernelevo.errors import BadSetting, InputError, MachineError, StoreError
from kernelevo.report import table

if TYPE_CHECKING:
    from torch import nn

    from kernelevo.kernels.hotspots import Hotspot

Search = Callable[["nn.Module", "Hotspot", str], Result]
StandIn = Callable[["nn.Module"], "nn.Module"]

CHOICES = 3
"""Programs of a search that are tried in the model: the one that is best alone may not be best there."""
CHOICE_BLOCKS = 6
"""ABBA blocks of one such trial, the fewest that have an interval; the whole is timed longer at the end."""


@dataclass(frozen=True)
class Part:
    """One group of alike submodules and what became of it.

    Args:
        kind: their class's name.
        paths: their names in the model, all of them where one stands in several places.
        share: of the model's time.
        result: of the search; None where it could not begin.
        program: what runs in the replaced ones: the one of the search's programs that gained most in the
            model; None where the originals stay.
        inside: time of the model without this program / with it, the parts before it in their places.
        replaced: the paths that run the program now.
        kept_for: why the original stays in the others, or an empty text.
    """

    kind: str
    paths: tuple[str, ...]
    share: float
    result: Result | None
    program: Program | None
    inside: Estimate | None
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
        from kernelevo.graphs.copying import copied_module

        return copied_module(self._model)

    def table(self) -> Table:
        """One row for each part, and the whole model below."""
        grid = Table(box=None, pad_edge=False)
        for name in _COLUMNS:
            grid.add_column(name)
        for part in self.parts:
            verdict = None if part.result is None else part.result.evaluation
            grid.add_row(
                part.kind,
                str(len(part.paths)),
                f"{part.share:.0%}",
                table.NONE if verdict is None else table.interval(verdict),
                table.NONE if part.inside is None else _told(part.inside),
                f"{len(part.replaced)} of {len(part.paths)}",
                part.kept_for,
            )
        error = f"error {self.error:.1e} vs fp64"
        grid.add_row("the whole model", "", "", "", _told(self.whole), "", error)
        return grid


_COLUMNS = (
    "part",
    "places",
    "share of the time",
    "alone [95 %]",
    "in the model [95 %]",
    "replaced",
    "why not",
)


def _told(ratio: Estimate) -> str:
    return f"{ratio.ratio:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"


def stitch(
    model: nn.Module, sets: list[tuple[Any, ...]], count: int, budget: Budget, search: Search
) -> Stitched:
    """Find the hotspots of a model, search each, put in place what gains there, time the whole.

    Args:
        model: on the CPU; it is not changed.
        sets: argument tuples of its forward; the first is profiled.
        count: how many groups of submodules at the most.
        budget: shared among the groups by what they cost; trying programs in the model comes on top.
        search: makes one submodule faster, with a budget as text.

    Raises:
        BadSetting: for a count that is none.
        InputError: if no submodule is worth it, or the model returns what cannot be compared.
        MachineError: if no submodule could be searched because of the machine.
    """
    from kernelevo.graphs.copying import copied_module
    from kernelevo.kernels.hotspots import find_hotspots
    from kernelevo.kernels.stitching import agree, gain, names_of, refuse, stitched

    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise BadSetting(f"hotspots={count!r} is no number of submodules", now="e.g. hotspots=3")
    spots = find_hotspots(model, sets[0], count)
    refuse(model, sets)
    total = sum(spot.seconds for spot in spots)
    parts: list[Part] = []
    placed: dict[str, StandIn] = {}
    broken: MachineError | None = None
    stopped = False
    for spot in spots:
        names = names_of(model, spot.paths)
        if stopped:
            parts.append(Part(spot.kind, names, spot.share, None, None, None, (), "stopped before its turn"))
            continue
        share = spot.seconds / total
        limits = {u: _portion(u, limit, share) for u, limit in budget.limits.items()}
        try:
            result = search(copied_module(model.get_submodule(spot.paths[0])), spot, str(Budget(limits)))
        except (BadSetting, StoreError):  # would meet the other parts too
            raise
        except (InputError, MachineError) as error:  # what the others gain is not lost
            broken = error if isinstance(error, MachineError) else broken
            parts.append(Part(spot.kind, names, spot.share, None, None, None, (), error.what))
            continue
        part, stand_ins = _tried(model, sets, placed, spot, result)
        placed |= stand_ins
        parts.append(part)
        stopped = result.state == "stopped"  # by a person, who wants what is there
    if broken is not None and not any(part.result for part in parts):
        raise broken
    whole = stitched(model, placed)
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


def _tried(
    model: nn.Module, sets: list[tuple[Any, ...]], placed: dict[str, StandIn], spot: Hotspot, result: Result
) -> tuple[Part, dict[str, StandIn]]:
    """Try a search's programs in the model; return the part, and what replaces its submodules there.

    A duel of one submodule keeps its weights in the processor's caches, and a model's other layers push them
    out, so that a program with more weights to read (Winograd's, spread out) may win alone and lose there.
    """
    from kernelevo.kernels.stitching import agree, gain, names_of, stitched

    before = stitched(model, placed)
    best: tuple[Estimate, Program, dict[str, StandIn], str] | None = None
    reasons = [text.split("\n")[0] for text in result.hindrances]
    why = "; ".join(["nothing surely faster was found", *reasons])
    for program in _choices(result):
        stand_ins, why = _fitting(model, spot, program)
        if not stand_ins:
            continue
        after = stitched(model, placed | stand_ins)
        reports = [agree(model, after, args) for args in sets]
        wrong = next((report.problem or "the values differ" for report in reports if not report.ok), "")
        if wrong:  # it passed by itself; together with the others its roundings did not
            why = f"the whole model: {wrong}"
            continue
        inside = gain(before, after, sets, blocks=CHOICE_BLOCKS)
        if best is None or inside.ratio > best[0].ratio:
            best = inside, program, stand_ins, why
    names = names_of(model, spot.paths)
    if best is None:
        return Part(spot.kind, names, spot.share, result, None, None, (), why), {}
    inside, program, stand_ins, why = best
    if inside.ratio <= 1:
        why = "faster alone, not in the model"
        return Part(spot.kind, names, spot.share, result, None, inside, (), why), {}
    run = names_of(model, stand_ins)
    return Part(spot.kind, names, spot.share, result, program, inside, run, why), stand_ins


def _choices(result: Result) -> list[Program]:
    """Return a search's programs that are surely faster, the best first, of each proposer's idea one."""
    if result.program is None or not _is_faster(result.evaluation):
        return []
    chosen = [result.program]
    ideas = {(result.program.origin.proposer, result.program.origin.idea)}
    others = [(t.program, result.confirmed.get(t.number, t.evaluation)) for t in result.standing]
    sure = [(program, verdict) for program, verdict in others if verdict and _is_faster(verdict)]
    for program, _ in sorted(sure, key=lambda found: -(found[1].score or 0.0)):
        idea = program.origin.proposer, program.origin.idea
        if len(chosen) < CHOICES and idea not in ideas and program.id not in {p.id for p in chosen}:
            chosen.append(program)
            ideas.add(idea)
    return chosen


def _is_faster(verdict: Evaluation | None) -> bool:
    low = None if verdict is None else verdict.metrics.get("score_low")
    return verdict is not None and verdict.fidelity == "full" and isinstance(low, float) and low > 1 + MARGIN


def _fitting(model: nn.Module, spot: Hotspot, program: Program) -> tuple[dict[str, StandIn], str]:
    """Return what replaces each submodule in which a program is right, and why not in the others."""
    from kernelevo.graphs.copying import copied_module
    from kernelevo.kernels.dropin.optimized import Optimized
    from kernelevo.kernels.dropin.signature import Signature
    from kernelevo.kernels.stitching import agree

    found: dict[str, StandIn] = {}
    why = ""
    for path in spot.paths:
        original = copied_module(model.get_submodule(path))
        try:
            proven = [Signature.of(original, args) for args in spot.inputs]
        except InputError as error:
            return {}, error.what
        if changed := next((one.changed[0] for one in proven if one.changed), ""):
            return {}, f"a call changes {changed}, which a program would leave alone"
        stand_in = functools.partial(Optimized, program=program, proven=proven)
        reports = [agree(original, stand_in(original), args) for args in spot.inputs]
        if all(report.ok for report in reports):
            found[path] = stand_in
        else:
            why = f"wrong in {path}: {next(r.problem for r in reports if not r.ok) or 'values differ'}"
    return found, why
