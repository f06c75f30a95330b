"""Hotspots: where a large model spends its time, submodule by submodule."""

from __future__ import annotations

import copy
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.backends.arguments import Parameters
from kernelevo.device.lease import Lease
from kernelevo.errors import BadProgram, InputError
from kernelevo.graphs.copying import copied_module
from kernelevo.kernels.reference.tree import Leaf

ROUNDS = 3
"""Calls that are profiled; each submodule's shortest time counts."""
LEAST_SHARE = 0.02
"""Of the model's time: a submodule below it is not worth a search."""
_MOST_SETS = 4


@dataclass
class Hotspot:
    """Submodules that are alike, and what they cost.

    Args:
        kind: their class's name.
        paths: their names in the model.
        seconds: what all their calls take in one call of the model.
        share: that, over the model's time.
        inputs: one argument tuple for each kind of call, copies of those seen.
        weights: how much of the time each kind of call takes.
    """

    kind: str
    paths: list[str]
    seconds: float
    share: float
    inputs: list[tuple[Any, ...]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


@dataclass
class _Seen:
    """One submodule's calls in one call of the model."""

    args: list[tuple[Any, ...]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    problem: str = ""


def find_hotspots(model: nn.Module, args: tuple[Any, ...], count: int) -> list[Hotspot]:
    """Profile a model and return its costliest groups of alike submodules, the costliest first.

    Of a chain of nested modules the largest that occurs several times stands for what is inside; one that
    occurs once stands for itself only where nothing repeated inside it takes half of its time. No two groups
    overlap. Arguments that are given by name are put in their places; submodules that take some by name only
    are looked into, not taken.

    Args:
        model: on the CPU; a copy of it is called, without gradients.
        args: arguments of its forward.
        count: how many groups at the most.

    Raises:
        InputError: if no submodule takes a noticeable share of the time.
    """
    twin = copied_module(model)
    calls = _recorded(twin, args)
    whole = _clocked(twin, args, calls)
    alike = _alike({path: module for path, module in twin.named_modules() if path in calls})
    cost = {path: sum(seen.seconds) for path, seen in calls.items()}
    groups = {paths[0]: paths for paths in alike}
    key_of = {path: paths[0] for paths in alike for path in paths}

    def repeated_inside(path: str) -> float:
        """Share of a module's time that repeated modules inside it take, the outermost of them."""
        taken: list[str] = []
        inside = sorted(p for p in cost if p.startswith(f"{path}."))
        often = Counter(key_of[p] for p in inside)
        for inner in inside:
            repeated = often[key_of[inner]] > 1 and not calls[inner].problem
            if repeated and not any(_nested(inner, outer) for outer in taken):
                taken.append(inner)
        return sum(cost[inner] for inner in taken) / cost[path] if cost[path] else 0.0

    found = []
    for key, paths in groups.items():
        seconds = sum(cost[p] for p in paths)
        usable = not any(calls[p].problem for p in paths) and seconds >= LEAST_SHARE * whole
        if usable and (len(paths) > 1 or repeated_inside(key) < 0.5):
            found.append(Hotspot(type(twin.get_submodule(key)).__name__, paths, seconds, seconds / whole))
    found = [h for h in found if not _covered(h, found)]
    found.sort(key=lambda h: -h.seconds)
    chosen: list[Hotspot] = []
    for spot in found:
        if len(chosen) < count and not any(
            _nested(a, b) for c in chosen for a in spot.paths for b in c.paths
        ):
            _gather(spot, calls)
            chosen.append(spot)
    if not chosen:
        raise InputError(
            "no submodule takes a noticeable share of the model's time",
            why=f"looked at {len(cost)} submodules; {LEAST_SHARE:.0%} of the time is the least",
            now="optimize the model as a whole, without hotspots",
        )
    return chosen


def _recorded(model: nn.Module, args: tuple[Any, ...]) -> dict[str, _Seen]:
    """Call the model once and keep what each submodule is called with."""
    calls: dict[str, _Seen] = {}

    def keep(path: str, taken: Parameters) -> Callable[..., None]:
        def hook(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            seen = calls.setdefault(path, _Seen())
            ordered = taken.by_position(given, named)
            if ordered is None:
                seen.problem = "it takes arguments by name only"
            kept = given if ordered is None else ordered
            seen.args.append(pytree.tree_map_only(torch.Tensor, lambda t: t.detach().clone(), kept))

        return hook

    handles = [
        module.register_forward_pre_hook(keep(path, Parameters.of(module)), with_kwargs=True)
        for path, module in model.named_modules()
        if path
    ]
    try:
        with torch.no_grad():
            model(*copy.deepcopy(args))
    except Exception as error:
        raise unusable(model, error) from error
    finally:
        for handle in handles:
            handle.remove()
    return calls


def unusable(model: nn.Module, error: Exception) -> BadProgram:
    """Return what to raise where a model's own call has failed.

    Args:
        model: it was called on inputs that the user gave.
        error: what it raised.
    """
    return BadProgram(
        f"{type(model).__name__} cannot be run on these inputs",
        why=f"{type(error).__name__}: {error}",
        now="give inputs that the model takes: several arguments as a tuple; a list is one of input sets",
    )


def _clocked(model: nn.Module, args: tuple[Any, ...], calls: Mapping[str, _Seen]) -> float:
    """Take down the shortest seconds of each call of each submodule; return the model's."""
    running: list[float] = []
    round_: dict[str, list[float]] = {}

    def begin(*_: Any) -> None:
        running.append(time.perf_counter())

    def end(path: str) -> Callable[..., None]:
        return lambda *_: round_.setdefault(path, []).append(time.perf_counter() - running.pop())

    handles = []
    for path, module in model.named_modules():
        if path:
            handles += [module.register_forward_pre_hook(begin), module.register_forward_hook(end(path))]
    shortest = float("inf")
    try:
        with torch.no_grad(), Lease("cpu"):
            for _ in range(ROUNDS):
                round_.clear()
                given = copy.deepcopy(args)
                start = time.perf_counter()
                model(*given)
                shortest = min(shortest, time.perf_counter() - start)
                for path, seen in calls.items():
                    now = round_.get(path, [])
                    seen.seconds = list(map(min, seen.seconds, now)) if seen.seconds else now
    finally:
        for handle in handles:
            handle.remove()
    return shortest


def _covered(spot: Hotspot, others: Sequence[Hotspot]) -> bool:
    """Tell whether each of these submodules lies inside one that could be taken itself."""
    outer = [p for other in others if other is not spot for p in other.paths]
    return all(any(path.startswith(f"{o}.") for o in outer) for path in spot.paths)


def _nested(one: str, two: str) -> bool:
    return one == two or one.startswith(f"{two}.") or two.startswith(f"{one}.")


def _alike(modules: Mapping[str, nn.Module]) -> list[list[str]]:
    """Group modules that one program can stand in for: equal in all but the values of their weights.

    Whole numbers by which a model counts its layers (1, 2, 3 ...) make no difference; whether they do after
    all is seen when the program is tried in each of them.
    """
    found: dict[Any, list[str]] = defaultdict(list)
    numbers = {}
    for path, module in modules.items():
        likeness, numbers[path] = _likeness(module)
        found[likeness].append(path)
    groups: list[list[str]] = []
    for paths in found.values():
        telling = [
            place for place in numbers[paths[0]] if not _counts([numbers[path][place] for path in paths])
        ]
        parts: dict[Any, list[str]] = defaultdict(list)
        for path in paths:
            parts[tuple(numbers[path][place] for place in telling)].append(path)
        groups += parts.values()
    return groups


def _counts(values: Sequence[int]) -> bool:
    """Tell whether several numbers go up one by one."""
    return len(values) > 1 and list(values) == list(range(values[0], values[0] + len(values)))


def _likeness(module: nn.Module) -> tuple[Any, dict[tuple[str, str], int]]:
    """Return what is equal for modules that are alike, and by its place each whole number they hold."""
    plain, numbers = [], {}
    for name, child in module.named_modules():
        for key, value in vars(child).items():
            if isinstance(value, int) and not isinstance(value, bool):
                numbers[name, key] = value
            elif isinstance(value, bool | float | str | tuple | torch.dtype | torch.device | None):
                plain.append((name, key, repr(value)))
            elif isinstance(value, torch.Tensor):
                plain.append((name, key, str(Leaf.of(value))))
    held = [(k, str(Leaf.of(v))) for k, v in module.state_dict().items()]
    kinds = [(name, type(child)) for name, child in module.named_modules()]
    return (repr(module), tuple(plain), tuple(held), tuple(kinds), tuple(numbers)), numbers


def _gather(spot: Hotspot, calls: Mapping[str, _Seen]) -> None:
    """Collect one input set for each kind of call, the costliest kinds first, and their shares."""
    kinds: dict[str, tuple[tuple[Any, ...], float]] = {}
    for path in spot.paths:
        seen = calls[path]
        for given, seconds in zip(seen.args, seen.seconds, strict=False):
            key = repr([Leaf.of(v) if isinstance(v, torch.Tensor) else v for v in pytree.tree_leaves(given)])
            first, before = kinds.get(key, (given, 0.0))
            kinds[key] = first, before + seconds
    ranked = sorted(kinds.values(), key=lambda kind: -kind[1])[:_MOST_SETS]
    spot.inputs, spot.weights = [k[0] for k in ranked], [max(k[1], 1e-9) for k in ranked]
