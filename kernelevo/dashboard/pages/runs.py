"""The list of runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from nicegui import ui

from kernelevo.core.readable import readable
from kernelevo.dashboard import views
from kernelevo.dashboard.hub import Hub
from kernelevo.dashboard.pages.frame import dress
from kernelevo.dashboard.pages.markup import address, pill, raw, score, seconds, table
from kernelevo.errors import KernelEvoError

PATIENCE = 120.0
"""Seconds that a browser may wait for the list: a folder of many runs, on a disk that is busy."""


async def show(hub: Hub) -> None:
    """Draw the list, newest first, and keep it fresh; other requests are answered while it is read."""
    dress()
    ui.page_title("runs · kernelevo")
    with ui.element("header"):
        raw("<div><b>kernelevo</b></div>", "title")
    with ui.element("main"), ui.element("section").classes("card"):
        ui.label("Runs").classes("h")
        listed = raw("")

    async def update() -> None:
        try:
            told = _list(await asyncio.to_thread(hub.glances))
        except KernelEvoError as error:  # its folder was taken away; it may come back
            told = f'<p class="empty">{escape(readable(f"{error.what} {error.why}"))}</p>'
        listed.set_content(told)

    await update()
    ui.timer(2.0, update)


def _list(runs: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for row in runs:
        name = str(row["run"])
        if "why" in row:
            rows.append([escape(name), escape(str(row["why"])), pill("unreadable"), "", "", "", ""])
            continue
        rows.append(
            [
                f'<a href="{address(name)}">{escape(name)}</a>',
                escape(row["task"]),
                pill(row["state"]),
                f"{row['trials']:,}",
                score(row["best"]),
                seconds(row["searched_seconds"]),
                escape(views.ago(row["created"])),
            ]
        )
    heads = ("run", "*task", "state", ">trials", ">best", ">search", ">started")
    return table(heads, rows, "No runs here yet. Start one: kernelevo run kernelbench:3/13 --budget 90s")
