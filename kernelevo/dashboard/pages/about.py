"""About: the task, the settings, what was noted on the way, and how to do it again."""

from __future__ import annotations

import shlex
from html import escape

from nicegui import ui

from kernelevo.config import needed
from kernelevo.dashboard.hub import as_text
from kernelevo.dashboard.pages.frame import View
from kernelevo.dashboard.pages.markup import code, facts, raw
from kernelevo.evaluators.foreign import named
from kernelevo.report.page import command_line
from kernelevo.tasks import is_live


def show(view: View) -> None:
    """Draw the page; nothing of it changes but the events."""
    digest = view.watched.digest
    folder = shlex.quote(as_text(digest.folder))
    with ui.element("div").classes("two"):
        with ui.element("div").classes("col"):
            with ui.element("section").classes("card"):
                ui.label("Task").classes("h")
                raw(facts([("name", digest.task.name), ("evaluator", digest.task.evaluator)]))
                raw(f'<div class="prose">{escape(digest.task.goal)}</div>')
            with ui.element("section").classes("card"):
                ui.label("Do it again").classes("h")
                live = is_live(digest.task)
                said = needed(digest.settings)
                again = command_line(named(digest.task), said, as_text(digest.folder), live=live)
                raw(code(again, numbers=False))
                raw(code(f"kernelevo resume {folder}\nkernelevo show {folder}", numbers=False))
        with ui.element("div").classes("col"):
            with ui.element("section").classes("card"):
                ui.label("Settings").classes("h")
                raw(facts(digest.settings.items()))
            with ui.element("section").classes("card"):
                ui.label("Events").classes("h")
                body = raw("")

    def update() -> None:
        rows = [
            (
                row.kind,
                str(row.data.get("text") or {k: v for k, v in row.data.items() if k != "artifacts"})[:300],
            )
            for row in reversed(digest.events[-60:])
        ]
        body.set_content(facts(rows) if rows else '<p class="empty">nothing beside the trials</p>')

    view.live(update)
