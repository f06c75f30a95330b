"""Checking: one case or one timed call of a live subject, compared with what the reference answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.utils import _pytree as pytree

from kernelevo.errors import KernelEvoError
from kernelevo.kernels.cases.case import Case, Group
from kernelevo.kernels.cases.inputs import SHIPPED
from kernelevo.kernels.cases.parameters import ParameterSet
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.children.answer import Answer, Batch
from kernelevo.kernels.children.filling import Values
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.reference.conditioning import is_luck, sane
from kernelevo.kernels.reference.correctness import FACTOR, GATE, compare, least
from kernelevo.kernels.reference.gaps import Report
from kernelevo.kernels.reference.magnitude import largest
from kernelevo.kernels.reference.oracle import Observed, Truth
from kernelevo.kernels.reference.tree import reals, unflatten
from kernelevo.kernels.timing import conduct
from kernelevo.kernels.timing.conduct import Held
from kernelevo.kernels.timing.stream import Pick, Stream

_FOLLOWED = 8.0
"""Times PyTorch's own error: beyond it and the rule's factor lies only who does not follow a change."""


@dataclass(eq=False)
class Sample:
    """One timed call whose output was kept to be verified once the lease is free.

    Args:
        picks: the calls of its batch up to and with this one.
        answer: what was read from the child.
        parameters: what the subject held.
        beside: what a baseline has answered to the very same inputs, in a process of ours.
    """

    picks: tuple[Pick, ...]
    answer: Answer
    parameters: ParameterSet
    beside: Answer | None = None


class Checker:
    """Compares a session's answers with the pool's truth.

    Args:
        pool: the secret cases.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._anew: WeakKeyDictionary[Case, Case] = WeakKeyDictionary()

    def timed(self, session: Session) -> ParameterSet:
        """Return the parameters that a subject holds in timed calls; of one by seed the construction's."""
        return self.pool.shipped if session.weights == "by seed" else self.pool.timed

    def place(self, session: Session, parameters: ParameterSet, *, fresh: bool = False) -> None:
        """Bring the subject into the state that a parameter set means.

        Parameters that it has already are not written again: a program would pack them anew for nothing, and
        could tell a case from a timed call by that.

        Args:
            session: the subject.
            parameters: what it should hold.
            fresh: construct anew instead of loading (state that no load would reset).
        """
        pool, stateful = self.pool, session.setting.stateful
        anew = fresh or stateful or session.weights == "by seed" or parameters.seed != pool.base_seed
        if anew:
            session.construct(pool.weights(parameters.seed), parameters.seed)
            session.placed = pool.shipped if parameters.seed == pool.base_seed else None
        if session.weights == "by seed":
            return
        state = parameters.state or pool.state
        if parameters.only:
            if session.placed is not pool.shipped:
                session.load(pool.state, "in place")
                if not stateful:  # so that there is something to be left as it was
                    self._call(session, pool.first)
            session.load(state, parameters.way, parameters.only)
        elif session.placed is not parameters:
            session.load(state, parameters.way)
        elif pool.moves_buffers and not anew:
            buffers = {name: value for name, value in state.items() if name not in pool.parameters}
            session.load(buffers, "in place", buffers)
        session.placed = parameters

    def _call(self, session: Session, case: Case) -> tuple[Batch, list[torch.Tensor]]:
        """Make one call on a case's inputs; leaves the child stopped."""
        given = [v for v in pytree.tree_leaves(case.args) if isinstance(v, torch.Tensor)]

        def write(_: int, views: list[torch.Tensor]) -> None:
            for view, value in zip(views, given, strict=True):
                view.copy_(value)

        return session.batch(Values(write), [case.seed]), given

    def case(
        self, session: Session, group: Group, case: Case, *, placed: bool = False, share: float = 0.0
    ) -> Report:
        """Judge one case; leaves the child stopped.

        Args:
            session: the subject.
            group: the case's.
            case: what goes in, and what must come out.
            placed: whether the subject has the case's parameters already.
            share: of a tensor's largest value, by which it may be off beyond the rule.

        Raises:
            Failed: if the child broke off, changed its inputs, or its outputs are not final.
        """
        e_ref, e_buffers = group.e_ref, group.e_buffers
        if session.weights == "by seed" and case.parameters.state is not None:
            case = self._by_seed(case)
            e_ref, e_buffers = case.truth.e_ref, case.truth.e_buffers
        times = 1.0 if case.parameters.classes else _FOLLOWED
        e_ref = tuple(times * e for e in e_ref)
        e_buffers = {name: times * e for name, e in e_buffers.items()}
        if not placed:
            self.place(session, case.parameters)
        batch, given = self._call(session, case)
        answer = session.answer(batch.said, 0, 1)
        conduct.inputs_kept(session, 0, given)
        conduct.own_memory(session, [answer])
        conduct.leaves_apart(session, answer)
        conduct.final(session, batch, 0, answer)
        buffers, training = session.buffers() if case.truth.ref32.buffers else ({}, case.truth.ref32.training)
        observed = Observed(answer.structure, answer.leaves, buffers, training)
        ref32, oracle = case.truth.ref32, case.truth.oracle
        if session.weights == "by seed":
            observed, ref32, oracle = (_anonymous(o) for o in (observed, ref32, oracle))
            e_buffers = {k: max(e_buffers.values(), default=0.0) for k in ref32.buffers}
        slack = [_part(leaf, share) for leaf in oracle.leaves]
        e_buffers = {k: e + _part(oracle.buffers.get(k), share) / FACTOR for k, e in e_buffers.items()}
        report = compare(observed, ref32, oracle, e_ref, e_buffers, slack=slack)
        if not is_luck(report, case.truth):
            return report
        again = zip(e_ref, self.pool.look_again(case), strict=True)
        errors = [max(e, times * more) for e, more in again]
        return compare(observed, ref32, oracle, errors, e_buffers, slack=slack)

    def _by_seed(self, case: Case) -> Case:
        """Perturbation of a program without the reference's names means another construction seed."""
        if case not in self._anew:
            other = self.pool.other_construction
            truth = self.pool.truth(other, case.args, case.seed)
            self._anew[case] = replace(case, parameters=other, truth=truth)
        return self._anew[case]

    def several(self, session: Session, stream: Stream, calls: int = 3) -> tuple[Sample, Held]:
        """Run some calls in one batch and refuse outputs that share memory; leaves the child stopped.

        Returns:
            The last call, to be verified: of all calls before any timing it alone had its inputs elsewhere;
            and the first one's result, which the child holds from now on (see ``still``).
        """
        picks = [stream.pick() for _ in range(min(calls, session.setting.capacity))]
        if session.setting.stateful:
            self.place(session, self.timed(session), fresh=True)
        batch = session.batch(stream.values(picks), [pick.seed for pick in picks])
        places = session.places(batch, own=True)
        conduct.own_memory(session, [Answer("", (), tuple((a, a + n) for a, n in spans)) for spans in places])
        last = session.answer(batch.said, batch.calls - 1, batch.calls)
        held = Held(batch, 0, session.answer(batch.said, 0, batch.calls))
        session.hold(0)
        return Sample(tuple(picks), last, self.timed(session)), held

    # ------------------------------------------------------------------ timed calls

    def verify(
        self,
        session_stateful: bool,
        stream: Stream,
        structure: str,
        samples: Sequence[Sample],
        seconds: float,
        *,
        fewest: int = 1,
        alone: int = 1,
        each: float = 0.0,
    ) -> tuple[int, Report | None]:
        """Compare outputs of calls on the stream's values with the reference on those very inputs.

        Args:
            session_stateful: whether a call's answer depends on the calls before it.
            stream: what the inputs came from.
            structure: structure of the arguments.
            samples: the calls.
            seconds: stop after so long.
            fewest: how many of them are verified however long it takes.
            alone: calls, from the first on, for which the reference is evaluated here whatever a baseline has
                answered; for later ones that answer is enough, where both surely agree.
            each: seconds that an evaluation may take; beyond ``fewest`` none is begun with less left.

        Returns:
            How many were verified, and the first report that fails.
        """
        start, done = time.monotonic(), 0
        evaluate = cache(self.pool.answers)
        for sample in samples:
            beside = None if done < alone else sample.beside
            likely = each if beside is None else 0.0
            if done >= fewest and time.monotonic() - start + likely > seconds:
                break
            done += 1
            pick, parameters = sample.picks[-1], sample.parameters
            errors = self.pool.group_for(pick.distribution, parameters).e_ref
            if beside is not None and _surely(sample.answer, beside, errors):
                continue
            args = tuple(unflatten(structure, stream.near(pick)))
            if session_stateful:
                calls = [(tuple(unflatten(structure, stream.near(p))), p.seed) for p in sample.picks]
                ref = self.pool.replay(parameters, calls, parameters.state)
                errors = tuple(e * len(sample.picks) for e in errors)
            else:
                ref = evaluate(parameters)(args, pick.seed)
            if _surely(sample.answer, ref, errors):
                continue
            report = _loose(sample.answer, ref, errors)
            if not report.ok and not session_stateful:
                truth = self.pool.truth(parameters, args, pick.seed)
                report = self._exactly(sample.answer, _case_of(pick, parameters, args, truth), errors)
            if not report.ok:
                return done, report
        return done, None

    def takes(self, stream: Stream, structure: str, picks: Sequence[Pick], parameters: ParameterSet) -> bool:
        """Tell whether the reference answers calls on whole input sets, and raises on none of them."""
        evaluate = self.pool.answers(parameters)
        given = [(tuple(unflatten(structure, stream.near(pick))), pick.seed) for pick in picks]
        return all(_answered(evaluate, args, seed) is not None for args, seed in given)

    def reports(self, stream: Stream, structure: str, samples: Sequence[Sample]) -> list[tuple[Pick, Report]]:
        """Hold calls on whole input sets against the rule, precision included; none has a state behind it.

        Args:
            stream: what the inputs came from.
            structure: structure of the arguments.
            samples: the calls.

        Returns:
            A report for each, but for inputs on which nobody could be judged.
        """
        evaluate, found = cache(self.pool.answers), []
        for sample in samples:
            pick, parameters = sample.picks[-1], sample.parameters
            errors = self.pool.group_for(pick.distribution, parameters).e_ref
            args = tuple(unflatten(structure, stream.near(pick)))
            ref = _answered(evaluate(parameters), args, pick.seed)
            if ref is None:
                continue
            report = _loose(sample.answer, ref, errors)
            # where PyTorch's own error is beyond the gate, a bound for all values says little of small ones
            if not (report.ok and report.fine) or FACTOR * max(errors, default=0.0) > GATE:
                truth = self.pool.truth(parameters, args, pick.seed)
                if sane(truth):
                    continue
                report = self._exactly(sample.answer, _case_of(pick, parameters, args, truth), errors)
            found.append((pick, report))
        return found

    def _exactly(self, answer: Answer, case: Case, errors: Sequence[float]) -> Report:
        """Compare outputs with the oracle's on the very same inputs; PyTorch's own error there counts too."""
        truth = case.truth
        bare = Observed(answer.structure, answer.leaves, {}, truth.ref32.training)
        own, exact = replace(truth.ref32, buffers={}), replace(truth.oracle, buffers={})

        def held_to(more: Sequence[float]) -> Report:
            return compare(bare, own, exact, [max(pair) for pair in zip(errors, more, strict=True)], {})

        report = held_to(truth.e_ref)
        return held_to(self.pool.look_again(case)) if is_luck(report, truth) else report


def _answered(evaluate: Callable[[Any, int], Observed], args: Any, seed: int) -> Observed | None:
    """Return the reference's answer; None where it raises: no program has to do better."""
    try:
        return evaluate(args, seed)
    except KernelEvoError:
        raise
    except Exception:
        return None


def _part(leaf: Any, share: float) -> float:
    """Return a share of the largest value of a float tensor; 0 of anything else."""
    if not share or not isinstance(leaf, torch.Tensor) or not reals(leaf).is_floating_point():
        return 0.0
    return share * largest(reals(leaf))


def _case_of(pick: Pick, parameters: ParameterSet, args: tuple[Any, ...], truth: Truth) -> Case:
    """Return a timed call as a case."""
    return Case(pick.distribution, parameters, args, pick.seed, truth)


def _surely(answer: Answer, ref: Answer | Observed, errors: Sequence[float]) -> bool:
    """Tell whether no value is further from PyTorch's own than the least that the rule allows anywhere.

    Where this says no, nothing is known yet: non-finite and large values may still be right.
    """
    if answer.structure != ref.structure or len(answer.leaves) != len(ref.leaves):
        return False
    for value, own, error in zip(answer.leaves, ref.leaves, errors, strict=True):
        most = least(own, error)
        if type(value) is type(own) is float:
            if not abs(value - own) <= most:
                return False
        elif not isinstance(own, torch.Tensor) or not isinstance(value, torch.Tensor):
            if type(value) is not type(own) or value != own:
                return False
        elif (value.shape, value.dtype) != (own.shape, own.dtype):
            return False
        elif not (own.is_floating_point() or own.is_complex()):
            if not torch.equal(value, own):
                return False
        elif own.numel() and not float((reals(value) - reals(own)).abs_().max()) <= most:
            return False
    return True


def _loose(answer: Answer, ref: Observed, errors: Sequence[float]) -> Report:
    """Compare with an fp32 answer: both it and the program may be off from the oracle."""
    bare = Observed(answer.structure, answer.leaves, {}, ref.training)
    own = replace(ref, buffers={})
    return compare(bare, own, own, tuple(errors), {}, slack=[2 * e for e in errors])


def _anonymous(observed: Observed) -> Observed:
    """Replace named buffers by their sorted values per dtype: a by-seed program may rename and fuse."""
    pools: dict[str, list[torch.Tensor]] = {}
    for value in observed.buffers.values():
        kind = "floats" if value.is_floating_point() else "integers"
        pools.setdefault(kind, []).append(value.flatten())
    merged: dict[str, torch.Tensor] = {}
    for kind, values in pools.items():
        joined = torch.cat([v.double() if kind == "floats" else v.long() for v in values]).sort().values
        merged[kind] = joined
    return replace(observed, buffers=merged)


_INPUTS = {
    "shipped": "inputs as the task ships them",
    "normal": "normally distributed inputs",
    "signed": "inputs of both signs",
    "small": "inputs scaled by 1e-2",
    "large": "inputs scaled by 1e2",
    "sparse": "inputs that are mostly zero",
    "rows": "inputs with nearly constant rows",
    "outlier": "inputs with one value in each row far larger than the others",
    "odd": "inputs with one sample or row a hundred times as large as the others",
}


_WAYS = {
    "load": "load_state_dict",
    "in place": "in-place writes under no_grad",
    "moved": "parameter.data = values, which lie in other memory",
}


def describe_case(case: Case) -> str:
    """Return a sentence that says on what kind of case a program failed; nothing secret."""
    text = f"on {_INPUTS[case.distribution]}"
    how = _WAYS[case.parameters.way]
    if case.parameters.only:
        what = {"rows": "some rows of the parameters", "moments": "running statistics"}
        changed = what.get(case.parameters.name, "some of the parameters")
        text += f" after {changed} were changed alone, by {how}"
    elif case.parameters.state is not None and case.distribution == SHIPPED:
        text += f" after the parameters were changed by {how}"
    return text


def describe_inputs(pick: Pick) -> str:
    """Return on what kind of inputs a call was made."""
    return f"on {_INPUTS[pick.distribution]}"


def describe_call(pick: Pick) -> str:
    """Return the same of a call among others."""
    return f"{describe_inputs(pick)}, in a batch of many calls"
