"""Running an engine from ordinary code: an event loop, and Ctrl-C that ends a run instead of breaking it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable

from kernelevo.engine.engine import Engine
from kernelevo.engine.outcome import Outcome


def run_engine(engine: Engine, leave: Callable[[], Awaitable[None]] | None = None) -> Outcome:
    """Run an engine to its end. The first Ctrl-C or SIGTERM stops it gently, the second one at once.

    Signals are only looked after in the main thread; elsewhere, and inside a running event loop, call this
    from a thread of its own that also opened the store.

    Args:
        engine: the run.
        leave: awaited at the end in the same event loop, to close what belongs to it (connections).
    """
    return asyncio.run(_and_leave(engine, leave))


async def _and_leave(engine: Engine, leave: Callable[[], Awaitable[None]] | None) -> Outcome:
    try:
        return await _run(engine)
    finally:
        if leave is not None:
            await leave()


async def _run(engine: Engine) -> Outcome:
    if threading.current_thread() is not threading.main_thread():
        return await engine.run()
    loop = asyncio.get_running_loop()
    asked = 0

    def leave() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            engine.request_stop()
        else:
            engine.abort()

    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, leave)
    try:
        return await engine.run()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
