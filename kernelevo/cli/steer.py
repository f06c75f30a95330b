"""``kernelevo steer``: orders to a run, also while it goes on; without an order, what was ordered so far."""

from __future__ import annotations

from shlex import quote
from typing import Annotated, Any

import typer
from rich.table import Table

from kernelevo.cli.flags import complete_run
from kernelevo.cli.output import console, print_json, talk
from kernelevo.report.effects import came_of
from kernelevo.report.table import printable


def steer(
    run: Annotated[
        str, typer.Argument(help="a run's folder, its name, or @last", autocompletion=complete_run)
    ],
    order: Annotated[
        list[str] | None,
        typer.Argument(
            help="pause | resume | stop | hint TEXT | withdraw ORDER | knowledge TEXT | pin PROGRAM | "
            "unpin PROGRAM | ban PROGRAM | fork PROGRAM | submit FILE | weight PROPOSER NUMBER | "
            "objective METRIC WEIGHT | budget 90s (or +50) | workers N (programs built at a time) | "
            "thinkers N (programs thought of at a time); nothing lists the orders so far and what came of "
            "them"
        ),
    ] = None,
    asks: Annotated[int | None, typer.Option(help="hint, fork: for the next N asks")] = None,
    island: Annotated[int | None, typer.Option(help="hint, fork: on this island")] = None,
    lineage: Annotated[str | None, typer.Option(help="hint: what builds on this program")] = None,
    expires: Annotated[str | None, typer.Option(help="hint: after 10m, or after 50 trials")] = None,
    parent: Annotated[
        list[str] | None, typer.Option(help="submit: the program that it was made from")
    ] = None,
    author: Annotated[str | None, typer.Option(help="who says so; default: this account")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """Give RUN an order: it is recorded with author and time, and obeyed at the next ask.

    A PROGRAM is the number of its trial or the beginning of its id.
    """
    from kernelevo import api

    if not order:
        return _list(api.orders(run), as_json)
    options: dict[str, Any] = {
        "asks": asks,
        "island": island,
        "lineage": lineage,
        "expires": expires,
        "parents": parent,
    }
    verb, args = api.parse_order(order, options)
    command = api.steer(run, verb, author=author, **args)
    if as_json:
        print_json({"id": command.id, "verb": verb, "args": args, "author": command.author, "at": command.at})
    else:
        when = "obeyed at the next ask"
        if (state := api.load_run(run).state) in ("done", "stopped", "interrupted"):
            what = "was interrupted" if state == "interrupted" else "has ended"
            onward = f"kernelevo resume {quote(run)} --budget 60s"
            when = f"the run {what}, and obeys when it goes on: {onward}"
        talk(f"order {command.id} is recorded: {verb}; {when}\nwhat came of it: kernelevo steer {quote(run)}")
    return 0


def _list(rows: list[dict[str, Any]], as_json: bool) -> int:
    if as_json:
        print_json(rows)
        return 0
    if not rows:
        talk("no orders so far; for example: kernelevo steer @last hint 'try split-k' --asks 10")
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("order", "by", "what", "effect", "came of it"):
        table.add_column(name, overflow="fold")
    for row in rows:
        values = " ".join(f"{v}" for v in row["args"].values())
        what = f"{row['verb']} {' '.join(values.split())[:60]}".strip()
        table.add_row(
            f"#{row['id']}",
            printable(row["author"]),
            printable(what),
            printable(row["effect"] or "waits for the next ask"),
            printable(came_of(row)),
        )
    console().print(table)
    return 0
