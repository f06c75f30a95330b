"""One way of seeding for every construction and every draw of inputs."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

TURN = threading.RLock()
"""Whoever draws, or computes what may draw, holds it: torch's random state is the process's own."""
_GPUS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # NVIDIA's, in WSL, AMD's


def seed_torch(seed: int) -> None:
    """Seed torch as ``torch.manual_seed`` does.

    That one takes a millisecond and more as long as no GPU is in use: for the day when one is, it keeps the
    stack of every call. Where there is none, only the CPU's generator is seeded.
    """
    import torch

    if _may_use_gpus():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


@cache
def _may_use_gpus() -> bool:
    """Whether this torch and this machine have something to do with GPUs; nothing is initialised by it."""
    import torch

    return torch.backends.cuda.is_built() and any(map(os.path.exists, _GPUS))  # type: ignore[no-untyped-call]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run the body with torch, numpy and ``random`` seeded alike; their states are put back afterwards.

    The values torch draws are those of ``torch.manual_seed(seed)``, as KernelBench seeds.
    """
    import numpy as np
    import torch

    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with TURN, torch.random.fork_rng(devices=devices):
        python, numpy = random.getstate(), np.random.get_state()
        seed_torch(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
