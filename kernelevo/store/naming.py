"""How people name a program of a run: by the number of its trial, or by the beginning of its id."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def program_called(name: str, tried: Mapping[str, str], judged: Collection[str]) -> str | None:
    """Return the id of the one judged program that a trial of this number had, or whose id begins so.

    What is the number of a recorded trial is not the beginning of an id.

    Args:
        name: a number, ``#`` and a number, or the beginning of an id.
        tried: by a recorded trial's number: its program.
        judged: ids of the programs that have a verdict.

    Returns:
        None if there is no such program, or several.
    """
    wanted = name.removeprefix("#")
    if wanted in tried or (name != wanted and wanted.isdigit()):
        program = tried.get(wanted)
        return program if program in judged else None
    fitting = [program for program in judged if program.startswith(wanted)]
    return fitting[0] if wanted and len(fitting) == 1 else None
