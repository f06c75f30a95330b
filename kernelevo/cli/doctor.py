"""``kernelevo doctor``: what this machine can do, what is missing and how to get it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from kernelevo.cli.output import console, print_json


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """Say what this machine can do: devices, compilers, packages, sandbox."""
    from kernelevo import api

    report = api.examine()
    if as_json:
        print_json(report)
        return 0
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for row in report["checks"]:
        table.add_row(row["name"], "yes" if row["ok"] else "no", row["says"])
    console().print(table)
    return 0
