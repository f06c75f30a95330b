"""``kernelevo check``: judge one program against one task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import load_settings
from kernelevo.core import Status
from kernelevo.report.table import verdict_table

CHECK_FAILED = 1


def check(
    file: Annotated[Path, typer.Argument(help="a program: a Python file with class ModelNew")],
    task: Annotated[str, typer.Argument(help="the task it claims to solve, e.g. kernelbench:3/13")],
    device: Annotated[str | None, typer.Option(help="cpu or cuda")] = None,
    size: Annotated[str | None, typer.Option(help="small, full or v0")] = None,
    policy: Annotated[str | None, typer.Option(help="any or no-aten")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the verdict as JSON")] = False,
) -> int:
    """Prove FILE against TASK and time it against every baseline; exit code 1 if it does not pass."""
    settings = load_settings({"device": device, "size": size, "policy": policy})
    from kernelevo import api

    verdict = api.check(file, task, settings, say=talk)
    if as_json:
        print_json(verdict.to_json())
    else:
        console().print(verdict_table(verdict))
        if verdict.feedback:
            talk(verdict.feedback)
    return 0 if verdict.status is Status.OK else CHECK_FAILED
