"""Judge: builds, checks and times kernel programs behind the trust boundary; a bad program never harms it."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kernelevo.backends.cache import default_root
from kernelevo.core import Artifact, Evaluation, Program, Status, Task
from kernelevo.device.statistics import StopRule
from kernelevo.kernels import guard
from kernelevo.kernels.baselines import COMPILED, Name, Rebase
from kernelevo.kernels.checking import describe_case
from kernelevo.kernels.correctness import Precision, precision
from kernelevo.kernels.duel import Blocks, Outcome
from kernelevo.kernels.failed import Failed
from kernelevo.kernels.ground import Ground
from kernelevo.kernels.lint import Finding, lint
from kernelevo.kernels.pool import Case, Group
from kernelevo.kernels.seed import seeds
from kernelevo.kernels.session import Session
from kernelevo.kernels.stages import FORWARD_PATIENCE, Stages
from kernelevo.kernels.verdict import Notes, combine
from kernelevo.sandbox.zygote import Zygote

SEARCH_SECONDS = 2.0
FINAL_SECONDS = 20.0
SETTLE_SECONDS = 1.0
PREPARING = "compiling the module with torch.compile, to compare with; the search starts when that is done"
_log = logging.getLogger(__name__)

FRESH_PROCESSES = 3
MOST_PROCESSES = 5  # where other work disturbs
_ROUGH_SECONDS = 0.4
_SEED_SECONDS = 1.0


class KernelJudge:
    """Judges programs of one kernel task: ``prepare`` builds, ``measure`` checks and times.

    Everything standing (reference, secret pool, zygote, baselines) is made at the first call.

    Args:
        task: the task; its options hold ``reference`` and, maybe, ``policy`` (see ``guard``).
        zygote: who forks children; None starts one of its own (preload ``ground.PRELOAD``).
        rng_seed: makes the secret draws repeatable; None (the rule) draws them from the system.
        cache: root of the baseline and build caches; None for the default root.
        threads: torch threads of children; None for all cores.
        compiled: which torch.compile baselines to prepare in the background.
        search_seconds: timing budget of ``measure``.
        final_seconds: timing budget of ``finalize``, over all its processes.
        forward_patience: seconds that a program's first forward may take (it may compile device code).
        staged: copy inputs and outputs to children and back as on a device, on the CPU too.
    """

    def __init__(
        self,
        task: Task,
        *,
        zygote: Zygote | None = None,
        rng_seed: int | None = None,
        cache: Path | None = None,
        threads: int | None = None,
        compiled: tuple[Name, ...] = tuple(COMPILED),
        search_seconds: float = SEARCH_SECONDS,
        final_seconds: float = FINAL_SECONDS,
        forward_patience: float = FORWARD_PATIENCE,
        staged: bool = False,
    ) -> None:
        self.task = task
        self._make: Callable[[], Ground] = lambda: Ground(
            task,
            zygote=zygote,
            secret=rng_seed,
            cache=cache,
            threads=threads,
            compiled=compiled,
            staged=staged,
        )
        self._stages = Stages(cache or default_root(), forward_patience)
        self._search, self._final = search_seconds, final_seconds
        self._ground: Ground | None = None
        self._starting, self._device = threading.Lock(), threading.Lock()
        self._serial = itertools.count()
        self._news: list[dict[str, Any]] = []
        self._said_why = False

    @property
    def ground(self) -> Ground:
        """The task's standing equipment; made at the first use (seconds)."""
        with self._starting:
            if self._ground is None:
                self._ground = self._make()
            return self._ground

    def warm(self) -> None:
        """Make the standing equipment now instead of at the first program."""
        self.ground.make_ready()

    def close(self) -> None:
        """Stop every child process; may be called twice."""
        with self._starting:
            if self._ground is not None:
                self._ground.close()

    def __enter__(self) -> KernelJudge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lint(self) -> Finding:
        """Say whether the task can be judged fairly."""
        ground = self.ground
        with ground.quiet():
            return lint(ground.pool)

    def baselines(self, *, wait: float | None = 0.0) -> list[dict[str, Any]]:
        """Return what is known of the baselines; ``wait`` seconds for those still being prepared."""
        ground = self.ground
        ground.make_ready()
        if wait != 0.0:
            ground.baselines.wait(wait)
        self.rebase()
        return [b.to_json() for b in ground.baselines.all.values()]

    def settle(self) -> bool:
        """Go on with what a search waits for, for ``SETTLE_SECONDS`` or so; return whether all is there.

        That is: the compiled baselines, timed against eager; every secret case; torch's precompiled header.
        """
        settled = self.ground.settle(SETTLE_SECONDS)
        self.rebase()
        if settled:
            with self._device:
                self.ground.measure_bounds()
        if not settled and not self._said_why:
            self._said_why = True
            self._news.append({"kind": "notice", "text": PREPARING})
        return settled

    def rebase(self) -> list[Rebase]:
        """Take better baselines in that became ready, and return what changed (``notices`` tells it too).

        A score that was measured against ``old`` (a verdict's ``metrics["baseline"]``) is to be multiplied
        by ``factor``, event by event.
        """
        with self._device:
            return self._rebase(self.ground)

    def _rebase(self, ground: Ground) -> list[Rebase]:
        ground.make_ready()
        events = ground.rebase()
        self._news += ground.baselines.news()
        self._news += [
            {
                "kind": "rebase",
                "before": e.old,
                "now": e.new,
                "factor": e.factor,
                "baseline": e.new,
                "factor_low": e.low,
                "factor_high": e.high,
            }
            for e in events
        ]
        return events

    def seeds(self) -> tuple[Program, ...]:
        """Return the reference itself as a program: its verdict shows that the set-up works."""
        return seeds(self.task.options["reference"])

    def notices(self) -> list[dict[str, Any]]:
        """Return the news since the last call as plain data: baselines that are ready, scores re-based."""
        news, self._news = self._news, []
        return news

    def prepare(self, program: Program) -> Artifact:
        """Read, build and load a program once, in the build sandbox; a failure is the artifact's verdict."""
        policy = str(self.task.options.get("policy", "any"))
        try:
            source = program.source
        except ValueError as error:
            return Artifact(program, Failed(Status.BUILD_FAILED, str(error)).verdict())
        reading = guard.read(source, policy=policy)
        if reading.problem:
            status = Status.REJECTED if "policy" in reading.problem else Status.BUILD_FAILED
            return Artifact(program, Failed(status, reading.problem).verdict())
        ground = self.ground
        folder = ground.folder / f"{program.id[:12]}-{next(self._serial)}"
        start = time.monotonic()
        try:
            said = self._stages.build(ground, source, folder)
        except Failed as failed:
            metrics = dict.fromkeys(Notes().metrics)
            metrics["build_seconds"] = None
            return Artifact(program, failed.verdict(**metrics), folder)
        facts = {
            "build_seconds": time.monotonic() - start,
            "weights": said.get("weights"),
            "form": reading.form,
            "reasons": list(reading.reasons),
        }
        return Artifact(program, None, folder, facts)

    # ------------------------------------------------------------------ stage two

    def measure(self, artifact: Artifact, floor: float | None = None) -> Evaluation:
        """Check and time a built program; holds the device.

        Args:
            artifact: from ``prepare``.
            floor: the slowest score worth full timing; a program whose interval lies wholly below it stops
                with fidelity ``"rough"``.
        """
        with self._device:
            return self._measure(artifact, floor, self._search)

    def finalize(self, artifact: Artifact) -> Evaluation:
        """Judge a winner anew in three fresh processes; only this verdict is to be reported.

        The baseline's process is a fresh one each time too. Processes that other work disturbed are
        repeated, up to five in all.
        """
        ground = self.ground
        ground.make_ready()
        ground.baselines.wait()
        self.rebase()
        with ground.pool.turn:
            ground.pool.fill()
        with self._device:
            ground.measure_bounds()
            parts: list[Evaluation] = []
            for _ in range(MOST_PROCESSES):
                if parts:
                    _renew(ground)
                parts.append(self._measure(artifact, None, self._final / FRESH_PROCESSES))
                calm = sum(p.metrics.get("score_low") is not None for p in parts)
                if parts[-1].status is not Status.OK or calm >= FRESH_PROCESSES:
                    break
        return combine(parts)

    def _measure(self, artifact: Artifact, floor: float | None, seconds: float) -> Evaluation:
        if artifact.verdict is not None:
            return artifact.verdict
        ground = self.ground
        self._rebase(ground)
        notes = Notes()
        notes.metrics["build_seconds"] = artifact.facts.get("build_seconds")
        notes.metrics["form"] = artifact.facts.get("form")
        notes.metrics["sandbox"] = str(ground.zygote.facts.get("identity", "unknown"))
        if ground.setting.on_device:
            notes.metrics["device"] = ground.device
            notes.metrics["defences"] = _defences(ground)
        try:
            with ground.quiet(), self._stages.enter(ground, artifact) as session:
                return self._judge(ground, session, notes, artifact, floor=floor, seconds=seconds)
        except Failed as failed:
            return replace(failed.verdict(), metrics=notes.metrics)
        finally:
            ground.begin()  # not before: the first verdict is not to wait for compilers and more oracles

    def _judge(
        self,
        ground: Ground,
        session: Session,
        notes: Notes,
        artifact: Artifact,
        *,
        floor: float | None,
        seconds: float,
    ) -> Evaluation:
        rng = ground.rng("cases", artifact.program.id, next(self._serial))
        pool = ground.pool
        if brief := floor is None and seconds <= self._search and self._is_reference(artifact.program):
            seconds = min(seconds, _SEED_SECONDS)
        pool.ensure(1 if brief else 3)
        cases = pool.draw(rng)[: 1 if brief else None]
        session.construct(pool.build(pool.base_seed), pool.base_seed)
        wrong = self._check(ground, session, notes, cases[:3])
        if wrong is None and not brief:
            ground.checker.several(session, ground.stream)
        if wrong is None and floor is not None:
            glance = StopRule(0.1, min(_ROUGH_SECONDS, seconds))
            rough = self._fight(ground, session, glance, floor=floor)
            if rough.below(floor):
                wrong = self._verify(ground, notes, rough, 0.5)
                return wrong or self._finish(ground, session, notes, rough, cases, rough=True)
        wrong = wrong or self._check(ground, session, notes, cases[3:])
        if wrong is None:
            rule = StopRule(0.02, seconds)
            fewest = Blocks(2, 2) if brief else Blocks()
            outcome = self._fight(ground, session, rule, floor=floor, fewest=fewest)
            wrong = self._verify(ground, notes, outcome, 0.0 if brief else seconds / 2)
        pool.retire(rng.choice(cases)[1])
        if wrong is not None:
            return wrong
        return self._finish(ground, session, notes, outcome, cases, rough=outcome.below(floor))

    def _is_reference(self, program: Program) -> bool:
        """Whether a program's text is the reference's own: whatever it is checked against is itself.

        Its first verdict shows that the set-up works, and everybody waits for it: one case, a short time.
        """
        return program.id in {seed.id for seed in self.seeds()}

    def _fight(self, ground: Ground, session: Session, rule: StopRule, **how: Any) -> Outcome:
        """Time a program against the best baseline, whose own latency is known from then on."""
        best = ground.baselines.best
        assert best.session is not None
        outcome = ground.ring.fight(session, best.session, rule, **how)
        best.latency = outcome.defender.median
        ground.roof.check(outcome.challenger, outcome.defender)
        self._news += ground.baselines.news()
        return outcome

    def _check(
        self, ground: Ground, session: Session, notes: Notes, cases: list[tuple[Group, Case]]
    ) -> Evaluation | None:
        """Climb so many cases; return the verdict of the first that is wrong."""
        for group, case in cases:
            report = ground.checker.case(session, group, case, placed=not notes.reports)
            shipped = case.distribution == "shipped" and case.parameters.state is None
            notes.add_report(report, shipped=shipped)
            if not report.ok:
                return notes.wrong(report, describe_case(case))
        ground.checker.place(session, ground.pool.groups[0].parameters)
        return None

    def _verify(self, ground: Ground, notes: Notes, outcome: Outcome, seconds: float) -> Evaluation | None:
        """Verify kept outputs of timed calls, and that no work was moved between calls."""
        seen = outcome.challenger
        count, report = ground.checker.verify(
            ground.setting.stateful, ground.stream, ground.setting.structure, seen.samples, seconds
        )
        notes.metrics["timed_outputs_verified"] = count
        notes.metrics["timed_blocks"] = outcome.blocks
        notes.metrics["dropped_blocks"] = outcome.dropped
        notes.metrics["disturbed_blocks"] = outcome.disturbed
        notes.metrics["clock_disagreements"] = seen.disagreements
        if report is not None:
            return notes.wrong(report, "in a call that was timed")
        return None

    def _finish(
        self,
        ground: Ground,
        session: Session,
        notes: Notes,
        outcome: Outcome,
        cases: list[tuple[Group, Case]],
        *,
        rough: bool,
    ) -> Evaluation:
        ratio = outcome.ratio
        notes.add_times(
            ratio.ratio, ratio.low, ratio.high, outcome.challenger.median, ground.baselines, ground.bounds
        )
        notes.metrics["peak_memory_mb"] = session.device_peak_megabytes() or session.peak_megabytes()
        label = _precision(ground, notes, cases[0][0])
        notes.metrics.update(ground.roof.metrics(outcome.challenger.median, label))
        return notes.ok(
            ratio.ratio, fidelity="rough" if rough else "full", weights=session.weights, precision=label
        )


def _defences(ground: Ground) -> str:
    """Say what stands between a program and its verdict on a device, and what does not yet."""
    bound = "Landlock, seccomp" if ground.bound else f"no Landlock or filter ({ground.unbound_for})"
    return (
        f"own process, {bound}, host clock after all streams; outputs are copied by the program's own process"
    )


def _renew(ground: Ground) -> None:
    try:
        ground.baselines.renew()
    except Failed as failed:  # a machine in trouble: the process that was timed before is still a baseline
        _log.warning("the baseline could not be started anew: %s", failed.feedback)


def _precision(ground: Ground, notes: Notes, group: Group) -> Precision:
    """Name the precision class by the worst case; TF32's own error is measured only where it decides."""
    if notes.fine:
        return precision(notes.reports[0], None)
    rough = [r for r in notes.reports if not r.fine]
    return precision(rough[0], ground.pool.e_tf32(group))
