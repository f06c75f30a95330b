"""Payments: requests to language models, written down before they are sent, counted once when they ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kernelevo.store import CallRow

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine


def booked(engine: Engine, call: CallRow) -> Callable[[CallRow], None]:
    """Write a request down before it is sent; return what is to be told of its end.

    What it cost is counted then, whatever came of it, and nobody else counts it.
    """
    number = engine.store.add_call(call)

    def ended(row: CallRow) -> None:
        engine.store.end_call(number, row)
        tokens = (row.tokens_in or 0) + (row.tokens_out or 0)
        engine.meter.settle({}, {"tokens": float(tokens), "dollars": row.dollars or 0.0})

    return ended
