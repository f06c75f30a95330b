"""Graphless: what remains to be done with a module that cannot be captured."""

from __future__ import annotations

from kernelevo.errors import CaptureError

_OTHERWISE = (
    "a language model (--model NAME) or a person (--mailbox DIR) needs no graph to write programs, and "
    "kernelevo.optimize(module, inputs, hotspots=3) works on the costliest submodules, which may have one"
)


def advised(error: CaptureError) -> CaptureError:
    """Return an error of capturing that also says who can work on the module nevertheless.

    Args:
        error: as it was raised; it is not changed.
    """
    now = f"{error.now}; {_OTHERWISE}" if error.now else _OTHERWISE
    return CaptureError(error.what, why=error.why, now=now)
