"""Plots of a series as SVG texts, drawn by matplotlib (extra ``plot``), imported when one is asked for."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kernelevo.bench.row import Row
from kernelevo.errors import ToolchainMissing

OURS = "ours"  # how the labels of our own bars begin; others are hatched
_COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb", "#222255",
            "#ee8866", "#77aadd")  # fmt: skip
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "kernelevo", "font.size": 9, "axes.spines.top": False,
          "axes.spines.right": False}  # fmt: skip

Bars = Mapping[str, Mapping[str, float]]


def available() -> bool:
    """Whether matplotlib is installed."""
    try:
        _matplotlib()
    except ToolchainMissing:
        return False
    return True


def _matplotlib() -> Any:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ToolchainMissing(
            "charts need matplotlib", why=str(error), now="pip install 'kernelevo[plot]'"
        ) from error
    return matplotlib, Figure


def bars(
    tasks: Sequence[str], series: Bars, intervals: Mapping[str, Mapping[str, tuple[float, float]]]
) -> str:
    """Return horizontal bars per task on a logarithmic axis, one for each baseline, parity marked.

    Args:
        tasks: names, top to bottom.
        series: label -> task -> speed-up; what is missing has no bar.
        intervals: label -> task -> ends of the 95 % interval.

    Raises:
        ToolchainMissing: without matplotlib.
    """
    matplotlib, figure_of = _matplotlib()
    places, ticks, total = _packed(tasks, series)
    with matplotlib.rc_context(_STYLE):
        height = 0.8 + 0.18 * len(series) + 0.14 * total
        figure = figure_of(figsize=(8.6, height), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        for i, (label, values) in enumerate(series.items()):
            named = [t for t in tasks if t in values]
            at, found = [places[label, t] for t in named], [values[t] for t in named]
            theirs = not label.startswith(OURS)
            axes.barh(
                at, [v - 1.0 for v in found], 0.9, left=1.0, label=label, color=_COLOURS[i % len(_COLOURS)],
                hatch="////" if theirs else None, edgecolor="white" if theirs else "none", linewidth=0,
            )  # fmt: skip
            for y, task in zip(at, named, strict=True):
                if task in intervals.get(label, {}):
                    axes.plot(intervals[label][task], [y, y], color="black", lw=0.9)
        axes.axvline(1.0, color="#777", lw=1)
        axes.set_yticks([ticks[t] for t in tasks], tasks)
        axes.set_ylim(total, -1)
        axes.set_xlabel("speed-up (1 is parity), logarithmic")
        axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
        axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
        figure.legend(frameon=False, fontsize=8, loc="outside upper left")
        return _svg(figure, "speed-up per task")


def _packed(
    tasks: Sequence[str], series: Bars
) -> tuple[dict[tuple[str, str], float], dict[str, float], float]:
    """Return where each bar lies, where each task's name does, and the height of all; no room for gaps."""
    places: dict[tuple[str, str], float] = {}
    ticks: dict[str, float] = {}
    y = 0.0
    for task in tasks:
        labels = [label for label, values in series.items() if task in values]
        places |= {(label, task): y + n for n, label in enumerate(labels)}
        ticks[task] = y + (len(labels) - 1) / 2
        y += len(labels) + 1
    return places, ticks, y - 1


def roofline(rows: Sequence[Row]) -> str | None:
    """Return each task's reached rate over its operations per byte, and the roof that its ceilings make.

    A task stands at the module's own work; a dot above its roof is a program that removed work. None where
    no row knows its work.

    Raises:
        ToolchainMissing: without matplotlib.
    """
    matplotlib, figure_of = _matplotlib()
    points = [(row, *place) for row in rows if (place := _place(row)) is not None]
    if not points:
        return None
    with matplotlib.rc_context(_STYLE):
        figure = figure_of(figsize=(8.6, 4.6), layout="constrained")
        axes = figure.subplots()
        axes.loglog()
        for row, intensity, reached, roof in points:
            axes.plot([intensity, intensity], [reached, roof], color="#bbb", lw=0.8, zorder=1)
            axes.plot(intensity, roof, "_", color="#777", ms=9, zorder=2)
            axes.plot(intensity, reached, "o", color=_COLOURS[0], ms=5, zorder=3)
            axes.annotate(
                row.name.partition("/")[2], (intensity, reached), fontsize=7, xytext=(4, 3),
                textcoords="offset points",
            )  # fmt: skip
        axes.set_xlabel("operations per byte of the module's work")
        axes.set_ylabel("billion operations per second")
        axes.plot([], [], "o", color=_COLOURS[0], label="reached")
        axes.plot([], [], "_", color="#777", ms=9, label="roof of its precision class")
        axes.legend(frameon=False, fontsize=8, loc="lower right")
        return _svg(figure, "roofline")


def _place(row: Row) -> tuple[float, float, float] | None:
    """Return operations per byte, the reached rate and the roof's, in 1e9 per second."""
    flops, moved = row.metrics.get("work_flops"), row.metrics.get("work_bytes")
    latency, roof = row.metrics.get("latency_ms"), row.metrics.get("roofline_ms")
    if row.score is None or not (flops and moved and latency and roof):
        return None
    return flops / moved, flops / latency / 1e6, flops / roof / 1e6


def _svg(figure: Any, title: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    # ids would clash between two charts on one page
    mark = re.sub(r"\W", "-", title)
    text = re.sub(r'\bid="', f'id="{mark}-', text)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{mark}-", text)
