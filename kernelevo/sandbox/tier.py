"""Tier: which defences hold on this machine, found by trying each forbidden act in a child."""

from __future__ import annotations

import ctypes
import functools
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.sandbox import identity
from kernelevo.sandbox.channel import PeerFault
from kernelevo.sandbox.child import Child
from kernelevo.sandbox.limits import Limits, Stage
from kernelevo.sandbox.trespass import BUILD_ACTS, RUN_ACTS, Act
from kernelevo.sandbox.zygote import Zygote

_ENTRY = "kernelevo.sandbox.trespass:attempt"
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class SandboxTier:
    """What holds here; plain facts for ``doctor`` and for every verdict.

    Args:
        run: forbidden act -> ``"refused: EPERM"`` or ``"allowed"``, tried in the run stage.
        build: the same in the build stage, where compilers may be started.
        facts: mechanisms: landlock (version), seccomp, identity, memory, disk, read, and where bubblewrap is
            (None without it), which nothing here uses.
    """

    run: Mapping[str, str]
    build: Mapping[str, str]
    facts: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether every forbidden act was refused in both stages."""
        return not self.gaps

    @property
    def gaps(self) -> tuple[str, ...]:
        """Return the acts that were allowed, as ``"run: open a socket"``."""
        stages = (("run", self.run), ("build", self.build))
        return tuple(
            f"{name}: {act}" for name, acts in stages for act, how in acts.items() if how == "allowed"
        )

    def to_json(self) -> dict[str, Any]:
        """Return this tier as plain data."""
        return {
            "complete": self.complete,
            "gaps": list(self.gaps),
            "run": dict(self.run),
            "build": dict(self.build),
            "facts": dict(self.facts),
        }


def probe(zygote: Zygote | None = None) -> SandboxTier:
    """Try every forbidden act in one child per stage (about 20 ms with a warm zygote).

    Args:
        zygote: the one whose children are meant; None starts a plain one for this.

    Raises:
        SandboxError: if children cannot be started at all.
    """
    if zygote is None:
        with Zygote((), threads=1) as own:
            return probe(own)
    with tempfile.TemporaryDirectory(prefix="kernelevo-probe-") as folder:
        outside = Path(folder) / "outside.txt"
        outside.write_text("not for children")
        target = ctypes.create_string_buffer(secrets.token_bytes(16))
        payload = {
            "parent": os.getpid(),
            "zygote": zygote.pid,
            "address": ctypes.addressof(target),
            "outside": str(outside),
        }
        results = {}
        stages: tuple[tuple[Stage, Mapping[str, Act]], ...] = (("run", RUN_ACTS), ("build", BUILD_ACTS))
        for stage, acts in stages:
            limits = Limits(stage, Path(folder) / stage)
            results[stage] = _tried(zygote, payload, limits, list(acts))
    return SandboxTier(results["run"], results["build"], _facts(zygote))


def _tried(zygote: Zygote, payload: Mapping[str, Any], limits: Limits, acts: list[str]) -> dict[str, str]:
    """Try every act; those after one that ended its child are another child's."""
    found: dict[str, str] = {}
    while left := [act for act in acts if act not in found]:
        with zygote.spawn(_ENTRY, {**payload, "acts": left}, limits=limits) as child:
            found |= _outcomes(child, left)
    return found


def _outcomes(child: Child, acts: list[str]) -> dict[str, str]:
    """Hear one line per act; an act that ended the child counts as refused by that end."""
    found: dict[str, str] = {}
    for act in acts:
        try:
            found[act] = str(child.channel.recv(_ANSWER_SECONDS))
        except PeerFault as fault:
            child.kill()
            found[act] = f"ended: {child.exit_reason()} ({fault.what})"
            break
    return found


def _facts(zygote: Zygote) -> dict[str, Any]:
    facts = zygote.facts
    return {
        "landlock": facts["landlock_abi"],
        "seccomp": facts["seccomp"],
        "identity": identity.WORDS[facts["identity"]],
        "memory": "RLIMIT_DATA, and a watchdog on resident memory every 50 ms",
        "disk": "a watchdog on what the scratch folder holds every 50 ms",
        "read": facts["read"],
        "bubblewrap": shutil.which("bwrap"),
    }


@functools.cache
def machine_tier() -> SandboxTier:
    """Return ``probe()``, done once per process."""
    return probe()
