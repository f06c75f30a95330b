"""Running an engine from ordinary code: an event loop, and Ctrl-C that ends a run instead of breaking it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

from kernelevo.engine.engine import Engine
from kernelevo.engine.outcome import Outcome

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_to_finish: list[None] = []  # one for each ``finishing`` that is open
_interrupts: dict[int, Callable[[], object]] = {}  # by the thread that runs an engine, the main one left out


def run_engine(engine: Engine, leave: Callable[[], Awaitable[None]] | None = None) -> Outcome:
    """Run an engine to its end. The first Ctrl-C or SIGTERM stops it gently, the second one at once.

    Signals are only looked after in the main thread; elsewhere ``interrupt`` does what Ctrl-C does. Inside a
    running event loop, call this from a thread of its own that also opened the store.

    Args:
        engine: the run.
        leave: awaited at the end in the same event loop, to close what belongs to it (connections).
    """
    return asyncio.run(_and_leave(engine, leave))


def interrupt(thread: int) -> bool:
    """Ask the run in another thread to stop, as Ctrl-C would; return whether one runs there.

    Args:
        thread: its identifier (``threading.Thread.ident``).
    """
    ask = _interrupts.get(thread)
    if ask is not None:
        ask()
    return ask is not None


async def _and_leave(engine: Engine, leave: Callable[[], Awaitable[None]] | None) -> Outcome:
    try:
        return await _run(engine)
    finally:
        if leave is not None:
            await leave()


async def _run(engine: Engine) -> Outcome:
    loop = asyncio.get_running_loop()
    asked = 0

    def leave() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            engine.request_stop()
        else:
            engine.abort()

    if threading.current_thread() is not threading.main_thread():
        own = threading.get_ident()
        _interrupts[own] = lambda: loop.call_soon_threadsafe(leave)
        try:
            return await engine.run()
        finally:
            del _interrupts[own]
    for number in _SIGNALS:
        loop.add_signal_handler(number, leave)
    try:
        return await engine.run()
    finally:
        late = _late()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            if _to_finish:
                signal.signal(number, late)


@contextlib.contextmanager
def finishing() -> Iterator[None]:
    """Let what follows the end of a run inside be written, whatever signal comes; a second one breaks it off.

    The signals do inside, until an engine has run, what they did before, and do so again afterwards.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _to_finish.append(None)
    try:
        yield
    finally:
        _to_finish.pop()
        for number, handler in before.items():
            if handler is not None:  # else it is none of Python's
                signal.signal(number, handler)


def _late() -> Callable[[int, FrameType | None], None]:
    """Return a handler that lets the first signal pass."""
    passed = 0

    def wait(number: int, frame: FrameType | None) -> None:
        nonlocal passed
        passed += 1
        if passed > 1:
            raise KeyboardInterrupt

    return wait
