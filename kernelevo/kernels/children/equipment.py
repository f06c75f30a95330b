"""Equipment: what a machine grants for timing on a device, found out by trying once, named in verdicts."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from kernelevo.backends.cuda import arch_of
from kernelevo.backends.nvrtc import compile_cubin
from kernelevo.backends.source_tree import csrc
from kernelevo.device.driver import Driver, Image
from kernelevo.device.filling import Filler
from kernelevo.device.ipc import Imports
from kernelevo.errors import KernelEvoError
from kernelevo.kernels.children.filling import Writer
from kernelevo.kernels.children.place import pattern
from kernelevo.kernels.children.shared_outputs import HostReader, Reader, SharedOutputs
from kernelevo.sandbox.channel import PeerFault
from kernelevo.sandbox.child import Child
from kernelevo.sandbox.limits import Limits, Stage
from kernelevo.sandbox.zygote import Zygote

_PATIENCE = 60.0


@dataclass(frozen=True)
class Equipment:
    """What is used around a batch.

    Args:
        kind: ``"device"``, or ``"host"`` to try the protocol without one.
        index: index of the CUDA device.
        cubin: our own kernels for it; None where they do not compile here.
        reads: whether the parent reads outputs by itself; else the child copies them.
        missing: what this machine does not have, and why.
    """

    kind: Literal["device", "host"]
    index: int = 0
    cubin: bytes | None = None
    reads: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return what a child is told."""
        return {"kind": self.kind, "cubin": self.cubin.hex() if self.cubin else None}

    def writer(self) -> Writer | None:
        """Return what writes values where children compute, into this process's own memory there."""
        if self.kind == "host" or self.cubin is None:
            return None
        return Filler(*_loaded(self.index, self.cubin))

    def outputs(self, child: Child, *, strict: bool) -> SharedOutputs | None:
        """Return how the parent reads a child's outputs; None where the child copies them.

        Args:
            child: whose.
            strict: whether it runs a program (see ``SharedOutputs``).
        """
        if not self.reads:
            return None
        return SharedOutputs(self._reader(child), strict=strict)

    def _reader(self, child: Child) -> Reader:
        if self.kind == "host":
            return HostReader(child.read_many, child.write)
        assert self.cubin is not None
        return Imports(*_loaded(self.index, self.cubin))

    def words(self, fallen_back: str = "") -> str:
        """Say which defences of the clock and the outputs are in force, and why not the others.

        Args:
            fallen_back: why one program's outputs could not be read after all.
        """
        why = fallen_back or self.missing.get("ipc", "")
        if self.reads and not fallen_back:
            read = "host clock until the parent's own read of a secret window of every output"
        else:
            read = (
                "host clock after all streams; outputs are copied by the program's own process "
                f"(the parent cannot read them: {why or 'not tried'})"
            )
        kernels = self.missing.get("kernels")
        return read + (f"; no stamps of the SM clock ({kernels})" if kernels else "")


@cache
def _loaded(index: int, cubin: bytes) -> tuple[Driver, Image]:
    driver = Driver(index)
    return driver, Image(driver, cubin)


def timing_source() -> str:
    """Return the CUDA text of our own kernels."""
    return (csrc() / "timing.cu").read_text("utf-8")


def equip(
    zygote: Zygote, device: str, folder: Path, stages: Sequence[Stage], *, staged: bool
) -> Equipment | None:
    """Find out what this machine grants; None on a CPU whose memory the parent reads anyway.

    Args:
        zygote: forks the children of the probe.
        device: ``"cpu"`` or ``"cuda:N"``.
        folder: scratch.
        stages: whose limits a child that shares memory may be under.
        staged: whether the protocol of a device is to be tried on the CPU.
    """
    if device == "cpu":
        return Equipment("host", reads=True) if staged else None
    index = int(device.partition(":")[2] or 0)
    missing: dict[str, str] = {}
    cubin = None
    try:
        cubin = compile_cubin(timing_source(), arch=arch_of(index)).code
    except Exception as error:  # no compiler, no headers, a device too new: judging goes on without
        missing["kernels"] = missing["ipc"] = str(error)[:200]
    for stage in dict.fromkeys(stages):
        if cubin is not None and "ipc" not in missing:
            why = probe(zygote, device, cubin, folder / f"probe-ipc-{stage}", stage)
            if why:
                missing["ipc"] = why[:200]
    return Equipment("device", index, cubin, "ipc" not in missing, missing)


def probe(zygote: Zygote, device: str, cubin: bytes, scratch: Path, stage: Stage) -> str:
    """Let a child of ours share a known pattern and read it; return why that fails, or an empty text."""
    seed, index = random.getrandbits(31), int(device.partition(":")[2] or 0)
    limits = Limits(stage, scratch, cuda=True)
    try:
        with zygote.spawn(
            "kernelevo.kernels.children.place:share", {"device": device, "seed": seed}, limits=limits
        ) as child:
            said = child.channel.recv(_PATIENCE)
            if not isinstance(said, dict) or said.get("why"):
                return str(said.get("why") if isinstance(said, dict) else said)
            return read_back(Imports(*_loaded(index, cubin)), said, pattern(seed))
    except PeerFault as fault:
        return f"{fault.what}"
    except (KernelEvoError, RuntimeError, LookupError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def read_back(reader: Reader, said: Mapping[str, Any], wanted: bytes) -> str:
    """Read a shared pattern in both ways; return what is wrong with it, or an empty text."""
    try:
        reader.take(said["segments"])
        address = int(said["address"])
        if reader.read(address, len(wanted)).tobytes() != wanted:
            return "what was read is not what the child wrote"
        pieces = [(address + start, 100 + i) for i, start in enumerate(range(0, len(wanted) - 200, 4099))]
        expected = b"".join(wanted[a - address : a - address + n] for a, n in pieces)
        return "" if reader.gather(pieces) == expected else "what was gathered is not what the child wrote"
    finally:
        reader.close()
