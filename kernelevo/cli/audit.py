"""``kernelevo audit``: attack an evaluator and say what got through."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import load_settings

SOMETHING_THROUGH = 1


def audit(
    evaluator: Annotated[str, typer.Argument(help="tsp.py:tour, an installed evaluator, or a folder")],
    patience: Annotated[float, typer.Option(help="seconds to wait for one verdict")] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
) -> int:
    """Attack EVALUATOR with programs that lie, cheat or misbehave; exit code 1 if one got through."""
    from kernelevo import api

    talk(f"kernelevo: auditing {evaluator}")
    found = api.audit(
        evaluator, load_settings({}), patience=patience, say=lambda f: talk(f"  {f.result:9}  {f.attack}")
    )
    if as_json:
        print_json(found.to_json())
    else:
        table = Table("attack", "what it does", "result", "detail", box=None)
        for finding in found.findings:
            table.add_row(finding.attack, finding.what, finding.result, finding.detail)
        console().print(table)
        talk(f"{len(found.through)} of {len(found.findings)} attacks got through")
    return SOMETHING_THROUGH if found.through else 0
