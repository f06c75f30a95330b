"""Ceilings: the most that this device reaches in a large copy and in large matrix products.

Usage: ``python -m benchmarks.gpu.ceilings NAME`` prints one ceiling as JSON. Each is the median of many
calls, every call between two CUDA events of its own (``kernelevo.device.rates``, which the judge's rooflines
come from too). A program's share of what was reached here says more than its share of a data sheet.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.gpu.child import tell
from kernelevo.device import rates
from kernelevo.device.rates import CALLS, Timer, event_times

COPY_BYTES = 1 << 30
SIDE = 8192


def copy(count: int = COPY_BYTES, *, device: str = "cuda", timer: Timer = event_times) -> dict[str, Any]:
    """Return the rate of a copy from device to device as plain data, see ``rates.copy``."""
    return rates.copy(count, device=device, timer=timer, calls=CALLS).to_json()


def matmul(
    dtype: torch.dtype, *, tf32: bool, side: int = SIDE, device: str = "cuda", timer: Timer = event_times
) -> dict[str, Any]:
    """Return the rate of a square ``torch.matmul`` as plain data, see ``rates.matmul``."""
    return rates.matmul(dtype, tf32=tf32, side=side, device=device, timer=timer, calls=CALLS).to_json()


def cached_copy() -> dict[str, Any]:
    """Return the rate of a copy that the device's L2 holds, as plain data."""
    from kernelevo.device.ceilings import l2_copy

    return l2_copy("cuda", CALLS).to_json()


CEILINGS: dict[str, Callable[[], dict[str, Any]]] = {
    "copy bandwidth": copy,
    "L2 copy bandwidth": cached_copy,
    "fp32 matmul": lambda: matmul(torch.float32, tf32=False),
    "tf32 matmul": lambda: matmul(torch.float32, tf32=True),
    "bf16 matmul": lambda: matmul(torch.bfloat16, tf32=False),
}

if __name__ == "__main__":
    sys.exit(tell(CEILINGS, sys.argv[1:]))
