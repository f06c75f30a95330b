"""Stages: a program's two child processes: one that builds and loads it, and a fresh one that is judged."""

from __future__ import annotations

import itertools
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kernelevo.backends import launching
from kernelevo.backends.cache import BuildCache
from kernelevo.backends.cpp import precompile_headers
from kernelevo.core import Artifact, Program, Status
from kernelevo.device.priority import LAST, MEASURED, prioritise
from kernelevo.errors import KernelEvoError
from kernelevo.kernels.children.arena import Arena
from kernelevo.kernels.children.foundry import Foundry
from kernelevo.kernels.children.ledger import Ledger
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import NO_ANSWER, Failed, resting, told, translated
from kernelevo.kernels.ground import Ground
from kernelevo.kernels.programs import compiled_code
from kernelevo.kernels.programs.extension_headers import ExtensionHeaders
from kernelevo.sandbox.child import Child
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.scratch import SOON, remove

BUILD_PATIENCE = 120.0
FORWARD_PATIENCE = 40.0
_TIMES_SLOWER = 4.0  # than the module's own first forward a program's may be in any case
NOTHING: Mapping[str, str] = MappingProxyType({})
_MEMORY = 4 << 30
_log = logging.getLogger(__name__)


class Stages:
    """Starts the children of a judge.

    Args:
        root: the shared build cache; children read it, and never write to it.
        forward_patience: seconds that a program's first forward may take (it may compile device code), or
            four times as long as the module's own.
        build_patience: seconds that its import and constructor may take.
    """

    def __init__(
        self,
        root: Path,
        forward_patience: float = FORWARD_PATIENCE,
        build_patience: float = BUILD_PATIENCE,
    ) -> None:
        self.root, self._forward_patience, self._build_patience = root, forward_patience, build_patience
        self._headers = ExtensionHeaders(root)
        self._serial = itertools.count()
        self._foundry: Foundry | None = None

    def foundry(self, ground: Ground) -> Foundry:
        """Return the compiler of sources whose results are the judge's own, not a program's."""
        if self._foundry is None:
            self._foundry = Foundry(ground.supervisor, ground.folder / "foundry", self.root)
        return self._foundry

    def enter(self, ground: Ground, artifact: Artifact, environ: Mapping[str, str] = NOTHING) -> Session:
        """Start the run stage: a fresh process that reads the build's cache and may build nothing.

        Args:
            ground: the task's equipment.
            artifact: a built program.
            environ: further variables of the process.
        """
        assert artifact.folder is not None
        if compiled_code.made_in(artifact.folder):
            self._let_zygote_ask(ground)
        limits = self._run_limits(ground, artifact.folder, environ)
        subject = _subject(artifact.program, artifact.folder)
        # what its import and constructor were given when it was built they have here too
        took = min(2 * float(artifact.facts.get("build_seconds") or 0.0), self._build_patience)
        return Session(ground.zygote, ground.setting, subject, limits, max(ground.patience, took))

    def _let_zygote_ask(self, ground: Ground) -> None:
        kept = compiled_code.tools(self.root)
        compiled_code.let_zygote_ask(ground.zygote, kept, on_device=ground.setting.on_device)

    def _run_limits(self, ground: Ground, folder: Path, more: Mapping[str, str] = NOTHING) -> Limits:
        scratch = ground.folder / f"run-{secrets.token_hex(8)}"  # no count: a winner's processes look alike
        return Limits(
            ground.stage("run"),
            scratch,
            cuda=ground.setting.on_device,
            read_only=(folder, *self._shared()),
            memory_bytes=_MEMORY + ground.setting.footprint,
            # a copy of the build's, see compiled_code; torch.profiler makes it where it is not
            environ={**self._caches(folder), compiled_code.VARIABLE: str(scratch / "inductor"), **more},
        )

    def build(
        self,
        ground: Ground,
        program: Program,
        folder: Path,
        environ: Mapping[str, str] = NOTHING,
        *,
        last: bool = False,
    ) -> dict[str, Any]:
        """One child, throw-away weights and inputs; nothing secret goes in.

        Args:
            ground: the task's equipment.
            program: what is built.
            folder: what it may write.
            environ: further variables of the process.
            last: let other work of this machine come first.
        """
        # in the shared cache: a program's own would be built for each
        if ground.setting.on_device:
            launching.prepare()
        else:
            self._precompile(program)
        limits = Limits(
            ground.stage("build"),
            folder,
            cuda=ground.setting.on_device,
            read_only=self._shared(),
            memory_bytes=_MEMORY + ground.setting.footprint,
            environ={**self._caches(folder), **self._headers.environment(*program.files.values()), **environ},
        )
        with self._child(ground, "kernelevo.kernels.children.worker:build", program, folder, limits) as child:
            if last:
                prioritise(child.pid, LAST)
            return self._hear_build(child, _TIMES_SLOWER * ground.pool.first.truth.seconds)

    def _precompile(self, program: Program) -> None:
        """Make the headers of ours that its C++ begins with."""
        try:
            precompile_headers(*program.files.values(), cache=BuildCache(self.root))
        except (KernelEvoError, OSError) as error:  # a program that needs a compiler will say so
            _log.info("our headers could not be precompiled: %s", error)

    def profile(self, ground: Ground, artifact: Artifact, *, report: bool = False) -> Any:
        """Call a built program in a child of its own under torch's profiler; return what that says.

        Args:
            ground: the task's equipment.
            artifact: a built program.
            report: for people, from more calls; the caller holds the device's lease, which the child does not
                rest for.

        Raises:
            Failed: if the child does not answer.
        """
        assert artifact.folder is not None
        limits = self._run_limits(ground, artifact.folder)
        if compiled_code.made_in(artifact.folder):
            self._let_zygote_ask(ground)
        entry = "kernelevo.kernels.profiling:profile"
        patience = self._forward_patience + ground.patience
        try:
            with (
                self._child(ground, entry, artifact.program, artifact.folder, limits, report=report) as child,
                nullcontext() if report else resting(child, "profile"),
                translated(child, patience),
            ):
                if report:
                    prioritise(child.pid, MEASURED)
                return child.channel.recv(patience)
        finally:
            remove(limits.scratch, seconds=SOON)

    @contextmanager
    def _child(
        self,
        ground: Ground,
        entry: str,
        program: Program,
        folder: Path,
        limits: Limits,
        **more: Any,
    ) -> Iterator[Child]:
        """Start a child with the weights and inputs of one call, made after seeds that nothing else uses.

        All have the same weights: a module of 140 million takes seconds to initialise.
        """
        seed = ground.rng("build").getrandbits(31)
        call = ground.rng("build", next(self._serial)).getrandbits(31)
        with ground.pool.turn:
            ground.pool.hold(seed)
            held = ground.pool.weights(seed)
            args = ground.pool.source.inputs(call)
        setting = ground.setting
        weights, slots = Arena(setting.weights.nbytes), Arena(setting.slots_bytes)
        for spec, view in zip(setting.names, setting.weights.views(weights.block), strict=True):
            view.copy_(held[spec["name"]])
        ground.stream.write_leaves(args, setting.inputs.views(slots.block))
        Ledger(slots.block[setting.inputs.nbytes * setting.capacity :]).tell([call])
        payload = {
            **setting.payload(),
            "subject": _subject(program, folder),
            "seed": seed,
            **more,
        }
        fds = {"weights": weights.fd, "slots": slots.fd}
        try:
            with ground.zygote.spawn(entry, payload, limits=limits, fds=fds) as child:
                yield child
        finally:
            weights.close()
            slots.close()

    def close(self) -> None:
        """End what is still being made for later builds."""
        self._headers.close()

    def _shared(self) -> tuple[Path, ...]:
        """The shared build cache, if there is one yet."""
        return (self.root,) if self.root.is_dir() else ()

    def _hear_build(self, child: Child, least: float) -> dict[str, Any]:
        """Wait for the two stages of a build: constructed, and one forward in ``least`` seconds or more."""
        with resting(child, "build"):
            for limit in (self._build_patience, max(self._forward_patience, least)):
                with translated(child, limit):
                    reply = child.channel.recv(limit)
                if not isinstance(reply, dict):
                    raise Failed(Status.REJECTED, rules.PROTOCOL.broken(NO_ANSWER))
                if "error" in reply:
                    raise told(reply["error"], child)
        return dict(reply)

    def _caches(self, folder: Path) -> dict[str, str]:
        return {
            "KERNELEVO_CACHE": str(folder / "cache"),
            "KERNELEVO_CACHE_SHARED": str(self.root),
            compiled_code.VARIABLE: str(folder / "inductor"),
            "TRITON_CACHE_DIR": str(folder / "triton"),
            "CUPY_CACHE_DIR": str(folder / "cupy"),
            "TORCH_EXTENSIONS_DIR": str(folder / "extensions"),
        }


def _subject(program: Program, folder: Path) -> dict[str, Any]:
    """Return what a child loads."""
    return {
        "kind": "program",
        "source": program.source,
        "beside": program.beside,
        "folder": str(folder),
    }
