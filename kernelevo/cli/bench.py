"""``kernelevo bench``: a suite of tasks, one after another, into one table."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kernelevo.cli.flags import listed
from kernelevo.cli.output import console, print_json, talk
from kernelevo.config import MODEL_FREE, load_settings
from kernelevo.errors import BadSetting

if TYPE_CHECKING:
    from kernelevo.bench.series import Ordered

NOTHING_CORRECT, ALL_BROKEN, INTERRUPTED = 1, 3, 130
Text = str | None


def bench(
    suite: Annotated[str, typer.Argument(help="kernelbench:3, ops; with --from kernelbench:1 to :4")],
    tasks: Annotated[Text, typer.Option(help="1-17,31,28@batchfirst or gemm,softmax; default: all")] = None,
    budget: Annotated[Text, typer.Option(help="of each task: 90s, 30m, 200 (trials)")] = None,
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
    if solutions is not None:
        _refuse_of_searches(flags)
    settings = load_settings(flags, file=config)
    what = f"budget {settings.budget} a task" if solutions is None else f"programs of {solutions}"
    talk(f"kernelevo: bench {suite} on {settings.device}, {what}")
    from kernelevo.bench import Order

    given = {**flags, "tasks": tasks, "solutions": solutions, "proposers": proposers, "from": where}
    given |= {"config": str(config) if config else None, "json": as_json}
    return carried_out(Order(suite, settings, tasks, solutions, where), given, as_json=as_json, word=suite)


def _refuse_of_searches(flags: Mapping[str, Any]) -> None:
    """Refuse flags of a search where given programs are judged and nothing is searched."""
    for name in ("budget", "seed", "proposers", "model", "base_url"):
        if flags[name] is not None:
            flag = "--" + name.replace("_", "-")
            raise BadSetting(
                f"{flag} would do nothing here",
                why="with --solutions given programs are judged, and nothing is searched",
                now="leave one of the two out",
            )


def carried_out(
    order: Ordered, given: Mapping[str, Any], *, as_json: bool, word: str = "", verb: str = "bench"
) -> int:
    """Do a series, print it, say how to go on with it if it was cut off, and return the exit code.

    Args:
        order: what is asked for.
        given: the flags as they were given.
        as_json: print it as JSON rather than as a page.
        word: the argument that is no flag.
        verb: of the command line.
    """
    from kernelevo.bench import run_series

    page = console(stderr=as_json, working=True)
    series = run_series(order, say=talk, ended=lambda line: page.print(line, markup=False, soft_wrap=True))
    record = series.record
    talk(f"the page with charts and programs: {record.write_html()}")
    if as_json:
        print_json(record.to_json())
    else:
        typer.echo("\n" + record.page(), nl=False)
    unfit = sum(row.status == "needs_cuda" for row in record.rows)
    if unfit:
        words = "program is" if unfit == 1 else "programs are"
        talk(f"{unfit} {words} for a GPU and not judged here: use --device cuda")
    if series.interrupted:
        talk(f"cut off; go on with: {again(word, {**given, 'out': str(record.folder)}, verb)}")
        return INTERRUPTED
    if series.broken:
        return ALL_BROKEN
    return 0 if series.correct else NOTHING_CORRECT


def again(word: str, flags: Mapping[str, Any], verb: str = "bench") -> str:
    """Return the command that goes on with a series."""
    words = ["kernelevo", verb, *filter(None, [word])]
    for name, value in flags.items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return shlex.join(words)
