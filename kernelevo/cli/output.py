"""Where words and data go: data to stdout, talk to stderr."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from io import TextIOWrapper
from typing import Any

from rich.console import Console

from kernelevo.errors import MachineError


def talk(text: str) -> None:
    """Say something to the person; never mixed with data."""
    print(text, file=sys.stderr, flush=True)


WIDTH = 150  # of tables that go to a file or a pipe
FULL = (errno.ENOSPC, errno.EDQUOT)


def console(*, stderr: bool = False) -> Console:
    """Return the console that reports and tables are printed on, for people; on stderr beside JSON data."""
    console = Console(highlight=False, markup=False, emoji=False, stderr=stderr)  # texts are what they are
    if console.is_terminal:
        return console
    return Console(highlight=False, markup=False, emoji=False, stderr=stderr, width=WIDTH)


def print_json(data: Any) -> None:
    """Print data as one JSON document; NaN and infinities are not JSON and must have been words by now."""
    text = json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # the bytes of a path that is no text, or a terminal of few characters
        text = json.dumps(data, indent=2, allow_nan=False)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def spell_out() -> None:
    """Let stdout write what it has no character for as an escape, as stderr does."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def written_out(code: int) -> int:
    """Write out what waits for stdout; return the exit code, the machine's where there is no room for it."""
    try:
        if sys.stdout is not None:  # as where it was closed
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        pass  # nobody reads on
    except OSError as error:
        talk(f"the output cannot be written: {error.strerror}")
        code = MachineError.exit_code
    with contextlib.suppress(OSError):  # else the interpreter tries again at its end, and leaves with 120
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
