"""The run as one HTML page that needs nothing else: result, best so far, trials, settings, how to repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from kernelevo.core import Objectives, Trial
from kernelevo.report.story import failures, people, story
from kernelevo.report.table import NONE, interval, made_by, milliseconds, number, ratio

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
) -> str:
    """Return the page of a run.

    Args:
        run: the object under ``run`` of ``show --json``.
        trials: every trial, in order, with scores as they read today.
        source: text of the best program, if there is one.
        orders: what people ordered, as ``kernelevo steer RUN --json`` prints it.
    """
    title = f"{run['task']} - kernelevo"
    parts = [
        f"<h1>{escape(str(run['task']))}</h1>",
        f"<p>{escape(str(run['folder']))}, {escape(str(run['state']))}, {len(trials)} trials, "
        f"{run['searched_seconds']:.0f} s of search after "
        f"{run['preparation_seconds']:.0f} s of preparation</p>",
        "<h2>Result</h2>",
        _result(run),
        "<h2>Best so far</h2>",
        best_so_far(trials),
        *_front(run, trials),
        "<h2>How it got there</h2>",
        story(trials),
        people(orders),
        "<h2>What did not pass</h2>",
        failures(trials),
        "<h2>Trials</h2>",
        _trials(trials, run.get("best")),
    ]
    if source is not None:
        parts += ["<h2>The program</h2>", f"<pre>{escape(source)}</pre>"]
    parts += ["<h2>Settings</h2>", _pairs(run["settings"]), "<h2>Reproduce</h2>", _reproduce(run)]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def best_so_far(trials: Sequence[Trial]) -> str:
    """Return a step line of the best full score over the trials as SVG, one dot for each scored trial."""
    scored = [(t.number, t.score) for t in trials if t.score is not None and _is_full(t)]
    if not scored:
        return "<p>no correct program yet</p>"
    last, top = max(1, *(t.number for t in trials)), max(score for _, score in scored) * 1.05 or 1.0

    def place(n: float, score: float) -> str:
        x = _LEFT + (_WIDTH - _LEFT - 10) * n / last
        return f"{x:.1f},{(_HEIGHT - _BELOW) * (1 - score / top) + 5:.1f}"

    best = 0.0
    steps: list[str] = []
    dots: list[str] = []
    for n, score in sorted(scored):
        x, y = place(n, score).split(",")
        dots.append(
            f'<circle cx="{x}" cy="{y}" r="3" opacity=".5"><title>#{n}: {ratio(score)}</title></circle>'
        )
        if score > best:
            steps += [place(n, best)] if steps else []
            best = score
            steps.append(place(n, best))
    steps.append(place(last, best))
    parity = place(0, min(1.0, top)).split(",")[1]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="best so far" fill="currentColor">'
        f'<path d="M{_LEFT} {parity}H{_WIDTH}" stroke="#999"/>'
        f'<text x="0" y="{parity}" font-size="12">1.00x</text>'
        f'<text x="0" y="16" font-size="12">{ratio(best)}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}" font-size="12">trial 0</text>'
        f'<text x="{_WIDTH - 60}" y="{_HEIGHT - 8}" font-size="12">trial {last}</text>'
        f'<polyline points="{" ".join(steps)}" fill="none" stroke="#2a7" stroke-width="2"/>'
        + "".join(dots)
        + "</svg>"
    )


def _is_full(trial: Trial) -> bool:
    return trial.evaluation is not None and trial.evaluation.fidelity == "full"


def _result(run: Mapping[str, Any]) -> str:
    verdict = run.get("verdict")
    if not verdict:
        return "<p>nothing correct was found</p>"
    facts = {"status": verdict["status"], "score": verdict["score"], **verdict["metrics"]}
    sure = "timed again in fresh processes" if run.get("confirmed") else "as timed in the search"
    timed, judged = (facts.get(f"candidates_{what}") for what in ("confirmed", "judged"))
    if run.get("confirmed") and timed is not None:
        sure += f" (the best of {timed} timed again, out of {judged} judged)"
    return f"<p>trial #{run['best']}, {sure}</p>" + _pairs({k: v for k, v in facts.items() if v is not None})


def _front(run: Mapping[str, Any], trials: Sequence[Trial]) -> list[str]:
    """The programs that nothing else beats in every declared metric."""
    if "pareto_front" not in run:
        return []
    objectives = Objectives.of(run)
    heads = ["trial", *(f"{m.name} ({m.better} is better)" for m in objectives.metrics), "score", "made by"]
    rows = [f"<tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>"]
    for trial in (t for t in trials if t.number in run["pareto_front"] and t.evaluation):
        assert trial.evaluation is not None
        values = [number(m.value(trial.evaluation), "{:.4g}") for m in objectives.metrics]
        cells = (f"#{trial.number}", *values, number(trial.score, "{:.4g}"), made_by(trial))
        mark = ' class="best"' if trial.number == run.get("best") else ""
        rows.append(f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    rule = "the score" if objectives.by_score else f"the rule {objectives.rule}"
    return ["<h2>Pareto front</h2>", f"<p>best by {rule}</p>", f"<table>{''.join(rows)}</table>"]


def _trials(trials: Sequence[Trial], best: int | None) -> str:
    heads = ("trial", "made by", "status", "score", "time", "vs eager", "vs compile", "error", "words")
    rows = [f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"]
    shown = trials
    if len(trials) > MOST:  # the best and the latest: a page is read by people
        ranked = sorted(trials, key=lambda t: (t.score is None, -(t.score or 0.0), t.number))
        kept = {t.number for t in [*ranked[: MOST // 2], *trials[-MOST // 2 :]]}
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
            str(verdict.status) if verdict else "fault",
            interval(verdict) if verdict and verdict.score is not None else NONE,
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


def _reproduce(run: Mapping[str, Any]) -> str:
    return f"<pre>{escape(command_line(str(run['task']), run['settings']))}</pre>"


def command_line(task: str, settings: Mapping[str, Any]) -> str:
    """Return the command that starts a run of these settings."""
    flags = []
    for name, value in settings.items():
        if value is False and name in _USUALLY_OFF:
            flags.append(f"--{name.removeprefix('no_')}")
        if name != "out" and value is not False:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            flags.append(f"--{name.replace('_', '-')}" + ("" if value is True else f" '{text}'"))
    return " ".join(["kernelevo run", repr(task), *flags])
