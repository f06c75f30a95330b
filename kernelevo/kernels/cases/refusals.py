"""Refusals: values that a module does not take: an exception on the host, on a device the end of its use.

A kernel's failed assertion (a share beyond 1 in ``binary_cross_entropy``, a token number beyond the table) is
an error that stays: each later call of the process fails alike, and no program could be judged any more. So
values that a task never draws meet the module on the host first, and a device that was lost all the same is
said to be lost, instead of whatever failed next to be wrong.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from kernelevo.errors import MachineError

_log = logging.getLogger(__name__)
SLOW = 1.0
"""Seconds of a call on the host from which on no other is made there."""


class HostFirst:
    """Makes calls on the host before they are made on a device, where the module runs on the host at all."""

    def __init__(self) -> None:
        self._works: bool | None = None

    def meet(self, own: Callable[[], object], other: Callable[[], object]) -> None:
        """Call the module on the host with values that its task does not draw.

        Args:
            own: calls it with values that its task draws: if that fails or is slow, ``other`` is left out.
            other: the call in question; what it raises, this raises.
        """
        if self._works is None:
            began = time.monotonic()
            try:
                own()
                self._works = time.monotonic() - began < SLOW
            except Exception as error:  # it may need the device: then what it refuses is seen there alone
                _log.info("the module does not run on the host: %s", error)
                self._works = False
        if self._works:
            other()


@contextmanager
def device_kept(device: str) -> Iterator[None]:
    """See that a failure of what runs inside has not taken the device from this process.

    Args:
        device: where it computes; nothing is looked at on the host.

    Raises:
        MachineError: if something failed, and the device does not work any more.
    """
    try:
        yield
    except Exception as error:
        if device != "cpu":
            _ask(device, error)
        raise


def _ask(device: str, error: Exception) -> None:
    try:
        torch.cuda.synchronize(device)
    except Exception as lost:  # torch has several types for it, by version
        raise MachineError(
            f"this process cannot use {device} any more: a call of the module has failed there for good",
            why=f"{type(error).__name__}: {error}"[:300],
            now="start again; if it comes again, let forward refuse or clamp values that its kernels do not "
            "take (an index beyond a table, a probability beyond 1), or judge on the CPU",
        ) from lost
