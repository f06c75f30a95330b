"""The list of runs."""

from __future__ import annotations

from html import escape

from nicegui import ui

from kernelevo.dashboard import views
from kernelevo.dashboard.hub import Hub
from kernelevo.dashboard.pages.frame import dress
from kernelevo.dashboard.pages.markup import address, pill, raw, score, seconds, table


def show(hub: Hub) -> None:
    """Draw the list, newest first, and keep it fresh."""
    dress()
    ui.page_title("runs · kernelevo")
    with ui.element("header"):
        raw("<div><b>kernelevo</b></div>", "title")
    with ui.element("main"), ui.element("section").classes("card"):
        ui.label("Runs").classes("h")
        listed = raw("")

    def update() -> None:
        rows = []
        for row in hub.glances():
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
        listed.set_content(
            table(heads, rows, "No runs here yet. Start one: kernelevo run kernelbench:3/13 --budget 90s")
        )

    update()
    ui.timer(2.0, update)
