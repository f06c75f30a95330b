"""Baselines: eager and torch.compile, timed behind the same protocol and clock as candidates."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from kernelevo.core import Task
from kernelevo.kernels.failed import Failed, resting
from kernelevo.kernels.failures import Failures
from kernelevo.kernels.session import Session
from kernelevo.kernels.setting import Setting
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.zygote import Zygote

Name = Literal["eager", "compile", "compile-max-autotune"]
State = Literal["waiting", "ready", "failed"]

PATIENCE = 120.0
"""Seconds that a baseline may take to be ready; one that misses it is null, with the reason."""

COMPILED: dict[Name, dict[str, Any]] = {
    "compile": {},
    "compile-max-autotune": {"mode": "max-autotune-no-cudagraphs"},
}


@dataclass
class Baseline:
    """One way in which PyTorch itself runs the reference.

    Args:
        name: which.
        state: waiting, ready or failed.
        reason: why it failed.
        session: the live child while it is needed.
        slowdown: seconds of this baseline / seconds of eager; None until measured.
        seconds: how long it took to be ready.
        latency: seconds of one call; None until measured.
        told: whether its end was passed on as news.
    """

    name: Name
    state: State = "waiting"
    reason: str = ""
    session: Session | None = None
    slowdown: float | None = None
    seconds: float | None = None
    latency: float | None = None
    told: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return this baseline as plain data."""
        return {
            "name": self.name,
            "state": self.state,
            "reason": self.reason or None,
            "slowdown_vs_eager": self.slowdown,
            "seconds_to_ready": self.seconds,
            "latency_ms": None if self.latency is None else self.latency * 1e3,
        }


@dataclass(frozen=True)
class Rebase:
    """A better baseline arrived: multiply every score measured against ``old`` by ``factor``.

    Args:
        old: baseline that scores were relative to.
        new: baseline that they are relative to from now on.
        factor: seconds of new / seconds of old, below 1.
        low: lower end of the factor's interval.
        high: upper end.
    """

    old: str
    new: str
    factor: float
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, Any]:
        """Return this event as plain data."""
        return {"old": self.old, "new": self.new, "factor": self.factor, "low": self.low, "high": self.high}


def cache_key(task: Task, setting: Setting) -> str:
    """Name a baseline's preparation: task, shapes, versions and device decide it."""
    import triton

    facts = [
        task.digest,
        setting.inputs.to_json(),
        torch.__version__,
        triton.__version__,
        platform.processor() or platform.machine(),
        torch.backends.cpu.get_cpu_capability(),
        torch.cuda.get_device_name(setting.device) if setting.on_device else setting.device,
        os.cpu_count(),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


@dataclass
class Baselines:
    """The baselines of one task; eager at once, the compiled ones in the background.

    Args:
        zygote: who forks their children.
        setting: the task's shapes.
        reference: the reference's spec.
        folder: where this task's compile artefacts are kept between processes.
        place: brings a fresh session into the shipped state and makes one call.
        names: compiled baselines to prepare.
    """

    zygote: Zygote
    setting: Setting
    reference: Mapping[str, Any]
    folder: Path
    place: Callable[[Session, float], None]
    names: tuple[Name, ...] = ("compile", "compile-max-autotune")
    all: dict[Name, Baseline] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.all = {"eager": Baseline("eager"), **{n: Baseline(n) for n in self.names}}
        self._failures = Failures(self.folder / "failures.json")
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._working: Session | None = None

    # ------------------------------------------------------------------ eager, the empty program

    def subject(self, name: Name) -> dict[str, Any]:
        """Describe a baseline for ``worker.serve``."""
        if name == "eager":
            return {"kind": "eager", "reference": dict(self.reference)}
        return {"kind": "compiled", "reference": dict(self.reference), "compile": COMPILED[name]}

    def start(self, subject: dict[str, Any], label: str, patience: float = PATIENCE) -> Session:
        """Start one trusted child."""
        cache = self.folder / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        scratch = self.folder / "scratch" / f"{label}-{os.getpid()}-{time.monotonic_ns():x}"
        limits = Limits(
            "trusted",
            scratch,
            cuda=self.setting.on_device,
            environ={
                "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
                "TRITON_CACHE_DIR": str(cache / "triton"),
            },
        )
        return Session(self.zygote, self.setting, subject, limits, patience)

    def ready_eager(self) -> Session:
        """Return eager's session, started at the first call."""
        eager = self.all["eager"]
        if eager.session is None:
            start = time.monotonic()
            eager.session, eager.state, eager.slowdown = self._fresh("eager"), "ready", 1.0
            eager.seconds = time.monotonic() - start
        return eager.session

    def _fresh(self, name: Name) -> Session:
        session = self.start(self.subject(name), name)
        try:
            self.place(session, PATIENCE)
            session.stop()
        except BaseException:
            session.close()
            raise
        return session

    def renew(self) -> None:
        """Give the best baseline a fresh process: where its memory lies is worth some per cent of its speed.

        Raises:
            Failed: if it does not come up again; the old process goes on then.
        """
        best = self.best
        fresh, old = self._fresh(best.name), best.session
        best.session = fresh
        if old is not None:
            old.close()

    # ------------------------------------------------------------------ the background

    def begin(self) -> None:
        """Start preparing the compiled baselines in the background, one after the other."""
        if self._thread is None and self.names:
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
        for name in self.names:
            if self._closing.is_set():
                return
            self._prepare(self.all[name])

    def _prepare(self, baseline: Baseline) -> None:
        known = self._failures.reason(baseline.name)
        if known:
            baseline.reason, baseline.state = known, "failed"
            return
        start = time.monotonic()
        session: Session | None = None
        try:
            session = self.start(self.subject(baseline.name), baseline.name)
            with self._lock:
                self._working = session
            with resting(session.child, "baseline"):
                self.place(session, PATIENCE)
            session.stop()
            baseline.seconds = time.monotonic() - start
            baseline.session, baseline.state = session, "ready"
        except Failed as failed:
            if session is not None:
                session.close()
            if self._closing.is_set():
                return
            baseline.reason = failed.feedback[:500]
            baseline.seconds = time.monotonic() - start
            baseline.state = "failed"
            self._failures.remember(baseline.name, baseline.reason)
        finally:
            with self._lock:
                self._working = None

    # ------------------------------------------------------------------ which is best

    @property
    def best(self) -> Baseline:
        """The fastest baseline whose speed is known."""
        known = [b for b in self.all.values() if b.slowdown is not None and b.session is not None]
        return min(known, key=lambda b: b.slowdown or 0.0)

    def unmeasured(self) -> list[Baseline]:
        """Baselines that became ready and were not timed yet."""
        return [b for b in self.all.values() if b.state == "ready" and b.slowdown is None]

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

    def retire(self, keep: Baseline) -> None:
        """End children that are no longer needed: all but eager and the best."""
        for baseline in self.all.values():
            over = baseline is not keep and baseline.name != "eager" and baseline.slowdown is not None
            if over and baseline.session is not None:
                baseline.session.close()
                baseline.session = None

    def close(self) -> None:
        """End every child."""
        self._closing.set()
        with self._lock:
            working = self._working
        if working is not None:
            working.child.kill("closed")
        if self._thread is not None:
            self._thread.join(10.0)
        for baseline in self.all.values():
            if baseline.session is not None:
                baseline.session.close()
                baseline.session = None
