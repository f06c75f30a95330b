"""Steering: orders to the run, and what came of those that were given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from kernelevo import api
from kernelevo.core import Objectives
from kernelevo.core.program import ENTRY
from kernelevo.dashboard import detail, views
from kernelevo.dashboard.pages.frame import View, hint_dialog
from kernelevo.dashboard.pages.markup import address, link, raw
from kernelevo.report.effects import height, offspring_gain


def show(view: View) -> None:
    """Draw the orders that can be given, then those that were."""
    with ui.element("div").classes("two"):
        with ui.element("div").classes("col"):
            _given(view)
        with ui.element("div").classes("col"):
            _give(view)
            with ui.element("section").classes("card"):
                ui.label("A program of your own").classes("h")
                ui.label("Judged next, like any other, and marked as yours.").classes("dim")
                kinds = detail.languages(view.watched.digest)
                for language, path in kinds.items():
                    if len(kinds) > 1:
                        ui.label(f"in {language}").classes("dim")
                    editor(view, {path: ""}, language)


def _give(view: View) -> None:
    with ui.element("section").classes("card"):
        ui.label("Give an order").classes("h")
        ui.button("A hint for the proposers", on_click=lambda: hint_dialog(view)).props("no-caps unelevated")
        _order(view, "Budget", "budget", "90s, +50, $5", "budget")
        _order(view, "Workers", "workers", "programs built at a time", "workers")
        _order(view, "Thinkers", "thinkers", "programs thought of at a time", "thinkers")
        _order(view, "Note for every brief", "knowledge", "a fact that helps", "text")
        with ui.row().classes("fields"):
            who = ui.select(views.weighable(view.watched.digest)).props("dense outlined label=proposer")
            weight = ui.number("weight", value=1, min=0, step=0.5).props("dense outlined")
            ui.button(
                "Set", on_click=lambda: view.order("weight", proposer=who.value, weight=weight.value)
            ).props("flat dense no-caps")
        _objectives(view)
        for verb, label in (("pin", "Pin #"), ("fork", "Fork #"), ("ban", "Ban #"), ("unpin", "Unpin #")):
            _order(view, label, verb, "number or id", "program")


def _objectives(view: View) -> None:
    """The metrics of a weighted sum, where the task has one."""
    declared = Objectives.of(view.watched.digest.task.options)
    if declared.rule != "weighted":
        return
    with ui.row().classes("fields"):
        metric = ui.select([m.name for m in declared.metrics]).props("dense outlined label=objective")
        weight = ui.number("weight", value=1, min=0, step=0.5).props("dense outlined")
        ui.button(
            "Weigh", on_click=lambda: view.order("objective", metric=metric.value, weight=weight.value)
        ).props("flat dense no-caps")


def _order(view: View, label: str, verb: str, hint: str, argument: str) -> None:
    with ui.row().classes("fields"):
        value = ui.input(label, placeholder=hint).props("dense outlined").mark(verb)

        def give() -> None:
            if view.order(verb, **{argument: value.value or None}):
                value.set_value("")

        ui.button("Order", on_click=give).props("flat dense no-caps")


def editor(view: View, files: Mapping[str, str], language: str, parents: Sequence[int] = ()) -> None:
    """Draw an editor with a button that sends its program into the run; of several files one is shown."""
    texts = dict(files)
    shown = ENTRY if ENTRY in texts else next(iter(texts))
    chosen = ui.select(list(texts), value=shown).props("dense outlined label=file").mark("file")
    chosen.set_visibility(len(texts) > 1)
    box = ui.codemirror(
        texts[shown], language="Python" if language == "python" else "C++", theme="basicLight"
    ).classes("editor")

    def turn(event: ValueChangeEventArguments) -> None:
        nonlocal shown
        texts[shown], shown = box.value or "", str(event.value)
        box.set_value(texts[shown])

    def send() -> None:
        texts[shown] = box.value or ""
        if view.order("submit", **submission(texts, language, parents)):
            ui.navigate.to(f"{address(view.name)}/steering")

    chosen.on_value_change(turn)
    ui.button("Submit to the run", on_click=send).props("no-caps unelevated").mark("submit")


def submission(files: Mapping[str, str], language: str, parents: Sequence[int] = ()) -> dict[str, Any]:
    """Return the arguments of an order that sends a program: all of its files, in the language it is in.

    Without a text there are none, and the order is refused.
    """
    if not any(text.strip() for text in files.values()):
        return {}
    made_from = [f"#{number}" for number in parents]
    return {"files": dict(files), "language": language, **({"parents": made_from} if made_from else {})}


def _given(view: View) -> None:
    with ui.element("section").classes("card"):
        ui.label("Orders so far").classes("h")
        body = raw("")

    def update() -> None:
        digest = view.watched.digest
        rows = reversed(view.watched.once("orders", lambda: api.effects(digest)))
        body.set_content(
            "".join(_row(view, row) for row in rows)
            or '<p class="empty">No orders yet. A hint, a pin or a program of yours appears here, '
            "with what came of it.</p>"
        )

    view.live(update)


def _row(view: View, row: dict[str, Any]) -> str:
    args = dict(row["args"])
    main = args.pop("text", None) or args.pop("source", None) or args.pop("program", None)
    files = args.pop("files", None) or {}
    main = main or args.pop("budget", None) or "\n".join(files.values())
    if parents := args.pop("parents", None):
        args["made from"] = ", ".join(f"#{name.lstrip('#')}" for name in parents)
    more = ", ".join(
        f"{k} {v if isinstance(v, str | int | float) else json.dumps(v)}" for k, v in args.items()
    )
    effect = row["effect"] or "waits for the next ask"
    refused = " refused" if effect.startswith("refused") else ""
    return (
        f'<div class="order{refused}"><div><b>{escape(row["verb"])}</b><em>{escape(row["author"])}, '
        f"{escape(views.ago(row['at']))}</em><small>#{row['id']}</small></div>"
        f"{f'<pre>{escape(str(main)[:600])}</pre>' if main else ''}"
        f"{f'<p class=dim>{escape(more)}</p>' if more else ''}"
        f"<p>{escape(effect)}</p>{_came_of(view, row)}</div>"
    )


def _came_of(view: View, row: dict[str, Any]) -> str:
    if row.get("carried"):
        shown = " ".join(link(view.name, n) for n in row["carried"][-30:])
        return (
            f'<p class="effect">in {len(row["carried"])} briefs: {row["carried_ok"]} passed, best '
            f"{escape(height(row, 'carried'))} (before it {escape(height(row, 'before'))}, run now "
            f"{escape(height(row, 'since'))})</p><p class='dim'>{shown}</p>"
        )
    if row.get("trial") is not None:
        made = f"{len(row['offspring'])} programs came of it{offspring_gain(row)}"
        return f'<p class="effect">trial {link(view.name, row["trial"])}, {escape(made)}</p>'
    return ""
