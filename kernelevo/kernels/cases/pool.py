"""Pool: secret (inputs, parameters, answer, oracle) tuples of one task, made in idle time and rotated."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from kernelevo.backends.seeding import TURN
from kernelevo.errors import BadProgram, KernelEvoError
from kernelevo.kernels.cases import inputs
from kernelevo.kernels.cases.case import Case, Group
from kernelevo.kernels.cases.draws import Draws, Source
from kernelevo.kernels.cases.parameters import ParameterSet, Weights
from kernelevo.kernels.cases.refusals import HostFirst, device_kept
from kernelevo.kernels.reference.conditioning import MOVES, Move, conditioned, sane
from kernelevo.kernels.reference.construction import Construction
from kernelevo.kernels.reference.gaps import largest_gap
from kernelevo.kernels.reference.oracle import (
    Observed,
    Truth,
    answer32,
    answer64,
    answer_tf32,
    evaluate,
    load_state,
    replay32,
)

_OTHERS = tuple(kind for kind in inputs.DISTRIBUTIONS if kind != inputs.SHIPPED)
_AGAIN = 8  # more answers of PyTorch, where three were too few for a program
_TIES = ("sparse", "rows")  # distributions with many values that are equal, or nearly so


class Pool:
    """The secret cases of one task.

    Args:
        source: the reference.
        rng: secret; every seed comes from it.
        device: where the reference is evaluated; inputs and answers lie on the CPU.

    All oracle work of a process runs under one lock, since torch's random state is the process's own.
    """

    turn = TURN

    def __init__(self, source: Source, rng: random.Random, device: str = "cpu") -> None:
        self.source, self._rng, self._device = Draws(source), rng, device
        self._construction = Construction(source)
        with self.turn:
            self.base_seed = rng.getrandbits(31)
            self._construction.hold(self.base_seed)
            module = self.build(self.base_seed)
            self.state = {k: v.detach().clone() for k, v in module.state_dict().items()}
            self.parameters = frozenset(k for k, _ in module.named_parameters())
            tied, statistics = inputs.tied(module), inputs.statistics(module)
            self.training = module.training
            self.free = inputs.free_leaves(self.source, rng.getrandbits(31))
        other_seed = rng.getrandbits(31)
        self.other_construction = ParameterSet("constructed anew", other_seed, None)
        self.groups = [Group(inputs.SHIPPED, ParameterSet("shipped", self.base_seed, None), 2)]
        #: of all parameters changed: by ``load_state_dict``, and written in place
        self._loaded: Group | None = None
        self._written: Group | None = None
        if self.state:
            varied = self.parameters | self._drawn() | statistics
            weights = Weights(self.base_seed, self.state, varied, tied, statistics)
            self._loaded = Group.of(inputs.SHIPPED, weights.changed(1, "load", rng))
            self._written = Group.of(inputs.SHIPPED, weights.changed(2, "in place", rng))
            parts = [
                chain for chain in (*weights.halves(rng), weights.rows(rng), weights.moments(rng)) if chain
            ]
            alone = [Group.of(inputs.SHIPPED, chain) for chain in parts]
            self.groups += [self._loaded, self._written, *alone]
        self._timed: ParameterSet | None = None
        #: whether a call is known to change buffers
        self.moves_buffers = False
        self._host_first = HostFirst()
        self._again: WeakKeyDictionary[Case, tuple[float, ...]] = WeakKeyDictionary()

    @property
    def shipped(self) -> ParameterSet:
        """The parameters of the construction."""
        return self.groups[0].parameters

    @property
    def loaded(self) -> ParameterSet | None:
        """Parameters that are all changed, by ``load_state_dict``; None where a module has none."""
        return None if self._loaded is None else self._loaded.parameters

    @property
    def timed(self) -> ParameterSet:
        """Parameters of timed calls: changed ones where anybody can be judged on them, else as constructed.

        Fresh modules have biases of zero, gains of one, branches of weight zero: with these a program could
        leave work out wherever it is timed. Inputs of all other kinds meet the same ones: a case among calls
        for which nothing was written looks like a timed call.
        """
        if self._timed is None:
            with self.turn:
                if self._timed is None:
                    self._settle()
        assert self._timed is not None
        return self._timed

    def _settle(self) -> None:
        """Find the parameters of timed calls, and want inputs of all other kinds with these."""
        self.ensure(1)
        group = self._written
        while group is not None and self._wants(group) and not group.cases:
            self._work_on(group)
        self._timed = group.parameters if group is not None and group.cases else self.shipped
        if any(self.free):
            self.groups += [Group(kind, self._timed, 1) for kind in _OTHERS]

    def _drawn(self) -> frozenset[str]:
        """Return the buffers that the constructor draws, as codebooks and fixed projections are."""
        own = {
            name: value
            for name, value in self.state.items()
            if name not in self.parameters and value.is_floating_point() and value.numel() > 1
        }
        if all(bool((value == value.flatten()[0]).all()) for value in own.values()):
            return frozenset()  # another module is not built for nothing
        other = self.weights(self.other_construction.seed)
        return frozenset(n for n, v in own.items() if n in other and inputs.varies(v, other[n]))

    # ------------------------------------------------------------------ making cases

    def _new_case(self, group: Group) -> Case:
        # the call's seed is told to the program: inputs drawn after it would say that this is a case
        drawn, seed = self._rng.getrandbits(31), self._rng.getrandbits(31)
        args = inputs.draw(self.source, group.distribution, drawn, self.free)
        if self._device != "cpu" and group.distribution != inputs.SHIPPED:
            own = self.groups[0].cases[0]
            self._host_first.meet(
                lambda: self._on_host(own.parameters, own.args, own.seed),
                lambda: self._on_host(group.parameters, args, seed),
            )
        truth = self.truth(group.parameters, args, seed)
        before = group.parameters.state or self.state
        self.moves_buffers |= any(
            name in before and not torch.equal(value, before[name])
            for name, value in truth.ref32.buffers.items()
        )
        return Case(group.distribution, group.parameters, args, seed, truth)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """One evaluation at a time; a device that is lost with it is a matter of the machine's.

        Unless it is the very first: a module that fails on what it was given for is its author's matter.
        """
        with self.turn, device_kept(self._device if any(g.cases for g in self.groups) else "cpu"):
            yield

    def _on_host(self, parameters: ParameterSet, args: Any, seed: int) -> None:
        with self.turn:
            answer32(lambda: self.build(parameters.seed), parameters.state, args, seed)

    def build(self, seed: int) -> nn.Module:
        """Return the reference module, fresh from its constructor."""
        return self._construction.build(seed)

    def _made(self, parameters: ParameterSet) -> nn.Module:
        return load_state(self.build(parameters.seed), parameters.state)

    def hold(self, seed: int) -> None:
        """Remember what the module of a seed holds: it is built once."""
        self._construction.hold(seed)

    def weights(self, seed: int) -> Mapping[str, torch.Tensor]:
        """Return by name what a fresh reference module holds, to be read only."""
        return self._construction.weights(seed)

    @property
    def seeds_matter(self) -> bool:
        """Whether another construction seed gives other weights; a live module has but its own."""
        own, other = self.weights(self.base_seed), self.weights(self.other_construction.seed)
        return any(not torch.equal(value, other[name]) for name, value in own.items())

    def truth(self, parameters: ParameterSet, args: Any, seed: int) -> Truth:
        """Evaluate the reference in fp32 and fp64 on one case."""
        with self._evaluating():
            self._construction.hold(parameters.seed)
            first = not any(g.cases for g in self.groups)
            truth = evaluate(
                lambda: self._made(parameters), None, args, seed, twice=first, device=self._device
            )
            return self._conditioned(truth, parameters, args, seed)

    def _conditioned(
        self, truth: Truth, parameters: ParameterSet, args: Any, seed: int, *, again: bool = False
    ) -> Truth:
        def moved(args: Any, move: Move) -> Observed:
            with device_kept(self._device):
                return answer32(lambda: move(self._made(parameters)), None, args, seed, self._device)

        moves = _AGAIN if again else MOVES  # the first look and the second one move otherwise
        return conditioned(truth, args, self.free, moved, seed + moves, moves, few=again)

    def look_again(self, case: Case) -> tuple[float, ...]:
        """Return PyTorch's errors on a case by more of its answers; kept for each case.

        Asked for where an answer is off by more than allowed and few answers are luck
        (``conditioning.is_luck``).
        """
        with self._evaluating():
            if case not in self._again:
                truth = self._conditioned(case.truth, case.parameters, case.args, case.seed, again=True)
                self._again[case] = truth.e_ref
            return self._again[case]

    def answer(self, parameters: ParameterSet, args: Any, seed: int) -> Observed:
        """Evaluate the reference in strict fp32 only (the timed calls' check)."""
        with self._evaluating():
            return answer32(lambda: self.build(parameters.seed), parameters.state, args, seed, self._device)

    def answers(self, parameters: ParameterSet) -> Callable[[Any, int], Observed]:
        """Return what evaluates the reference in strict fp32, all calls on one module; for outputs alone.

        The module is made at the first call. Where a call's answer depends on those before, see ``replay``.
        """
        made: list[nn.Module] = []

        def module() -> nn.Module:
            made[:] = made or [self._made(parameters)]
            return made[0]

        def answer(args: Any, seed: int) -> Observed:
            with self._evaluating():
                return answer32(module, None, args, seed, self._device)

        return answer

    def exact(self, parameters: ParameterSet, args: Any, seed: int) -> Observed:
        """Evaluate the oracle only."""
        with self._evaluating():
            return answer64(lambda: self.build(parameters.seed), parameters.state, args, seed, self._device)

    def replay(
        self,
        parameters: ParameterSet,
        calls: list[tuple[Any, int]],
        state: Mapping[str, torch.Tensor] | None = None,
    ) -> Observed:
        """Evaluate the last of several calls on one module with the parameters of its construction.

        Args:
            parameters: whose construction.
            calls: arguments and seed of each.
            state: loaded before the first of them; None for the construction's own.
        """
        with self._evaluating():
            return replay32(lambda: load_state(self.build(parameters.seed), state), calls, self._device)

    def tidy(self) -> None:
        """Give back what evaluations have left on the device: children need it."""
        if self._device != "cpu":
            torch.cuda.empty_cache()

    def e_tf32(self, group: Group) -> tuple[float, ...]:
        """Error of the reference with operands rounded to TF32, for each output leaf; kept per group."""
        if group.tf32 is None:
            case = group.cases[0]
            with self._evaluating():
                rounded = answer_tf32(
                    lambda: self.build(case.parameters.seed),
                    case.parameters.state,
                    case.args,
                    case.seed,
                    self._device,
                )
            pairs = zip(rounded.leaves, case.truth.oracle.leaves, strict=True)
            group.tf32 = tuple(largest_gap(a, b) for a, b in pairs)
        return group.tf32

    def work(self) -> bool:
        """Do one piece of idle work (one case); return False when every group is full."""
        with self.turn:
            for group in self.groups:
                if self._wants(group):
                    self._work_on(group)
                    return True
            if self._timed is None:  # more groups come with it
                self._settle()
                return not self.full
            return False

    def _work_on(self, group: Group) -> None:
        """Make one case of a group, or find that nobody could be judged on it."""
        case, problem = self._tried(group)
        if case is None or (problem and not self._is_first(group)):
            if group.instead and not group.cases:  # those at hand are of the parameters that it has
                group.parameters, group.instead = group.instead[0](), group.instead[1:]
            else:
                group.refused = problem
        else:
            group.cases = [c for c in group.cases if c not in group.stale[:1]] + [case]
            group.stale = group.stale[1:]

    def _tried(self, group: Group) -> tuple[Case | None, str]:
        """Make a case of a group; return it, and why nobody could be judged on it.

        No case where the module itself raises: it need not take values that its task never draws.
        """
        if group.distribution in _TIES and self._counts():
            return None, "which of two equal values comes first is left to chance"
        try:
            case = self._new_case(group)
        except KernelEvoError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"[:300]
            if not self._is_first(group):
                return None, f"the module raises {said}"
            if not group.cases:
                raise
            raise BadProgram(
                "the module fails on some of the inputs that its own task draws",
                why=said,
                now="correct the module, or what get_inputs() and get_init_inputs() return",
            ) from error
        return case, sane(case.truth)

    def _counts(self) -> bool:
        """Whether an output holds whole numbers, as places of the largest values."""
        first = self.groups[0].cases[0].truth.ref32.leaves if self.groups[0].cases else ()
        tensors = (v for v in first if isinstance(v, torch.Tensor))
        return any(not (v.is_floating_point() or v.is_complex() or v.dtype is torch.bool) for v in tensors)

    def _is_first(self, group: Group) -> bool:
        """The task as shipped is judged whatever its error; the linter tells what that is worth."""
        return group is self.groups[0]

    def ensure(self, count: int) -> None:
        """Work until ``count`` cases exist or every group is full."""
        while sum(len(g.cases) for g in self.groups) < count and self.work():
            pass

    @property
    def full(self) -> bool:
        """Whether every group has the cases it wants, or was refused."""
        return self._timed is not None and not any(self._wants(group) for group in self.groups)

    @staticmethod
    def _wants(group: Group) -> bool:
        return not group.refused and len(group.cases) - len(group.stale) < group.wanted

    def fill(self) -> None:
        """Work until every group is full."""
        while self.work():
            pass

    # ------------------------------------------------------------------ drawing cases

    @property
    def first(self) -> Case:
        """A case as shipped (makes it if need be)."""
        self.ensure(1)
        return self.groups[0].cases[0]

    def draw(self, rng: random.Random) -> list[tuple[Group, Case]]:
        """Return one case of every group that has one, a shipped one first, the others in secret order."""
        with self.turn:
            ready = [g for g in self.groups if g.cases]
            chosen = [(g, rng.choice(g.cases)) for g in ready]
        rest = chosen[1:]
        rng.shuffle(rest)
        return chosen[:1] + rest

    def retire(self, case: Case) -> None:
        """Mark a used case for replacement; it stays until idle work has made another."""
        with self.turn:
            for group in self.groups:
                if case in group.cases and case not in group.stale:
                    group.stale.append(case)

    def judgeable(self) -> Sequence[str]:
        """Distributions that have a case, as shipped or with the parameters of timed calls."""
        first = self.groups[0]
        return [g.distribution for g in self.groups if g.cases and (g is first or g.distribution in _OTHERS)]

    def group_for(self, distribution: str, parameters: ParameterSet) -> Group:
        """The group of a distribution that has cases, with these parameters or else with shipped ones."""
        known = [g for g in self.groups if g.cases and g.distribution == distribution]
        for wanted in (parameters, self.shipped):
            for group in known:
                if group.parameters is wanted:
                    return group
        return self.groups[0]
