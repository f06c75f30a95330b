"""Baseline: one way in which PyTorch itself runs the reference, and what is known of its speed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from kernelevo.core import Task
from kernelevo.device.facts import cpu_facts
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.children.setting import Setting
from kernelevo.kernels.reference.correctness import Precision

Name = Literal[
    "eager",
    "eager-fp32",
    "compile",
    "graphed",
    "compile-graphed",
    "eager-tf32",
    "compile-tf32",
    "compile-max-autotune",
]
State = Literal["waiting", "ready", "failed"]
Tf32 = Literal["shipped", "off", "on"]


@dataclass(frozen=True)
class Way:
    """How a baseline is made.

    Args:
        kind: as it is, compiled, or replayed from a CUDA graph.
        compile: arguments of ``torch.compile``.
        tf32: whether TF32 is as PyTorch ships it (on for convolutions alone), off or on; the CPU has none.
        on_device: whether it differs from the others on a device only.
        at_once: whether it is started before the first verdict, and not in the background.
    """

    kind: Literal["eager", "compiled", "graphed"] = "eager"
    compile: Mapping[str, Any] = field(default_factory=dict)
    tf32: Tf32 = "off"
    on_device: bool = False
    at_once: bool = False


WAYS: dict[Name, Way] = {
    "eager": Way(tf32="shipped", at_once=True),
    "eager-fp32": Way(on_device=True, at_once=True),
    "compile": Way("compiled"),
    "graphed": Way("graphed", on_device=True),
    "compile-graphed": Way("compiled", {"mode": "reduce-overhead"}, on_device=True),
    "eager-tf32": Way(tf32="on", on_device=True),
    "compile-tf32": Way("compiled", tf32="on", on_device=True),
    "compile-max-autotune": Way("compiled", {"mode": "max-autotune-no-cudagraphs"}),
}


def ways(*, on_device: bool, at_once: bool) -> tuple[Name, ...]:
    """Return the baselines that are started at once, or those prepared in the background, in order."""
    return tuple(
        name for name, way in WAYS.items() if way.at_once is at_once and (on_device or not way.on_device)
    )


@dataclass
class Baseline:
    """One baseline of one task.

    Args:
        name: which.
        state: waiting, ready or failed.
        reason: why it failed.
        session: the live child while it is needed; None for one whose ratio to eager was kept from earlier.
        slowdown: seconds of this baseline / seconds of eager; None until measured.
        interval: of the slowdown, without the uncertainty of whom it was timed against; None if unknown.
        seconds: how long it took to be ready.
        latency: seconds of one call; None until measured.
        precision: its class by measurement; None where only one is possible (the CPU).
        kept: when its ratio was measured, for one that is not measured here.
        code: digest of what Inductor generated for it (see ``generated``); None where that is not known.
        same_as: another one that runs the very same code, whose figures are its own too.
        told: whether its end was passed on as news.
    """

    name: Name
    state: State = "waiting"
    reason: str = ""
    session: Session | None = None
    slowdown: float | None = None
    interval: tuple[float, float] | None = None
    seconds: float | None = None
    latency: float | None = None
    precision: Precision | None = None
    kept: str | None = None
    code: str | None = None
    same_as: Name | None = None
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
            "precision": self.precision,
            "kept": self.kept,
            "same_as": self.same_as,
        }

    @property
    def speedup_key(self) -> str:
        """Name of the metric that holds a program's speedup over this baseline."""
        return f"speedup_vs_{self.name.replace('-', '_')}"


def cache_key(task: Task, setting: Setting) -> str:
    """Name a baseline's preparation: task, shapes, versions, device, processor and its cores decide it."""
    import triton

    cpu = cpu_facts()
    facts = [
        task.digest,
        setting.inputs.to_json(),
        torch.__version__,
        triton.__version__,
        [cpu[name] for name in ("name", "architecture", "features", "cores", "cores_online")],
        torch.backends.cpu.get_cpu_capability(),
        torch.cuda.get_device_name(setting.device) if setting.on_device else setting.device,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
