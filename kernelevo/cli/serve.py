"""``kernelevo serve``: the live page."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from kernelevo.cli.flags import complete_run
from kernelevo.cli.output import talk
from kernelevo.errors import ToolchainMissing


def serve(
    run: Annotated[
        str | None,
        typer.Argument(
            help="a run's folder, its name, or @last; default: all runs here", autocompletion=complete_run
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="0 takes any that is free")] = 8760,
    host: Annotated[
        str, typer.Option(help="address to listen on; any but this machine itself asks for a token")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(envvar="KERNELEVO_TOKEN", help="ask for this token; made up where one is needed"),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="another host name under which the page is reached")
    ] = None,
    folder: Annotated[Path, typer.Option(help="where runs lie")] = Path("runs"),
) -> int:
    """Show RUN, or all runs, as a live page in the browser, and give orders from there.

    It reads the run's folder and writes nothing but orders, so it may be started and stopped at any time,
    also for a run that is over or was copied here.
    """
    if importlib.util.find_spec("nicegui") is None:
        raise ToolchainMissing(
            "the live page needs nicegui, which is not installed",
            why="it is the extra 'ui'",
            now="pip install 'kernelevo[ui]'; without it: kernelevo watch RUN",
        )
    from kernelevo.dashboard import server

    hub = server.open_hub(folder, run)
    served = server.prepare(hub, host, port, token, tuple(name or ()))
    talk(f"{run or folder}: {served.address}")
    talk("Ctrl-C ends the page; the run goes on")
    server.serve(served)
    return 0
