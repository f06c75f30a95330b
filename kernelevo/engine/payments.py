"""Payments: requests to language models, written down and counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernelevo.store import CallRow

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine


def paid(engine: Engine, call: CallRow) -> None:
    """Write a request down, whatever came of it, and count what it cost; nobody else counts it."""
    engine.store.add_call(call)
    tokens = (call.tokens_in or 0) + (call.tokens_out or 0)
    engine.meter.settle({}, {"tokens": float(tokens), "dollars": call.dollars or 0.0})
