"""Judges that outlive a test: they rest while tests run that do not use them.

A judge makes its secret cases in a thread of its own and seeds ``random`` for them; hypothesis sees the state
of ``random`` move under its feet then, and gives up.
"""

from __future__ import annotations

from contextlib import ExitStack

LIVE: list = []


def resting() -> ExitStack:
    """Hold every live judge still until the stack is closed."""
    with ExitStack() as stack:
        for judge in LIVE:
            stack.enter_context(judge.ground.quiet())
        return stack.pop_all()
