"""Parameters: the values that a module's parameters have in secret cases and in timed calls."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch

from kernelevo.kernels.cases import inputs

Way = Literal["load", "in place", "moved"]
"""By ``load_state_dict``, in place under ``no_grad``, or by ``parameter.data = values`` in other memory."""
_WAYS: tuple[Way, Way] = ("in place", "moved")  # of the two halves
NO_NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class ParameterSet:
    """Parameter values that the cases of a group share.

    Args:
        name: ``"shipped"`` or ``"perturbed 1"``.
        seed: seed of the construction.
        state: values to load, or None for those of the construction.
        way: how the candidate gets them.
        only: these names alone are written, between two calls, the others stay as constructed; none: all.
        classes: whether a program's class of precision is that of its answers on these, too.
    """

    name: str
    seed: int
    state: dict[str, torch.Tensor] | None
    way: Way = "load"
    only: frozenset[str] = NO_NAMES
    classes: bool = True


Chain = Sequence[Callable[[], ParameterSet]]
"""Sets of which the first counts on which anybody can be judged; made when they are wanted."""


@dataclass(frozen=True)
class Weights:
    """What sets of parameter values are made from.

    Args:
        seed: seed of the construction.
        state: the module's state dict.
        varied: which of its names get other values: parameters, buffers that the constructor draws, and
            running statistics.
        tied: see ``inputs.tied``.
        statistics: those, where no call updates them; see ``inputs.statistics``.
    """

    seed: int
    state: Mapping[str, torch.Tensor]
    varied: frozenset[str]
    tied: Mapping[str, str]
    statistics: frozenset[str] = NO_NAMES

    @property
    def _names(self) -> list[str]:
        """Parameters that may be changed by themselves, in order; of what is tied the first."""
        varied = (self.varied - self.statistics) & self.state.keys()
        names = sorted(n for n in varied if self.state[n].is_floating_point())
        return [n for n in names if self.tied.get(n, n) == n]

    @property
    def _variances(self) -> frozenset[str]:
        return frozenset(n for n in self.statistics if n.endswith("running_var"))

    def changed(self, number: int, way: Way, rng: random.Random) -> Chain:
        """Return sets in which all parameters are changed.

        Where a module takes no other signs (a logarithm of weights), each value keeps its own.

        Args:
            number: for the name.
            way: how the candidate gets them.
            rng: secret.
        """
        seed = rng.getrandbits(31)

        def made(relative: bool) -> ParameterSet:
            state = inputs.perturbed(
                self.state, self.varied, seed, self.tied, relative=relative, positive=self._variances
            )
            return ParameterSet(f"perturbed {number}", self.seed, state, way)

        return [partial(made, False), partial(made, True)]

    def halves(self, rng: random.Random) -> list[Chain]:
        """Return sets in which one secret half of the parameters is changed, and those of the other half.

        Whoever follows some parameters alone is met by one of the two. Those of the first are written where
        they lie, those of the second lie elsewhere from then on, as where a shadow of averaged weights takes
        their place (``parameter.data = shadow``, which no version counter tells of).

        Fresh parameters are small and alike: what a large one decides (a gate that stays open for hundreds of
        steps) could be left out. So in each half one secret matrix is 8 to 32 times as large, one vector
        moved by up to 6 either way, and of gains that are all one some have another sign. Where nobody could
        be judged on that, the same without the matrix follows, then without the vector, then without signs.
        """
        names = self._names
        rng.shuffle(names)
        return [self._half(i, half, rng) for i, half in enumerate((names[::2], names[1::2])) if half]

    def rows(self, rng: random.Random) -> Chain:
        """Return sets in which one secret row of each parameter is changed, and all else is as constructed.

        So it is after a row was pruned or edited, and where an embedding is trained. Who looks at some values
        of each parameter to see whether it changed sees nothing. No set where no parameter has two rows.

        They say nothing of a program's precision: a channel with values of its own size in a tensor of others
        costs products in Winograd's way a digit that the tensor's bound does not allow for.
        """
        seeds = {n: rng.getrandbits(31) for n in self._names if self.state[n].ndim and len(self.state[n]) > 1}

        def made(relative: bool) -> ParameterSet:
            state = dict(self.state)
            for name, seed in seeds.items():
                state[name] = inputs.with_another_row(state[name], seed, relative=relative)
            state |= {n: state[first] for n, first in self.tied.items() if first in seeds}
            return ParameterSet("rows", self.seed, state, "in place", frozenset(self.state), classes=False)

        return [partial(made, False), partial(made, True)] if seeds else []

    def moments(self, rng: random.Random) -> Chain:
        """Return a set in which running statistics alone are changed; none where there are none.

        So it is where they are taken anew on other data, and all parameters stay.
        """
        seed = rng.getrandbits(31)

        def made() -> ParameterSet:
            state = inputs.perturbed(
                self.state, self.varied, seed, self.tied, self.statistics, positive=self._variances
            )
            only = self.statistics | (self.state.keys() - self.varied)
            return ParameterSet("moments", self.seed, state, "in place", only)

        return [made] if self.statistics else []

    def _half(self, number: int, half: Sequence[str], rng: random.Random) -> Chain:
        alike = {n for n in self.state if self.tied.get(n, n) in half}
        # buffers are put back with them: the call before has moved these
        only = frozenset(alike | (self.state.keys() - self.varied) | self.statistics)
        noise, signs, size, shift = (rng.getrandbits(31) for _ in range(4))
        matrix, vector = (
            next((n for n in half if self.state[n].ndim >= 2 and self.state[n].numel() > 1), None),
            next((n for n in half if self.state[n].ndim == 1), None),
        )

        def made(turns: bool, moves: bool, grows: bool) -> ParameterSet:
            state = inputs.perturbed(self.state, self.varied, noise, self.tied, alike)
            own = {n: state[n] for n in half}
            if turns:
                own |= {
                    n: inputs.some_turned(v, signs) for n, v in own.items() if inputs.all_alike(self.state[n])
                }
            if moves and vector is not None:
                own[vector] = inputs.shifted(own[vector], shift)
            if grows and matrix is not None:
                own[matrix] = inputs.enlarged(own[matrix], size)
            state |= {n: own[self.tied.get(n, n)] for n in alike}
            return ParameterSet(f"half {number + 1}", self.seed, state, _WAYS[number], only)

        gains = any(inputs.all_alike(self.state[n]) for n in half)
        levels = [(True, True, True), (True, True, False), (True, False, False), (False, False, False)]
        different = dict.fromkeys(
            (turns and gains, moves and vector is not None, grows and matrix is not None)
            for turns, moves, grows in levels
        )
        return [partial(made, *level) for level in different]
