"""Baselines: PyTorch's own ways to run the reference, timed behind the same protocol as candidates."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernelevo.core import Status
from kernelevo.errors import MachineError, SandboxError
from kernelevo.kernels.baselines.baseline import WAYS, Baseline, Name, ways
from kernelevo.kernels.baselines.failures import Failures
from kernelevo.kernels.baselines.kept import Ratio
from kernelevo.kernels.baselines.ranking import CLASSES, Opponent, opponent
from kernelevo.kernels.children.compilers import Compilers
from kernelevo.kernels.children.generated import NONE, Codes
from kernelevo.kernels.children.half_written import remove_half_written
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.children.setting import Setting
from kernelevo.kernels.children.supervisor import Supervisor
from kernelevo.kernels.faults.failed import Failed, resting
from kernelevo.kernels.reference.correctness import Precision
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.scratch import ensure_room, owned, remove_left

_log = logging.getLogger(__name__)
PATIENCE = 120.0
"""Seconds that a baseline may take to be ready; one that misses it is null, with the reason."""


@dataclass
class Baselines:
    """The baselines of one task; eager at once, the others in the background.

    Args:
        supervisor: has the zygote that forks their children.
        compilers: has the one that forks those that compile, on the CPU.
        setting: the task's shapes.
        reference: the reference's spec.
        folder: where this task's compile artefacts are kept between processes.
        place: brings a fresh session into the state of timed calls and makes one.
        names: which to prepare in the background; None for all that the device has.
        kept: ratios to eager that are known already and need no process.
        patience: seconds that one may take to be ready.
    """

    supervisor: Supervisor
    compilers: Compilers
    setting: Setting
    reference: Mapping[str, Any]
    folder: Path
    place: Callable[[Session, float], None]
    names: tuple[Name, ...] | None = None
    kept: Mapping[Name, Ratio] = field(default_factory=dict)
    patience: float = PATIENCE
    all: dict[Name, Baseline] = field(default_factory=dict)

    def __post_init__(self) -> None:
        on_device = self.setting.on_device
        self._at_once = ways(on_device=on_device, at_once=True)
        wanted = ways(on_device=on_device, at_once=False) if self.names is None else self.names
        self.all = {name: Baseline(name) for name in (*self._at_once, *wanted)}
        for name, ratio in self.kept.items():
            if name in wanted:
                self.all[name] = Baseline(
                    name, "ready", slowdown=ratio.slowdown, precision=ratio.precision, kept=ratio.date
                )
        self._wanted = tuple(name for name in wanted if name not in self.kept)
        self._failures = Failures(self.folder / "failures.json")
        self._codes = Codes(self.folder / "code.json")
        self._swept = False
        self._broken: MachineError | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._working: Session | None = None

    # ------------------------------------------------------------------ eager, the empty program

    def subject(self, name: Name) -> dict[str, Any]:
        """Describe a baseline for ``worker.serve``."""
        way = WAYS[name]
        return {
            "kind": way.kind,
            "reference": dict(self.reference),
            "compile": dict(way.compile),
            "tf32": way.tf32,
        }

    def start(self, subject: dict[str, Any], label: str, patience: float = PATIENCE) -> Session:
        """Start one trusted child.

        Raises:
            MachineError: if the disk is almost full.
        """
        cache = self.folder / "cache"
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(
                f"the build cache cannot be written: {cache}",
                why=error.strerror or str(error),
                now="let KERNELEVO_CACHE name a folder that you may write to",
            ) from error
        if not self._swept:
            self._swept = True
            remove_left(self.folder / "scratch")  # a judge that was killed removes nothing
            ensure_room(self.folder)
            if remove_half_written(cache / "inductor"):
                for name in self._wanted:
                    self._failures.forget(name)
        limits = Limits(
            "trusted",
            self.folder / "scratch" / owned(label),
            cuda=self.setting.on_device,
            environ={
                "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
                "TRITON_CACHE_DIR": str(cache / "triton"),
            },
        )
        # on a device Inductor asks the device too, which no zygote may do
        compiles = subject["kind"] == "compiled" and not self.setting.on_device
        zygote = self.compilers.zygote() if compiles else self.supervisor.zygote()
        return Session(zygote, self.setting, subject, limits, patience)

    def ready_at_once(self) -> None:
        """Start those that the first verdict needs; eager's speed is the unit of all others."""
        for name in self._at_once:
            baseline = self.all[name]
            if baseline.session is None and baseline.slowdown is None:
                start = time.monotonic()
                baseline.session, baseline.state = self._fresh(name), "ready"
                baseline.seconds = time.monotonic() - start
        self.all["eager"].slowdown = 1.0

    def revive(self) -> None:
        """Start those anew whose processes have ended, with the zygote that they came from or by themselves.

        Raises:
            Failed: if eager does not come up again; of another one its ratio to eager is what is left.
        """
        for baseline in self.all.values():
            old = baseline.session
            if old is None or old.child.alive():
                continue
            try:
                baseline.session = self._fresh(baseline.name)
            except Failed as failed:
                if baseline.name == "eager":
                    raise
                baseline.session = None
                if baseline.slowdown is None:
                    baseline.state, baseline.reason = "failed", failed.saw
            old.close()

    def _fresh(self, name: Name) -> Session:
        session = self.start(self.subject(name), name)
        try:
            self.place(session, self.patience)
            session.stop()
        except BaseException:
            session.close()
            raise
        return session

    def renew(self, precision: Precision) -> None:
        """Give whom a class is timed against a fresh process: where its memory lies is worth some per cent.

        Raises:
            Failed: if it does not come up again; the old process goes on then.
        """
        anchor = self.opponent(precision).anchor
        fresh, old = self._fresh(anchor.name), anchor.session
        anchor.session = fresh
        if old is not None:
            old.close()

    # ------------------------------------------------------------------ the background

    def begin(self) -> None:
        """Start preparing the other baselines in the background, one after the other."""
        if self._thread is None and self._wanted:
            self._thread = threading.Thread(target=self._prepare_all, name="kernelevo-baselines", daemon=True)
            self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every baseline is ready or failed; False if it takes longer than ``timeout`` seconds."""
        self.begin()
        if self._thread is not None:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return True

    def _prepare_all(self) -> None:
        late: dict[Name, Failed] = {}
        for name in self._wanted:
            if self._closing.is_set():
                return
            self._prepare(self.all[name], late)
        # what was compiled in time is kept, and by another way much of the same: now there is less to do
        hopeful = any(self.all[name].state == "ready" for name in self._wanted)
        for name, failed in late.items():
            if self._closing.is_set():
                return
            if hopeful:
                self._prepare(self.all[name])
            else:
                self._give_up(self.all[name], failed)

    def _prepare(self, baseline: Baseline, late: dict[Name, Failed] | None = None) -> None:
        """Prepare one; if ``late`` is given, one that takes too long is put down there, to be tried again."""
        known = self._failures.reason(baseline.name)
        if known:
            baseline.reason, baseline.state = known, "failed"
            return
        baseline.code = self._codes.of(baseline.name)
        if self._joined(baseline):
            return
        start = time.monotonic()
        session: Session | None = None
        try:
            session = self.start(self.subject(baseline.name), baseline.name)
            with self._lock:
                self._working = session
            with resting(session.child, "baseline"):
                self.place(session, self.patience)
                self._look_at_code(baseline, session)
            session.stop()
            baseline.seconds = time.monotonic() - start
            if not self._joined(baseline):
                baseline.session, baseline.state = session, "ready"
        except SandboxError as error:  # our own: it says nothing of the baseline
            baseline.state, baseline.reason = "failed", error.what
        except MachineError as broken:
            baseline.state, baseline.reason, self._broken = "failed", broken.what, broken
        except Failed as failed:
            if session is not None:
                session.close()  # it writes no more
            broke_off = remove_half_written(self.folder / "cache" / "inductor") > 0
            if self._closing.is_set():
                return
            baseline.seconds = time.monotonic() - start
            if late is not None and (broke_off or failed.status is Status.TIMED_OUT):
                late[baseline.name] = failed
            else:
                self._give_up(baseline, failed)
        finally:
            if session is not None and baseline.session is not session:
                session.close()
            with self._lock:
                self._working = None

    def _look_at_code(self, baseline: Baseline, session: Session) -> None:
        """Take down what code was made; on a device the same text may have been tuned to other kernels."""
        if not self.setting.on_device:
            baseline.code = session.ask("code")["digest"]
            if baseline.code is not None:
                ensure_room(self.folder)
                try:
                    self._codes.remember(baseline.name, baseline.code)
                except OSError as error:  # the next judge looks at it again
                    _log.warning("the code of %s could not be taken down: %s", baseline.name, error)

    def _joined(self, baseline: Baseline) -> bool:
        """Let a baseline whose code is that of one at hand have its figures; tell whether there is one.

        Of the other one the code is what this run has seen, not what an earlier one wrote down.
        """
        if baseline.code == NONE:
            baseline.same_as = "eager"
        elif baseline.code is not None:
            live = (b for b in self.all.values() if b is not baseline and b.state == "ready" and b.seconds)
            baseline.same_as = next((b.name for b in live if b.code == baseline.code and not b.same_as), None)
        if baseline.same_as is not None:
            baseline.state = "ready"
            self.share()
        return baseline.same_as is not None

    def share(self) -> None:
        """Let those that run another one's code have what is known of that one."""
        for baseline in self.all.values():
            if baseline.same_as is not None:
                other = self.all[baseline.same_as]
                baseline.state, baseline.reason = other.state, other.reason
                baseline.slowdown, baseline.interval = other.slowdown, other.interval
                baseline.latency, baseline.precision = other.latency, other.precision

    def _give_up(self, baseline: Baseline, failed: Failed) -> None:
        baseline.state = "failed"
        try:
            ensure_room(self.folder)
            baseline.reason = self._failures.remember(baseline.name, failed)
        except MachineError as broken:
            baseline.reason, self._broken = broken.what, broken

    # ------------------------------------------------------------------ whom to beat

    def opponent(self, precision: Precision) -> Opponent:
        """Return whom a program of a precision class is scored against.

        Raises:
            MachineError: if a baseline is missing for want of space on the disk.
        """
        if self._broken is not None:
            raise self._broken
        return opponent(self.all, precision)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing here that would be tried again for another judge of the same task.

        A failure that is remembered is not: whoever asks is told of it.
        """
        known = self.all.values()
        gone = any(b.state == "failed" and not self._failures.reason(b.name) for b in known)
        best = [opponent(self.all, precision).best for precision in CLASSES]
        timed = all(b.session is not None or b.kept or b.slowdown is None for b in best)
        return self._broken is None and timed and not gone

    def unmeasured(self) -> list[Baseline]:
        """Baselines that became ready and were not timed yet."""
        ready = [b for b in self.all.values() if b.state == "ready" and b.session is not None]
        return [b for b in ready if b.slowdown is None]

    def heard(self, anchor: Baseline, latency: float) -> None:
        """Take down what a call of a live baseline takes; what was kept follows from it."""
        anchor.latency = latency
        for baseline in self.all.values():
            if baseline.kept and baseline.slowdown and anchor.slowdown:
                baseline.latency = latency * baseline.slowdown / anchor.slowdown
        self.share()

    def news(self) -> list[dict[str, Any]]:
        """Return baselines that became known since the last call, as plain data."""
        fresh = [
            b for b in self.all.values() if not b.told and (b.state == "failed" or b.latency is not None)
        ]
        for baseline in fresh:
            baseline.told = True
        return [
            {
                "kind": "baseline",
                "name": b.name,
                "latency_ms": None if b.latency is None else b.latency * 1e3,
                "reason": b.reason,
            }
            for b in fresh
        ]

    def retire(self) -> None:
        """End children that are no longer needed: all but eager and those that programs are timed against."""
        self.share()
        keep = {"eager", *(self.opponent(p).anchor.name for p in CLASSES)}
        for baseline in self.all.values():
            if baseline.name not in keep and baseline.slowdown is not None and baseline.session is not None:
                baseline.session.close()
                baseline.session = None

    def close(self) -> None:
        """End every child."""
        self._closing.set()
        with self._lock:
            working = self._working
        if working is not None:
            working.child.kill("closed")
        self.compilers.stop()
        if self._thread is not None:
            self._thread.join(10.0)
        self.compilers.close()
        for baseline in self.all.values():
            if baseline.session is not None:
                baseline.session.close()
                baseline.session = None
