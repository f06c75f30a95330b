"""``kernelevo rescore``: released solutions under our rules, one after another, into one table."""

from __future__ import annotations

from typing import Annotated

import typer

from kernelevo.cli.bench import ALL_BROKEN, INTERRUPTED, again
from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import load_settings

NOTHING_CORRECT = 1
Text = str | None


def rescore(
    where: Annotated[
        str, typer.Option("--from", help="released solutions: rows of json or jsonl, or files with ModelNew")
    ],
    tasks_from: Annotated[
        Text, typer.Option(help="a KernelBench checkout or dataset, for solutions without their reference")
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
    from kernelevo.bench import run_series
    from kernelevo.bench.rescore import Rescore

    page = console(stderr=as_json)
    order = Rescore(where, settings, tasks_from)
    series = run_series(order, say=talk, ended=lambda line: page.print(line, markup=False, soft_wrap=True))
    record = series.record
    talk(f"the page with charts and programs: {record.write_html()}")
    if as_json:
        print_json(record.to_json())
    else:
        typer.echo("\n" + record.page(), nl=False)
    unfit = sum(row.status == "needs_cuda" for row in record.rows)
    if unfit:
        words = "solution is" if unfit == 1 else "solutions are"
        talk(f"{unfit} {words} for a GPU and not judged here: use --device cuda")
    if series.interrupted:
        given = {"from": where, "tasks-from": tasks_from, **flags, "out": str(record.folder), "json": as_json}
        talk(f"cut off; go on with: {again('', given, verb='rescore')}")
        return INTERRUPTED
    if series.broken:
        return ALL_BROKEN
    return 0 if series.correct else NOTHING_CORRECT
