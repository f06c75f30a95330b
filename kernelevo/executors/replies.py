"""What a worker answers: a value, or an exception that survives the way between processes."""

from __future__ import annotations

import pickle
import traceback
from concurrent.futures import Future
from typing import Any

from kernelevo.errors import KernelEvoError


class RemoteTraceback(Exception):
    """The traceback in the worker; the ``__cause__`` of the exception raised here."""

    def __str__(self) -> str:
        return f"in the worker process:\n{self.args[0]}"


class RemoteError(KernelEvoError):
    """An exception of the worker that cannot be rebuilt here; ``what`` begins with its class."""


def succeeded(call: int, value: Any) -> tuple[int, bool, bytes]:
    """Return the answer to a call; a value that cannot be pickled becomes an error."""
    try:
        return call, True, pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return failed(call, error)


def failed(call: int, error: BaseException) -> tuple[int, bool, bytes]:
    """Return the answer to a call that raised."""
    trace = "".join(traceback.format_exception(error))
    try:
        body = pickle.dumps((error, trace))
        pickle.loads(body)  # some exceptions pickle, and then cannot be rebuilt
    except Exception:
        body = pickle.dumps((RemoteError(f"{type(error).__name__}: {error}"), trace))
    return call, False, body


def settle(future: Future[Any], good: bool, body: bytes) -> None:
    """Give a future the value or the exception of an answer."""
    if not good:
        future.set_exception(error_of(body))
        return
    try:
        future.set_result(pickle.loads(body))
    except Exception as error:
        future.set_exception(error)


def error_of(body: bytes) -> BaseException:
    """Rebuild the exception of ``failed``, with the worker's traceback as its cause."""
    try:
        error, trace = pickle.loads(body)
    except Exception as broken:  # its class can be imported there and not here
        return RemoteError(f"an exception of the worker cannot be read here: {broken}")
    error.__cause__ = RemoteTraceback(trace)
    return error if isinstance(error, BaseException) else RemoteError(str(error))
