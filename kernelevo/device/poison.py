"""Poison: NaN over all memory that torch's allocator keeps free, before a batch takes its outputs from it.

A program that hands out memory it did not write then hands out NaN, and not what an earlier call or another
tensor left there. The process that is poisoned runs the program and may undo it (replace this function, keep
buffers of its own): this catches mistakes and lazy tricks. What stops the others is that every call has fresh
values, and that no expected value ever enters that process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kernelevo.device.driver import Driver

NAN_BYTE = 0xFF
"""Bytes that are all ones are NaN in fp16, bf16, fp32 and fp64, and -1 as an integer."""


def free_blocks(segments: Iterable[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Return (address, bytes) of the free blocks of torch's own pool.

    Private pools, those of captured graphs, are left alone: what is free there may still be read by a replay.

    Args:
        segments: from ``torch.cuda.memory_snapshot()``.
    """
    found = []
    for segment in segments:
        if tuple(segment.get("segment_pool_id", (0, 0))) != (0, 0):
            continue
        address = int(segment["address"])
        for block in segment["blocks"]:
            if block["state"] == "inactive":
                found.append((address, int(block["size"])))
            address += int(block["size"])
    return found


def poison(driver: Driver, stream: int) -> int:
    """Write NaN over the free blocks of a device's pool; return how many bytes.

    Args:
        driver: of the device, on which nothing may be running.
        stream: the stream that writes.
    """
    import torch

    snapshot = torch.cuda.memory_snapshot()  # type: ignore[no-untyped-call]
    blocks = free_blocks(s for s in snapshot if s["device"] == driver.device)
    for address, nbytes in blocks:
        driver.fill(address, NAN_BYTE, nbytes, stream)
    return sum(nbytes for _, nbytes in blocks)
