"""Mixed: calls on inputs of every kind, at secret places of a batch that is like any timed one.

Cases are checked one call at a time, and a program can see that: where many calls are armed, it is timed. It
could compute with care where one is, and leave out in batches what the inputs of timed calls never ask for:
sums that cancel, far values, a precision that no tolerance demands where outputs are small. So at a secret
moment of its duel it gets a batch as long as those that are timed, in which some calls have inputs of all the
kinds that cases have. Nothing tells that batch apart. What its calls answer is held against the rule, and
counts for the precision class.

What remains: a program that is dishonest in some batches only is met when this one is among them (a winner
meets one in each of its processes). Nothing is looked for where a batch has one call, which is like a case
anyway, or where an answer depends on the calls before it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from kernelevo.kernels.cases.parameters import ParameterSet
from kernelevo.kernels.children.answer import Batch
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.timing.checking import Sample
from kernelevo.kernels.timing.stream import Pick, Stream

FEWEST = 2
"""Calls below which a batch is like a case."""
_KEPT_BYTES = 64 << 20
"""Most bytes of outputs that are kept of it (one call's are always kept)."""


def can_mix(session: Session, calls: int) -> bool:
    """Tell whether batches of so many calls of a subject are worth it."""
    return calls >= FEWEST and not session.setting.stateful


def draw(session: Session, stream: Stream, calls: int, rng: random.Random) -> tuple[list[Pick], list[int]]:
    """Draw the inputs of such a batch, and tell which calls are to be held against the rule.

    Args:
        session: the subject.
        stream: fresh values; knows the kinds of inputs that the module can be judged on.
        calls: as many as a timed batch has.
        rng: secret.
    """
    kinds: Sequence[str] = stream.distributions
    most = max(1, _KEPT_BYTES // max(session.setting.output_bytes, 1))
    chosen = rng.sample(list(kinds), min(len(kinds), calls, most))
    places = rng.sample(range(calls), len(chosen))
    picks = [stream.pick() for _ in range(calls)]
    for place, kind in zip(places, chosen, strict=True):
        picks[place] = stream.unlike(kind)
    return picks, places


def samples(
    session: Session, batch: Batch, picks: Sequence[Pick], places: Sequence[int], parameters: ParameterSet
) -> list[Sample]:
    """Read what such calls answered, with these parameters, out of the stopped child."""
    answers = [session.answer(batch.said, place, batch.calls) for place in places]
    return [Sample((picks[i],), answer, parameters) for i, answer in zip(places, answers, strict=True)]
