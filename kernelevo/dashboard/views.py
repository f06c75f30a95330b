"""Views: what the page and the API say about a run, as plain data made from its digest."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from kernelevo.dashboard.hub import Watched, as_text
from kernelevo.dashboard.ranking import Ranking
from kernelevo.store import Digest, Line

DOTS = 1500  # points of a scatter plot at the most
DRAWS = 240  # points of a line of the population's numbers
_UNFINISHED = {"new", "running", "paused"}
_COLD = "cold start"
_NO_PROPOSERS = ("seed", "person")
BEST = "best"
SORTS = ("number", "score", BEST, "status", "proposer", "island", "ended")


def state_of(watched: Watched) -> str:
    """Return what the run is doing: its state, or ``interrupted`` if nobody works on it any more."""
    state = watched.digest.state
    return "interrupted" if state in _UNFINISHED and not watched.live else state


def summary(watched: Watched) -> dict[str, Any]:
    """Return the run in one object: state, best, verdicts, budget, pools, islands."""
    return watched.once("summary", lambda: _summary(watched))


def _summary(watched: Watched) -> dict[str, Any]:
    digest = watched.digest
    lines, gauge = digest.lines, digest.gauge
    ranking = Ranking.of(digest)
    best, objectives = ranking.leader(lines), ranking.objectives
    finals = digest.finals
    banned = standing(digest, "ban", "")
    return {
        "name": watched.name,
        "folder": as_text(digest.folder),
        "task": digest.task.name,
        "goal": digest.task.goal,
        "evaluator": digest.task.evaluator,
        "state": state_of(watched),
        "live": watched.live,
        "created": digest.created,
        "searched_seconds": digest.searched if not watched.live else searched(digest),
        "trials": len(lines),
        "waiting": digest.drafts,
        "best": {**brief_line(best), "height": ranking.height(best)} if best else None,
        "measure": ranking.measure,
        "objectives": objectives.to_json() if objectives.metrics else None,
        "pareto_front": [line.number for line in ranking.front(lines)],
        "confirmed": finals[best.number].get("score") if best and best.number in finals else None,
        "verdicts": dict(Counter(line.status for line in lines).most_common()),
        "proposers": proposers(lines, ranking),
        "islands": islands(lines, ranking, cold=False),
        "lines": islands(lines, ranking, cold=True),
        "cold_start": gauge.get("cold"),
        "budget": budget(watched),
        "pools": gauge.get("pools", {}),
        "device_share": device_share(digest),
        "pinned": [number for number in standing(digest, "pin", "unpin") if number not in banned],
        "banned": banned,
        "notices": [e.data.get("text", "") for e in digest.events if e.kind == "complaint"][-5:],
        "version": digest.version,
    }


def searched(digest: Digest) -> float:
    """Seconds of search by now, as far as the run's own clock said."""
    used = float(digest.gauge.get("used", {}).get("seconds", 0.0))
    return max(digest.searched, used)


def budget(watched: Watched) -> dict[str, Any]:
    """Return limits, what is used, and when the first limit will be reached at the pace so far."""
    digest = watched.digest
    limits = digest.gauge.get("limits", {})
    used = dict(digest.gauge.get("used", {}))
    if not used:
        for line in digest.lines:
            for unit, amount in line.cost.items():
                used[unit] = used.get(unit, 0.0) + amount
        used["trials"] = float(sum(line.proposer != "seed" for line in digest.lines))
    seconds = searched(digest)
    left = {}
    for unit, limit in limits.items():
        pace = 1.0 if unit == "seconds" else used.get(unit, 0.0) / seconds if seconds else 0.0
        left[unit] = max(0.0, limit - used.get(unit, 0.0)) / pace if pace else None
    known = [value for value in left.values() if value is not None]
    return {
        "limits": limits,
        "used": used,
        "seconds_left": left,
        "ends_in_seconds": min(known) if known and state_of(watched) == "running" else None,
    }


def device_share(digest: Digest) -> float | None:
    """Part of the search that went into measuring what was proposed; None if no device measured anything.

    Seeds are judged before the clock of the search runs.
    """
    seconds = sum(line.cost.get("device_seconds", 0.0) for line in digest.lines if line.proposer != "seed")
    total = searched(digest)
    return min(1.0, seconds / total) if seconds and total else None


def by_island(lines: Sequence[Line], *, cold: bool) -> dict[int, list[Line]]:
    """Return the trials of each island, or those of each line of the cold start.

    A trial of the cold start has the number of its line, which is no island: where its program came to live
    is not recorded.
    """
    found: dict[int, list[Line]] = {}
    for line in lines:
        if (line.draw.get("phase") == _COLD) == cold:
            found.setdefault(line.island, []).append(line)
    return dict(sorted(found.items()))


def islands(lines: Sequence[Line], ranking: Ranking, *, cold: bool) -> list[dict[str, Any]]:
    """Return the number of trials of each island (or line) and how high its best program stands."""
    rows = []
    for island, own in by_island(lines, cold=cold).items():
        best = ranking.best(own)
        height = ranking.height(best) if best else None
        rows.append({"island": island, "trials": len(own), "best": height})
    return rows


def proposers(lines: Sequence[Line], ranking: Ranking) -> list[dict[str, Any]]:
    """Return each proposer's trials, how many passed, and how often it made a new best."""
    rows: dict[str, dict[str, Any]] = {}
    bests = {line.number for line in ranking.improvements(lines)}
    for line in lines:
        row = rows.setdefault(line.proposer, {"proposer": line.proposer, "trials": 0, "ok": 0, "bests": 0})
        row["trials"] += 1
        row["ok"] += line.score is not None
        row["bests"] += line.number in bests
    return list(rows.values())


def weighable(digest: Digest) -> list[str]:
    """Return the proposers that can be given a weight: all of the run, also those that had no turn yet."""
    told = digest.gauge.get("proposers")
    if told is None:  # nobody has worked on it yet, or only an earlier version
        told = dict.fromkeys(line.proposer for line in digest.lines if line.proposer not in _NO_PROPOSERS)
    return list(told)


def standing(digest: Digest, on: str, off: str) -> list[int]:
    """Numbers of the trials whose programs are pinned or banned now."""
    chosen: dict[str, bool] = {}
    for event in digest.events:
        if event.kind in (on, off):
            chosen[event.data["program"]] = event.kind == on
    first: dict[str, int] = {}
    for line in digest.lines:
        first.setdefault(line.program, line.number)
    return sorted(first[name] for name, holds in chosen.items() if holds and name in first)


def brief_line(line: Line) -> dict[str, Any]:
    """Return one trial in short."""
    return {
        "number": line.number, "program": line.program, "proposer": line.proposer, "idea": line.idea,
        "status": line.status, "score": line.score, "full": line.full, "island": line.island,
        "started": line.started, "ended": line.ended, "words": line.words[:300], "reused": line.reused,
        "latency_ms": line.latency_ms, "cost": dict(line.cost), "marks": dict(line.marks),
        "metrics": dict(line.metrics),
    }  # fmt: skip


def row(line: Line, out: Collection[str]) -> dict[str, Any]:
    """Return one trial as a row of the table; ``out`` are the ids of the programs that count no more."""
    return {**brief_line(line), "out": line.program in out}


def series(watched: Watched) -> dict[str, Any]:
    """Return what is plotted over the trials: best so far, each island's best, dots, the population."""
    return watched.once("series", lambda: _series(watched.digest.lines, Ranking.of(watched.digest)))


def _series(lines: Sequence[Line], ranking: Ranking) -> dict[str, Any]:
    points = [[line.number, ranking.height(line)] for line in lines if line.full]
    points = [point for point in points if point[1] is not None]
    step = max(1, -(-len(points) // DOTS))
    curves = {
        name: {n: ranking.steps(own) for n, own in by_island(lines, cold=cold).items()}
        for name, cold in (("islands", False), ("lines", True))
    }
    return {
        "last": max((line.number for line in lines), default=0),
        "measure": ranking.measure,
        "best": ranking.steps(lines),
        **curves,
        "dots": points[::step],
        "draws": draws(lines),
    }


def draws(lines: Sequence[Line]) -> dict[str, list[list[float]]]:
    """Return diversity, temperature and effective parents of the draws, averaged over stretches of trials."""
    told = {}
    for name in ("diversity", "temperature", "effective_parents"):
        pairs = [(line.number, line.draw[name]) for line in lines if line.draw.get(name) is not None]
        step = max(1, -(-len(pairs) // DRAWS))
        told[name] = [
            [part[-1][0], round(sum(value for _, value in part) / len(part), 4)]
            for part in (pairs[i : i + step] for i in range(0, len(pairs), step))
        ]
    return told


def trials(
    digest: Digest, *, offset: int = 0, limit: int = 50, sort: str = "number", down: bool = True,
    status: str = "", proposer: str = "", text: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Return one page of the table of trials; those without a value to sort by come last.

    ``best`` sorts by the rule of the task (the score where it declares no objectives), full verdicts before
    rough ones, and both before those of programs that are ``out``: banned, or refuted.
    """
    chosen = [
        line
        for line in digest.lines
        if (not status or line.status == status)
        and (not proposer or line.proposer == proposer)
        and (not text or text.lower() in f"{line.idea} {line.words} {line.program}".lower())
    ]
    key = sort if sort in SORTS else "number"
    ranking = Ranking.of(digest)

    def value(line: Line) -> Any:
        if key != BEST:
            return getattr(line, key)
        worth = ranking.worth(line)
        return (line.program not in ranking.out, line.full, worth) if worth else None

    known = [line for line in chosen if value(line) is not None]
    known.sort(key=lambda line: (value(line), line.number), reverse=down)
    ordered = known + [line for line in chosen if value(line) is None]
    shown = ordered[offset : offset + min(limit, 500)]
    return {
        "total": len(ordered),
        "trials": [row(line, ranking.out) for line in shown],
    }


def errors(digest: Digest) -> list[dict[str, Any]]:
    """Return the kinds of failure, most frequent first; texts that differ in numbers only are one kind."""
    kinds: dict[tuple[str, str], list[Line]] = {}
    for line in digest.lines:
        if line.status != "ok":
            kinds.setdefault((line.status, re.sub(r"[0-9a-f]{8,}|\d+", "#", line.words)[:160]), []).append(
                line
            )
    rows = []
    for (status, _), found in sorted(kinds.items(), key=lambda item: -len(item[1])):
        who = Counter(line.proposer for line in found).most_common(3)
        rows.append(
            {
                "status": status,
                "count": len(found),
                "words": found[-1].words,
                "trials": [line.number for line in found[-20:]],
                "proposers": dict(who),
            }
        )
    return rows


def lineage(digest: Digest, number: int, *, ancestors: int = 80, children: int = 60) -> dict[str, Any]:
    """Return a trial's ancestors, over all generations, and what was made from it directly."""
    ranking = Ranking.of(digest)
    # by recording, not by number: an ask that is made again after a kill builds on what has a higher one
    recorded = {line.number: place for place, line in enumerate(digest.lines)}
    first: dict[str, Line] = {}
    for line in digest.lines:
        first.setdefault(line.program, line)
    start = next((line for line in digest.lines if line.number == number), None)
    if start is None:
        return {"nodes": [], "links": []}
    nodes, links, border = {start.number: start}, [], [start]
    while border and len(nodes) < ancestors:
        child = border.pop(0)
        for name in child.parents:
            parent = first.get(name)
            if parent is None or recorded[parent.number] >= recorded[child.number]:
                continue
            links.append([parent.number, child.number])
            if parent.number not in nodes:
                nodes[parent.number] = parent
                border.append(parent)
    made = [line for line in digest.lines[recorded[number] + 1 :] if start.program in line.parents]
    for line in sorted(made, key=ranking.worth, reverse=True)[:children]:
        nodes.setdefault(line.number, line)
        links.append([number, line.number])
    return {
        "nodes": [{**brief_line(nodes[n]), "height": ranking.height(nodes[n])} for n in sorted(nodes)],
        "links": links,
        "children": len(made),
        "measure": ranking.measure,
    }


def roofline(digest: Digest, top: int = 12) -> list[dict[str, Any]]:
    """Return where the best programs stand against the device's ceiling; empty where nobody measured it."""
    ranking = Ranking.of(digest)
    measured = [n for n in ranking.standing(digest.lines) if n.full and n.latency_ms and n.roofline_ms]
    measured.sort(key=ranking.worth, reverse=True)
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for line in measured:
        if line.program not in seen and len(rows) < top:
            seen.add(line.program)
            rows.append(
                {
                    "number": line.number,
                    "score": line.score,
                    "latency_ms": line.latency_ms,
                    "roofline_ms": line.roofline_ms,
                    "bound": line.roofline_bound,
                    "fraction": (line.roofline_ms or 0.0) / (line.latency_ms or 1.0),
                }
            )
    return rows


def ago(then: float, now: float | None = None) -> str:
    """Say how long ago something was."""
    seconds = max(0.0, (time.time() if now is None else now) - then)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
