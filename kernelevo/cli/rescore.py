"""``kernelevo rescore``: released solutions under our rules, one after another, into one table."""

from __future__ import annotations

from typing import Annotated

import typer

from kernelevo.cli.bench import carried_out
from kernelevo.cli.output import talk
from kernelevo.config import load_settings

Text = str | None


def rescore(
    where: Annotated[
        str, typer.Option("--from", help="released solutions: rows of json or jsonl, or files with ModelNew")
    ],
    tasks_from: Annotated[
        Text,
        typer.Option(help="a KernelBench checkout or dataset; its tasks go before those that come along"),
    ] = None,
    device: Annotated[Text, typer.Option(help="cpu or cuda")] = None,
    size: Annotated[Text, typer.Option(help="of bundled tasks: small, full or v0")] = None,
    policy: Annotated[Text, typer.Option(help="any or no-aten")] = None,
    out: Annotated[Text, typer.Option(help="folder of the series; one that is there is gone on with")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the series as JSON at the end")] = False,
) -> int:
    """Judge released solutions: how many are kept, and to what the others are lost."""
    flags: dict[str, object] = {"device": device, "size": size, "policy": policy, "out": out}
    settings = load_settings(flags)
    talk(f"kernelevo: rescore {where} on {settings.device}")
    from kernelevo.bench.rescore import Rescore

    given = {"from": where, "tasks-from": tasks_from, **flags, "json": as_json}
    return carried_out(Rescore(where, settings, tasks_from), given, as_json=as_json, verb="rescore")
