"""``kernelevo bench``: a suite of tasks, one after another, into one table."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from kernelevo.cli.flags import listed
from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import MODEL_FREE, load_settings

NOTHING_CORRECT, ALL_BROKEN, INTERRUPTED = 1, 3, 130
Text = str | None


def bench(
    suite: Annotated[str, typer.Argument(help="kernelbench:3, ops; with --from kernelbench:1 to :4")],
    tasks: Annotated[Text, typer.Option(help="1-17,31,28@batchfirst or gemm,softmax; default: all")] = None,
    budget: Annotated[Text, typer.Option(help="of each task: 90s, 30m, 200 (evaluations)")] = None,
    solutions: Annotated[
        Text, typer.Option(help="judge programs DIR/<suite>_<id>/*.py, or the word bundled; no search")
    ] = None,
    where: Annotated[
        Text, typer.Option("--from", help="a KernelBench checkout or its dataset: its own files, unchanged")
    ] = None,
    device: Annotated[Text, typer.Option(help="cpu or cuda")] = None,
    size: Annotated[Text, typer.Option(help="small, full or v0")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of every search")] = None,
    proposers: Annotated[
        Text, typer.Option(help=f"who proposes, with commas; default {','.join(MODEL_FREE)}")
    ] = None,
    model: Annotated[Text, typer.Option(help="a language model; adds the proposer llm")] = None,
    base_url: Annotated[Text, typer.Option(help="an OpenAI-compatible endpoint")] = None,
    policy: Annotated[Text, typer.Option(help="any or no-aten")] = None,
    config: Annotated[Path | None, typer.Option(help="a TOML file: [run], prices in [models.NAME]")] = None,
    out: Annotated[Text, typer.Option(help="folder of the series; one that is there is gone on with")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the series as JSON at the end")] = False,
) -> int:
    """Search every task of SUITE, or judge given programs; a task that has a verdict is not run again."""
    flags = {
        "budget": budget,
        "device": device,
        "size": size,
        "seed": seed,
        "proposers": listed(proposers),
        "model": model,
        "base_url": base_url,
        "policy": policy,
        "out": out,
    }
    settings = load_settings(flags, file=config)
    what = f"budget {settings.budget} a task" if solutions is None else f"programs of {solutions}"
    talk(f"kernelevo: bench {suite} on {settings.device}, {what}")
    from kernelevo.bench import Order, run_series

    page = console(stderr=as_json)
    series = run_series(
        Order(suite, settings, tasks, solutions, where),
        say=talk,
        ended=lambda line: page.print(line, markup=False, soft_wrap=True),
    )
    record = series.record
    talk(f"the page with charts and programs: {record.write_html()}")
    if as_json:
        print_json(record.to_json())
    else:
        typer.echo("\n" + record.page(), nl=False)
    if series.interrupted:
        given = {**flags, "tasks": tasks, "solutions": solutions, "proposers": proposers}
        given |= {"from": where, "config": str(config) if config else None, "json": as_json}
        talk(f"cut off; go on with: {again(suite, {**given, 'out': str(record.folder)})}")
        return INTERRUPTED
    if series.broken:
        return ALL_BROKEN
    return 0 if series.correct else NOTHING_CORRECT


def again(suite: str, flags: dict[str, object], verb: str = "bench") -> str:
    """Return the command that goes on with a series."""
    words = ["kernelevo", verb, *filter(None, [suite])]
    for name, value in flags.items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return shlex.join(words)
