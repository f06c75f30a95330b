"""Hearing: one program before the judge: the ladder of cases, the duel with its baseline, the verdict."""

from __future__ import annotations

import logging
import random
import time

from kernelevo.core import Evaluation, Status
from kernelevo.device import facts
from kernelevo.device.lease import Lease
from kernelevo.device.priority import first_in_line
from kernelevo.device.statistics import StopRule
from kernelevo.errors import SandboxError
from kernelevo.kernels import circumstances
from kernelevo.kernels.baselines.ranking import CLASSES, RANK
from kernelevo.kernels.cases.case import Case, Group
from kernelevo.kernels.cases.inputs import SHIPPED
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.ground import Ground
from kernelevo.kernels.reference.correctness import Precision, precision
from kernelevo.kernels.reference.gaps import Report
from kernelevo.kernels.timing import clocks, conduct, order, remembered, sampling, unseen
from kernelevo.kernels.timing.checking import describe_call, describe_case, describe_inputs
from kernelevo.kernels.timing.outcome import Blocks, Outcome
from kernelevo.kernels.timing.stream import Pick
from kernelevo.kernels.verdict import Notes

_log = logging.getLogger(__name__)
ROUGH_SECONDS = 0.4
BRIEF_SECONDS = 1.0
_PATIENCE = 2.0  # a winner's duel may take so many times its seconds before its process counts as disturbed
_BEFORE_TIMING = 3  # cases that a program passes before it is timed at all
UNSEEN = (
    "the program holds its weights under other names than the module, and each seed gives the same weights: "
    "nobody could see whether it follows them"
)


class Hearing:
    """One program's live process, heard once.

    Args:
        ground: the task's equipment.
        session: the program, fresh.
        notes: what is known of it, and will be.
        rng: secret choices.
        final: whether this is a winner, whose timed calls are verified as far as half its time allows.
        again: the class of a fresh process of it that has passed every case. This one meets a secret half of
            them late, and its class is no finer.
        profile: whether the program is profiled too, which takes seconds.
    """

    def __init__(
        self,
        ground: Ground,
        session: Session,
        notes: Notes,
        rng: random.Random,
        *,
        final: bool = False,
        again: Precision | None = None,
        profile: bool = False,
    ) -> None:
        self._ground, self._session, self._notes, self._rng = ground, session, notes, rng
        self._final, self._again, self._profile = final, again, profile
        self._stops = order.ENOUGH if final else order.ENOUGH_SEARCHING
        self._exact = True  # whether the baseline rounds no more than fp32
        self._rough: list[tuple[Report, Group]] = []

    def brief(self, seconds: float) -> Evaluation:
        """Hear the reference's own text: one case, one second, two blocks at the least."""
        cases = self._open(1)[:1]
        wrong = self._check(cases)
        self._ground.pool.retire(cases[0][1])
        if wrong is not None:
            return wrong
        rule = StopRule.on(self._ground.device, min(seconds, BRIEF_SECONDS))
        outcome, label, _ = self._duel(rule, None, Blocks(2, 2))
        return self._verify(outcome) or self._finish(outcome, label, rough=False)

    def full(self, seconds: float, floor: float | None) -> Evaluation:
        """Climb the ladder: three cases, a rough time where there is a floor, more cases, the duel, the rest.

        Who counts its calls shall not know when it is no longer asked: some cases come after the timing.

        Args:
            seconds: for the duel.
            floor: the slowest score worth it.

        Raises:
            Failed: if the program breaks off or misbehaves.
        """
        ground = self._ground
        cases = self._open(_BEFORE_TIMING)
        wrong = self._before_timing(cases)
        if wrong is not None:
            return wrong
        ground.roof.ready()
        if floor is not None:
            glance = StopRule(0.1, min(ROUGH_SECONDS, seconds))
            outcome, label, below = self._duel(glance, floor)
            if below:
                return self._verify(outcome) or self._finish(outcome, label, rough=True)
        early, late = self._parted(cases[_BEFORE_TIMING:])
        wrong = self._check(early)
        if wrong is None:
            rule = StopRule.on(ground.device, seconds)
            outcome, label, below = self._duel(rule, floor, mixes=True)
            began = time.monotonic()
            wrong = (
                self._verify(outcome, seconds / 2) or self._mixed(outcome) or self._afterwards(late, cases)
            )
            if wrong is None and self._precision() != label:
                # it is coarser among many calls, and has to beat the baselines of what it is there
                outcome, label, below = self._duel(rule, floor)
                wrong = self._verify(outcome, seconds / 2)
            if wrong is None:
                left = seconds / 2 if self._final else self._budget(outcome) - (time.monotonic() - began)
                self._in_order(outcome, left)
                if self._final:
                    self._unseen(outcome.challenger.calls, seconds / 4)
                wrong = self._remembers(outcome)
            if wrong is None:
                conduct.still(self._session, self._held)
        ground.pool.retire(self._rng.choice(cases)[1])
        return wrong or self._finish(outcome, label, rough=below)

    def _parted(
        self, cases: list[tuple[Group, Case]]
    ) -> tuple[list[tuple[Group, Case]], list[tuple[Group, Case]]]:
        """Part cases into those before and after the duel; a winner has passed all, and meets them late.

        First come those with the parameters of timed calls: nothing is written for them, so that nobody
        tells them from these.
        """
        timed = self._ground.pool.timed
        if self._again is not None:
            # who follows one parameter alone is met by one of the two halves, so both are always among them
            halves = [pair for pair in cases if pair[1].parameters.only]
            others = [pair for pair in cases if not pair[1].parameters.only]
            chosen = halves + self._rng.sample(others, max(0, (len(cases) + 1) // 2 - len(halves)))
            chosen = self._rng.sample(chosen, len(chosen))
            return [], sorted(chosen, key=lambda pair: pair[1].parameters is not timed)
        if self._final:
            return [], cases
        alike = [pair for pair in cases if pair[1].parameters is timed]
        others = [pair for pair in cases if pair[1].parameters is not timed]
        others.sort(key=lambda pair: not pair[1].parameters.only)  # so that half of these come before too
        return alike[::2] + others[::2], alike[1::2] + others[1::2]

    def _afterwards(
        self, late: list[tuple[Group, Case]], cases: list[tuple[Group, Case]]
    ) -> Evaluation | None:
        """Look at the parameters that the timed calls have left, and check the last of all cases."""
        session, ground = self._session, self._ground
        if session.weights != "by seed" and not session.setting.stateful:
            conduct.parameters_kept(session, ground.pool.timed.state or ground.pool.state)
        wrong = self._check(late) if late else None
        thorough = self._final and self._again is None
        unusual = circumstances.look(ground, session, cases) if thorough and wrong is None else None
        return wrong if unusual is None else self._notes.wrong(*unusual)

    def proof(self) -> Evaluation | None:
        """Do what comes before all timing; return the verdict of a program that is wrong.

        Raises:
            Failed: if the program breaks off or misbehaves.
        """
        return self._before_timing(self._open(_BEFORE_TIMING))

    # ------------------------------------------------------------------ steps

    def _before_timing(self, cases: list[tuple[Group, Case]]) -> Evaluation | None:
        """Check some cases, and a call on tensors at other addresses."""
        ground = self._ground
        wrong = self._check(cases[:_BEFORE_TIMING])
        if wrong is not None:
            return wrong
        last, self._held = ground.checker.several(self._session, ground.stream)
        _, report = ground.checker.verify(
            ground.setting.stateful, ground.stream, ground.setting.structure, [last], 0.0
        )
        if report is None:
            return None
        where = f"in a call on tensors at other addresses, {describe_inputs(last.picks[-1])}"
        return self._notes.wrong(report, where)

    def _open(self, count: int) -> list[tuple[Group, Case]]:
        """Construct the program and draw its cases, of which so many exist at the least."""
        pool = self._ground.pool
        pool.ensure(count)
        cases = pool.draw(self._rng)
        # timed calls have these parameters: who does not follow them is told so before, on what is shipped
        cases[1:] = sorted(
            cases[1:],
            key=lambda pair: (pair[1].parameters is not pool.timed, pair[1].distribution != SHIPPED),
        )
        self._ground.stream.distributions = tuple(pool.judgeable())
        self._ground.checker.place(self._session, pool.shipped, fresh=True)
        if self._session.weights == "by seed":
            if not pool.seeds_matter:
                raise Failed(Status.BUILD_FAILED, rules.BUILDS.broken(UNSEEN))
            return [pair for pair in cases if not pair[1].parameters.only]  # it has no such halves
        return cases

    def _check(self, cases: list[tuple[Group, Case]]) -> Evaluation | None:
        """Climb so many cases; return the verdict of the first that is wrong."""
        ground, notes = self._ground, self._notes
        for group, case in cases:
            report = ground.checker.case(self._session, group, case, placed=not notes.reports)
            shipped = case.distribution == "shipped" and case.parameters.state is None
            if case.parameters.classes or not report.ok:
                self._take(report, group, shipped=shipped)
            if not report.ok:
                return notes.wrong(report, describe_case(case))
        ground.checker.place(self._session, ground.checker.timed(self._session))
        return None

    def _take(self, report: Report, group: Group, *, shipped: bool) -> None:
        """Take a comparison down, and on what kind of case a coarser class than fp32 shows."""
        self._notes.add_report(report, shipped=shipped)
        if not report.fine:
            self._rough.append((report, group))

    def _duel(
        self, rule: StopRule, floor: float | None, fewest: Blocks | None = None, *, mixes: bool = False
    ) -> tuple[Outcome, Precision, bool]:
        """Time the program beside the baseline of its class.

        Returns:
            What was seen, the class, and whether the score is clearly below the floor.
        """
        ground, label = self._ground, self._precision()
        against = ground.baselines.opponent(label)
        assert against.anchor.session is not None
        own = None if floor is None else floor / against.factor
        try:
            outcome = ground.ring.fight(
                self._session,
                against.anchor.session,
                rule,
                floor=own,
                fewest=fewest or Blocks(patience=_PATIENCE if self._final else 0.0),
                thorough=self._final,
                mixes=mixes,
            )
        except Failed as failed:
            if failed.pid != against.anchor.session.child.pid:
                raise
            renew(ground, label)  # no program's fault, and none is to meet that process again
            raise SandboxError("the baseline failed while it was timed", why=failed.saw) from failed
        rounds = against.anchor.precision
        self._exact = rounds is None or RANK[rounds] == 0
        ground.baselines.heard(against.anchor, outcome.defender.median)
        ground.roof.check(outcome.challenger, outcome.defender)
        return outcome, label, outcome.below(own)

    def _mixed(self, outcome: Outcome) -> Evaluation | None:
        """Hold calls on inputs of every kind, among many, against the rule; they count for the precision."""
        ground, notes, cases = self._ground, self._notes, self._notes.metrics["cases"]
        found = ground.checker.reports(ground.stream, ground.setting.structure, outcome.challenger.mixed)
        for pick, report in found:
            group = ground.pool.group_for(pick.distribution, ground.pool.timed)
            self._take(report, group, shipped=pick.distribution == SHIPPED)
            if not report.ok:
                return notes.wrong(report, describe_call(pick))
        notes.metrics["cases"] = cases
        return None

    def _verify(self, outcome: Outcome, seconds: float = 0.0) -> Evaluation | None:
        """Verify kept outputs of timed calls: a winner's for so long, others' within the search's budget."""
        ground, notes, seen = self._ground, self._notes, outcome.challenger
        stateful = ground.setting.stateful
        if not self._final:
            seconds = self._budget(outcome)
        alone = (
            0 if not self._final else sampling.ALONE if self._exact else len(seen.samples) + len(seen.fastest)
        )
        samples = sampling.ordered(seen, self._rng, alone)
        count, report = ground.checker.verify(
            stateful,
            ground.stream,
            ground.setting.structure,
            samples,
            seconds,
            fewest=sampling.FEWEST_REPLAYED if stateful else sampling.FEWEST,
            alone=alone,
            each=outcome.defender.median,
        )
        if report is None:
            count += order.verify(
                self._session, ground.checker, ground.stream, seen.stops, seconds / 2, self._stops
            )
        ground.pool.tidy()
        notes.metrics["timed_outputs_verified"] = count
        notes.metrics["timed_blocks"] = outcome.blocks
        notes.metrics["dropped_blocks"] = outcome.dropped
        notes.metrics["disturbed_blocks"] = outcome.disturbed
        notes.metrics["clock_disagreements"] = seen.disagreements
        if report is None:
            return None
        wrong = samples[count - 1]  # the last one that was looked at
        return notes.wrong(report, f"in a call that was timed, {describe_inputs(wrong.picks[-1])}")

    def _budget(self, outcome: Outcome) -> float:
        """Seconds that a search has for comparing answers: a share of those timed, less what reading took."""
        timed = outcome.challenger.timed + outcome.defender.timed
        return max(0.0, sampling.BUDGET * timed - outcome.challenger.examining)

    def _in_order(self, outcome: Outcome, seconds: float) -> None:
        """See that no work was moved between calls, by what those of stopped batches answer."""
        ground, session, seen = self._ground, self._session, outcome.challenger
        known, end = len(seen.stops), time.monotonic() + seconds
        ground.ring.in_order(session, seen, self._stops, seconds)
        left = end - time.monotonic()
        order.verify(session, ground.checker, ground.stream, seen.stops[known:], left, self._stops - known)

    def _unseen(self, calls: int, seconds: float) -> None:
        """See that inputs which were drawn for one call alone take no longer."""
        ground, session = self._ground, self._session

        def run(picks: list[Pick]) -> float:
            with Lease(ground.device), first_in_line():
                return ground.ring.run(session, len(picks), picks)[0].seconds

        if not ground.setting.stateful:
            unseen.look(run, ground.stream, calls, seconds)

    def _remembers(self, outcome: Outcome) -> Evaluation | None:
        """See that calls of a batch as long as the longest timed one leave the right buffers behind."""
        ground = self._ground
        report = remembered.batch(self._session, ground.pool, ground.stream, outcome.challenger.longest)
        if report is None or report.ok:
            return None
        return self._notes.wrong(report, "in what a batch of calls leaves in the buffers")

    def _finish(self, outcome: Outcome, label: Precision, *, rough: bool) -> Evaluation:
        ground, session, notes = self._ground, self._session, self._notes
        latency = outcome.challenger.median
        score = notes.add_times(outcome.ratio, latency, label, ground.baselines, ground.bounds)
        notes.metrics["core_clock_mhz"] = facts.core_clock()
        notes.metrics["peak_memory_mb"] = session.peak_megabytes()
        notes.metrics |= ground.roof.metrics(latency, label)
        if ground.setting.equipment is not None:
            notes.metrics["defences"] = ground.defences(session)
            seen, stream = outcome.challenger, ground.stream
            notes.metrics |= clocks.told(session, seen, stream, full=not rough, profile=self._profile)
        return notes.ok(
            score, fidelity="rough" if rough else "full", weights=session.weights, precision=label
        )

    def _precision(self) -> Precision:
        """Name the class by the coarsest case so far, in units of PyTorch's own error there.

        What TF32's own error on such inputs is is measured only where it decides.
        """
        if self._rough:
            report, group = max(self._rough, key=lambda pair: pair[0].times)
            own = precision(report, self._ground.pool.e_tf32(group))
        else:
            own = precision(self._notes.reports[0], None)
        return max(own, self._again or own, key=RANK.__getitem__)


def renew_all(ground: Ground) -> None:
    """Give every baseline that programs are timed against a fresh process."""
    anchors = {ground.baselines.opponent(label).anchor.name: label for label in CLASSES}
    for label in anchors.values():
        renew(ground, label)


def renew(ground: Ground, label: Precision) -> None:
    """Give the baseline of a class a fresh process, if it comes up; the old one stays a baseline if not."""
    try:
        ground.baselines.renew(label)
    except Failed as failed:
        _log.warning("the baseline could not be started anew: %s", failed.saw)
