"""Series: the seconds of a duel, block by block, and what they say of the two sides' ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from kernelevo.device.statistics import MIN_BLOCKS, Estimate, estimate, log_ratio
from kernelevo.kernels.timing.calm import Loss
from kernelevo.kernels.timing.checking import Sample


@dataclass(frozen=True)
class Stop:
    """A batch that was stopped in its midst, after which calls that had not begun got other inputs.

    Args:
        asked: calls that are to be answered from these.
        before: the same calls, as if answered from what lay there before.
    """

    asked: tuple[Sample, ...]
    before: tuple[Sample, ...]


@dataclass
class Tally:
    """What was seen of one subject during a duel.

    Args:
        seconds: per call, one entry for each batch.
        samples: outputs kept for verification, drawn from all batches alike.
        fastest: outputs of the quickest batch: where a duel is disturbed its time alone stands for the rest.
        quickest: seconds per call of that batch.
        most: how many samples are kept at the most.
        offered: how many there were.
        disagreements: batches in which the child's own clock says otherwise than ours.
        at_fault: blocks in which this side's clock disagreed and the other side's did not.
        drowned: batches too short to be told from the flushes between their calls.
        short: batches far shorter than they should be; those after them have more calls.
        own: seconds per call by the child's own clock, one entry for each batch.
        clocks: MHz of the multiprocessors, one entry for each batch; None where it is not known.
        losses: what others may have taken from it, one entry for each batch.
        missing: instruments that the child does not have, and why.
        batches: calls on inputs as shipped, and seconds of the whole batch, nothing taken off, for each.
        stops: batches that were stopped in their midst, still to be verified.
        mixed: calls on inputs of every kind, still to be held against the rule.
        pace: seconds per call of the quickest batch, nothing taken off.
        reach: share of a batch's time in which a stop still meets calls that have not begun.
        timed: seconds of all batches.
        examining: seconds of looking at their outputs.
        longest: most calls that one of its timed batches had.
        held: least memory in bytes that one call's outputs were seen to take.
    """

    seconds: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    fastest: list[Sample] = field(default_factory=list)
    quickest: float = math.inf
    most: int = 24
    offered: int = 0
    disagreements: int = 0
    at_fault: int = 0
    drowned: int = 0
    short: int = 0
    batches: list[tuple[int, float]] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    mixed: list[Sample] = field(default_factory=list)
    pace: float = math.inf
    reach: float = 1.0
    timed: float = 0.0
    examining: float = 0.0
    held: int | None = None
    examined: int = 0
    calls: int = 1
    longest: int = 1
    own: list[float] = field(default_factory=list)
    clocks: list[float | None] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def hold(self, spans: Sequence[tuple[int, int]]) -> None:
        """Take down where one call's outputs lie: (address, bytes) of each."""
        taken = end = 0
        for address, size in sorted(spans):
            taken += max(0, address + size - max(address, end))
            end = max(end, address + size)
        self.held = taken if self.held is None else min(self.held, taken)

    @property
    def median(self) -> float:
        """Median seconds per call over the batches."""
        ordered = sorted(self.seconds)
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


@dataclass(frozen=True)
class Block:
    """One block, ABBA or BAAB: seconds per call of both sides, in the order in which they were taken."""

    ours: tuple[float, float]
    theirs: tuple[float, float]


@dataclass
class Series:
    """The blocks of one kind (calm or disturbed)."""

    blocks: list[Block] = field(default_factory=list)

    def add(self, block: Block) -> None:
        """Append one block."""
        self.blocks.append(block)

    def joined(self, other: Series) -> Series:
        """Return the blocks of both."""
        return Series([*self.blocks, *other.blocks])

    def estimate(self) -> Estimate:
        """Median of the blocks' log ratios; where blocks are few and slow, of their AB and BA halves."""
        ratios = [log_ratio(block.theirs, block.ours) for block in self.blocks]
        if len(ratios) < MIN_BLOCKS:
            ratios = [
                log_ratio([t], [o])
                for block in self.blocks
                for t, o in zip(block.theirs, block.ours, strict=True)
            ]
        return estimate(ratios)

    def shortest(self) -> Estimate:
        """Ratio of the shortest times of both sides, without an interval.

        Other work on the machine only ever adds time, and to one side as much as to the other only by luck:
        a median of disturbed blocks can be off by any factor.
        """
        ours, theirs = self.sides()
        return Estimate(min(theirs) / min(ours), 0.0, math.inf, len(self.blocks))

    def sides(self) -> tuple[list[float], list[float]]:
        """Return all seconds per call, ours and theirs."""
        return [s for b in self.blocks for s in b.ours], [s for b in self.blocks for s in b.theirs]
