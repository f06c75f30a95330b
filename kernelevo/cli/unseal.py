"""``kernelevo unseal``: the sealed test of a finished run, opened once."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from kernelevo.cli.output import console, print_json, talk
from kernelevo.report.table import printable_lines

NOT_VALID = 1


def unseal(
    run: Annotated[str, typer.Argument(help="a run's folder, its name, or @last")] = "@last",
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """Judge RUN's best program on the sealed test or on private cases: once, the answer is kept."""
    from kernelevo.api.sealed import unseal as opened

    record = opened(run)
    if as_json:
        print_json(record)
    else:
        console().print(_table(record))
        when = datetime.datetime.fromtimestamp(record["opened"]).isoformat(" ", "seconds")
        talk(f"opened {when}; nothing of it goes back into a search")
    return 0 if record.get("valid", True) else NOT_VALID


def _table(record: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in record.items():
        if name == "opened":
            continue
        if name == "pool":
            entries = value.get("entries", len(value))
            value = f"{entries} entries" + (f", digest {value['digest']}" if "digest" in value else "")  # noqa: PLW2901
        shown = f"{value:.6g}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), printable_lines(shown))  # an error is a program's own words
    return table
