"""Pipeline: drafts in, verdicts out; builds and measurements overlap, equal programs are judged once."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kernelevo.core import Artifact, Evaluation, Fault, Status, Trial
from kernelevo.engine.evaluation import Notices
from kernelevo.engine.judging import Judging, MachineBroke
from kernelevo.engine.pool import Pool
from kernelevo.store import Draft

Span = tuple[float, float]
BUILD, MEASURE = "build", "measure"
SPANS = "spans"
"""Name of the record beside a trial that holds its stages' times."""


@dataclass(frozen=True)
class Judged:
    """What came of a draft: an evaluation or a fault, and where it came from.

    Args:
        evaluation: the verdict, or None.
        fault: what broke, or None.
        reused: number of the trial whose verdict this is, if the program was known.
        device_seconds: how long the device was asked for it.
        notices: news of the evaluator.
        error: the exception behind a fault.
        spans: when each stage that it went through began and ended, in seconds since the epoch.
    """

    evaluation: Evaluation | None = None
    fault: Fault | None = None
    reused: int | None = None
    device_seconds: float = 0.0
    notices: Notices = ()
    error: Exception | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)

    @property
    def records(self) -> dict[str, Any]:
        """What is kept beside the trial."""
        return {SPANS: {stage: list(span) for stage, span in self.spans.items()}} if self.spans else {}

    def trial(self, draft: Draft, number: int, *, ended: float) -> Trial:
        """Return the row of this verdict."""
        cost = dict(draft.proposal.cost)
        if self.device_seconds:
            cost["device_seconds"] = self.device_seconds
        return Trial(
            number=number,
            program=draft.proposal.program,
            evaluation=self.evaluation,
            fault=self.fault,
            island=draft.island,
            seen=draft.seen,
            cost=cost,
            started=draft.started,
            ended=ended,
            reused=self.reused,
        )


class Pipeline:
    """Two stages with a short shelf between them, so that neither waits for the other for long.

    Args:
        judging: does the work.
        builders: builds at a time.
        measurers: measurements at a time.
        apart: whether builds and measurements go on side by side; see ``Schedule``.
        may_measure: whether the budget has room now to measure the program of a trial.
        floor: the slowest score worth full timing on an island, by now.
        reusable: the trial whose verdict on a program holds for a floor, if there is one.
        finish: called with every draft and what came of it.
        changed: called whenever a task ends.
        now: seconds since the epoch.
        fixed_floors: take the floor when a draft comes in instead of when it is measured, so that it does
            not depend on how quickly others are judged.
    """

    def __init__(
        self,
        judging: Judging,
        *,
        builders: int,
        measurers: int,
        apart: bool,
        may_measure: Callable[[int], bool],
        floor: Callable[[int], float | None],
        reusable: Callable[[str, float | None], Trial | None],
        finish: Callable[[Draft, Judged], None],
        changed: Callable[[BaseException | None], None],
        now: Callable[[], float],
        fixed_floors: bool,
    ) -> None:
        self._now = now
        self._spans: dict[str, dict[str, Span]] = defaultdict(dict)  # by program
        self._judging, self._floor, self._reusable, self._finish = judging, floor, reusable, finish
        self._builders, self._fixed_floors = builders, fixed_floors
        self._measurers, self._may_measure, self._apart = measurers, may_measure, apart
        #: whether a program waits for the device that the budget has no room for
        self.barred = False
        self._building, self._measuring = Pool(builders, changed), Pool(measurers, changed)
        self._queue: deque[tuple[Draft, float | None]] = deque()
        self._shelf: deque[tuple[Draft, float | None, Artifact]] = deque()
        self._flying: set[str] = set()
        self._twins: dict[str, list[Draft]] = defaultdict(list)

    @property
    def wants_more(self) -> bool:
        """Whether somebody would fall idle soon: the moment for another ask, which then knows most."""
        if self._apart:
            return len(self._queue) < self._builders
        waiting, in_work = len(self._queue) + len(self._shelf), len(self._building) + len(self._measuring)
        return waiting + in_work <= self._builders

    @property
    def empty(self) -> bool:
        """Whether nothing is inside."""
        return not (self._queue or self._shelf) and self.resting

    @property
    def resting(self) -> bool:
        """Whether nothing runs; drafts may still wait."""
        return not (self._building or self._measuring)

    @property
    def idle(self) -> bool:
        """Whether nothing is inside, or nothing that the budget has room for."""
        return self.empty or (self.barred and self.resting)

    @property
    def pools(self) -> dict[str, tuple[Pool, int]]:
        """The stages with how many wait for each."""
        return {
            "building": (self._building, len(self._queue)),
            "measuring": (self._measuring, len(self._shelf)),
        }

    def resize(self, builders: int) -> None:
        """Build so many at a time from now on; what runs is finished.

        Where there is nothing to build first, so many are judged at a time.

        Raises:
            BadSetting: if the executor cannot have so many workers.
        """
        self._judging.resize(builders)
        self._builders = builders
        self._building.resize(builders)
        if not self._judging.offer.staged:
            self._measurers = builders
            self._measuring.resize(builders)

    def admit(self, draft: Draft) -> None:
        """Take a draft in. A known program gets its old verdict at once, an equal one waits for its twin.

        What stands for a reply without a program fails at once, with the reason: an evaluator that judges
        texts of any kind would score it.
        """
        program = draft.proposal.program
        if program.id in self._flying:
            self._twins[program.id].append(draft)
            return
        floor = self._floor(draft.island)
        known = self._reusable(program.id, floor)
        if known is not None:
            self._finish(draft, Judged(known.evaluation, reused=known.number))
            return
        if why := program.origin.refusal:
            self._finish(draft, Judged(Evaluation(Status.BUILD_FAILED, feedback=why)))
            return
        self._flying.add(program.id)
        self._queue.append((draft, floor))

    def pump(self) -> None:
        """Start whatever can start now."""
        while self._shelf and self._measuring.free and self._may_measure(self._shelf[0][0].trial):
            self._measuring.start(self._measure(*self._shelf.popleft()))
        self.barred = bool(self._shelf) and self._measuring.free
        while self._queue and self._building.free and len(self._shelf) < self._measurers:
            self._building.start(self._build(*self._queue.popleft()))

    def cancel(self, *, measurements: bool) -> None:
        """Give up builds, and measurements too if asked; their drafts stay in the store for a resume."""
        self._building.cancel()
        if measurements:
            self._measuring.cancel()

    async def _build(self, draft: Draft, floor: float | None) -> None:
        began = self._now()
        try:
            artifact = await self._judging.prepare(draft.proposal.program)
            self._spans[draft.proposal.program.id][BUILD] = (began, self._now())
        except MachineBroke as broke:
            self._done(draft, Judged(fault=broke.fault, error=broke.error))
            return
        if artifact.verdict is not None:
            self._done(draft, Judged(artifact.verdict))
        else:
            self._shelf.append((draft, floor, artifact))

    async def _measure(self, draft: Draft, floor: float | None, artifact: Artifact) -> None:
        if not self._fixed_floors:
            floor = self._floor(draft.island)
        began = self._now()
        try:
            measured = await self._judging.measure(artifact, floor)
        except MachineBroke as broke:
            self._done(draft, Judged(fault=broke.fault, error=broke.error))
            return
        self._spans[draft.proposal.program.id][MEASURE] = (began, self._now())
        judged = Judged(measured.evaluation, device_seconds=measured.seconds, notices=measured.notices)
        self._done(draft, judged)

    def _done(self, draft: Draft, judged: Judged) -> None:
        program_id = draft.proposal.program.id
        self._flying.discard(program_id)
        spans = self._spans.pop(program_id, {})
        self._finish(draft, replace(judged, spans=spans))
        for twin in self._twins.pop(program_id, []):
            self.admit(twin)
