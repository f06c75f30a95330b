"""ProgramFacts: what is known of a program beside right and fast, for its metrics and its feedback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kernelevo.backends import kernel_facts, wide_vectors
from kernelevo.backends.cuda import arch_of
from kernelevo.backends.kernel_facts import KernelFacts
from kernelevo.core import Artifact, Evaluation, Program
from kernelevo.kernels.baselines.ranking import leaders
from kernelevo.kernels.ground import Ground
from kernelevo.kernels.stages import Stages
from kernelevo.kernels.twins import Twins
from kernelevo.kernels.verdict import Notes


def begun(ground: Ground, artifact: Artifact) -> Notes:
    """Return notes with what is known before a program is judged."""
    notes = Notes()
    for name in ("build_seconds", "form", "kernels"):
        notes.metrics[name] = artifact.facts.get(name)
    notes.metrics["sandbox"] = str(ground.zygote.facts.get("identity", "unknown"))
    if ground.setting.on_device:
        notes.metrics["device"] = ground.device
        notes.metrics["defences"] = ground.defences()
    return notes


def architecture(ground: Ground) -> str | None:
    """Return the architecture that programs are compiled for, such as ``"sm_90a"``; None on the CPU."""
    return arch_of(int(ground.device.partition(":")[2] or 0)) if ground.setting.on_device else None


def once(
    twins: Twins,
    stages: Stages,
    ground: Ground,
    artifact: Artifact,
    floor: float | None,
    judge: Callable[[Artifact, float | None], Evaluation],
) -> Evaluation:
    """Judge a built program, unless one with the same machine code has a verdict that holds for it too."""
    return twins.judged(
        artifact,
        floor,
        {precision: name for precision, (name, _) in leaders(ground.baselines.all).items()},
        architecture(ground),
        lambda: stages.foundry(ground),
        lambda: judge(artifact, floor),
    )


def kernels(folder: Path) -> list[dict[str, Any]]:
    """Return what the kernels take that a build left in its folder, as plain data; empty without any."""
    return [facts.to_json() for facts in kernel_facts.of_folder(folder)]


def vectors(ground: Ground, program: Program) -> str:
    """Return advice on a program's C++ vectors; empty without any, and where programs run on a device."""
    return "" if ground.setting.on_device else wide_vectors.advice(program.files.values())


def with_kernels(verdict: Evaluation, facts: Mapping[str, Any]) -> Evaluation:
    """Return a verdict whose feedback tells registers, spills, shared memory and vectors, with advice."""
    given = facts.get("kernels") or []
    words = (kernel_facts.sentences([KernelFacts(**each) for each in given]), facts.get("vectors"))
    metrics = {**verdict.metrics, "kernels": list(given)}
    return replace(verdict, metrics=metrics, feedback="\n".join(filter(None, (verdict.feedback, *words))))
