"""Frame: what every page of a run has: its name, its state, the way to the others, and the orders."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from nicegui import ui

from kernelevo import api
from kernelevo.core.readable import readable
from kernelevo.dashboard import views
from kernelevo.dashboard.hub import Hub, Watched
from kernelevo.dashboard.pages.markup import address, pill, raw
from kernelevo.errors import KernelEvoError

TICK = 0.15  # seconds between two looks at whether there is something new
REST = 10  # times as long as an update took, the page leaves the machine alone
AGAIN = 60.0  # seconds after which it is drawn again anyway: it says how long ago things were
STYLE = (Path(__file__).parent / "style.css").read_text("utf-8")
PAGES = {
    "": "Overview",
    "/programs": "Programs",
    "/failures": "Failures",
    "/steering": "Steering",
    "/about": "About",
}


@dataclass
class View:
    """One browser's look at one run.

    Args:
        hub: the runs.
        watched: the run.
        updates: called when there is something new, in order.
    """

    hub: Hub
    watched: Watched
    updates: list[Callable[[], None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the run in addresses."""
        return self.watched.name

    def live(self, update: Callable[[], None]) -> None:
        """Call this now and whenever the run changes."""
        update()
        self.updates.append(update)

    def order(self, verb: str, **args: Any) -> bool:
        """Record an order and say so; return whether it was accepted."""
        try:
            command = api.steer(self.watched.digest.folder, verb, **args)
        except KernelEvoError as error:
            ui.notify(readable(f"{error.what} {error.why}"), type="negative", multi_line=True)
            return False
        waits = "obeyed at the next ask" if self.watched.live else "obeyed if the run is resumed"
        ui.notify(f"order {command.id}: {verb}, {waits}", type="positive")
        return True


def dress() -> None:
    """Give a page its colours and its type."""
    ui.add_css(STYLE)
    ui.colors(primary="#157a5e", positive="#157a5e", negative="#a8323a", warning="#a4620f")


@contextlib.contextmanager
def frame(hub: Hub, run: str, active: str) -> Iterator[View | None]:
    """Draw what all pages share, let the page draw its part, and keep it up to date."""
    dress()
    try:
        watched = hub.get(run)
        watched.look()
        watched.seen = time.monotonic()
    except KernelEvoError as error:
        what, why = escape(readable(error.what)), escape(readable(error.why))
        with ui.element("main"):
            raw(f"<h1>{what}</h1><p>{why}</p><p><a href='/'>all runs</a></p>")
        yield None
        return
    view = View(hub, watched)
    ui.page_title(f"{watched.digest.task.name} · kernelevo")
    _head(view, active)
    with ui.element("main"):
        yield view
    seen = watched.digest.version, watched.writer
    rest, due = 0.0, time.monotonic() + AGAIN

    def tick() -> None:
        nonlocal seen, rest, due
        if view.watched.gone:  # what lies there now is another one, or none
            timer.deactivate()
            ui.navigate.reload()
            return
        now = watched.digest.version, watched.writer
        began = watched.seen = time.monotonic()
        if (now != seen or began >= due) and began >= rest:
            seen = now
            for update in view.updates:
                update()
            spent = time.monotonic() - began
            rest = (
                began + REST * spent
            )  # a long run is looked at less often: its machine has better things to do
            due = began + AGAIN

    timer = ui.timer(TICK, tick)


def _head(view: View, active: str) -> None:
    base = address(view.name)
    with ui.element("header"):
        home = "" if view.hub.only else '<a class="quiet" href="/">runs</a> / '
        raw(f"<div>{home}<b>{escape(view.watched.digest.task.name)}</b></div>", "title")
        state = raw("", "state")
        with ui.element("div").classes("acts"):
            pause = ui.button("Pause", on_click=lambda: view.order("pause")).props("flat dense no-caps")
            again = ui.button("Resume", on_click=lambda: view.order("resume")).props("flat dense no-caps")
            stop = ui.button("Stop", on_click=lambda: _stop(view)).props("flat dense no-caps")
            ui.button("Hint", on_click=lambda: hint_dialog(view)).props("flat dense no-caps").mark("hint")
        links = "".join(
            f'<a class="{"on" if path == active else ""}" href="{base}{path}">{name}</a>'
            for path, name in PAGES.items()
        )
        raw(f"<nav>{links}</nav>", "nav")

    def update() -> None:
        now = views.state_of(view.watched)
        state.set_content(f"{pill(now)}<small>{escape(view.name)}</small>")
        pause.set_visibility(now == "running")
        again.set_visibility(now == "paused")
        stop.set_visibility(view.watched.live)

    view.live(update)


def _stop(view: View) -> None:
    with ui.dialog(value=True) as dialog, ui.card().classes("ask"):
        ui.label("Stop this run?").classes("text-h6")
        ui.label("What is measured now is finished, and the winner is timed again. It can be resumed later.")
        with ui.row():
            ui.button("Stop it", on_click=lambda: view.order("stop") and dialog.close()).props("no-caps")
            ui.button("Go on", on_click=dialog.close).props("flat no-caps")


def hint_dialog(view: View, lineage: int | None = None) -> None:
    """Ask for a sentence, for whom it is and how long it holds."""
    with ui.dialog(value=True) as dialog, ui.card().classes("ask"):
        ui.label("A hint for the proposers").classes("text-h6")
        text = ui.textarea(placeholder="for example: try split-k, the reduction is long").props(
            "outlined autofocus"
        )
        with ui.row().classes("fields"):
            asks = ui.number("next asks", min=1, precision=0, placeholder="all").props("dense outlined")
            island = ui.number("island", min=0, precision=0, placeholder="all").props("dense outlined")
            line = ui.number("what builds on #", min=0, precision=0, value=lineage).props("dense outlined")
            expires = ui.input("expires after", placeholder="10m or 50").props("dense outlined")

        def give() -> None:
            given = {
                "text": text.value or "",
                "asks": asks.value,
                "island": island.value,
                "lineage": None if line.value is None else f"#{int(line.value)}",
                "expires": expires.value or None,
            }
            if view.order("hint", **given):
                dialog.close()

        with ui.row():
            ui.button("Give the hint", on_click=give).props("no-caps")
            ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
