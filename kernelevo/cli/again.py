"""``kernelevo replay`` and ``diff``: a run's decisions made again; two runs side by side."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from kernelevo.cli.output import console, print_json, talk

DEVIATES = 1


def replay(
    run: Annotated[str, typer.Argument(help="a run's folder, its name, or @last")] = "@last",
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> int:
    """Make every decision of RUN again from its recorded replies and verdicts; exit code 1 if one differs."""
    from kernelevo import api

    found = api.replay(run)
    if as_json:
        print_json(found.to_json())
    else:
        sittings = "one sitting" if found.sittings == 1 else f"{found.sittings} sittings"
        typer.echo(f"{found.trials} trials, {found.decisions} of them decided by the engine, in {sittings}")
        if found.deviation is None:
            typer.echo(f"every decision came out as recorded; lineage {found.digest[:16]}")
        else:
            off = found.deviation
            typer.echo(f"trial {off.trial} is the first that differs: {off.what}")
            typer.echo(f"  recorded: {_short(off.recorded)}\n  now:      {_short(off.again)}")
            talk("the record was changed, or this version of kernelevo decides otherwise")
    return 0 if found.deviation is None else DEVIATES


def diff(
    one: Annotated[str, typer.Argument(help="a run's folder, its name, or @last")],
    two: Annotated[str, typer.Argument(help="another one")],
    as_json: Annotated[bool, typer.Option("--json", help="print the comparison as JSON")] = False,
) -> int:
    """Compare two runs: task, settings, best, what each proposer brought, best so far over the trials."""
    from kernelevo import api
    from kernelevo.report.comparison import comparison

    found = api.compare(one, two)
    if as_json:
        print_json(found)
    else:
        console().print(comparison(found))
    return 0


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 400 else text[:400] + "..."
