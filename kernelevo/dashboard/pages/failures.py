"""Failures: what goes wrong, by kind, with what the judge said."""

from __future__ import annotations

from html import escape

from nicegui import ui

from kernelevo.dashboard import views
from kernelevo.dashboard.pages.frame import View
from kernelevo.dashboard.pages.markup import link, pill, raw


def show(view: View) -> None:
    """Draw the kinds of failure, the most frequent first."""
    with ui.element("section").classes("card"):
        ui.label("What did not pass").classes("h")
        body = raw("")

    def update() -> None:
        watched = view.watched
        parts = []
        for kind in watched.once("errors", lambda: views.errors(watched.digest)):
            shown = " ".join(link(view.name, number) for number in reversed(kind["trials"]))
            who = ", ".join(f"{escape(name)} {n}" for name, n in kind["proposers"].items())
            head = f"{pill(kind['status'])}<b>{kind['count']:,}×</b><em>{who}</em>"
            parts.append(
                f'<div class="failure"><div>{head}</div>'
                f'<pre>{escape(kind["words"])}</pre><p class="dim">{shown}</p></div>'
            )
        body.set_content(
            "".join(parts) or '<p class="empty">Everything that was judged has passed so far.</p>'
        )

    view.live(update)
