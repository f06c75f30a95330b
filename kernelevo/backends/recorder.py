"""Recorder: the seam to CUDA graphs: one function recorded once and replayed on the same memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch.utils import _pytree as pytree

from kernelevo.backends.cupy_stream import following

Replay = Callable[[], None]


class Recorder(Protocol):
    """What :mod:`kernelevo.backends.graphed` needs of a machine."""

    def refuses(self, tensors: Sequence[torch.Tensor]) -> bool:
        """Tell whether work with these tensors cannot be recorded here and now."""
        ...

    def run(self, fn: Callable[[], Any]) -> Any:
        """Call the function, for its result and to have lazy set-up done before it is recorded."""
        ...

    def record(self, fn: Callable[[], Any]) -> tuple[Replay, Any]:
        """Record the function without doing its work.

        Returns:
            what does the work, on the memory that the function saw; and what the function returned, whose
            tensors hold the results after each replay.

        Raises:
            Exception: of any kind, if the function does what cannot be recorded.
        """
        ...

    def follow(self, last: Any, used: Sequence[torch.Tensor]) -> Any:
        """Order what comes next, which uses some tensors, after the work of another stream.

        Args:
            last: what the call before gave, None for none.
            used: tensors that will be used.

        Returns:
            what stands for the present stream.
        """
        ...


class CudaRecorder:
    """CUDA graphs of torch, one side stream for each device.

    A function runs on the side stream on which it is recorded later, so that what libraries keep for each
    stream is there by then and does not become part of a graph's own memory.
    """

    def __init__(self) -> None:
        self._streams: dict[int, torch.cuda.Stream] = {}

    def refuses(self, tensors: Sequence[torch.Tensor]) -> bool:
        """Refuse without tensors, off the current device, and while another graph is captured."""
        if not tensors or not all([t.is_cuda for t in tensors]):
            return True
        here = torch.cuda.current_device()
        return any([t.get_device() != here for t in tensors]) or torch.cuda.is_current_stream_capturing()

    def run(self, fn: Callable[[], Any]) -> Any:
        """Run on the side stream, between what the current stream did and what it will do."""
        now, side = torch.cuda.current_stream(), self._side()
        side.wait_stream(now)
        try:
            with torch.cuda.stream(side), following(side):
                result = fn()
        finally:
            now.wait_stream(side)
        for leaf in pytree.tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and leaf.is_cuda:
                leaf.record_stream(now)
        return result

    def record(self, fn: Callable[[], Any]) -> tuple[Replay, Any]:
        """Capture a graph; other threads may go on using the device meanwhile."""
        graph, side, now = torch.cuda.CUDAGraph(), self._side(), torch.cuda.current_stream()
        try:
            with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"), following(side):
                result = fn()
        except BaseException:
            # torch leaves the capture's stream current where a capture breaks off, and the device's generator
            # waiting for its end: work would go where nobody waits for it, and no draw would work
            torch.cuda.set_stream(now)
            generator = torch.cuda.default_generators[torch.cuda.current_device()]
            generator.graphsafe_set_state(generator.clone_state())
            raise
        return graph.replay, result

    def follow(self, last: Any, used: Sequence[torch.Tensor]) -> Any:
        """Wait for the other stream's work if the current stream is another one."""
        now = torch.cuda.current_stream()
        if last is not None and last != now:
            now.wait_stream(last)
            for tensor in used:
                tensor.record_stream(now)
        return now

    def _side(self) -> torch.cuda.Stream:
        device = torch.cuda.current_device()
        if device not in self._streams:
            self._streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        return self._streams[device]
