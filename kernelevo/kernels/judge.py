"""Judge: builds, checks and times kernel programs behind the trust boundary; a bad program never harms it."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from kernelevo.backends.cache import default_root
from kernelevo.core import Artifact, Evaluation, Program, Status, Task
from kernelevo.device.lease import Lease
from kernelevo.kernels.baselines.baseline import Name
from kernelevo.kernels.baselines.ranking import Rebase
from kernelevo.kernels.cases.lint import Finding, lint
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.ground import Ground
from kernelevo.kernels.guarded import Guarded
from kernelevo.kernels.hearing import Hearing, renew, renew_all
from kernelevo.kernels.own_share import Shares, own_kernels
from kernelevo.kernels.profile_report import profile_report
from kernelevo.kernels.program_facts import begun, kernels, once, vectors, with_kernels
from kernelevo.kernels.programs import guard
from kernelevo.kernels.reference.correctness import Precision
from kernelevo.kernels.seed import seeds
from kernelevo.kernels.stages import BUILD_PATIENCE, FORWARD_PATIENCE, Stages
from kernelevo.kernels.twins import Twins
from kernelevo.kernels.verdict import NAMES, combine, settled
from kernelevo.sandbox.scratch import SOON, remove
from kernelevo.sandbox.zygote import Zygote

SEARCH_SECONDS = 2.0
FINAL_SECONDS = 20.0
REBASE_SECONDS = 2.0
SETTLE_SECONDS = 1.0
PREPARING = "compiling the module with torch.compile, to compare with; the search starts when that is done"
_log = logging.getLogger(__name__)
Verdict = TypeVar("Verdict")

FRESH_PROCESSES = 3
MOST_PROCESSES = 5  # where other work disturbs


class KernelJudge:
    """Judges programs of one kernel task: ``prepare`` builds, ``measure`` checks and times.

    Everything standing (reference, secret pool, zygote, baselines) is made at the first call.

    Args:
        task: the task; its options hold ``reference`` and, maybe, ``policy`` (see ``guard``).
        zygote: who forks children; None starts one of its own (preload ``supervisor.PRELOAD``).
        rng_seed: makes the secret draws repeatable; None (the rule) draws them from the system.
        cache: root of the baseline and build caches; None for the default root.
        threads: torch threads of children; None for all cores.
        compiled: which baselines to prepare in the background; None for all that the device has.
        search_seconds: timing budget of ``measure``.
        final_seconds: timing budget of ``finalize``, over all its processes.
        forward_patience: seconds that a program's first forward may take (it may compile device code).
        build_patience: seconds that its import and constructor may take.
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
        compiled: tuple[Name, ...] | None = None,
        search_seconds: float = SEARCH_SECONDS,
        final_seconds: float = FINAL_SECONDS,
        forward_patience: float = FORWARD_PATIENCE,
        build_patience: float = BUILD_PATIENCE,
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
        self._stages = Stages(cache or default_root(), forward_patience, build_patience)
        self._guarded = Guarded(self._stages)
        self._search, self._final = search_seconds, final_seconds
        self._ground: Ground | None = None
        self._twins, self._shares = Twins(), Shares(str(task.options.get("policy", "any")))
        self._starting, self._device = threading.Lock(), threading.Lock()
        self._serial = itertools.count()
        self._news: list[dict[str, Any]] = []
        self._seeds: tuple[Program, ...] | None = None
        self._said_why = self._worn = False

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
        self._stages.close()
        self._guarded.close()
        with self._starting:
            if self._ground is not None:
                self._ground.close()

    def __enter__(self) -> KernelJudge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def as_new(self) -> bool:
        """Whether the next program finds here all that a new judge would give it."""
        with self._starting:
            return self._ground is None or self._ground.baselines.whole

    @contextmanager
    def resting(self) -> Iterator[None]:
        """No oracle work of this judge runs inside, for whoever times something beside it."""
        with self._starting:
            ground = self._ground
        with nullcontext() if ground is None else ground.quiet():
            yield

    def dismiss(self, artifact: Artifact) -> None:
        """Forget a program for good, as if it had not been here; what was built of it is removed.

        Args:
            artifact: from ``prepare``, whatever became of it.
        """
        self._guarded.dismiss(artifact)
        self._shares.forget(artifact.program)
        if artifact.folder is not None:
            remove(artifact.folder, seconds=SOON)

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
        events = ground.rebase(min(REBASE_SECONDS, self._search))
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
                "precisions": list(e.precisions),
            }
            for e in events
        ]
        return events

    def seeds(self) -> tuple[Program, ...]:
        """Return the reference itself as a program: its verdict shows that the set-up works."""
        if self._seeds is None:  # a live module is captured for it, which takes seconds
            self._seeds = seeds(self.task.options["reference"], self._news)
        return self._seeds

    def notices(self) -> list[dict[str, Any]]:
        """Return the news since the last call as plain data: baselines that are ready, scores re-based."""
        news, self._news = self._news, []
        return news

    def prepare(self, program: Program) -> Artifact:
        """Read, build and load a program once, in the build sandbox; a failure is the artifact's verdict."""
        policy, unknown = str(self.task.options.get("policy", "any")), dict.fromkeys(NAMES)
        try:
            reading = guard.read_program(program, policy=policy)
        except ValueError as error:
            return Artifact(
                program, Failed(Status.BUILD_FAILED, rules.BUILDS.broken(str(error))).verdict(**unknown)
            )
        if reading.problem:
            rule = rules.OWN_KERNELS if reading.against_policy else rules.BUILDS
            status = Status.REJECTED if reading.against_policy else Status.BUILD_FAILED
            return Artifact(program, Failed(status, rule.broken(reading.problem)).verdict(**unknown))
        ground = self.ground
        folder = ground.folder / f"{program.id[:12]}-{next(self._serial)}"
        start = time.monotonic()
        try:
            said = self._stages.build(ground, program, folder)
        except Failed as failed:
            known = {"kernels": kernels(folder)}
            remove(folder, seconds=SOON)
            verdict = with_kernels(failed.verdict(**unknown), known)
            return Artifact(program, verdict, folder, known)
        facts = {
            "build_seconds": time.monotonic() - start,
            "weights": said.get("weights"),
            "form": reading.form,
            "reasons": list(reading.reasons),
            "kernels": kernels(folder),
            "vectors": vectors(ground, program),
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
        if artifact.verdict is not None:
            return artifact.verdict
        ground = self.ground
        with self._device:
            self._rebase(ground)
            verdict = once(self._twins, self._stages, ground, artifact, floor, self._alone)
        return with_kernels(verdict, artifact.facts)

    def prove(self, artifact: Artifact) -> Evaluation | None:
        """Check a built program on some cases, with no clock; return the verdict of one that is wrong.

        For programs that are finalised if they are right: that checks them again, and times them against
        baselines that are compiled meanwhile.
        """
        if artifact.verdict is not None:
            return artifact.verdict
        ground = self.ground
        ground.make_ready()
        ground.baselines.begin()
        with self._device:
            verdict = self._heard(artifact, Hearing.proof)
        return verdict and with_kernels(verdict, artifact.facts)

    def expect_final(self, artifact: Artifact) -> None:
        """Begin what can be done for ``finalize`` beside work that is not timed; returns at once."""
        if artifact.verdict is None:
            self._guarded.begin(self.ground, artifact)

    def finalize(self, artifact: Artifact) -> Evaluation:
        """Judge a winner anew in three fresh processes; only this verdict is to be reported.

        The first meets every case, each other one a secret half of its own. The baseline's process is a
        fresh one each time too. Processes that other work disturbed are repeated, up to five in all,
        unless none of the first three was calm.
        """
        self.expect_final(artifact)
        ground = self.ground
        ground.make_ready()
        ground.baselines.wait()
        self._guarded.wait(artifact)
        self.rebase()
        with ground.pool.turn:
            ground.pool.fill()
        with self._device:
            ground.measure_bounds()
            if self._worn:  # the first of three is to be a fresh one too, whoever was judged before
                renew_all(ground)
            self._worn = True
            parts: list[Evaluation] = []
            for _ in range(MOST_PROCESSES):
                label = cast("Precision", parts[-1].metrics["precision"]) if parts else None
                if label is not None:
                    renew(ground, label)
                seconds = self._final / FRESH_PROCESSES
                how = {"final": True, "again": label, "profile": not parts}
                parts.append(self._measure(artifact, None, seconds, **how))
                if settled(parts, FRESH_PROCESSES):
                    break
            found = self._own(artifact, final=True) or combine(parts)
            found = self._guarded.told(found, ground, artifact)
        return self._shares.told(with_kernels(found, artifact.facts), artifact)

    def profiled(self, artifact: Artifact, verdict: Evaluation) -> Evaluation:
        """Return a right program's verdict with the artifact ``profile``: where its time goes, line by line.

        Torch's profiler sees some more calls, in a process of their own, alone on the device; nothing else of
        the verdict depends on them.
        """
        ground = self.ground
        try:
            with self._device, ground.quiet(), Lease(ground.device):
                said = self._stages.profile(ground, artifact, report=True)
        except Failed as failed:
            said = {"error": failed.saw}
        text = profile_report(
            said,
            verdict.metrics,
            own_kernels(*artifact.program.files.values()),
            ground.roof.ceilings,
            on_device=ground.setting.on_device,
        )
        return replace(verdict, artifacts={**verdict.artifacts, "profile": text})

    def _alone(self, artifact: Artifact, floor: float | None) -> Evaluation:
        """Judge a program by itself."""
        refused = self._own(artifact)
        return refused or self._shares.told(self._measure(artifact, floor, self._search), artifact)

    def _own(self, artifact: Artifact, *, final: bool = False) -> Evaluation | None:
        """Measure who computes, where that is asked for; return the verdict if the policy refuses it."""
        return self._shares.refused(
            artifact, lambda: self._stages.profile(self.ground, artifact), final=final
        )

    def _measure(
        self,
        artifact: Artifact,
        floor: float | None,
        seconds: float,
        **how: Any,
    ) -> Evaluation:
        if artifact.verdict is not None:
            return artifact.verdict
        brief = floor is None and seconds <= self._search and self._is_reference(artifact.program)

        def hear(hearing: Hearing) -> Evaluation:
            return hearing.brief(seconds) if brief else hearing.full(seconds, floor)

        return self._heard(artifact, hear, **how)

    def _heard(
        self, artifact: Artifact, hear: Callable[[Hearing], Verdict], **how: Any
    ) -> Verdict | Evaluation:
        """Hear a program in a fresh process of its own."""
        ground = self.ground
        self._rebase(ground)
        notes = begun(ground, artifact)
        try:
            rng = ground.rng("cases", artifact.program.id, next(self._serial))
            with ground.quiet(), self._stages.enter(ground, artifact) as session:
                return hear(Hearing(ground, session, notes, rng, **how))
        except Failed as failed:
            return replace(failed.verdict(), metrics=notes.metrics)
        finally:
            self._news += ground.baselines.news()
            ground.begin()  # not before: the first verdict is not to wait for compilers and more oracles

    def _is_reference(self, program: Program) -> bool:
        """Whether a program's text is the reference's own: whatever it is checked against is itself.

        Its first verdict shows that the set-up works, and everybody waits for it: one case, a short time.
        """
        return program.id in {seed.id for seed in self.seeds()}
