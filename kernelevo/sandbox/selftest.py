"""Entries that a new zygote's test children run: a parallel operation, and memory for the parent to read."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

from kernelevo.sandbox.channel import Channel, PeerClosed

_ELEMENTS = 1 << 18  # large enough that torch uses every thread it may


def answer(channel: Channel, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Run one parallel operation where torch is loaded, say what happened, wait for the parent's end.

    Args:
        payload: ``token``, text that is put into memory for the parent to find.
        fds: none.
    """
    token = payload["token"].encode()
    buffer = ctypes.create_string_buffer(token, len(token))
    report: dict[str, Any] = {"address": ctypes.addressof(buffer), "bytes": len(token), "threads": None}
    torch = sys.modules.get("torch")
    if torch is not None:
        x = torch.ones(_ELEMENTS)
        report["sum"] = float((x + x).sum())
        report["product"] = float((torch.ones(256, 256) @ torch.ones(256, 256))[0, 0])
        report["threads"] = torch.get_num_threads()
    report["os_threads"] = len(os.listdir("/proc/self/task"))
    channel.send(report)
    try:
        channel.recv(30.0)
    except PeerClosed:
        return
