"""``kernelevo lint``: what a task would let through, and what nobody could pass."""

from __future__ import annotations

from typing import Annotated

import typer

from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import load_settings
from kernelevo.report.lint import lint_table

NOT_FAIR = 1


def lint(
    task: Annotated[str, typer.Argument(help="a task, e.g. kernelbench:3/28 or model.py")],
    device: Annotated[str | None, typer.Option(help="cpu or cuda")] = None,
    size: Annotated[str | None, typer.Option(help="small, full or v0")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
) -> int:
    """Say what TASK would let through, and what nobody could pass; exit code 1 if it is not fair."""
    settings = load_settings({"device": device, "size": size})
    from kernelevo import api

    found = api.lint(task, settings, say=talk)
    data = found.to_json()
    if as_json:
        print_json(data)
    else:
        console().print(lint_table([data, *data["variants"]]))
    return 0 if found.finding.fair else NOT_FAIR
