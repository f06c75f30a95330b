"""``kernelevo watch``: a run that goes on elsewhere, in this terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kernelevo.cli.flags import complete_run
from kernelevo.cli.output import console, talk
from kernelevo.core import Objectives
from kernelevo.core.objectives import SCORE
from kernelevo.core.shell import word
from kernelevo.dashboard import views
from kernelevo.dashboard.hub import Watched
from kernelevo.dashboard.ranking import Ranking
from kernelevo.report.table import DIGITS, merit, number, printable
from kernelevo.store import Line, find_run

EVERY = 0.2  # seconds


def watch(
    run: Annotated[
        str, typer.Argument(help="a run's folder, its name, or @last", autocompletion=complete_run)
    ] = "@last",
    once: Annotated[bool, typer.Option("--once", help="show how far it is and leave")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line for each trial")] = False,
) -> int:
    """Follow RUN while another process works on it; Ctrl-C leaves, the run goes on.

    On a terminal it is one picture that is kept up to date; elsewhere it is a line for each trial.
    """
    folder = find_run(run)
    watched = Watched(folder.resolve().name, folder)
    out = console()
    try:
        if as_json or not out.is_terminal:
            _lines(watched, out, as_json=as_json, once=once)
        elif once:
            out.print(picture(watched))
        else:
            with Live(picture(watched), console=out, refresh_per_second=5) as live:
                for _ in _changes(watched):
                    live.update(picture(watched))
    except KeyboardInterrupt:
        talk(f"the run goes on; again: kernelevo watch {quote(run)}")
    finally:
        watched.digest.close()
    talk(ending(watched, folder))
    return 0


def ending(watched: Watched, folder: Path) -> str:
    """Say what can be done with the run now."""
    state = views.state_of(watched)
    if state in ("interrupted", "stopped"):
        return f"{state}; go on with: kernelevo resume {word(folder)}"
    return f"{state}; kernelevo show {word(folder)}"


def _changes(watched: Watched) -> Iterator[None]:
    """Yield at every look until nobody works on the run any more."""
    while watched.live:
        yield
        time.sleep(EVERY)
        watched.look()
    watched.digest.refresh()
    yield


def _lines(watched: Watched, out: Console, *, as_json: bool, once: bool) -> None:
    sent = 0
    for _ in [None] if once else _changes(watched):
        lines, ranking = watched.digest.lines, Ranking.of(watched.digest)
        # all anew where a line is new: a ban or a re-based score changes what was the best before it
        bests = {line.number for line in ranking.improvements(lines)} if len(lines) > sent else set()
        for line in lines[sent:]:
            is_best = line.number in bests
            if as_json:
                sys.stdout.write(json.dumps({**views.brief_line(line), "is_best": is_best}) + "\n")
                sys.stdout.flush()
            else:
                told = sentence(line, ranking.objectives) + ("  new best" if is_best else "")
                out.print(Text(told), soft_wrap=True)
        sent = len(lines)


def sentence(line: Line, objectives: Objectives) -> str:
    """Return one trial as one line: what counts in its task, or why it has no score."""
    if line.score is None:
        what = line.words[:160]
    elif objectives.by_score or line.evaluation is None:
        what = number(line.score, DIGITS)
    else:
        what = merit(line.evaluation, objectives)
    made = f"{line.proposer}: {line.idea}" if line.idea else line.proposer
    return printable(f"#{line.number:<5}{line.status:<13}{what}  {made}")


def picture(watched: Watched) -> Group:
    """Return the run as a picture: best, budget, pools, islands, the latest trials."""
    now = views.summary(watched)
    best, measure = now["best"], now["measure"]["name"]
    head = Text.assemble(
        (now["task"], "bold"), f"  {now['name']}  ", (now["state"], "cyan"),
        f"  {now['trials']:,} trials  best ",
        "" if measure == SCORE else f"{measure} ",
        (number(best["height"], DIGITS) if best else "-", "bold green"),
        f" (#{best['number']}, {best['proposer']})" if best else "",
    )  # fmt: skip
    verdicts = Text(
        "  ".join(f"{count} {name}" for name, count in now["verdicts"].items()) or "no verdict yet"
    )
    parts: list[Any] = [head, verdicts, _meters(now)]
    if len(now["islands"]) > 1:
        told = "  ".join(
            f"{row['island']}: {number(row['best'], DIGITS)} ({row['trials']})" for row in now["islands"]
        )
        parts.append(Text(f"islands  {told}", style="dim", overflow="ellipsis", no_wrap=True))
    for line in watched.digest.lines[-8:][::-1]:
        style = "green" if best and line.number == best["number"] else "" if line.score is not None else "dim"
        told = sentence(line, watched.digest.objectives)
        parts.append(Text(told, style=style, overflow="ellipsis", no_wrap=True))
    return Group(*parts)


def _meters(now: dict[str, Any]) -> Table:
    grid = Table.grid(padding=(0, 2))
    budget = now["budget"]
    for unit, limit in budget["limits"].items():
        used, left = budget["used"].get(unit, 0.0), budget["seconds_left"].get(unit)
        over = f"about {left:.0f} s left" if left is not None and now["state"] == "running" else ""
        bar = ProgressBar(total=limit, completed=min(used, limit), width=24)
        grid.add_row(unit.replace("_", " "), bar, f"{_amount(used)} of {_amount(limit)}", over)
    for name, pool in now["pools"].items():
        doing = f"{pool['busy']} of {pool['size']}, {pool['waiting']} waiting" if now["live"] else "at rest"
        bar = ProgressBar(total=1.0, completed=pool["share"], width=24)
        grid.add_row(name, bar, doing, f"busy {100 * pool['share']:.0f}%")
    return grid


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
