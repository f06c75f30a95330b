"""Ground: what a judge prepares once for a task: reference, pool, zygote, baselines, calibration."""

from __future__ import annotations

import logging
import math
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from kernelevo.backends.cache import default_root
from kernelevo.backends.cpp import precompile_torch_headers
from kernelevo.backends.pickled import PickledReference
from kernelevo.backends.pruning import limit, prune
from kernelevo.backends.reference import Reference, load_reference
from kernelevo.core import Task
from kernelevo.device import allowance
from kernelevo.device.lease import Lease
from kernelevo.device.priority import first_in_line
from kernelevo.device.statistics import StopRule
from kernelevo.errors import BadProgram, KernelEvoError, SandboxError
from kernelevo.kernels.baselines.baseline import Baseline, Name, cache_key
from kernelevo.kernels.baselines.baselines import PATIENCE, Baselines
from kernelevo.kernels.baselines.bounds import BOUNDS, Bounds
from kernelevo.kernels.baselines.kept import kept_ratios
from kernelevo.kernels.baselines.ranking import Rebase, changes, fastest_live, leaders
from kernelevo.kernels.baselines.roof import Roof
from kernelevo.kernels.cases.one_way import OneWay
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.children.compilers import Compilers
from kernelevo.kernels.children.equipment import Equipment, equip
from kernelevo.kernels.children.place import device_of
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.children.setting import Setting, survey
from kernelevo.kernels.children.supervisor import PRELOAD, Supervisor, started, warmed
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.later import Later
from kernelevo.kernels.programs import compiled_code
from kernelevo.kernels.reference.correctness import precision
from kernelevo.kernels.timing.checking import Checker
from kernelevo.kernels.timing.duel import Ring
from kernelevo.kernels.timing.stream import Stream
from kernelevo.sandbox import scratch
from kernelevo.sandbox.channel import PeerFault
from kernelevo.sandbox.limits import Limits, Stage
from kernelevo.sandbox.zygote import Zygote

_log = logging.getLogger(__name__)


class Ground:
    """One task's standing equipment; made by the first measurement, closed with the judge.

    Args:
        task: the task; ``options["reference"]`` says what is to be made faster.
        zygote: who forks children; None starts one of its own.
        secret: seeds everything secret; None draws it from the system.
        cache: root of the baseline cache; None for the default root.
        threads: torch threads of children.
        compiled: which baselines to prepare in the background; None for all that the device has.
        patience: seconds that one of these may take.
        staged: copy inputs and outputs to children and back as on a device, on the CPU too.

    Raises:
        MachineError: if the task's device is not here, or the disk is almost full.
    """

    def __init__(
        self,
        task: Task,
        *,
        zygote: Zygote | None,
        secret: int | None,
        cache: Path | None,
        threads: int | None,
        compiled: tuple[Name, ...] | None,
        staged: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        self.device = device_of(task.options)
        self.task = task
        self.secret = int.from_bytes(os.urandom(8), "big") if secret is None else secret
        rng = random.Random(f"{self.secret}/ground")
        self.reference: Reference = load_reference(task.options["reference"])
        self.folder = scratch.temporary("judge")
        self.folder.chmod(0o711)
        self._ready: Zygote | None = None  # that whose children were made ready
        self._turn = threading.RLock()
        self._closing = threading.Event()
        self._closed = self._begun = False
        self._header: Later[None] | None = None
        self._broken: KernelEvoError | None = None
        self._starting: Later[Supervisor] | None = None
        try:
            scratch.ensure_room(self.folder)
            # the zygote imports torch in its own process while the first case is computed in this one
            count = threads or allowance.cores() if zygote is None else zygote.threads
            given = None if zygote is None else warmed(zygote, self.device)
            root = cache or default_root()
            self._starting = Later(lambda: Supervisor(lambda: started(count, self.device, root), given))
            prune(root, limit())
            self.pool, self.setting = self._first_case(rng, staged)
            self.checker = Checker(self.pool)
            self.supervisor = self._starting.result()
            self.patience = 20.0
            self.bound, self.unbound_for = self._try_limits()
            self.setting = replace(self.setting, equipment=self._equip(staged))
            self.baselines = Baselines(
                self.supervisor,
                Compilers(PRELOAD, count, compiled_code.tools(root)),
                self.setting,
                task.options["reference"],
                root / "baselines" / cache_key(task, self.setting),
                self._make_ready,
                compiled,
                kept_ratios(task, self.setting),
                patience,
            )
            self.bounds = Bounds(
                BOUNDS if self.setting.on_device else BOUNDS[:1],
                task.options["reference"],
                self.baselines.folder,
                self.baselines.start,
                self._make_ready,
            )
            self.roof = Roof(self.supervisor, self.pool, self.device, self.folder, root / "ceilings")
            hidden = OneWay(rng.getrandbits(256))
            writer = self.setting.equipment.writer() if self.setting.equipment else None
            self.stream = Stream(self.pool.source, self.pool.free, ["shipped"], hidden, writer=writer)
            self.ring = Ring(
                self.stream, self.checker, random.Random(f"{self.secret}/ring"), Lease(self.device)
            )
        except BaseException:
            self.close()
            raise
        self._idle = threading.Thread(target=self._work_when_idle, name="kernelevo-oracle", daemon=True)

    def _first_case(self, rng: random.Random, staged: bool) -> tuple[Pool, Setting]:
        try:
            pool = Pool(self.reference, rng, self.device)
            return pool, self._survey(pool, staged)
        except KernelEvoError:
            raise
        except Exception as error:
            live = isinstance(self.reference, PickledReference)
            raise BadProgram(
                f"{self.task.name} cannot be run on its own inputs",
                why=f"{type(error).__name__}: {error}",
                now="give inputs that it takes: several arguments as a tuple; a list is one of input sets"
                if live
                else "correct the module, or what get_inputs() and get_init_inputs() return",
            ) from error

    def _survey(self, pool: Pool, staged: bool) -> Setting:
        case = pool.first
        return survey(
            pool.build(pool.base_seed),
            case.args,
            case.truth,
            self.reference.init_args(pool.base_seed),
            self.reference.init_kwargs(pool.base_seed),
            lays_out=isinstance(self.reference, PickledReference),
            device=self.device,
            staged=staged,
        )

    def _try_limits(self) -> tuple[bool, str]:
        """Tell whether the device works for a child that Landlock and the filter bind, and if not, why."""
        if not self.setting.on_device:
            return True, ""
        limits = Limits("run", self.folder / "probe", cuda=True)
        with self.zygote.spawn(
            "kernelevo.kernels.children.place:probe", {"device": self.device}, limits=limits
        ) as child:
            try:
                said = child.channel.recv(60.0)
            except PeerFault as fault:
                return False, f"{fault.what} {child.exit_reason() or ''}".strip()
        works = isinstance(said, dict) and said.get("total") == 1000.0
        return works, "" if works else str(said.get("why") if isinstance(said, dict) else said)

    def stage(self, wanted: Stage) -> Stage:
        """Return the stage whose limits a child gets: ``unbound_for`` says why it is not ``wanted``."""
        return wanted if self.bound else "trusted"

    def _equip(self, staged: bool) -> Equipment | None:
        stages: tuple[Stage, ...] = ("trusted", self.stage("run"))
        return equip(self.zygote, self.device, self.folder, stages, staged=staged)

    def defences(self, session: Session | None = None) -> str:
        """Say what stands between a program and its verdict on a device, and what does not."""
        bound = self.zygote.bonds if self.bound else f"no Landlock or filter ({self.unbound_for})"
        equipment = self.setting.equipment
        fallen_back = session.outputs.why if session is not None and session.outputs is not None else ""
        return f"own process, {bound}, {equipment.words(fallen_back) if equipment else 'no equipment'}"

    def _make_ready(self, session: Session, patience: float) -> None:
        """Bring a fresh trusted session into the state of timed calls and let it make one."""
        seed, timed = self.pool.base_seed, self.pool.timed
        session.construct(self.pool.weights(seed), seed, timeout=patience)
        if timed.state is not None:
            session.load(timed.state, timed.way)
        pick = self.stream.pick()
        session.batch(self.stream.values([pick]), [pick.seed], timeout=patience)

    @property
    def zygote(self) -> Zygote:
        """Whom children come from; started anew where it was killed."""
        return self.supervisor.zygote()

    def make_ready(self) -> None:
        """Make ready for timing: calibrate the protocol, start eager; anew, what has ended since."""
        with self._turn:
            zygote = self.zygote
            try:
                if self._ready is zygote:
                    self.baselines.revive()
                else:
                    self._set_up()
                    self._ready = zygote
            except Failed as failed:
                raise SandboxError(
                    "the reference itself could not be run in a child process",
                    why=f"{failed.saw}\n{failed.log[-2000:]}",
                    now="run `kernelevo doctor`; check that the module needs no file or network",
                ) from failed

    def _set_up(self) -> None:
        with ExitStack() as stack:
            empty = stack.enter_context(self.baselines.start({"kind": "empty"}, "empty"))
            self._make_ready(empty, self.patience)
            with Lease(self.device), first_in_line():  # a program may be being built beside it
                self.ring.calibrate(empty)
            if self.setting.equipment is not None:
                # what a flush costs drifts: it is asked again and again
                self.ring.keep(empty)
                stack.pop_all()
        start = time.monotonic()
        self.baselines.revive()
        self.baselines.ready_at_once()
        if self.setting.on_device:
            self._classify(self.baselines.all["eager"])
        self.patience = max(20.0, 30 * (time.monotonic() - start))

    @contextmanager
    def equal(self) -> Iterator[Session]:
        """A fresh process of eager's: what equals look like to the clock."""
        with self.baselines.start(self.baselines.subject("eager"), "equal") as session:
            self._make_ready(session, self.patience)
            session.stop()
            yield session

    # ------------------------------------------------------------------ idle work

    def begin(self) -> None:
        """Start what goes on in the background: more secret cases, and the compiled baselines."""
        if not self._begun:
            self._begun = True
            self._idle.start()
        self.baselines.begin()

    def settle(self, seconds: float) -> bool:
        """Wait so long for what ``begin`` starts, and for the header; return whether all of it is there.

        Raises:
            KernelEvoError: if no more secret cases can be made.
        """
        self.make_ready()
        self.begin()
        if self._header is None and not self.setting.on_device:
            self._header = Later(_precompile)
        end = time.monotonic() + seconds
        with self.quiet():
            self.roof.ready()
        ready = self.baselines.wait(seconds)
        while not (self.pool.full or self._broken) and time.monotonic() < end:
            self._closing.wait(0.05)
        if self._broken is not None:
            raise self._broken
        compiled = self._header is None or self._header.wait(max(0.0, end - time.monotonic()))
        return ready and compiled and self.pool.full

    def _work_when_idle(self) -> None:
        while not self._closing.is_set():
            with self._turn_or_wait() as free:
                try:
                    worked = free and self.pool.work()
                except KernelEvoError as error:  # who waits for the cases is told
                    self._broken = error
                    return
            if worked:
                self.stream.distributions = tuple(self.pool.judgeable())
            self._closing.wait(0.02 if worked else 0.3)

    @contextmanager
    def _turn_or_wait(self) -> Iterator[bool]:
        free = self._turn.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._turn.release()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """No oracle work of this judge runs inside; registered groups rest while the lease is held."""
        with self._turn:
            yield

    # ------------------------------------------------------------------ baselines

    def rebase(self, seconds: float) -> list[Rebase]:
        """Time baselines that became ready; return what changed.

        Scores that were measured against ``old`` are to be multiplied by ``factor``.
        """
        events: list[Rebase] = []
        for baseline in self.baselines.unmeasured():
            known = self.baselines.all
            before, anchor = leaders(known), fastest_live(known.values())
            assert baseline.session is not None and anchor.session is not None
            try:
                with self.quiet():
                    if self.setting.on_device:
                        self._classify(baseline)
                    outcome = self.ring.fight(
                        baseline.session, anchor.session, StopRule(0.02, seconds), trusted=True
                    )
            except Failed as failed:
                baseline.state, baseline.reason = "failed", failed.saw
                continue
            ratio = outcome.ratio
            baseline.latency = outcome.challenger.median
            unit = anchor.slowdown or 1.0
            low, high = _end(ratio.high), _end(ratio.low)
            baseline.slowdown = unit / ratio.ratio
            baseline.interval = None if low is None or high is None else (unit * low, unit * high)
            for event in changes(before, leaders(known)):
                timed = (event.old, event.new) == (anchor.name, baseline.name)
                events.append(replace(event, low=low, high=high) if timed else event)
            self.baselines.retire()
        return events

    def _classify(self, baseline: Baseline) -> None:
        """Measure a live baseline's precision class, as a program's is measured, on the first case."""
        assert baseline.session is not None
        group = self.pool.groups[0]
        report = self.checker.case(baseline.session, group, group.cases[0])
        self.checker.place(baseline.session, self.pool.timed)
        baseline.session.stop()
        baseline.precision = precision(report, None if report.fine else self.pool.e_tf32(group))

    def measure_bounds(self) -> None:
        """Time what the libraries alone would cost, where that is not known yet."""
        if self.bounds.missing:
            with self.quiet():
                self.bounds.measure(self.ring, fastest_live(self.baselines.all.values()))

    def close(self) -> None:
        """End every child and remove the working folder; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._closing.set()
        if self._begun:
            self._idle.join(30.0)
        if hasattr(self, "ring"):
            self.ring.close()
        if hasattr(self, "baselines"):
            self.baselines.close()
        if self._starting is not None:
            with suppress(KernelEvoError):  # it did not start
                self._starting.result().close()
        scratch.remove(self.folder)

    def rng(self, *words: Any) -> random.Random:
        """Return a generator whose seed follows from the secret and these words."""
        return random.Random("/".join([str(self.secret), *map(str, words)]))


def _precompile() -> None:
    """Make the header that generated C++ builds with, while nothing is measured."""
    try:
        precompile_torch_headers()
    except KernelEvoError as error:  # programs that need it will say so, each in its verdict
        _log.warning("torch's header could not be precompiled: %s", error)


def _end(value: float) -> float | None:
    """Turn an end of a ratio's interval over; an interval that does not exist has no ends."""
    return 1 / value if 0 < value < math.inf else None
