"""Sampling: which timed calls are verified, and what stands beside them to be compared with.

*What a dual-path program gains.* Let a program answer a share f of its calls wrongly and for nothing, chosen
in any way that does not know our secret: it looks at most 1 / (1 - f) times as fast. Each verified call is
drawn uniformly from its batch, so k of them all miss it with the probability (1 - f)^k. In search a duel of
2 s verifies some 60 calls where a batch has four or more, two dozen where it has one: to look 5 % faster
(f = 0.048) is then seen with a probability of 0.95 or 0.69; to look twice as fast is missed once in 10^7. A
winner is judged anew in three processes, with up to 200 calls each: 5 % is missed there once in 10^12, the
1 % that ``faster`` begins at with a probability of 0.003 (less where outputs are large: few are then kept).
A program that errs only when it runs quickest meets more: the quickest batch is always among the examined.

*What it costs.* An evaluation of the reference takes as long as a baseline's call. So the defender, whose
process is ours, gets the inputs of secretly chosen calls of the challenger's batch among its own, is timed
on them, and what it answers is compared first. Only where that is not surely within the tolerance is the
reference evaluated by the judge itself, which alone may find a program wrong. Of a winner's calls three, one
of them of the quickest batch, are compared with the judge's own evaluation whatever the baseline says, and
all are where the baseline is one that rounds more than fp32: both may err alike.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from kernelevo.kernels.children.answer import Batch
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.timing.checking import Sample
from kernelevo.kernels.timing.series import Tally
from kernelevo.kernels.timing.stream import Pick, Stream

SAMPLE_BYTES = 256 << 20
"""Most memory that outputs kept for verification may take."""
SAMPLED, SAMPLED_FASTEST = 4, 8
"""Calls of a batch that are verified; of the quickest batch, which may decide alone, some more."""
BUDGET = 0.1
"""Share of the timed seconds, of both sides, that checking takes in a search."""
FEWEST, FEWEST_REPLAYED = 5, 1
"""Calls that are verified whatever it takes; where each means to replay all calls before it."""
ALONE = 3
"""Calls of a winner's duel on which the judge evaluates the reference itself, whatever a baseline answers."""
_EXAMINING, _SELDOM = 0.06, 0.1
_READ_BYTES = 64 << 20
_ANYWHERE = 0.3


@dataclass(frozen=True)
class Plan:
    """The inputs of one batch of each side.

    Args:
        ours: of the challenger's calls.
        theirs: of the defender's; its first calls have the inputs of ``shared``.
        shared: numbers of challenger's calls, in secret order: ``theirs[i]`` is ``ours[shared[i]]``.
    """

    ours: list[Pick]
    theirs: list[Pick]
    shared: list[int]

    @classmethod
    def draw(cls, stream: Stream, rng: random.Random, session: Session, ours: int, theirs: int) -> Plan:
        """Draw fresh inputs for so many calls of either side.

        Args:
            stream: of values.
            rng: secret.
            session: the challenger; calls of a stateful one share nothing, as all before them matter.
            ours: calls of its batch.
            theirs: calls of the defender's.
        """
        picks = [stream.pick() for _ in range(ours)]
        most = 0 if session.setting.stateful else min(_readable(session), SAMPLED_FASTEST, ours, theirs)
        shared = rng.sample(range(ours), most)
        others = [stream.pick() for _ in range(theirs - most)]
        return cls(picks, [*(picks[i] for i in shared), *others], shared)

    def beside(self, samples: Sequence[Sample], defender: Session, batch: Batch) -> None:
        """Put the defender's answers beside the samples of the challenger's batch; it still holds them."""
        where = {id(self.ours[call]): place for place, call in enumerate(self.shared)}
        for sample in samples:
            place = where.get(id(sample.picks[-1]))
            if place is not None:
                sample.beside = defender.answer(batch.said, place, batch.calls)


def choose(
    rng: random.Random, session: Session, calls: int, shared: Sequence[int], fastest: bool
) -> list[int]:
    """Choose the calls of a batch that are to be verified, shared ones first.

    Of a stateful subject one, since all calls before it have to be replayed: anywhere in the quickest
    batch and in some others, mostly near the beginning of the rest.
    """
    if session.setting.stateful:
        anywhere = fastest or rng.random() < _ANYWHERE
        return [rng.randrange(calls) if anywhere else int(calls ** rng.random()) - 1]
    count = min(SAMPLED_FASTEST if fastest else SAMPLED, _readable(session), calls)
    rest = sorted(set(range(calls)) - set(shared))
    return [*shared[:count], *rng.sample(rest, max(0, count - len(shared)))]


def due(rng: random.Random, tally: Tally, *, fastest: bool, thorough: bool) -> bool:
    """Tell whether a batch is examined: the first and each quickest one, of the others what time allows.

    Reading the outputs of a task that only moves memory takes as long as its calls do.
    """
    if thorough or fastest or not tally.examined:
        return True
    allowed = 2 * _EXAMINING * tally.timed  # that is one side's
    return rng.random() < max(_SELDOM, allowed / max(tally.examining, 1e-9))


def keep(rng: random.Random, sample: Sample, tally: Tally, size: int) -> None:
    """Keep a sample; when memory is used up, each that was offered is kept with the same chance.

    Args:
        rng: secret.
        sample: to be verified.
        tally: of its subject.
        size: bytes of one call's outputs; the defender's answer may come to lie beside them.
    """
    tally.offered += 1
    if len(tally.samples) < max(3, min(tally.most, SAMPLE_BYTES // max(2 * size, 1))):
        tally.samples.append(sample)
        return
    place = rng.randrange(tally.offered)
    if place < len(tally.samples):
        tally.samples[place] = sample


def ordered(tally: Tally, rng: random.Random, alone: int) -> list[Sample]:
    """Return a duel's samples, each once: one of the quickest batch first, then those that cost little.

    Args:
        tally: of the challenger.
        rng: secret.
        alone: how many come first that cost an evaluation in any case, drawn from all.
    """
    first = tally.fastest[:1]
    rest = [*{id(s): s for s in [*tally.samples, *tally.fastest[1:]] if s not in first}.values()]
    drawn = rng.sample(rest, min(len(rest), max(0, alone - 1)))
    others = [s for s in rest if s not in drawn]
    return [*first, *drawn, *sorted(others, key=lambda s: s.beside is None)]


def _readable(session: Session) -> int:
    return max(1, _READ_BYTES // max(session.setting.output_bytes, 1))
