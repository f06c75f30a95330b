"""``kernelevo runs``, ``show`` and ``export``: read what runs have recorded."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from kernelevo.cli.flags import complete_run
from kernelevo.cli.output import console, print_json, talk
from kernelevo.core import listing
from kernelevo.core.shell import word
from kernelevo.errors import BadSetting, refused
from kernelevo.report.draws import draw_lines
from kernelevo.report.table import (
    DIGITS,
    NONE,
    front_table,
    number,
    printable_lines,
    trials_csv,
    trials_table,
)

if TYPE_CHECKING:
    from kernelevo.api import Result


def runs(
    folder: Annotated[Path, typer.Option(help="where runs lie")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """List the runs of this folder, the newest first."""
    from kernelevo import api

    found = api.list_runs(folder)
    if as_json:
        print_json(found)
        return 0
    if not found:
        talk(f"no runs in {folder}; start one with: kernelevo run kernelbench:3/13 --budget 90s")
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("run", "task", "state", "trials", "best", "started"):
        table.add_column(name)
    for row in found:
        best, started = number(row["best"], DIGITS), row["started"] or NONE
        table.add_row(row["run"], row["task"], row["state"], str(row["trials"]), best, started)
    console().print(table)
    return 0


def show(
    run: Annotated[
        str, typer.Argument(help="a run's folder, its name, or @last", autocompletion=complete_run)
    ] = "@last",
    trial: Annotated[int | None, typer.Option(help="one trial: its source, verdict and feedback")] = None,
    top: Annotated[int | None, typer.Option(help="only the best N trials", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object: run and trials")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="print one CSV row for each trial")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="print one self-contained HTML page")] = False,
    trace: Annotated[
        Path | None, typer.Option(help="write the timeline of both pools, to be opened at ui.perfetto.dev")
    ] = None,
) -> int:
    """Print what RUN has recorded."""
    from kernelevo import api

    forms = {"--json": as_json, "--csv": as_csv, "--html": as_html, "--trace": trace is not None}
    forms |= {"--trial": trial is not None, "--top": top is not None}
    chosen = [name for name, on in forms.items() if on]
    if len(chosen) > 1:
        raise BadSetting(
            f"{' and '.join(chosen)} do not go together",
            why="each says what is printed",
            now="give one of them",
        )
    result = api.load_run(run)
    if trace is not None:
        _write_trace(api.trace(run), trace)
    elif as_json:
        print_json(result.to_json())
    elif as_csv:
        typer.echo(trials_csv(result.trials, out=result.out, final=result.confirmed), nl=False)
    elif as_html:
        typer.echo(result.to_html(), nl=False)
    elif trial is not None:
        found = next((t for t in result.trials if t.number == trial), None)
        if found is None:
            raise BadSetting(
                f"{run} has no trial {trial}",
                why=f"it has {len(result.trials)} trials, from 0",
                now=f"kernelevo show {quote(run)} lists them",
            )
        source = listing(found.program)
        # a terminal would obey what a program's text may hold; a file gets that text as it is
        typer.echo(printable_lines(source) if sys.stdout.isatty() else source)
        talk(api.explain(found, result))
        talk(api.more_of(found, result.opinions.get(found.number)))
    else:
        rows = trials_table(
            result.trials, top=top, title=result.title(), objectives=result.objectives, out=result.out,
            timed=result.task.is_timed,
        )  # fmt: skip
        console().print(rows)
        for line in (*draw_lines(result.trials), *result.hindrances):
            console().print(line, soft_wrap=True)
        if result.front:
            console().print(front_table(result.front, result.objectives))
        _tell_more(result)
    return 0


def _tell_more(result: Result) -> None:
    """Say what came of a run: its best program, whether it can go on, what it may have cost beside."""
    if result.best and result.evaluation:
        sure = "timed again in fresh processes" if result.is_confirmed else "not timed again"
        sure += f" ({result.candidates})" if result.candidates else ""
        good = result.merit(result.evaluation)
        talk(f"best: #{result.best.number} {good}, {sure}; {result.whereabouts}")
    if result.state in ("stopped", "interrupted"):
        talk(f"{result.state}; go on with: kernelevo resume {word(result.folder)}")
    if result.lost_calls:
        talk(
            f"{result.lost_calls} call(s) of a model were sent before the run was killed and never "
            "received: an endpoint may bill them, and what they cost is in no sum here"
        )


def _write_trace(found: dict[str, Any], path: Path) -> None:
    try:
        path.write_text(json.dumps(found, allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise refused(f"{path} cannot be written.", error, "another file with --trace") from error
    spans = sum(event["ph"] == "X" for event in found["traceEvents"])
    talk(f"wrote {spans} spans to {path}; open it at https://ui.perfetto.dev or chrome://tracing")


def export(
    run: Annotated[
        str, typer.Argument(help="a run's folder, its name, or @last", autocompletion=complete_run)
    ] = "@last",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="file or folder to write; default best.py or the like"),
    ] = None,
    standalone: Annotated[
        bool,
        typer.Option(
            "--standalone", help="with all it needs of kernelevo; a package if --out is no .py file"
        ),
    ] = False,
    replies: Annotated[
        Path | None, typer.Option(help="write every reply of a model instead, for `run --replay`")
    ] = None,
    force: Annotated[bool, typer.Option(help="overwrite what is there")] = False,
) -> int:
    """Write the best program of RUN to a file, or as a package that needs no kernelevo."""
    from kernelevo import api

    if replies is not None:
        if standalone or out is not None:
            raise BadSetting(
                "--replies would leave --out and --standalone without a meaning",
                why="it writes a model's replies, not the best program",
                now="give them in a command of their own",
            )
        if replies.exists() and not force:
            raise BadSetting(f"{replies} exists", now="choose another name, or --force")
        talk(f"wrote {api.export_replies(run, replies)} replies to {replies}")
        return 0

    result = api.load_run(run)
    if result.program is None:
        talk(f"{run} has no correct program yet")
        return 1
    several = len(result.program.files) > 1
    if out is None:
        out = Path("best.py" if standalone else result.place.name)
    if several and out.suffix == ".py":  # a program of several files is a folder
        out = out.with_suffix("")
    if out.exists() and not force:
        raise BadSetting(f"{out} exists", now="choose another --out, or --force")
    files = dict(result.program.files) if several else {"": result.program.source}
    if standalone:
        whole = result.standalone()
        files = {"": whole.as_file()} if out.suffix == ".py" else whole.as_package()
    try:
        for path, text in files.items():
            target = out / path if path else out
            if path:
                target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise refused(f"{out} cannot be written.", error) from error
    talk(f"wrote {out}")
    return 0
