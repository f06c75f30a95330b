"""``kernelevo check``: judge one program against one task."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import load_settings
from kernelevo.core import ENTRY, Status
from kernelevo.core.shell import word
from kernelevo.errors import BadSetting
from kernelevo.report.table import printable_lines, verdict_table

CHECK_FAILED = 1


def check(
    file: Annotated[
        Path, typer.Argument(help="a program (a Python file with class ModelNew), or a folder of programs")
    ],
    task: Annotated[str, typer.Argument(help="the task it claims to solve, e.g. kernelbench:3/13")],
    device: Annotated[str | None, typer.Option(help="cpu or cuda")] = None,
    size: Annotated[str | None, typer.Option(help="small, full or v0")] = None,
    policy: Annotated[str | None, typer.Option(help="any or no-aten")] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="add a report of where the time of a program that passes goes")
    ] = False,
    results: Annotated[
        Path | None, typer.Option(help="of a folder: file that gets a line a program; FOLDER/checked.jsonl")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print the verdict as JSON; of a folder one line a program")
    ] = False,
) -> int:
    """Prove FILE against TASK and time it against every baseline; exit code 1 if it does not pass.

    Of a folder each program is judged; what has its line in the results already is not judged again.
    """
    settings = load_settings({"device": device, "size": size, "policy": policy})
    from kernelevo import api

    if not file.exists() and ":" in str(file):  # as tasks are named
        raise BadSetting(
            f"there is no program {file}",
            why="the program's file comes first, then the task",
            now=f"kernelevo check {word(Path(task))} {quote(str(file))}",
        )

    if file.is_dir() and not (file / ENTRY).is_file():
        if profile:
            raise BadSetting(
                "--profile is for one program", why=f"{file} is a folder of them", now="name one of its files"
            )

        def ended(line: api.Line) -> None:
            if as_json:
                typer.echo(json.dumps(line.to_json()))
            else:
                said = line.evaluation.status if line.evaluation else "the machine failed"
                score = line.evaluation.score if line.evaluation else None
                typer.echo(f"{line.program.id[:16]}  {said}" + ("" if score is None else f"  {score:.4g}"))

        batch = api.check_folder(file, task, settings, results=results, say=talk, ended=ended)
        talk(f"{batch.correct} of {batch.programs} are correct; {batch.results}")
        return 0 if batch.correct else CHECK_FAILED
    if results is not None:
        raise BadSetting(
            "--results is for a folder of programs",
            why=f"{file} is one program, whose verdict is printed",
            now="leave it out; --json prints the verdict as data",
        )
    verdict = api.check(file, task, settings, profile=profile, say=talk)
    if profile and "profile" not in verdict.artifacts:
        talk("not profiled: that is for programs that pass")
    if as_json:
        print_json(verdict.to_json())
    else:
        console().print(verdict_table(verdict, timed=api.is_timed(task, settings)))
        if profile and "profile" in verdict.artifacts:
            typer.echo("\n" + printable_lines(verdict.artifacts["profile"]))
        if verdict.feedback:
            talk(printable_lines(verdict.feedback))
    return 0 if verdict.status is Status.OK else CHECK_FAILED
