"""Ceilings: the most that this machine's device reaches, measured once and kept on disk with its date."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from kernelevo.device import allowance
from kernelevo.device.clock import Watch
from kernelevo.device.facts import cpu_facts, cuda_facts
from kernelevo.device.rates import (
    Rate,
    Timer,
    copy,
    core_copy,
    event_times,
    host_times,
    matmul,
    packed_matmul,
)

SPLIT = "split"
"""Products of fp32 accuracy on units that round to TF32: three make one, so a third of TF32's rate."""
RETRY_SECONDS = 3600.0
"""For so long ceilings are believed that were measured while other work disturbed."""
_SPLIT_PRODUCTS = 3
_BY = 2
"""To be raised where ceilings are measured in another way, so that those on disk are not believed."""
_CALLS = 10
_WARM_UP_MS = 50.0
_DISTURBED = 0.1  # of a core
_SIDES = {"cpu": (256, 512, 1024, 2048), "cuda": (2048, 4096, 8192)}
_CALL_MS = 15.0
_CACHE_FOLDERS = Path("/sys/devices/system/cpu")
_TYPES = (("fp32", "float32"), ("bf16", "bfloat16"), ("fp16", "float16"), ("fp64", "float64"))


class _Talk(Protocol):
    def send(self, obj: Any) -> None:
        """Send one message."""
        ...


@dataclass(frozen=True)
class Ceilings:
    """What a device reaches; each figure is that of the shortest of some calls.

    Args:
        device: ``"cpu"`` or ``"cuda:0"``.
        threads: torch threads that the products and the large copy had (CPU).
        copy_gbs: a copy far larger than any cache, bytes read and bytes written both counted.
        cached_gbs: a copy that caches hold: on the CPU one core's own caches, times the cores that this
            process may use; on a GPU its L2.
        tflops: products by type: ``fp32``, ``fp64``, ``bf16``, ``fp16``, on CUDA ``tf32`` and ``split``.
            Where other work disturbed, one thread's rate times ``threads`` if that is higher.
        cache_bytes: last-level caches as the system reports them, all together; None if it does not.
        calm: whether nothing else used the machine meanwhile.
        at: when, ISO 8601 in UTC.
        missing: why a figure is not there, by its name.
    """

    device: str
    threads: int
    copy_gbs: float | None
    cached_gbs: float | None
    tflops: Mapping[str, float]
    cache_bytes: int | None
    calm: bool
    at: str
    missing: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return these ceilings as plain data."""
        return {**dataclasses.asdict(self), "tflops": dict(self.tflops), "missing": dict(self.missing)}

    @classmethod
    def from_json(cls, data: Any) -> Ceilings:
        """Rebuild ceilings from plain data.

        Raises:
            ValueError: if that is no such data, or a figure is not positive and finite.
        """
        try:
            found = cls(**data)
            given = [found.copy_gbs, found.cached_gbs, found.cache_bytes, *found.tflops.values()]
            figures = [float(v) for v in given if v is not None]
            datetime.fromisoformat(found.at)
            words = [*found.missing.values(), found.device]
            whole = isinstance(found.calm, bool) and isinstance(found.threads, int)
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"these are no ceilings: {error}") from error
        if not whole or not all(math.isfinite(v) and v > 0 for v in figures):
            raise ValueError("a ceiling is not a positive number")
        if not all(isinstance(word, str) for word in words):
            raise ValueError("a reason is no text")
        return found

    @property
    def stale(self) -> bool:
        """Whether they should be measured again: other work disturbed, and that is some time ago."""
        age = (datetime.now(UTC) - datetime.fromisoformat(self.at)).total_seconds()
        return not self.calm and not 0 <= age < RETRY_SECONDS

    def raised(self, other: Ceilings) -> Ceilings:
        """Return the higher figure of both, each: a device that once reached something can do so."""
        return dataclasses.replace(
            other,
            copy_gbs=_higher(self.copy_gbs, other.copy_gbs),
            cached_gbs=_higher(self.cached_gbs, other.cached_gbs),
            tflops={
                name: max(self.tflops.get(name, 0.0), other.tflops.get(name, 0.0))
                for name in {**self.tflops, **other.tflops}
            },
            cache_bytes=max(self.cache_bytes or 0, other.cache_bytes or 0) or None,
            calm=self.calm or other.calm,
        )


def _higher(one: float | None, two: float | None) -> float | None:
    return max((v for v in (one, two) if v is not None), default=None)


# ---------------------------------------------------------------------- measuring


def measure(device: str, threads: int) -> Ceilings:
    """Measure a device's ceilings, in about a second; a figure that fails is missing, with the reason.

    Call it where nothing else is timed, in a process of its own: it starts threads, or CUDA.

    Args:
        device: ``"cpu"`` or ``"cuda:0"``.
        threads: torch threads; set for this process.
    """
    import torch

    on_device = device != "cpu"
    if not on_device:
        torch.set_num_threads(threads)
    watch = Watch((os.getpid(),))
    watch.begin()
    found: dict[str, Rate] = {}
    missing: dict[str, str] = {}
    for name, call in _measurements(device).items():
        try:
            found[name] = call()
        except Exception as error:  # too little memory, no such type: the others are measured all the same
            missing[name] = f"{type(error).__name__}: {error}"[:300]
        if on_device:
            torch.cuda.empty_cache()
    calm = on_device or watch.end().share() <= _DISTURBED
    if not calm:  # threads that meet wait for what disturbs them, and one of them does not
        torch.set_num_threads(1)
        for name, call in _measurements(device).items():
            if name in found and name != "cached copy":
                found[name] = _better(found[name], call(), 1 if name == "copy" else threads)
        torch.set_num_threads(threads)
    tflops = {n: r.most for n, r in found.items() if r.unit == "TFLOP/s"}
    if "tf32" in tflops:
        tflops[SPLIT] = tflops["tf32"] / _SPLIT_PRODUCTS
    return Ceilings(
        device,
        threads,
        found["copy"].most if "copy" in found else None,
        found["cached copy"].most if "cached copy" in found else None,
        tflops,
        _l2_bytes(device) if on_device else last_level_bytes(),
        calm,
        datetime.now(UTC).isoformat(timespec="seconds"),
        missing,
    )


def _measurements(device: str) -> dict[str, Callable[[], Rate]]:
    import torch

    def product(dtype: str) -> Callable[[], Rate]:
        return lambda: _product(getattr(torch, dtype), device, tf32=False)

    products = {name: product(dtype) for name, dtype in _TYPES}
    if device == "cpu":
        cores = allowance.cores()
        memory = cpu_facts()["memory_available_bytes"] or 1 << 30
        count = min(max(64 << 20, 4 * (last_level_bytes() or 0)), 256 << 20, memory // 16)
        return {
            "copy": lambda: copy(count, device=device, timer=host_times, calls=_CALLS),
            "cached copy": lambda: core_copy(cores),
            **products,
        }
    free = torch.cuda.mem_get_info(device)[0]
    return {
        "copy": lambda: copy(min(1 << 30, free // 8), device=device, timer=_events, calls=_CALLS),
        "cached copy": lambda: l2_copy(device, _CALLS),
        **products,
        "tf32": lambda: _product(torch.float32, device, tf32=True),
    }


def _events(call: Callable[[], Any], calls: int) -> list[float]:
    return event_times(call, calls, warm_up_ms=_WARM_UP_MS)


def _product(dtype: Any, device: str, *, tf32: bool) -> Rate:
    """Take the best of all sides whose product is short, as the next smaller side's time tells."""
    import torch

    kind = device.partition(":")[0]
    timer: Timer = host_times if kind == "cpu" else _events
    best: Rate | None = None
    for side in _SIDES[kind]:
        if best is not None and 2.0 * side**3 / (best.most * 1e12) > _CALL_MS * 1e-3:
            break
        found = [matmul(dtype, tf32=tf32, side=side, device=device, timer=timer, calls=_CALLS)]
        if kind == "cpu" and dtype is torch.float32:
            with contextlib.suppress(AttributeError, RuntimeError):  # a build of torch without oneDNN
                found.append(packed_matmul(side=side, timer=timer, calls=_CALLS))
        best = max(filter(None, (best, *found)), key=lambda one: one.most)
    assert best is not None
    return best


def _better(together: Rate, alone: Rate, threads: int) -> Rate:
    """Return the higher of the rate of all threads and that of one, times so many."""
    return max(together, dataclasses.replace(alone, most=alone.most * threads), key=lambda r: r.most)


def l2_copy(device: str, calls: int) -> Rate:
    """Return the rate of a copy that a GPU's L2 holds, source and target together half of it.

    Raises:
        RuntimeError: if the driver does not say how large it is.
    """
    size = _l2_bytes(device)
    if not size:
        raise RuntimeError("the size of the L2 is not known")
    return copy(size // 4, device=device, timer=_events, calls=calls, at_once=20)


def _l2_bytes(device: str) -> int | None:
    facts = cuda_facts(int(device.partition(":")[2] or 0)) or {}
    size = facts.get("l2_bytes")
    return int(size) if size else None


def last_level_bytes(folder: Path = _CACHE_FOLDERS) -> int | None:
    """Return the bytes of all last-level caches of this machine together; None if it does not say."""
    found: dict[tuple[int, str], int] = {}
    for index in folder.glob("cpu[0-9]*/cache/index[0-9]*"):
        try:
            level, size, shared = (
                (index / name).read_text("ascii").strip() for name in ("level", "size", "shared_cpu_list")
            )
            scale = {"K": 1 << 10, "M": 1 << 20}[size[-1]]
            found[int(level), shared] = int(size[:-1]) * scale
        except (OSError, ValueError, KeyError, IndexError):
            continue
    last = max((level for level, _ in found), default=0)
    return sum(size for (level, _), size in found.items() if level == last) or None


def serve(channel: _Talk, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Measure in a trusted child and send the ceilings as plain data."""
    channel.send(measure(payload["device"], payload["threads"]).to_json())


# ---------------------------------------------------------------------- kept on disk


def facts_of(device: str, threads: int) -> dict[str, Any]:
    """Return what ceilings depend on: method, device, driver or CPU's features, torch, threads."""
    import torch

    if device == "cpu":
        cpu = cpu_facts()
        own = {name: cpu[name] for name in ("name", "architecture", "features", "cores")}
    else:
        gpu = cuda_facts(int(device.partition(":")[2] or 0)) or {}
        own = {name: gpu.get(name) for name in ("name", "driver", "runtime", "multiprocessors")}
    return {"by": _BY, "device": device, "threads": threads, "torch": torch.__version__, **own}


class KnownCeilings:
    """The ceilings of one device on disk, safe to share between processes: the last writer wins.

    Args:
        folder: where files lie; made when first written.
        facts: from ``facts_of``; other facts are another file.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self._facts = dict(facts)
        text = json.dumps(self._facts, sort_keys=True)
        self.path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"

    def read(self) -> Ceilings | None:
        """Return the ceilings; None where there is no file, or one that is damaged."""
        try:
            return Ceilings.from_json(json.loads(self.path.read_text("utf-8"))["ceilings"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, ceilings: Ceilings) -> None:
        """Keep the ceilings."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.path.with_suffix(f".{os.getpid()}-{time.monotonic_ns():x}")
        scratch.write_text(
            json.dumps({"facts": self._facts, "ceilings": ceilings.to_json()}, indent=1), "utf-8"
        )
        scratch.replace(self.path)
