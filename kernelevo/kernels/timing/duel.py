"""Duel: two live subjects timed against each other by the parent's clock, in blocks, on fresh values."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Sequence
from statistics import median

from kernelevo.core import Status
from kernelevo.device.clock import Watch
from kernelevo.device.lease import Lease
from kernelevo.device.priority import first_in_line
from kernelevo.device.sm_clock import steady
from kernelevo.device.statistics import MIN_BLOCKS, StopRule
from kernelevo.kernels.cases.inputs import SHIPPED
from kernelevo.kernels.children.answer import Answer, Batch
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.timing import conduct, mixed, order, sampling
from kernelevo.kernels.timing.calm import alone
from kernelevo.kernels.timing.checking import Checker, Sample
from kernelevo.kernels.timing.lengths import Lengths
from kernelevo.kernels.timing.outcome import Blocks, Outcome
from kernelevo.kernels.timing.overhead import Anchors, Overhead
from kernelevo.kernels.timing.sampling import Plan
from kernelevo.kernels.timing.series import Block, Series, Tally
from kernelevo.kernels.timing.stream import Pick, Stream

_log = logging.getLogger(__name__)

_SAMPLES_A_SECOND = 30
_STOPPED = 0.1
_MIXED = 0.3
_EITHER = 0.5
_FEWEST = Blocks()
_ANCHOR_CALLS = 256


class Ring:
    """The place where duels are held: one stream of values, one overhead, one checker.

    Args:
        stream: fresh values.
        checker: conduct checks on the challenger.
        rng: secret choices (which calls are verified).
        lease: the right to measure alone.
    """

    def __init__(
        self,
        stream: Stream,
        checker: Checker,
        rng: random.Random,
        lease: Lease,
    ) -> None:
        self.stream, self.checker, self._rng, self._lease = stream, checker, rng, lease
        self.overhead = Overhead(0.0, 0.0)
        self._lengths = Lengths(self.overhead, math.inf, lambda s, n: self.run(s, n)[0])
        self._thorough = False
        self._mixes = False
        self._challenger_first = rng.random() < _EITHER
        self._earlier: list[Pick] = []  # calls of the stateful subject before its last batch
        self._samples: list[Sample] = []
        self._answered: Batch | None = None
        self._empty: Session | None = None
        self._anchors = Anchors(self.overhead)

    def close(self) -> None:
        """End the empty program's process, if it was kept."""
        if self._empty is not None:
            self._empty.close()
            self._empty = None

    def keep(self, empty: Session) -> None:
        """Keep the empty program's process: what a flush costs is measured anew beside every block."""
        self.close()
        self._empty, self._anchors = empty, Anchors(self.overhead)

    def calibrate(self, empty: Session) -> Overhead:
        """Measure what the protocol itself costs, with the empty program.

        The shortest of several: a stop that was delayed by other work is no part of the protocol, and taken
        off both sides of a duel it would stretch their ratio. Behind a flush the median: what the flush takes
        varies by itself, and its shortest time is not what a batch of many takes.
        """
        if empty.setting.equipment is not None:
            return self._calibrate_flushed(empty)
        most = min(64, empty.setting.capacity)
        one = min(self.run(empty, 1)[0].seconds for _ in range(9))
        per_call = 0.0
        if most > 1:
            many = min(self.run(empty, most)[0].seconds for _ in range(5))
            per_call = max(0.0, (many - one) / (most - 1))
        self.overhead = Overhead(max(one - per_call, 0.0), per_call)
        empty.ask("drop")
        empty.stop()
        return self.overhead

    def _calibrate_flushed(self, empty: Session) -> Overhead:
        """Do the same where each call comes behind a flush; the empty program reads no input."""
        most = min(_ANCHOR_CALLS, empty.setting.capacity)
        empty.put_first()
        self.run(empty, 1)
        one = median(empty.idle(1).seconds for _ in range(9))
        batches = [empty.idle(most) for _ in range(5)]
        per_call = max(0.0, (median(b.seconds for b in batches) - one) / max(most - 1, 1))
        own = median(b.own_seconds / b.calls for b in batches)
        self.overhead = Overhead(max(one - per_call, 0.0), per_call, own, True)
        return self.overhead

    def _anchor(self, calls: int) -> None:
        """Measure the overhead once more, where the empty program was kept; it goes where it breaks."""
        if self._empty is None:
            return
        try:
            batch = self._empty.idle(max(1, min(_ANCHOR_CALLS, calls, self._empty.setting.capacity)))
        except Failed as failed:
            _log.warning("the protocol's cost is no longer measured anew: %s", failed.saw)
            self.close()
            return
        self.overhead = self._anchors.add(batch)

    def run(self, session: Session, calls: int, given: Sequence[Pick] = ()) -> tuple[Batch, Sequence[Pick]]:
        """Run one batch as timed ones are, on fresh values or on these; leaves the child stopped."""
        session.put_first()
        picks = given or [self.stream.pick() for _ in range(calls)]
        self._earlier = []
        if session.setting.stateful:
            self.checker.place(session, self.checker.timed(session), fresh=True)
            # a module's first call may pack weights or compile: what is timed goes on from there
            self._earlier = [self.stream.pick()]
            session.batch(self.stream.values(self._earlier), [p.seed for p in self._earlier])
        batch = session.batch(self.stream.values(picks), [p.seed for p in picks])
        return batch, picks

    def turn(
        self,
        session: Session,
        tally: Tally,
        *,
        trusted: bool,
        plan: Plan | None = None,
    ) -> float:
        """Time one batch and keep one secret sample of it; leaves the child stopped.

        Args:
            session: one of the two.
            tally: what is known of it.
            trusted: whether its outputs are left alone.
            plan: its inputs; fresh ones without.

        Returns:
            Seconds per call, the protocol's cost taken off.
        """
        given = () if plan is None else plan.theirs if trusted else plan.ours
        count = len(given) or tally.calls
        batch, picks = self.run(session, count, given)
        tally.batches.append((sum(p.distribution == SHIPPED for p in picks), batch.seconds))
        tally.timed, tally.longest = tally.timed + batch.seconds, max(tally.longest, count)
        seconds = self.overhead.taken_off(batch.seconds, count) / count
        tally.clocks.append(batch.megahertz)
        tally.losses.append((batch.lost_ns, batch.seconds))
        tally.missing |= batch.missing
        tally.own.append(self.overhead.own(batch) / count)
        tally.pace = min(tally.pace, batch.seconds / count)
        if not self.overhead.agrees(batch):
            tally.disagreements += 1
        tally.drowned += self.overhead.drowned(batch)
        self._lengths.correct(session, tally, batch)
        if trusted:
            self._answered = batch
            return seconds
        self._samples = []
        fastest = seconds < tally.quickest
        if fastest:
            tally.quickest = seconds
        if sampling.due(self._rng, tally, fastest=fastest, thorough=self._thorough):
            began = time.monotonic()
            shared = plan.shared if plan is not None else []
            self._samples = self._examine(session, batch, picks, tally, shared, fastest=fastest)
            tally.examining += time.monotonic() - began
        return seconds

    def _beside(self, plan: Plan | None, defender: Session, challenger: Tally) -> None:
        """Put the answers of the defender's last batch beside the samples of the challenger's."""
        if plan is not None and self._answered is not None:
            began = time.monotonic()
            plan.beside(self._samples, defender, self._answered)
            challenger.examining += time.monotonic() - began

    def _examine(
        self,
        session: Session,
        batch: Batch,
        picks: Sequence[Pick],
        tally: Tally,
        shared: Sequence[int],
        *,
        fastest: bool,
    ) -> list[Sample]:
        """Read secret samples, look for shared memory, and hash all outputs twice, now and after a rest."""
        chosen = sampling.choose(self._rng, session, batch.calls, shared, fastest)
        samples = []
        for index in chosen:
            answer = session.answer(batch.said, index, batch.calls)
            stateful = session.setting.stateful
            needed = [*self._earlier, *picks[: index + 1]] if stateful else picks[index : index + 1]
            samples.append(Sample(tuple(needed), answer, self.checker.timed(session)))
        if fastest:
            tally.fastest = samples
        for sample in samples:
            sampling.keep(self._rng, sample, tally, session.setting.output_bytes)
        tally.examined += 1
        places = session.places(batch)
        tally.hold(places[chosen[0]])
        if batch.calls > 1 or tally.examined % 4 == 1:
            own = session.places(batch, own=True) if any(session.setting.returns_held) else places
            whole = [Answer("", (), tuple((a, a + n) for a, n in spans)) for spans in own]
            conduct.own_memory(session, whole)
        tensors = [v for v in self.stream.near(picks[chosen[0]]) if hasattr(v, "stride")]
        conduct.inputs_kept(session, chosen[0], tensors)
        if tally.examined == 1 or self._rng.random() < 0.25:
            before = conduct.digest(session, batch)
            session.ask("rest", seconds=0.002)
            session.stop()
            if conduct.digest(session, batch) != before:
                saw = "outputs changed after they were returned (a deferred write)"
                raise Failed(Status.REJECTED, rules.FINAL.broken(saw))
        return samples

    def in_order(self, session: Session, tally: Tally, fewest: int, seconds: float) -> None:
        """Stop as many batches in their midst as it takes to see whether work is moved (see ``order``).

        Args:
            session: the subject.
            tally: what was seen of it.
            fewest: so many batches are stopped however long it takes.
            seconds: for more of them.

        Raises:
            Failed: with the status ``wrong``.
        """
        end = time.monotonic() + seconds
        with self._lease, first_in_line():
            for _ in range(order.TRIES):
                enough = fewest if time.monotonic() > end else order.ENOUGH
                if len(tally.stops) < enough:
                    self._stop(session, tally)

    def _stop(self, session: Session, tally: Tally) -> None:
        """Stop one batch in its midst."""
        if order.can_stop(session, tally):
            found = order.stopped(session, self.checker, self.stream, tally, self._rng)
            tally.stops += [] if found is None else [found]

    def _surprise(self, session: Session, tally: Tally) -> None:
        """Now and then, stop a batch in its midst, or mix inputs of every kind into one."""
        if self._rng.random() < _STOPPED and len(tally.stops) < order.ENOUGH:
            self._stop(session, tally)
        if self._rng.random() < _MIXED:
            self._mix(session, tally)

    def _mix(self, session: Session, tally: Tally) -> None:
        """Run the one batch of a duel whose calls have inputs of every kind (see ``mixed``)."""
        if self._mixes and not tally.mixed and mixed.can_mix(session, tally.calls):
            picks, places = mixed.draw(session, self.stream, tally.calls, self._rng)
            try:
                batch, _ = self.run(session, tally.calls, picks)
            except Failed:
                chosen, parameters = [picks[i] for i in places], self.checker.timed(session)
                if self.checker.takes(self.stream, session.setting.structure, chosen, parameters):
                    raise
                return  # the module raises there too: other draws of these kinds it takes
            tally.mixed = mixed.samples(session, batch, picks, places, self.checker.timed(session))

    def fight(
        self,
        challenger: Session,
        defender: Session,
        rule: StopRule,
        *,
        trusted: bool = False,
        floor: float | None = None,
        fewest: Blocks = _FEWEST,
        thorough: bool = False,
        mixes: bool = False,
    ) -> Outcome:
        """Time two subjects in blocks, alone on the device, until the rule has seen enough.

        Args:
            challenger: the program (its outputs are sampled and hashed unless ``trusted``).
            defender: the baseline; never loads the program.
            rule: when to stop.
            trusted: whether the challenger is a baseline too.
            floor: the slowest ratio worth more timing.
            fewest: how many blocks are run in any case.
            thorough: whether the outputs of every batch are examined, whatever it takes.
            mixes: whether one batch, which does not count, has calls on inputs of every kind.
        """
        self._thorough, self._mixes = thorough, mixes
        with self._lease, first_in_line():
            outcome = self._fight(challenger, defender, rule, trusted, floor, fewest)
            self._mix(challenger, outcome.challenger)
            return outcome

    def _fight(
        self,
        challenger: Session,
        defender: Session,
        rule: StopRule,
        trusted: bool,
        floor: float | None,
        fewest: Blocks,
    ) -> Outcome:
        a, b = Tally(), Tally()
        a.most = max(a.most, round(_SAMPLES_A_SECOND * rule.seconds))
        start = time.monotonic()
        self._lengths = Lengths(self.overhead, rule.seconds / 8, lambda s, n: self.run(s, n)[0])
        for session, tally in ((challenger, a), (defender, b)):
            self._lengths.size(session, tally)
            self._lengths.settle(session, tally)
        clean, disturbed, drowned = Series(), Series(), Series()
        while True:
            under, faults = a.drowned + b.drowned + a.short + b.short, a.at_fault
            block, quiet = self._block(challenger, defender, a, b, trusted)
            short = a.drowned + b.drowned + a.short + b.short > under
            a.at_fault = faults if short else a.at_fault
            (drowned if short else clean if quiet else disturbed).add(block)
            elapsed = time.monotonic() - start
            if not (clean.blocks or disturbed.blocks) and elapsed < 8 * rule.seconds:
                continue  # nothing was measured yet
            if not (clean.blocks or disturbed.blocks):
                disturbed = drowned  # nor will it be
            blocks = len(clean.blocks) + len(disturbed.blocks)
            # blocks that other work disturbed are dropped where enough calm ones are left
            calm = not disturbed.blocks or len(clean.blocks) >= max(fewest.calm, MIN_BLOCKS)
            series = clean if calm else clean.joined(disturbed)
            # nothing is sure where the program's process says in most blocks that our time is not its calls'
            sure = 2 * a.at_fault <= blocks and (calm or self._lease.device != "cpu")
            current = series.estimate() if sure else series.shortest()
            stop = rule.reason(current, elapsed, floor=floor) is not None
            enough = blocks >= (fewest.calm if calm else fewest.disturbed)
            enough = enough or fewest.late(len(series.blocks), elapsed, rule.seconds)
            waits = not calm and fewest.wait(len(clean.blocks), elapsed, rule.seconds)
            if stop and enough and not waits:
                a.seconds, b.seconds = series.sides()
                dropped = blocks - len(series.blocks)
                return Outcome(
                    current, a, b, len(series.blocks), dropped, 0 if calm else len(disturbed.blocks)
                )
            self._lease.breathe()
            if not trusted:
                self._surprise(challenger, a)

    def _plan(self, challenger: Session, ours: int, theirs: int) -> Plan:
        return Plan.draw(self.stream, self._rng, challenger, ours, theirs)

    def _block(
        self, challenger: Session, defender: Session, a: Tally, b: Tally, trusted: bool
    ) -> tuple[Block, bool]:
        """Time one block of four batches; tell whether nothing else used the machine and all clocks agree.

        On a device the host's other cores may be busy; there the multiprocessors' clock must have been the
        same in all four batches.
        """
        watch = Watch([challenger.child.pid, defender.child.pid])
        forced = self._lease.forced_breaths()
        ours, theirs = a.disagreements, b.disagreements
        watch.begin()
        # ABBA and BAAB in turn: a block's first batch follows our own arithmetic and finds the caches colder
        self._challenger_first = not self._challenger_first
        first = self._pair(challenger, defender, a, b, trusted, self._challenger_first)
        second = self._pair(challenger, defender, a, b, trusted, not self._challenger_first)
        calm = self._lease.device != "cpu" or alone(watch.end(), [*a.losses[-2:], *b.losses[-2:]])
        # the program's own clock leaves no block out: it would choose its quick ones
        agreed = b.disagreements == theirs
        clocks = [*a.clocks[-2:], *b.clocks[-2:]]
        calm = calm and agreed and steady(clocks) and self._lease.forced_breaths() == forced
        a.at_fault += a.disagreements > ours and b.disagreements == theirs
        self._anchor(max(a.calls, b.calls))
        return Block((first[0], second[0]), (first[1], second[1])), calm

    def _pair(
        self, challenger: Session, defender: Session, a: Tally, b: Tally, trusted: bool, ours_first: bool
    ) -> tuple[float, float]:
        """Time one batch of each side; return seconds per call of the challenger and of the defender."""
        plan = None if trusted else self._plan(challenger, a.calls, b.calls)
        if ours_first:
            ours = self.turn(challenger, a, trusted=trusted, plan=plan)
            theirs = self.turn(defender, b, trusted=True, plan=plan)
        else:
            theirs = self.turn(defender, b, trusted=True, plan=plan)
            ours = self.turn(challenger, a, trusted=trusted, plan=plan)
        self._beside(plan, defender, a)
        return ours, theirs
