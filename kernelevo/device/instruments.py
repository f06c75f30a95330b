"""Instruments: what a child has around the calls of a batch, on a device or, to try it out, on the host.

What they say is the child's own word: shown, compared with the parent's clock, never the score. A scored
batch is *not* held by a spin kernel: the parent's clock runs from ``go`` to its own read, so what the host
queues behind a held stream would be added to the device's time instead of overlapping it; and a clock that
started at the release could not see work that a program had put on another stream before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from kernelevo.device import spans
from kernelevo.device.driver import Driver, Image
from kernelevo.device.flush import Flush
from kernelevo.device.ipc import Exports
from kernelevo.device.poison import NAN_BYTE, poison
from kernelevo.device.sm_clock import SmClock
from kernelevo.device.spin import Spin


class Instruments(Protocol):
    """Around a batch: ``begin``, then ``before`` and ``after`` for each call, then ``end``."""

    def ready(self, calls: int) -> None:
        """Get ready for a batch of so many calls, before the clock: poison free memory, make events."""
        ...

    def begin(self) -> None:
        """Start a batch."""
        ...

    def before(self) -> None:
        """Come before a call: write over the cache, mark the time."""
        ...

    def after(self) -> None:
        """Come after a call: mark the time."""
        ...

    def end(self) -> dict[str, Any]:
        """Wait for all streams; return ``ns`` (sum over the calls), ``mhz`` and ``missing``."""
        ...

    def segments(self, addresses: Iterable[int]) -> list[list[Any]] | None:
        """Return what another process needs to read memory at these addresses; None where it cannot."""
        ...

    def spans(self, call: Callable[[], object]) -> dict[str, Any]:
        """Return ``held_ns`` and ``graph_replay_ns`` of one call, None with a reason in ``missing``."""
        ...

    def profile(self, call: Callable[[], object]) -> dict[str, Any]:
        """Return ``profiled_ns`` of one call, None with a reason in ``missing``."""
        ...


def make(spec: dict[str, Any] | None, device: Any) -> Instruments | None:
    """Return the instruments that a judge asked for.

    Args:
        spec: None for none, else ``kind`` (``"device"`` or ``"host"``) and ``cubin`` (hex, or None).
        device: the torch device.
    """
    if spec is None:
        return None
    if spec["kind"] == "host":
        return HostInstruments()
    code = spec.get("cubin")
    return DeviceInstruments(device, bytes.fromhex(code) if code else None)


class DeviceInstruments:
    """On a CUDA device. What fails when it is made is left out from then on, with the reason in ``missing``.

    Args:
        device: the torch device; its current stream is the one that calls are queued on.
        cubin: our own kernels for it; None where they could not be compiled.
        api: see ``Driver``.
    """

    def __init__(self, device: Any, cubin: bytes | None, api: Any = None) -> None:
        import torch

        self._torch, self._device = torch, device
        self._stream = torch.cuda.current_stream(device)
        stream, index = self._stream.cuda_stream, device.index or 0
        self.missing: dict[str, str] = {}
        self._driver = driver = self._tried("driver", lambda: _entered(Driver(index, api)))
        self._flush = self._tried("flush", lambda: _flush(driver, stream)) if driver is not None else None
        image = self._tried("kernels", lambda: Image(driver, cubin)) if driver and cubin else None
        self._spin = self._tried("spin", lambda: Spin(driver, image, stream)) if image else None
        self._clock = self._tried("sm_clock", lambda: SmClock(driver, image, stream)) if image else None
        self._exports = Exports(driver) if driver is not None else None
        self._write = self._flush.write if self._flush is not None else _nothing
        self._events: list[tuple[Any, Any]] = []
        self._used = 0

    def _tried(self, name: str, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except Exception as error:  # a driver may say anything; the verdict names what is missing and why
            self.missing[name] = f"{type(error).__name__}: {error}"[:200]
            return None

    # ------------------------------------------------------------------ a batch

    def ready(self, calls: int) -> None:
        """See ``Instruments``; nothing of this is inside the clock."""
        self._events += [spans.events() for _ in range(calls - len(self._events))]
        if self._driver is not None and "poison" not in self.missing:
            driver, stream = self._driver, self._stream.cuda_stream
            self._tried("poison", lambda: poison(driver, stream))
        self._stream.synchronize()

    def begin(self) -> None:
        """See ``Instruments``."""
        self._used = 0
        flush, clock = self._flush, self._clock
        if flush is not None and "persisting" not in self.missing:
            self._tried("persisting", flush.forget_persisting)
        if clock is not None and "sm_clock" not in self.missing:
            self._tried("sm_clock", lambda: clock.stamp(0))

    def before(self) -> None:
        """See ``Instruments``; the time between two calls' events is the flush's."""
        self._write()
        self._events[self._used][0].record(self._stream)

    def after(self) -> None:
        """See ``Instruments``."""
        self._events[self._used][1].record(self._stream)
        self._used += 1

    def end(self) -> dict[str, Any]:
        """See ``Instruments``."""
        clock, stamped = self._clock, self._clock is not None and "sm_clock" not in self.missing
        if clock is not None and stamped:
            self._tried("sm_clock", lambda: clock.stamp(1))
        self._torch.cuda.synchronize(self._device)
        spent = sum(start.elapsed_time(end) for start, end in self._events[: self._used])
        mhz = None
        if clock is not None and "sm_clock" not in self.missing:
            mhz = self._tried("sm_clock", clock.read)
        return {"ns": int(spent * 1e6), "mhz": mhz, "missing": dict(self.missing)}

    # ------------------------------------------------------------------ for the parent's own read

    def segments(self, addresses: Iterable[int]) -> list[list[Any]] | None:
        """See ``Instruments``."""
        exports = self._exports
        if exports is None or "ipc" in self.missing:
            return None
        found: list[list[Any]] | None = self._tried("ipc", lambda: exports.of(addresses))
        return found

    # ------------------------------------------------------------------ other clocks, outside any batch

    def spans(self, call: Callable[[], object]) -> dict[str, Any]:
        """See ``Instruments``."""
        stream, spin = self._stream, self._spin
        held = None
        if spin is not None:
            held = self._tried("held", lambda: spans.held_ns(call, self._write, spin, stream))
        replay = self._tried("graph_replay", lambda: spans.replay_ns(call, self._write, stream))
        return {"held_ns": held, "graph_replay_ns": replay, "missing": dict(self.missing)}

    def profile(self, call: Callable[[], object]) -> dict[str, Any]:
        """See ``Instruments``."""
        found = self._tried("profiler", lambda: spans.profiled_ns(call, self._write, self._stream))
        return {"profiled_ns": found, "missing": dict(self.missing)}


def _entered(driver: Driver) -> Driver:
    driver.enter()
    return driver


def _flush(driver: Driver, stream: int) -> Flush:
    """Return a flush that has worked once."""
    made = Flush(driver, stream)
    made.write()
    return made


def _nothing() -> None:
    """Stand for a flush that this machine does not have."""


class HostInstruments:
    """The same on the host, where the protocol is tried without a device. Host memory needs no handle."""

    FLUSHED = 1 << 20

    def __init__(self) -> None:
        self.missing = {"sm_clock": "there is no device", "spin": "there is no device"}
        self._buffer = np.empty(self.FLUSHED, np.uint8)  # written by this thread alone
        self._started = self._spent = 0

    def ready(self, calls: int) -> None:
        """See ``Instruments``."""

    def begin(self) -> None:
        """See ``Instruments``."""
        self._spent = 0

    def before(self) -> None:
        """See ``Instruments``."""
        self._buffer.fill(NAN_BYTE)
        self._started = time.perf_counter_ns()

    def after(self) -> None:
        """See ``Instruments``."""
        self._spent += time.perf_counter_ns() - self._started

    def end(self) -> dict[str, Any]:
        """See ``Instruments``."""
        return {"ns": self._spent, "mhz": None, "missing": dict(self.missing)}

    def segments(self, addresses: Iterable[int]) -> list[list[Any]] | None:
        """See ``Instruments``."""
        return []

    def spans(self, call: Callable[[], object]) -> dict[str, Any]:
        """See ``Instruments``; a host has neither a stream to hold nor a graph."""
        why = {"held": "there is no device", "graph_replay": "there is no device"}
        return {"held_ns": None, "graph_replay_ns": None, "missing": {**self.missing, **why}}

    def profile(self, call: Callable[[], object]) -> dict[str, Any]:
        """See ``Instruments``: the host's own clock around one call."""
        start = time.perf_counter_ns()
        call()
        return {"profiled_ns": float(time.perf_counter_ns() - start), "missing": dict(self.missing)}
