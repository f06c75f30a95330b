"""One trial: verdict, text, what changed, prompt and reply, relatives; and two programs side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from nicegui import ui

from kernelevo.dashboard import detail, views
from kernelevo.dashboard.pages import charts
from kernelevo.dashboard.pages.frame import View, hint_dialog
from kernelevo.dashboard.pages.markup import (
    address,
    code,
    diff_link,
    facts,
    link,
    pill,
    raw,
    score,
    seconds,
)
from kernelevo.dashboard.pages.steering import editor
from kernelevo.errors import KernelEvoError
from kernelevo.report.changes import Row, rows_html


def show(view: View, number: int) -> None:
    """Draw a trial."""
    try:
        trial = detail.trial(view.watched.digest, number)
    except KernelEvoError as error:
        raw(f'<p class="empty">{escape(error.what)}; {escape(error.why)}</p>')
        return
    _head(view, trial)
    with ui.element("div").classes("two"):
        with ui.element("div").classes("col"):
            _changed(view, trial)
            with ui.element("section").classes("card"):
                ui.label("Program").classes("h")
                raw(code(trial["source"]))
            _talk(trial)
        with ui.element("div").classes("col"):
            _verdict(trial)
            _family(view, trial)
            _knowledge(trial)
            with ui.element("section").classes("card"):
                ui.label("Change it and submit").classes("h")
                ui.label("Your version is judged like any other; this program is its parent.").classes("dim")
                program = trial["program"]
                editor(view, program["files"], program["language"], (number,))


def compare(view: View, a: int, b: int) -> None:
    """Draw two programs side by side."""
    try:
        found = detail.diff(view.watched.digest, a, b)
    except KernelEvoError as error:
        raw(f'<p class="empty">{escape(error.what)}; {escape(error.why)}</p>')
        return
    with ui.element("section").classes("card"):
        raw(
            f"<h1>{link(view.name, a)} → {link(view.name, b)}</h1>"
            f'<p class="dim">{found["added"]} lines new, {found["removed"]} gone</p>'
        )
        raw(rows_html([Row(**row) for row in found["rows"]]), "scroll")


def _head(view: View, trial: dict[str, Any]) -> None:
    origin, number = trial["program"]["origin"], trial["number"]
    status = trial["status"] or "fault"
    final = trial["final"]
    again = ""
    if final is not None:
        again = f"<p>judged again in fresh processes: {pill(final['status'])} {score(final['score'])}</p>"
    with ui.element("section").classes("card"):
        raw(
            f"<h1>#{number} {pill(status)} {score(trial['score'])}</h1>"
            f'<p class="dim">{escape(origin["proposer"])} on island {trial["island"]}, '
            f"took {seconds(trial['ended'] - trial['started'])}</p>{again}<p>{escape(origin['idea'])}</p>"
        )
        with ui.row().classes("fields"):
            for verb, label in (("pin", "Pin"), ("fork", "Fork"), ("ban", "Ban")):
                ui.button(label, on_click=lambda verb=verb: view.order(verb, program=f"#{number}")).props(
                    "flat dense no-caps"
                )
            ui.button("Hint for its line", on_click=lambda: hint_dialog(view, number)).props(
                "flat dense no-caps"
            )


def _changed(view: View, trial: dict[str, Any]) -> None:
    if not trial["made_from"]:
        return
    parent = trial["made_from"][0]
    found = detail.diff(view.watched.digest, parent, trial["number"])
    with ui.element("section").classes("card"):
        ui.label(f"What changed since #{parent}").classes("h")
        raw(rows_html([Row(**row) for row in found["rows"]]), "scroll")


def _verdict(trial: dict[str, Any]) -> None:
    with ui.element("section").classes("card"):
        ui.label("Verdict").classes("h")
        if trial["fault"]:
            raw(f"<pre>{escape(trial['fault']['kind'])}: {escape(trial['fault']['message'])}</pre>")
        if trial["feedback"]:
            raw(f'<pre class="said">{escape(trial["feedback"])}</pre>')
        if trial["final"] is not None and trial["final"]["feedback"]:
            ui.label("In fresh processes").classes("dim")
            raw(f'<pre class="said">{escape(trial["final"]["feedback"])}</pre>')
        known = [(k, _short(v)) for k, v in trial["metrics"].items() if v is not None]
        cost = [(f"cost, {k}", _short(v)) for k, v in trial["cost"].items()]
        raw(facts([*known, *cost]) if known or cost else '<p class="empty">nothing was measured</p>')
        for name, text in trial["artifacts"].items():
            with ui.expansion(name).classes("more"):
                raw(code(str(text), numbers=False))


def _family(view: View, trial: dict[str, Any]) -> None:
    number = trial["number"]
    tree = views.lineage(view.watched.digest, number)
    with ui.element("section").classes("card"):
        ui.label("Lineage").classes("h")
        if len(tree["nodes"]) > 1:
            ui.echart(
                charts.lineage(tree, number),
                on_point_click=lambda e: _open(view, str(e.name)),
            ).classes("chart")
        parents = ", ".join(
            f"{link(view.name, n)} {diff_link(view.name, n, number)}" for n in trial["made_from"]
        )
        children = " ".join(link(view.name, n) for n in trial["made_into"][:40])
        raw(
            f"<p>made from {parents or 'nothing: it is a start'}</p>"
            f"<p>{len(trial['made_into'])} made from it {children}</p>"
        )


def _open(view: View, name: str) -> None:
    if name.startswith("#") and name[1:].isdigit():
        ui.navigate.to(f"{address(view.name)}/trial/{name[1:]}")


def _talk(trial: dict[str, Any]) -> None:
    records = dict(trial["records"])
    prompt = detail.prompt_text(records)
    records.pop("prompt", None)
    reply = records.pop("reply", None)
    with ui.element("section").classes("card"):
        ui.label("What it was told, and what it answered").classes("h")
        for row in trial["carried"]:
            if row["verb"] == "knowledge":
                continue  # among the notes
            text = row["args"].get("text") or row["args"].get("program") or ""
            said = f"{row['verb']} #{row['id']} of {row['author']}: {text}"
            raw(f'<p class="effect">{escape(said)}</p>')
        for name, text in (("prompt", prompt), ("reply", str(reply) if reply else "")):
            if text:
                with ui.expansion(name, value=False).classes("more").mark(name):
                    raw(code(text, numbers=False))
        for name, value in records.items():
            with ui.expansion(name.replace("_", " ")).classes("more"):
                raw(code(value if isinstance(value, str) else json.dumps(value, indent=2), numbers=False))
        if not (prompt or reply or records):
            raw('<p class="empty">No model was asked for this program.</p>')


def _knowledge(trial: dict[str, Any]) -> None:
    """The notes of its brief: those that were looked up, with what for, and those that people gave."""
    given = [row for row in trial["carried"] if row["verb"] == "knowledge"]
    if not (trial["knowledge"] or given):
        return
    with ui.element("section").classes("card").mark("knowledge"):
        ui.label("Knowledge in its brief").classes("h")
        raw("".join(note(row) for row in trial["knowledge"]))
        for row in given:
            said = f"#{row['id']} of {row['author']}: {row['args'].get('text', '')}"
            raw(f'<p class="effect">{escape(said)}</p>')


def note(row: Mapping[str, Any]) -> str:
    """Return a note that was looked up: which one, why, and whether the prompt has it."""
    name = str(row["title"] or row["note"])
    also = f" <small>{escape(str(row['note']))}</small>" if row["title"] else ""
    told = {
        True: "",
        False: "; left out of the prompt, which was too long",
        None: "; no prompt is recorded: the proposer may not have read it",
    }[row["in_prompt"]]
    why = f"{row['trigger']}: {row['because']}{told}"
    return f'<p><b>{escape(name)}</b>{also}</p><p class="dim">{escape(why)}</p>'


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return json.dumps(value)[:400] if isinstance(value, list | dict) else str(value)
