"""Programs: the table of trials, one page of it at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from nicegui import ui

from kernelevo.core.objectives import SCORE
from kernelevo.dashboard import views
from kernelevo.dashboard.pages.frame import View
from kernelevo.dashboard.pages.markup import (
    address,
    link,
    metric_heads,
    metrics,
    pill,
    raw,
    score,
    table,
)
from kernelevo.dashboard.ranking import Ranking

ROWS = 50
ANY, ANYBODY = "any verdict", "anybody"


def show(view: View) -> None:
    """Draw the table with its filters."""
    start = 0
    with ui.element("section").classes("card"):
        ui.label("Programs").classes("h")
        with ui.row().classes("fields"):
            sort = ui.select(
                orders(Ranking.of(view.watched.digest)),
                value=views.BEST,
            ).props("dense outlined")
            status = ui.select([ANY], value=ANY).props("dense outlined").mark("status")
            maker = ui.select([ANYBODY], value=ANYBODY).props("dense outlined").mark("maker")
            text = ui.input(placeholder="idea, words or id").props("dense outlined clearable debounce=250")
        listed = raw("")
        with ui.row().classes("fields"):
            back = ui.button("Back", on_click=lambda: move(-ROWS)).props("flat dense no-caps")
            more = ui.button("More", on_click=lambda: move(ROWS)).props("flat dense no-caps")
            where = ui.label().classes("dim")
        _pair(view)

    def move(by: int) -> None:
        nonlocal start
        start = max(0, start + by)
        update()

    def offer() -> None:
        """What can be chosen: in a run that goes on there is more with time."""
        lines = view.watched.digest.lines
        statuses = [ANY, *sorted({line.status for line in lines})]
        makers = [ANYBODY, *sorted({line.proposer for line in lines})]
        for choice, known in ((status, statuses), (maker, makers)):
            if choice.options != known:
                choice.set_options(known)

    def update() -> None:
        offer()
        found = views.trials(
            view.watched.digest,
            offset=start,
            limit=ROWS,
            sort=str(sort.value),
            status="" if status.value == ANY else str(status.value),
            proposer="" if maker.value == ANYBODY else str(maker.value),
            text=text.value or "",
        )
        listed.set_content(listing(view.name, Ranking.of(view.watched.digest), found["trials"]))
        end = min(start + ROWS, found["total"])
        where.set_text(f"{start + 1 if end else 0} to {end} of {found['total']:,}")
        back.set_visibility(start > 0)
        more.set_visibility(end < found["total"])

    def again() -> None:
        nonlocal start
        start = 0
        update()

    for choice in (sort, status, maker, text):
        choice.on_value_change(again)
    view.live(update)


def listing(run: str, ranking: Ranking, trials: Iterable[Mapping[str, Any]]) -> str:
    """Return trials as a table, with a column for each metric that counts."""
    declared = ranking.objectives.metrics
    rows = [
        [
            link(run, row["number"]), f"{pill(row['status'])}{pill('out', 'bad') if row['out'] else ''}",
            *metrics((m, {**row["metrics"], SCORE: row["score"]}.get(m.name)) for m in declared),
            graded(row), f"{row['island']}", escape(row["proposer"]),
            escape((row["idea"] or row["words"])[:200]),
        ]
        for row in trials
    ]  # fmt: skip
    heads = ("trial", "verdict", *metric_heads(ranking.objectives), ">score", ">island", "by", "*idea")
    return table(heads, rows, "No program fits.", "trials")


def graded(row: Mapping[str, Any]) -> str:
    """Return a trial's score, marked where it is of a first look: full verdicts are not compared with it."""
    rough = row["score"] is not None and not row["full"]
    return f"{'<small>rough</small> ' if rough else ''}{score(row['score'])}"


def orders(ranking: Ranking) -> dict[str, str]:
    """Return the ways to sort, by the key of each; under a rule the score is one of its own."""
    by_rule = {} if ranking.objectives.by_score else {"score": "highest score first"}
    return {views.BEST: "best first", **by_rule, "number": "newest first", "ended": "last verdict first"}


def _pair(view: View) -> None:
    with ui.row().classes("fields"):
        a = ui.number("compare #", min=0, precision=0).props("dense outlined")
        b = ui.number("with #", min=0, precision=0).props("dense outlined")

        def go() -> None:
            if a.value is None or b.value is None:
                ui.notify("give two numbers of trials", type="warning")
            else:
                ui.navigate.to(f"{address(view.name)}/diff?a={int(a.value)}&b={int(b.value)}")

        ui.button("Side by side", on_click=go).props("flat dense no-caps")
