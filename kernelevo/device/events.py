"""Device-event timing on CUDA: L2 flush before each call, and a spin kernel that hides launch latency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kernelevo.errors import ToolchainMissing

_SPIN_CYCLES = 400_000  # about 0.2 ms at 2 GHz: the host enqueues a short call within it
_MIN_FLUSH = 64 << 20


class EventTimer:
    """Times single calls on torch's current stream with CUDA events.

    These are the candidate process's own figures: shown beside the judge's clock, never the score.

    Args:
        device: index of the CUDA device.

    Raises:
        ToolchainMissing: if torch sees no such device.
    """

    def __init__(self, device: int = 0) -> None:
        import torch

        if not torch.cuda.is_available() or device >= torch.cuda.device_count():
            raise ToolchainMissing(
                f"there is no CUDA device {device} here",
                why="torch.cuda reports none",
                now="use `--device cpu`, or run on a machine with a GPU and a CUDA build of torch",
            )
        self._torch = torch
        self.device = torch.device("cuda", device)
        l2 = int(getattr(torch.cuda.get_device_properties(device), "L2_cache_size", 0))
        # twice the L2, allocated once: an allocation per sample would stall the stream
        size = max(2 * l2, _MIN_FLUSH)
        self._flush = torch.empty(size, dtype=torch.uint8, device=self.device)

    def flush(self) -> None:
        """Overwrite twice the L2 on the current stream, so that the next call starts cold."""
        self._flush.zero_()

    def time(self, call: Callable[[], object], *, repeats: int) -> list[float]:
        """Return milliseconds of each of ``repeats`` calls, cold L2, launch latency hidden.

        Args:
            call: enqueues the work on the current stream and returns; its result is dropped.
            repeats: number of calls, each with an event pair of its own.

        Raises:
            ValueError: if ``repeats`` is not positive.
        """
        if repeats < 1:
            raise ValueError(f"repeats must be positive, got {repeats}")
        torch = self._torch
        pairs: list[tuple[Any, Any]] = []
        with torch.cuda.device(self.device):
            for _ in range(repeats):
                start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                self.flush()
                torch.cuda._sleep(_SPIN_CYCLES)  # holds the stream while the host enqueues what follows
                start.record()
                call()
                end.record()
                pairs.append((start, end))
            torch.cuda.synchronize(self.device)
        return [float(start.elapsed_time(end)) for start, end in pairs]
