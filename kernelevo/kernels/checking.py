"""Checking: one case or one timed call of a live subject, compared with what the reference answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from kernelevo.core import Status
from kernelevo.errors import KernelEvoError
from kernelevo.kernels import rules
from kernelevo.kernels.answer import Answer, Batch
from kernelevo.kernels.conditioning import sane
from kernelevo.kernels.correctness import compare, least
from kernelevo.kernels.failed import Failed
from kernelevo.kernels.filling import Values
from kernelevo.kernels.gaps import Report
from kernelevo.kernels.oracle import Observed, Truth
from kernelevo.kernels.pool import Case, Group, ParameterSet, Pool
from kernelevo.kernels.session import Session
from kernelevo.kernels.stream import Pick, Stream
from kernelevo.kernels.tree import reals, unflatten

REST_SECONDS = 0.002


@dataclass(eq=False)
class Sample:
    """One timed call whose output was kept to be verified once the lease is free.

    Args:
        picks: the calls of its batch up to and with this one.
        answer: what was read from the child.
        beside: what a baseline has answered to the very same inputs, in a process of ours.
    """

    picks: tuple[Pick, ...]
    answer: Answer
    beside: Answer | None = None


@dataclass(frozen=True)
class Held:
    """A result that its caller holds on to while others come.

    Args:
        batch: the batch that it came from.
        index: number of its call.
        answer: what it was when it was returned.
    """

    batch: Batch
    index: int
    answer: Answer


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Tell whether two tensors hold the same bytes (so NaN equals NaN), on this thread alone."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    first, second = (v.contiguous().flatten().view(torch.uint8).numpy() for v in (a, b))
    whole = first.size // 8 * 8  # eight bytes a comparison: inputs may be hundreds of MB
    words = np.array_equal(first[:whole].view(np.int64), second[:whole].view(np.int64))
    return bool(words) and bool(np.array_equal(first[whole:], second[whole:]))


class Checker:
    """Compares a session's answers with the pool's truth.

    Args:
        pool: the secret cases.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def place(self, session: Session, parameters: ParameterSet, *, fresh: bool = False) -> None:
        """Bring the subject into the state that a parameter set means.

        Args:
            session: the subject.
            parameters: what it should hold.
            fresh: construct anew instead of loading (state that no load would reset).
        """
        by_seed = session.weights == "by seed"
        if fresh or by_seed or session.setting.stateful or parameters.seed != self.pool.base_seed:
            session.construct(self.pool.weights(parameters.seed), parameters.seed)
        if not by_seed and (parameters.state is not None or not fresh):
            session.load(parameters.state or self.pool.state, parameters.way)

    def case(self, session: Session, group: Group, case: Case, *, placed: bool = False) -> Report:
        """Judge one case; leaves the child stopped.

        Raises:
            Failed: if the child broke off, changed its inputs, or its outputs are not final.
        """
        e_ref, e_buffers = group.e_ref, group.e_buffers
        if session.weights == "by seed" and case.parameters.state is not None:
            case = self._by_seed(case)
            e_ref, e_buffers = case.truth.e_ref, case.truth.e_buffers
        if not placed:
            self.place(session, case.parameters)
        given = [v for v in pytree.tree_leaves(case.args) if isinstance(v, torch.Tensor)]

        def write(_: int, views: list[torch.Tensor]) -> None:
            for view, value in zip(views, given, strict=True):
                view.copy_(value)

        batch = session.batch(Values(write), [case.seed])
        answer = session.answer(batch.said, 0, 1)
        self.inputs_kept(session, 0, given)
        self.own_memory(session, [answer])
        self.final(session, batch, 0, answer)
        buffers, training = session.buffers() if case.truth.ref32.buffers else ({}, case.truth.ref32.training)
        observed = Observed(answer.structure, answer.leaves, buffers, training)
        ref32, oracle = case.truth.ref32, case.truth.oracle
        if session.weights == "by seed":
            observed, ref32, oracle = (_anonymous(o) for o in (observed, ref32, oracle))
            e_buffers = {k: max(e_buffers.values(), default=0.0) for k in ref32.buffers}
        return compare(observed, ref32, oracle, e_ref, e_buffers)

    def _by_seed(self, case: Case) -> Case:
        """Perturbation of a program without the reference's names means another construction seed."""
        other = self.pool.other_construction
        return replace(case, parameters=other, truth=self.pool.truth(other, case.args, case.seed))

    # ------------------------------------------------------------------ conduct

    def inputs_kept(self, session: Session, slot: int, given: Sequence[torch.Tensor]) -> None:
        """Refuse a program that has written to its inputs."""
        near = any(value.device.type != "cpu" for value in given)
        if near and session.holds(slot, given):
            return
        for i, (view, value) in enumerate(zip(session.inputs(slot), given, strict=True)):
            if not same(view, value.cpu()):
                saw = f"the program writes to its input number {i}; inputs must stay as they are"
                raise Failed(Status.REJECTED, rules.INPUTS.broken(saw))

    def own_memory(self, session: Session, answers: Sequence[Answer]) -> None:
        """Refuse outputs that lie in an input, in a shared weight, or in one another across calls."""
        if not any(session.setting.returns_input):
            shared = session.shared_ranges()
            for answer in answers:
                if any(a < end and start < b for a, b in answer.spans for start, end in shared):
                    saw = "an output shares memory with an input or a weight"
                    raise Failed(Status.REJECTED, rules.OWN_MEMORY.broken(saw))
        spans = sorted((span, i) for i, answer in enumerate(answers) for span in answer.spans)
        first = second = (0, -1)  # how far a call has reached so far, and the farthest of another one
        for (start, end), i in spans:
            if any(start < reached and j != i for reached, j in (first, second)):
                saw = "outputs of different calls share memory"
                raise Failed(Status.REJECTED, rules.ACROSS_CALLS.broken(saw))
            if i == first[1]:
                first = max(first, (end, i))
            elif end > first[0]:
                first, second = (end, i), first
            else:
                second = max(second, (end, i))

    def several(self, session: Session, stream: Stream, calls: int = 3) -> tuple[Sample, Held]:
        """Run some calls in one batch and refuse outputs that share memory; leaves the child stopped.

        Returns:
            The last call, to be verified: of all calls before any timing it alone had its inputs elsewhere;
            and the first one's result, which the child holds from now on (see ``still``).
        """
        picks = [stream.pick() for _ in range(min(calls, session.setting.capacity))]
        if session.setting.stateful:
            self.place(session, self.pool.groups[0].parameters, fresh=True)
        batch = session.batch(stream.values(picks), [pick.seed for pick in picks])
        places = session.places(batch, own=True)
        self.own_memory(session, [Answer("", (), tuple((a, a + n) for a, n in spans)) for spans in places])
        last = session.answer(batch.said, batch.calls - 1, batch.calls)
        held = Held(batch, 0, session.answer(batch.said, 0, batch.calls))
        session.hold(0)
        return Sample(tuple(picks), last), held

    def still(self, session: Session, held: Held) -> None:
        """Refuse a program of which a later call has written to a result that is held; asked for at the end.

        A few buffers in turn look like fresh memory to whoever compares the calls of one batch.
        """
        setting = session.setting
        theirs = [a or b for a, b in zip(setting.returns_input, setting.returns_held, strict=True)]
        if _changed(held.answer, session.held(held.batch, held.index), theirs):
            saw = "a result that is still held was overwritten by a later call"
            raise Failed(Status.REJECTED, rules.ACROSS_CALLS.broken(saw))

    def final(self, session: Session, batch: Batch, index: int, answer: Answer) -> None:
        """Refuse outputs that still change after the call; leaves the child stopped."""
        session.ask("rest", seconds=REST_SECONDS)
        session.stop()
        again = session.answer(batch.said, index, batch.calls)
        if _changed(answer, again):
            saw = "an output changed after it was returned (a deferred write)"
            raise Failed(Status.REJECTED, rules.FINAL.broken(saw))

    # ------------------------------------------------------------------ timed calls

    def matches(self, stream: Stream, structure: str, pick: Pick, answer: Answer) -> bool:
        """Tell whether an answer is that to certain fresh values, with the parameters as shipped."""
        args = tuple(unflatten(structure, stream.near(pick)))
        ref = self.pool.answer(self.pool.groups[0].parameters, args, pick.seed)
        return _loose(answer, ref, self.pool.error_for(pick.distribution)).ok

    def verify(
        self,
        session_stateful: bool,
        stream: Stream,
        structure: str,
        samples: Sequence[Sample],
        seconds: float,
        *,
        fewest: int = 1,
        beside: bool = False,
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
            beside: be content with what a baseline has answered, where both surely agree.
            each: seconds that an evaluation may take; beyond ``fewest`` none is begun with less left.

        Returns:
            How many were verified, and the first report that fails.
        """
        shipped = self.pool.groups[0].parameters
        start, done = time.monotonic(), 0
        evaluate = self.pool.answers(shipped)
        for sample in samples:
            likely = 0.0 if beside and sample.beside is not None else each
            if done >= fewest and time.monotonic() - start + likely > seconds:
                break
            done += 1
            pick = sample.picks[-1]
            errors = self.pool.error_for(pick.distribution)
            if beside and sample.beside is not None and _surely(sample.answer, sample.beside, errors):
                continue
            args = tuple(unflatten(structure, stream.near(pick)))
            if session_stateful:
                calls = [(tuple(unflatten(structure, stream.near(p))), p.seed) for p in sample.picks]
                ref = self.pool.replay(shipped, calls)
                errors = tuple(e * len(sample.picks) for e in errors)
            else:
                ref = evaluate(args, pick.seed)
            if _surely(sample.answer, ref, errors):
                continue
            report = _loose(sample.answer, ref, errors)
            if not report.ok and not session_stateful:
                report = _exactly(sample.answer, self.pool.truth(shipped, args, pick.seed), errors)
            if not report.ok:
                return done, report
        return done, None

    def takes(self, stream: Stream, structure: str, picks: Sequence[Pick]) -> bool:
        """Tell whether the reference answers calls on whole input sets, and raises on none of them."""
        evaluate = self.pool.answers(self.pool.groups[0].parameters)
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
        shipped = self.pool.groups[0].parameters
        evaluate, found = self.pool.answers(shipped), []
        for sample in samples:
            pick = sample.picks[-1]
            errors = self.pool.error_for(pick.distribution)
            args = tuple(unflatten(structure, stream.near(pick)))
            ref = _answered(evaluate, args, pick.seed)
            if ref is None:
                continue
            report = _loose(sample.answer, ref, errors)
            if not (report.ok and report.fine):
                truth = self.pool.truth(shipped, args, pick.seed)
                if sane(truth):
                    continue
                report = _exactly(sample.answer, truth, errors)
            found.append((pick, report))
        return found


def _answered(evaluate: Callable[[Any, int], Observed], args: Any, seed: int) -> Observed | None:
    """Return the reference's answer; None where it raises: no program has to do better."""
    try:
        return evaluate(args, seed)
    except KernelEvoError:
        raise
    except Exception:
        return None


def _exactly(answer: Answer, truth: Truth, errors: Sequence[float]) -> Report:
    """Compare outputs with the oracle's on the very same inputs; PyTorch's own error there counts too."""
    worst = tuple(max(a, b) for a, b in zip(errors, truth.e_ref, strict=True))
    bare = Observed(answer.structure, answer.leaves, {}, truth.ref32.training)
    own, exact = replace(truth.ref32, buffers={}), replace(truth.oracle, buffers={})
    return compare(bare, own, exact, worst, {})


def _changed(before: Answer, after: Answer, but: Sequence[bool] = ()) -> bool:
    """Tell whether a result's tensors are others than before, but for some of its leaves."""
    if len(before.leaves) != len(after.leaves):
        return True
    skipped = but if len(but) == len(before.leaves) else [False] * len(before.leaves)
    leaves = zip(before.leaves, after.leaves, skipped, strict=True)
    pairs = [(a, b) for a, b, skip in leaves if isinstance(a, torch.Tensor) and not skip]
    return any(not isinstance(b, torch.Tensor) or not same(a, b) for a, b in pairs)


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
}


def describe_case(case: Case) -> str:
    """Return a sentence that says on what kind of case a program failed; nothing secret."""
    text = f"on {_INPUTS[case.distribution]}"
    if case.parameters.state is not None:
        how = "load_state_dict" if case.parameters.way == "load" else "in-place writes under no_grad"
        text += f" after the parameters were changed by {how}"
    return text


def describe_call(pick: Pick) -> str:
    """Return the same of a call among others."""
    return f"on {_INPUTS[pick.distribution]}, in a batch of many calls"
