"""Where words and data go: data to stdout, talk to stderr."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from io import TextIOWrapper
from typing import Any, TextIO

from rich.console import Console

from kernelevo.errors import MachineError


def talk(text: str) -> None:
    """Say something to the person; never mixed with data.

    What is done goes on where nobody can hear of it: a log's disk that is full stops no run.
    """
    if sys.stderr is not None:  # else print would take stdout
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)


WIDTH = 150  # of tables that go to a file or a pipe
FULL = (errno.ENOSPC, errno.EDQUOT)


class _Working(Console):
    """A console beside work that counts more than its words: where their reader leaves, the work goes on."""

    def on_broken_pipe(self) -> None:
        """Be silent from now on, and say so once, where somebody may still hear it."""
        self.quiet = True
        _to_nobody(sys.stderr if self.stderr else sys.stdout)
        talk("nobody reads what is printed here any more; the work goes on, Ctrl-C ends it")


def console(*, stderr: bool = False, working: bool = False) -> Console:
    """Return the console that reports and tables are printed on, for people.

    Args:
        stderr: beside JSON data on stdout.
        working: it tells of work that goes on also where nobody reads on (``kernelevo run ... | head``).
    """
    kind = _Working if working else Console
    made = kind(highlight=False, markup=False, emoji=False, stderr=stderr)  # texts are what they are
    if made.is_terminal:
        return made
    return kind(highlight=False, markup=False, emoji=False, stderr=stderr, width=WIDTH)


def print_json(data: Any) -> None:
    """Print data as one JSON document; NaN and infinities are not JSON and must have been words by now."""
    text = json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False)
    if sys.stdout is None:  # it was closed before we began
        return
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # the bytes of a path that is no text, or a terminal of few characters
        text = json.dumps(data, indent=2, allow_nan=False)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def hold_open() -> None:
    """Put nothing in the place of standard streams that were closed before we began.

    Else the next file that is opened has the number of stdout, and a compiler's or a worker's words go into
    a run's database.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one


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
    _to_nobody(sys.stdout)  # else the interpreter tries again at its end, and leaves with 120
    return code


def _to_nobody(stream: TextIO) -> None:
    """Let what is written to a stream from now on go nowhere."""
    with contextlib.suppress(OSError):  # also of a stream that is no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
