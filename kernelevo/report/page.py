"""The run as one HTML page that needs nothing else: result, best so far, trials, settings, how to repeat."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from kernelevo.core import Evaluation, Objectives, Trial
from kernelevo.core.objectives import SCORE
from kernelevo.report.story import failures, improvements, people, story
from kernelevo.report.table import (
    BY_SCORE,
    DIGITS,
    NONE,
    interval,
    is_timed,
    made_by,
    merit,
    milliseconds,
    number,
    ranked,
    ratio,
    status_told,
)

_STYLE = """:root{--bg:#f6f6f3;--card:#fff;--ink:#20201d;--dim:#6d6c66;--line:#e4e3dc;--soft:#f0efea;
--accent:#157a5e;--add:#e3f4ea;--del:#fbe7e6}
@media(prefers-color-scheme:dark){:root{--bg:#131412;--card:#1c1d1b;--ink:#e4e3dd;--dim:#99978f;--line:#2e2f2b;
--soft:#252623;--accent:#46c29d;--add:#173226;--del:#3a2020}}
body{font:15px/1.55 system-ui,sans-serif;font-variant-numeric:tabular-nums;max-width:70rem;margin:2rem auto;
padding:0 1rem;background:var(--bg);color:var(--ink)}
h1{font-size:1.5rem;margin:0}h1+p{color:var(--dim);margin-top:.2rem}h2{font-size:1.1rem;margin:2.2rem 0 .5rem}
table{border-collapse:collapse;margin:.5rem 0}svg{width:100%;height:auto;color:var(--dim)}
.best td{font-weight:600}
td,th{padding:.25rem .9rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{font-weight:400;color:var(--dim)}.wide{overflow-x:auto}td{overflow-wrap:anywhere}
pre{background:var(--soft);padding:.9rem;overflow:auto;border-radius:8px;font-size:13px}
.story{padding-left:1.2rem}.story li{margin:.5rem 0}.story strong{color:var(--accent)}summary{cursor:pointer;
color:var(--dim)}.diff{width:100%;table-layout:fixed;background:var(--card)}.diff td{padding:0 .5rem;border:0}
.diff pre{background:none;padding:0;margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.diff .n{width:2.6rem;
color:var(--dim);text-align:right}.diff .gap td{text-align:center;color:var(--dim);background:var(--soft)}
.diff .changed td:nth-child(2),.diff .removed td:nth-child(2){background:var(--del)}
.diff .changed td:nth-child(4),.diff .added td:nth-child(4){background:var(--add)}"""
MOST = 400  # trials in the table
_USUALLY_OFF = ("no_clusters", "no_elites")
_WIDTH, _HEIGHT, _LEFT, _BELOW = 720, 220, 50, 30


def run_page(
    run: Mapping[str, Any],
    trials: Sequence[Trial],
    source: str | None = None,
    orders: Sequence[Mapping[str, Any]] = (),
    again: Mapping[str, Any] | None = None,
) -> str:
    """Return the page of a run.

    Args:
        run: the object under ``run`` of ``show --json``; what is best on the page goes by its objectives.
        trials: every trial, in order, with scores as they read today.
        source: text of the best program, if there is one.
        orders: what people ordered, as ``kernelevo steer RUN --json`` prints it.
        again: of the settings those that a command has to say; all if None.
    """
    title = f"{run['task']} - kernelevo"
    objectives, timed = Objectives.of(run), bool(run.get("timed", True))
    out = set(run.get("out", ()))
    standing = [trial for trial in trials if trial.program.id not in out]
    parts = [
        f"<h1>{escape(str(run['task']))}</h1>",
        f"<p>{escape(str(run['folder']))}, {escape(str(run['state']))}, {len(trials)} trials, "
        f"{run['searched_seconds']:.0f} s of search after "
        f"{run['preparation_seconds']:.0f} s of preparation</p>",
        "<h2>Result</h2>",
        _result(run, objectives),
        *(f"<pre>{escape(str(text))}</pre>" for text in run.get("hindrances", ())),
        "<h2>Best so far</h2>",
        best_so_far(standing, objectives, timed=timed),
        *_front(run, trials, objectives),
        "<h2>How it got there</h2>",
        story(standing, objectives, timed=timed),
        people(orders),
        "<h2>What did not pass</h2>",
        failures(trials),
        "<h2>Trials</h2>",
        _trials(trials, run.get("best"), objectives, out, timed=timed),
    ]
    if source is not None:
        parts += ["<h2>The program</h2>", f"<pre>{escape(source)}</pre>"]
    parts += ["<h2>Settings</h2>", _pairs(run["settings"]), "<h2>Reproduce</h2>", _reproduce(run, again)]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def best_so_far(trials: Sequence[Trial], objectives: Objectives = BY_SCORE, *, timed: bool = True) -> str:
    """Return a step line of the best full verdict over the trials as SVG, one dot for each scored trial.

    Args:
        trials: of one run.
        objectives: what is best; the line shows the number that stands for their rule, and says which.
        timed: whether scores are ratios of times (``Task.is_timed``): above 0, with a line at 1.
    """
    full = [(t, t.evaluation) for t in trials if t.evaluation and t.evaluation.fidelity == "full"]
    known = [(t, objectives.height(e)) for t, e in full if e.score is not None]
    heights = {t.number: height for t, height in known if height is not None}
    steps = [(t.number, heights[t.number]) for t in improvements(trials, objectives) if t.number in heights]
    if not steps:
        return "<p>no correct program yet</p>"
    timed = timed and objectives.by_score and any(is_timed(e) for _, e in full)
    low, high = (0.0, 1.05 * max(heights.values())) if timed else _range(list(heights.values()))
    last, show = max(1, *(t.number for t in trials)), ratio if timed else _digits

    def place(n: float, height: float) -> tuple[float, float]:
        share = (height / 2 - low / 2) / (high / 2 - low / 2)  # halves: a range may be too large for a float
        return _LEFT + (_WIDTH - _LEFT - 10) * n / last, (_HEIGHT - _BELOW) * (1 - share) + 5

    corners: list[tuple[float, float]] = []
    reached = 0
    for n, height in steps:
        reached = max(reached, n)  # a trial that ended late counts where it ended
        x, y = place(reached, height)
        corners += [(x, corners[-1][1])] if corners else []
        corners.append((x, y))
    corners.append((place(last, 0.0)[0], corners[-1][1]))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    dots = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" opacity=".5"><title>#{n}: {show(height)}</title></circle>'
        for n, height in sorted(heights.items())
        for x, y in [place(n, height)]
    ]
    measure = objectives.measure
    told = "" if objectives.by_score else f"{measure.name} ({measure.better} is better), "
    caption = escape(f"{told}best {show(steps[-1][1])}")
    if timed:
        parity = f"{place(0, min(1.0, high))[1]:.1f}"
        marks = (
            f'<path d="M{_LEFT} {parity}H{_WIDTH}" stroke="#999"/>'
            f'<text x="0" y="{parity}" font-size="12">1.00x</text>'
        )
    else:
        ends = [
            (height, place(0, height)[1]) for height in sorted({min(heights.values()), max(heights.values())})
        ]
        marks = "".join(f'<text x="0" y="{y:.1f}" font-size="12">{show(v)}</text>' for v, y in ends)
    return (
        f'<svg viewBox="0 -18 {_WIDTH} {_HEIGHT + 18}" role="img" aria-label="best so far" '
        f'fill="currentColor">{marks}'
        f'<text x="{_LEFT}" y="-4" font-size="12">{caption}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}" font-size="12">trial 0</text>'
        f'<text x="{_WIDTH - 60}" y="{_HEIGHT - 8}" font-size="12">trial {last}</text>'
        f'<polyline points="{line}" fill="none" stroke="#2a7" stroke-width="2"/>' + "".join(dots) + "</svg>"
    )


def _digits(value: float) -> str:
    return number(value, DIGITS)


def _range(heights: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis that shows all heights, with room around them."""
    low, high = min(heights), max(heights)
    room = 0.05 * high - 0.05 * low or 0.05 * abs(high) or 1.0
    return low - room, high + room


def _result(run: Mapping[str, Any], objectives: Objectives) -> str:
    verdict = run.get("verdict")
    if not verdict:
        return "<p>nothing correct was found</p>"
    facts = {"status": verdict["status"], "score": verdict["score"], **verdict["metrics"]}
    sure = "timed again in fresh processes" if run.get("confirmed") else "as judged in the search"
    timed, judged = (facts.get(f"candidates_{what}") for what in ("confirmed", "judged"))
    if run.get("confirmed") and timed is not None:
        sure += f" (the best of {timed} timed again, out of {judged} judged)"
    good = ""
    if not objectives.by_score:
        told = merit(Evaluation.from_json(verdict), objectives)
        good = f"<p><strong>{escape(told)}</strong>; {escape(objectives.sentence())}</p>"
    listed = _pairs({k: v for k, v in facts.items() if v is not None})
    return f"<p>trial #{run['best']}, {sure}</p>{good}{listed}"


def _front(run: Mapping[str, Any], trials: Sequence[Trial], objectives: Objectives) -> list[str]:
    """The programs that nothing else beats in every declared metric, the best by the rule first."""
    if "pareto_front" not in run:
        return []
    heads = ["trial", *(f"{m.name} ({m.better} is better)" for m in objectives.metrics), "score", "made by"]
    rows = [f"<tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>"]
    front = [t for t in trials if t.number in run["pareto_front"] and t.evaluation]
    for trial in ranked(front, objectives):
        assert trial.evaluation is not None
        values = [number(m.value(trial.evaluation), DIGITS) for m in objectives.metrics]
        cells = (f"#{trial.number}", *values, number(trial.score, DIGITS), made_by(trial))
        mark = ' class="best"' if trial.number == run.get("best") else ""
        rows.append(f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    rule = f"<p>{escape(objectives.sentence())}</p>"
    return ["<h2>Pareto front</h2>", rule, f'<div class="wide"><table>{"".join(rows)}</table></div>']


def _trials(
    trials: Sequence[Trial], best: int | None, objectives: Objectives, out: Collection[str], *, timed: bool
) -> str:
    counted = [metric for metric in objectives.metrics if metric.name != SCORE]
    names = [f"{m.name} ({m.better})" for m in counted]
    heads = (
        "trial",
        "made by",
        "status",
        *names,
        "score",
        "time",
        "vs eager",
        "vs compile",
        "error",
        "words",
    )
    rows = [f"<tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>"]
    shown = trials
    if len(trials) > MOST:  # the best and the latest: a page is read by people
        kept = {t.number for t in [*ranked(trials, objectives, out)[: MOST // 2], *trials[-MOST // 2 :]]}
        shown = [t for t in trials if t.number in kept]
    for trial in shown:
        verdict = trial.evaluation
        metrics = verdict.metrics if verdict else {}
        words = (
            verdict.feedback
            if verdict
            else f"{trial.fault.kind}: {trial.fault.message}"
            if trial.fault
            else ""
        )
        cells = (
            f"#{trial.number}",
            made_by(trial),
            status_told(str(verdict.status) if verdict else "fault", trial, out),
            *(number(m.value(verdict), DIGITS) if verdict else NONE for m in counted),
            interval(verdict, timed=timed) if verdict and verdict.score is not None else NONE,
            milliseconds(metrics.get("latency_ms")),
            ratio(metrics.get("speedup_vs_eager")),
            ratio(metrics.get("speedup_vs_compile")),
            number(metrics.get("oracle_error"), "{:.1e}"),
            next(iter(words.splitlines()), "")[:200],
        )
        mark = ' class="best"' if trial.number == best else ""
        rows.append(f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    left = len(trials) - len(shown)
    also = f"<p>{left} more are in run.db: kernelevo show --csv</p>" if left else ""
    return f'<div class="wide"><table>{"".join(rows)}</table></div>{also}'


def _pairs(facts: Mapping[str, Any]) -> str:
    rows = (f"<tr><th>{escape(str(k))}</th><td>{escape(_text(v))}</td></tr>" for k, v in facts.items())
    return f"<table>{''.join(rows)}</table>"


def _text(value: Any) -> str:
    return number(value, "{:.4g}") if isinstance(value, float) else str(value)


def _reproduce(run: Mapping[str, Any], again: Mapping[str, Any] | None) -> str:
    named, folder = str(run.get("named", run["task"])), str(run["folder"])
    said = run["settings"] if again is None else again
    return f"<pre>{escape(command_line(named, said, folder, live=run['live']))}</pre>"


def command_line(task: str, settings: Mapping[str, Any], folder: str = "", *, live: bool = False) -> str:
    """Return what starts a run of these settings: a command, or a call from Python.

    Args:
        task: what names it on a command line.
        settings: of the run, those that have to be said; prices and the like stand in its ``config.toml``.
        folder: of the run.
        live: whether its task is a module that was given to ``kernelevo.optimize``.
    """
    if live:
        told = [f"{k}={v!r}" for k, v in settings.items() if k not in ("out", "models")]
        return f"kernelevo.optimize({', '.join(['module', 'inputs', *told])})"
    words = ["kernelevo", "run", task]
    for name, value in settings.items():
        if value is False and name in _USUALLY_OFF:
            words.append(f"--{name.removeprefix('no_')}")
        if name not in ("out", "models") and value is not False:
            words.append(f"--{name.replace('_', '-')}")
            if value is not True:
                words.append(",".join(map(str, value)) if isinstance(value, list) else str(value))
    config = ["--config", str(Path(folder) / "config.toml")] if settings.get("models") else []
    return shlex.join([*words, *config])
