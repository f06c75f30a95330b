"""Answering: how a program is shown to a model, and in which form it is to answer."""

from __future__ import annotations

import re

from kernelevo.core import Program

# what follows "Then give"
_KERNEL = """the whole file in ONE fenced
block that begins with ```python. Only the last such block is read."""
_FILE = """the whole file in ONE
fenced block that begins with ```python (or the file's own language). Only the last such block is read."""
_FILES = """every file that you change,
whole, in a fenced block of its own under a line with its path, as files are shown above. Those that you do
not give stay as they are."""
_EDITS = """your changes as edits of
the program to improve on, which is too long to be shown or repeated as a whole:

<<<<<<< SEARCH
lines of the program, exactly as they are shown
=======
lines that shall stand in their place
>>>>>>> REPLACE

Give as many of these blocks as you need. Each quotes lines that are shown above and stand in one place alone;
what no block quotes stays as it is."""
_EDITS_OF_FILES = f"{_EDITS} Name the file in the line above each block."


def fenced(text: str, label: str, longest: int) -> str:
    """Return a fenced block that the text cannot end by itself; the middle of a long text is left out."""
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
    runs = [len(run) for run in re.findall(r"`+", text)]
    mark = "`" * max(3, max(runs, default=0) + 1)
    return f"{mark}{label}\n{text.rstrip()}\n{mark}"


def room(program: Program, longest: int) -> int:
    """Return how many characters of each of its files are shown: they share what a program may take."""
    return longest // len(program.files)


def answer(program: Program | None, longest: int, *, kernel: bool, by_score: bool = True) -> str:
    """Say in which form to answer: one that the author can give of what it is shown, and that is read.

    Args:
        program: the one to improve on, which edits apply to; None if there is none yet.
        longest: characters of it that are shown.
        kernel: whether it is a kernel, always in Python.
        by_score: whether a higher score ranks higher.
    """
    gain = ("be faster" if kernel else "score higher") if by_score else "rank higher"
    start = f"Start with one line that says what you try and why it should {gain}. Then give"
    files = {} if program is None else program.files
    several = len(files) > 1
    if program is not None and any(len(text) > room(program, longest) for text in files.values()):
        return f"{start} {_EDITS_OF_FILES if several else _EDITS}"
    if several:
        return f"{start} {_FILES}"
    return f"{start} {_KERNEL if kernel else _FILE}"
