"""One way of seeding for every construction and every draw of inputs."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TURN = threading.RLock()
"""Whoever draws, or computes what may draw, holds it: torch's random state is the process's own."""


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
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
