"""``kernelevo new``: the files of a plug-in of one's own."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from kernelevo.cli.output import talk
from kernelevo.errors import BadSetting


def new(
    kind: Annotated[str, typer.Argument(help="what to make: evaluator")],
    name: Annotated[str, typer.Argument(help="its name")],
    out: Annotated[Path, typer.Option(help="the folder to write to")] = Path(),
) -> None:
    """Write a working plug-in of a KIND (evaluator) with a test."""
    if kind != "evaluator":
        raise BadSetting(
            f"there is no scaffold for {kind!r}", why="known: evaluator", now="kernelevo new evaluator NAME"
        )
    from kernelevo.evaluators.scaffold import scaffold

    for path in scaffold(name, out):
        talk(f"wrote {path}")
    talk(f"run it: kernelevo run {quote(f'{out / name}.py:{name}')} --budget 60s")
