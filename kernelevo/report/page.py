"""The run as one HTML page that needs nothing else: result, best so far, trials, settings, how to repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from kernelevo.core import Objectives, Trial
from kernelevo.report.table import NONE, interval, made_by, milliseconds, number, ratio

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0}svg{width:100%;height:auto}.best td{font-weight:600}
td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}
pre{background:#f6f6f6;padding:1rem;overflow:auto}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre{background:#222}}"""
_USUALLY_OFF = ("no_clusters", "no_elites")
_WIDTH, _HEIGHT, _LEFT, _BELOW = 720, 220, 50, 30


def run_page(run: Mapping[str, Any], trials: Sequence[Trial], source: str | None = None) -> str:
    """Return the page of a run.

    Args:
        run: the object under ``run`` of ``show --json``.
        trials: every trial, in order, with scores as they read today.
        source: text of the best program, if there is one.
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
    for trial in trials:
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
    return f"<table>{''.join(rows)}</table>"


def _pairs(facts: Mapping[str, Any]) -> str:
    rows = (f"<tr><th>{escape(str(k))}</th><td>{escape(_text(v))}</td></tr>" for k, v in facts.items())
    return f"<table>{''.join(rows)}</table>"


def _text(value: Any) -> str:
    return number(value, "{:.4g}") if isinstance(value, float) else str(value)


def _reproduce(run: Mapping[str, Any]) -> str:
    flags = []
    for name, value in run["settings"].items():
        if value is False and name in _USUALLY_OFF:
            flags.append(f"--{name.removeprefix('no_')}")
        if name != "out" and value is not False:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            flags.append(f"--{name.replace('_', '-')}" + ("" if value is True else f" '{text}'"))
    command = " ".join(["kernelevo run", repr(str(run["task"])), *flags])
    return f"<pre>{escape(command)}</pre>"
