"""``kernelevo tasks``: what ``run`` knows by name."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import load_settings
from kernelevo.report.table import NONE


def tasks(
    group: Annotated[
        str | None, typer.Argument(help="kernelbench:3, ops or packs; all if it is left out")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda: whose programs are counted")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """List the tasks that come with kernelevo: KernelBench's, single operators, problems of other kinds."""
    settings = load_settings({"device": device})
    from kernelevo import api

    rows = api.catalogue(group, settings.device)
    if as_json:
        print_json(rows)
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("task", "what it is", "lint", "variants", "programs"):
        table.add_column(name)
    for row in rows:
        variants = " ".join(f"@{variant}" for variant in row["variants"])
        table.add_row(
            row["name"], row["title"], row["grade"] or NONE, variants or NONE, str(row["programs"] or NONE)
        )
    console().print(table)
    talk(f"{len(rows)} tasks; make one faster: kernelevo run {rows[0]['name']}")
    return 0
