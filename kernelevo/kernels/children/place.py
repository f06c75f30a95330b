"""Place: where a child computes; the parent cannot reach device memory, so values are copied in and out."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils import _pytree as pytree

from kernelevo.device.driver import Driver
from kernelevo.device.driver_state import driver_state
from kernelevo.device.ipc import Exports
from kernelevo.errors import MachineError

PATTERN = 1 << 20
"""Bytes of the pattern that a probe's child shares."""


class Place:
    """The host, or a device whose memory the parent cannot read.

    Args:
        device: ``"cpu"`` or ``"cuda:0"``.
        staged: whether inputs are copied to the place before a batch and outputs back on request; always so
            on a device.
    """

    def __init__(self, device: str, *, staged: bool = False) -> None:
        self.device = torch.device(device)
        self.on_device = self.device.type != "cpu"
        self.staged = staged or self.on_device
        self._start: Any = None
        if self.on_device:
            torch.cuda.set_device(self.device)
            # as the reference is evaluated, and for baselines and programs alike; who wants TF32 says so
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.allow_tf32 = False

    def put(self, tree: Any) -> Any:
        """Return a copy of a tree whose tensors lie here, with the strides they had."""
        return pytree.tree_map_only(torch.Tensor, lambda t: t.detach().to(self.device, copy=True), tree)

    def blank(self, tree: Any) -> Any:
        """Return a tree of the same form with new tensors here, whatever they hold."""
        return pytree.tree_map_only(torch.Tensor, lambda t: torch.empty_like(t, device=self.device), tree)

    def fetch(self, tree: Any) -> Any:
        """Return a copy of a tree whose tensors lie in this process's own memory."""
        copied = pytree.tree_map_only(torch.Tensor, lambda t: t.detach().to("cpu", copy=True), tree)
        self.wait()
        return copied

    def seed(self, seed: int) -> None:
        """Seed whoever draws here."""
        if self.on_device:
            torch.manual_seed(seed)
        else:  # there may be a GPU, which has nothing to do with it
            torch.default_generator.manual_seed(seed)

    def wait(self) -> None:
        """Wait for all streams of the device."""
        if self.on_device:
            torch.cuda.synchronize(self.device)

    def start(self) -> None:
        """Start the child's own clock: the host's, or an event on the device's current stream."""
        if self.on_device:
            self._start = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            self._start.record()
        else:
            self._start = time.perf_counter_ns()

    def stop(self) -> int:
        """Wait until everything is done; return nanoseconds by that clock."""
        if not self.on_device:
            return time.perf_counter_ns() - int(self._start)
        end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        end.record()
        self.wait()
        return int(self._start.elapsed_time(end) * 1e6)

    def peak_bytes(self) -> int | None:
        """Return the most device memory that tensors took so far; None on the host."""
        return torch.cuda.max_memory_allocated(self.device) if self.on_device else None


def device_of(options: Mapping[str, Any]) -> str:
    """Return the device of a task's options, ``"cpu"`` or ``"cuda:N"``.

    Raises:
        MachineError: if the device is not on this machine.
    """
    kind, _, number = str(options.get("device", "cpu")).partition(":")
    if kind == "cpu":
        return "cpu"
    if kind == "cuda" and torch.cuda.is_available() and int(number or 0) < torch.cuda.device_count():
        return f"cuda:{number or 0}"
    trouble = driver_state().trouble if kind == "cuda" else ""
    raise MachineError(
        f"there is no device {options['device']} on this machine",
        why=trouble or f"torch {torch.__version__} sees {torch.cuda.device_count()} CUDA devices",
        now="use --device cpu; `kernelevo doctor` tells what a GPU would need",
    )


def pattern(seed: int) -> bytes:
    """Return the bytes that a probe's child shares, whoever asks."""
    return random.Random(seed).randbytes(PATTERN)


def share(channel: Any, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Write a pattern into the middle of device memory, tell the parent where, wait until it was read."""
    try:
        device = torch.device(payload["device"])
        values = torch.frombuffer(bytearray(pattern(payload["seed"])), dtype=torch.uint8)
        held = torch.zeros(2 * PATTERN, dtype=torch.uint8, device=device)
        held[PATTERN // 2 : PATTERN // 2 + PATTERN].copy_(values)
        torch.cuda.synchronize(device)
        driver = Driver(device.index or 0)
        driver.enter()
        address = held.data_ptr() + PATTERN // 2
        reply: dict[str, Any] = {"address": address, "segments": Exports(driver).of([address])}
    except Exception as error:  # whatever a driver says under a sandbox: the parent reads it
        reply = {"why": f"{type(error).__name__}: {error}"}
    channel.send(reply)
    channel.recv()


def probe(channel: Any, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Say whether a device works inside this child's limits."""
    try:
        total = float(torch.ones(1000, device=payload["device"]).sum())
        reply: dict[str, Any] = {"total": total}
    except Exception as error:  # whatever a driver says under a sandbox: the parent reads it
        reply = {"total": None, "why": f"{type(error).__name__}: {error}"}
    channel.send(reply)
