"""Overview: how far the run is, how it got there, what it costs and what it does now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from nicegui import ui

from kernelevo.core.objectives import SCORE
from kernelevo.dashboard import views
from kernelevo.dashboard.pages import charts
from kernelevo.dashboard.pages.frame import View
from kernelevo.dashboard.pages.markup import (
    amount,
    bar,
    diff_link,
    link,
    metric_heads,
    metrics,
    pill,
    raw,
    score,
    seconds,
    stack,
    table,
)  # fmt: skip
from kernelevo.dashboard.ranking import Ranking
from kernelevo.store import Line


def show(view: View) -> None:
    """Draw the page."""
    _tiles(view)
    with ui.element("div").classes("two"):
        with ui.element("div").classes("col"):
            _best(view)
            _steps(view)
            _front(view)
            _population(view)
        with ui.element("div").classes("col"):
            _card(view, "Verdicts", lambda s: stack(s["verdicts"]))
            _card(view, "Budget", _budget)
            _card(view, "Pools", _pools)
            _card(view, "Islands", _islands)
            _card(view, "Proposers", _proposers)
            _roofline(view)


def _card(view: View, title: str, content: Callable[[dict[str, Any]], str]) -> None:
    with ui.element("section").classes("card"):
        ui.label(title).classes("h")
        body = raw("")
    view.live(lambda: body.set_content(content(views.summary(view.watched))))


def _tiles(view: View) -> None:
    tiles = raw("", "tiles")

    def update() -> None:
        now = views.summary(view.watched)
        best, used = now["best"], now["budget"]["used"]
        passed = now["verdicts"].get("ok", 0)
        share = (
            f"{100 * passed / now['trials']:.0f}% passed"
            if now["trials"]
            else "waiting for the first verdict"
        )
        whom = (
            f"{link(view.name, best['number'])} {escape(best['proposer'])}" if best else "nothing correct yet"
        )
        if now["confirmed"] is not None:
            whom += f" · confirmed {score(now['confirmed'])}"
        measure = now["measure"]["name"]
        if best and measure != SCORE:
            whom += f" · score {score(best['score'])}"
        ends = now["budget"]["ends_in_seconds"]
        money = used.get("dollars", 0.0)
        tokens = used.get("tokens", 0.0) or used.get("tokens_in", 0.0) + used.get("tokens_out", 0.0)
        cost = f"${money:.2f}" if money else amount("tokens", tokens) if tokens else "–"
        figures = [
            (
                "best" if measure == SCORE else f"best {escape(measure)}",
                score(best["height"]) if best else "–",
                whom,
                "lead",
            ),
            ("trials", f"{now['trials']:,}", share, ""),
            (
                "search",
                seconds(now["searched_seconds"]),
                f"about {seconds(ends)} left" if ends is not None else "",
                "",
            ),
            (
                "cost",
                cost,
                "tokens" if tokens and not money else "dollars" if money else "no paid proposer",
                "",
            ),
            ("last verdict", _last(view), "", ""),
        ]
        tiles.set_content(
            "".join(
                f'<div class="tile {kind}"><span>{name}</span><b>{value}</b><small>{note}</small></div>'
                for name, value, note, kind in figures
            )
        )

    view.live(update)


def _last(view: View) -> str:
    lines = view.watched.digest.lines
    return escape(views.ago(lines[-1].ended)) if lines else "–"


def _best(view: View) -> None:
    with ui.element("section").classes("card"):
        ui.label("Best so far").classes("h")
        chart = ui.echart(charts.best_so_far(views.series(view.watched))).classes("chart tall")

    def update() -> None:
        chart.options.clear()
        chart.options.update(charts.best_so_far(views.series(view.watched)))
        chart.update()

    view.updates.append(update)


def _steps(view: View) -> None:
    with ui.element("section").classes("card"):
        ui.label("How it got there").classes("h")
        body = raw("")

    def update() -> None:
        digest = view.watched.digest
        first: dict[str, int] = {}
        for line in digest.lines:
            first.setdefault(line.program, line.number)
        rows, ranking = [], Ranking.of(digest)
        for line in reversed(ranking.improvements(digest.lines)[-12:]):
            parent = next((first[p] for p in line.parents if p in first), None)
            change = "" if parent is None else diff_link(view.name, parent, line.number)
            rows.append(
                [
                    link(view.name, line.number),
                    *([] if ranking.objectives.by_score else metrics(ranking.values(line))),
                    score(line.score),
                    escape(line.proposer),
                    escape(line.idea[:160]),
                    change,
                ]
            )
        counted = [] if ranking.objectives.by_score else metric_heads(ranking.objectives)
        heads = ("trial", *counted, ">score", "by", "*idea", "")
        body.set_content(table(heads, rows, "Each new best program appears here.", "steps"))

    view.live(update)


def _front(view: View) -> None:
    """The programs that nothing else beats in every declared metric; nothing where no metrics count."""
    with ui.element("section").classes("card") as card:
        ui.label("Pareto front").classes("h")
        body = raw("")

    def update() -> None:
        digest = view.watched.digest
        ranking = Ranking.of(digest)
        card.set_visibility(bool(ranking.objectives.metrics))
        if ranking.objectives.metrics:
            body.set_content(front(view.name, ranking, digest.lines))

    view.live(update)


def front(run: str, ranking: Ranking, lines: Sequence[Line]) -> str:
    """Return the Pareto front as a table, the best first and marked, with the rule that chose it."""
    leader = ranking.leader(lines)
    rows = []
    for line in sorted(ranking.front(lines), key=lambda n: (ranking.worth(n), -n.number), reverse=True):
        mark = pill("best", "good") if leader and line.number == leader.number else ""
        rows.append(
            [
                f"{link(run, line.number)} {mark}", *metrics(ranking.values(line)), score(line.score),
                escape(line.proposer), escape(line.idea[:160]),
            ]
        )  # fmt: skip
    heads = ("trial", *metric_heads(ranking.objectives), ">score", "by", "*idea")
    rule = "the score" if ranking.objectives.by_score else f"the {ranking.objectives.rule} rule"
    told = f'<p class="dim">no other program is as good in every metric; best by {rule}</p>'
    return told + table(heads, rows, "No program has all of the metrics yet.", "front")


def _population(view: View) -> None:
    with ui.element("section").classes("card"):
        ui.label("Population").classes("h")
        chart = ui.echart(charts.population(views.series(view.watched)["draws"])).classes("chart")
        note = raw('<p class="empty">Diversity and temperature appear with the first draws of parents.</p>')

    def update() -> None:
        drawn = views.series(view.watched)["draws"]
        there = any(drawn.values())
        chart.set_visibility(there)
        note.set_visibility(not there)
        if there:
            chart.options.clear()
            chart.options.update(charts.population(drawn))
            chart.update()

    view.live(update)


def _budget(now: dict[str, Any]) -> str:
    budget = now["budget"]
    rows = []
    for unit, limit in budget["limits"].items():
        used, left = budget["used"].get(unit, 0.0), budget["seconds_left"].get(unit)
        over = f"about {seconds(left)} left" if left is not None and now["state"] == "running" else ""
        of = f"{amount(unit, used)} of {amount(unit, limit)}"
        rows.append(
            f"<li><span>{escape(unit.replace('_', ' '))}</span><em>{of}</em>"
            f"{bar(used / limit if limit else 0.0)}<small>{over}</small></li>"
        )
    spent = [
        f"{escape(unit.replace('_', ' '))} {amount(unit, value)}"
        for unit, value in budget["used"].items()
        if unit not in budget["limits"]
    ]
    also = f'<p class="dim">also used: {", ".join(spent)}</p>' if spent else ""
    return (
        f'<ul class="meters">{"".join(rows)}</ul>{also}'
        if rows or spent
        else '<p class="empty">not told yet</p>'
    )


def _pools(now: dict[str, Any]) -> str:
    pools = now["pools"]
    rows = []
    for name, pool in pools.items():
        doing = f"{pool['busy']} of {pool['size']} busy" if now["live"] else "at rest"
        queue = f", {pool['waiting']} waiting" if pool["waiting"] else ""
        rows.append(
            f"<li><span>{escape(name)}</span><em>{doing}{queue}</em>{bar(pool['share'], 'cool')}"
            f"<small>busy {100 * pool['share']:.0f}% of the time</small></li>"
        )
    share = now["device_share"]
    lease = f'<p class="dim">measuring took {100 * share:.0f}% of the search</p>' if share else ""
    return f'<ul class="meters">{"".join(rows)}</ul>{lease}' if rows else '<p class="empty">not told yet</p>'


def _islands(now: dict[str, Any]) -> str:
    word, kind = ("line", "lines") if now["cold_start"] else ("island", "islands")
    rows = [[f"{row['island']}", f"{row['trials']:,}", score(row["best"])] for row in now[kind]]
    since = "since the cold start" if now["lines"] else ""
    also = "cold start: these are its lines" if now["cold_start"] else since
    listed = table((word, ">trials", ">best"), rows, f"no {word} has a program yet")
    return f'{listed}<p class="dim">{also}</p>' if also else listed


def _proposers(now: dict[str, Any]) -> str:
    rows = [
        [
            escape(row["proposer"]),
            f"{row['trials']:,}",
            f"{100 * row['ok'] / row['trials']:.0f}%",
            f"{row['bests']}",
        ]
        for row in now["proposers"]
    ]
    return table(("proposer", ">trials", ">passed", ">new bests"), rows, "nobody has proposed yet")


def _roofline(view: View) -> None:
    rows = views.roofline(view.watched.digest)
    if not rows and view.watched.digest.task.evaluator != "kernel":
        return
    with ui.element("section").classes("card"):
        ui.label("Roofline").classes("h")
        chart = ui.echart(charts.roofline(rows)).classes("chart short")
        note = raw("")

    def update() -> None:
        found = views.roofline(view.watched.digest)
        chart.set_visibility(bool(found))
        bound = f"bound by {escape(str(found[0]['bound']))}" if found else ""
        empty = '<p class="empty">no program was set against the ceiling yet</p>'
        note.set_content(f'<p class="dim">share of the measured ceiling, {bound}</p>' if found else empty)
        if found:
            chart.options.clear()
            chart.options.update(charts.roofline(found))
            chart.update()

    view.live(update)
