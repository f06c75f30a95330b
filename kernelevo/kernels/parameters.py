"""Parameters: the values that a module's parameters have in secret cases and in timed calls."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from kernelevo.kernels import inputs

Way = Literal["load", "in place"]
NO_NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class ParameterSet:
    """Parameter values that the cases of a group share.

    Args:
        name: ``"shipped"`` or ``"perturbed 1"``.
        seed: seed of the construction.
        state: values to load, or None for those of the construction.
        way: how the candidate gets them: by ``load_state_dict`` or written in place.
        only: these names alone are written, between two calls, the others stay as constructed; none: all.
    """

    name: str
    seed: int
    state: dict[str, torch.Tensor] | None
    way: Way = "load"
    only: frozenset[str] = NO_NAMES


def halves_of(
    shipped: ParameterSet,
    state: Mapping[str, torch.Tensor],
    parameters: frozenset[str],
    tied: Mapping[str, str],
    rng: random.Random,
) -> list[tuple[ParameterSet, ParameterSet]]:
    """Return parameters of which one secret half is changed, and the same of the other half.

    Whoever follows some parameters alone is met by one of the two. Of fresh gains some get another sign;
    beside each set stands the same without that, for modules that take none.

    Args:
        shipped: those of the construction.
        state: the module's state dict.
        parameters: which of its names are parameters.
        tied: see ``inputs.tied``.
        rng: secret.
    """
    names = sorted(n for n in parameters & state.keys() if state[n].is_floating_point())
    names = [n for n in names if tied.get(n, n) == n]
    rng.shuffle(names)
    found = []
    for i, half in enumerate((names[::2], names[1::2])):
        alike = {n for n in state if tied.get(n, n) in half}
        plain = inputs.perturbed(state, parameters, rng.getrandbits(31), tied, alike)
        turned = {
            name: inputs.some_turned(plain[name], rng.getrandbits(31))
            for name in half
            if inputs.all_alike(state[name])
        }
        signs = plain | {
            name: turned[tied.get(name, name)] for name in alike if tied.get(name, name) in turned
        }
        # buffers are put back with them: the call before has moved these
        only = frozenset(alike | (state.keys() - parameters))
        if half:
            sets = [ParameterSet(f"half {i + 1}", shipped.seed, s, "in place", only) for s in (signs, plain)]
            found.append((sets[0], sets[1]))
    return found
