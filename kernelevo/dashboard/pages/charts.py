"""Charts: options for ECharts; colours that read on light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kernelevo.core.objectives import SCORE

INK, GRID = "#8a8a86", "rgba(138,138,134,0.18)"
ACCENT, AMBER, BLUE = "#1f9d7a", "#c9852b", "#4f86c6"
ISLANDS = ("#4f86c6", "#c9852b", "#9a6fb8", "#b5575c", "#6b8e3d", "#3d8e8a", "#8d7b68", "#c06a9c")
_FONT = {"color": INK, "fontSize": 11}


def _axis(**more: Any) -> dict[str, Any]:
    return {
        "axisLabel": _FONT, "axisLine": {"show": False}, "axisTick": {"show": False},
        "splitLine": {"lineStyle": {"color": GRID}}, "nameTextStyle": _FONT, **more,
    }  # fmt: skip


def base(**more: Any) -> dict[str, Any]:
    """Return what all charts share."""
    return {
        "animation": False,
        "grid": {"left": 8, "right": 14, "top": 34, "bottom": 6, "containLabel": True},
        "legend": {"top": 2, "left": 0, "itemWidth": 12, "itemHeight": 8, "textStyle": _FONT,
                   "type": "scroll",
                   "pageTextStyle": _FONT, "icon": "roundRect"},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "line"}, "confine": True},
        **more,
    }  # fmt: skip


def _step(
    name: str, points: Sequence[Sequence[float]], last: int, colour: str, width: float
) -> dict[str, Any]:
    held = [*points, [last, points[-1][1]]] if points and points[-1][0] < last else list(points)
    return {
        "name": name, "type": "line", "step": "end", "data": held, "symbol": "none", "color": colour,
        "lineStyle": {"width": width}, "z": 3 if width > 2 else 2,
    }  # fmt: skip


def best_so_far(series: Mapping[str, Any]) -> dict[str, Any]:
    """Return best so far over the trials: the run, each island, and a dot for each scored trial.

    Lines of the cold start end with it. It shows what the task's rule measures; where that is not the score,
    its axis says what it is.
    """
    last, lines = series["last"], []
    for word, name in (("line", "lines"), ("island", "islands")):
        if len(series[name]) < 2:
            continue
        for i, (number, points) in enumerate(series[name].items()):
            end = last if word == "island" else 0
            lines.append(_step(f"{word} {number}", points, end, ISLANDS[i % len(ISLANDS)], 1.2))
    dots = {
        "name": "trials", "type": "scatter", "data": series["dots"], "symbolSize": 4, "color": INK,
        "itemStyle": {"opacity": 0.45}, "z": 1, "large": True, "largeThreshold": 800,
    }  # fmt: skip
    lines += [dots, _step("best so far", series["best"], last, ACCENT, 2.4)]
    return base(
        xAxis=_axis(type="value", min=0, max=max(1, last), splitLine={"show": False}, minInterval=1),
        yAxis=_axis(type="value", scale=True, **_named(series["measure"])),
        series=lines,
    )


def _named(measure: Mapping[str, str]) -> dict[str, Any]:
    """The axis of a measure that is not the score says what it is."""
    if measure["name"] == SCORE:
        return {}
    return {"name": f"{measure['name']} ({measure['better']} is better)", "nameLocation": "start"}


def population(draws: Mapping[str, Any]) -> dict[str, Any]:
    """Return diversity and temperature (left) and effective parents (right) over the trials."""

    def line(name: str, key: str, colour: str, axis: int) -> dict[str, Any]:
        return {
            "name": name, "type": "line", "data": draws[key], "symbol": "none", "color": colour,
            "yAxisIndex": axis, "lineStyle": {"width": 1.6}, "smooth": 0.2,
        }  # fmt: skip

    return base(
        xAxis=_axis(type="value", min="dataMin", max="dataMax", splitLine={"show": False}, minInterval=1),
        yAxis=[_axis(type="value", min=0), _axis(type="value", min=0, splitLine={"show": False})],
        series=[
            line("diversity", "diversity", ACCENT, 0),
            line("temperature", "temperature", AMBER, 0),
            line("effective parents (right)", "effective_parents", BLUE, 1),
        ],
    )


def lineage(tree: Mapping[str, Any], chosen: int) -> dict[str, Any]:
    """Return a family: trials by number and score, an arrow from parent to child; failures beyond the worst.

    Where the task's rule measures something else than the score, that takes its place.
    """
    heights = [node["height"] for node in tree["nodes"] if node["height"] is not None]
    low, high = min(heights, default=0.0), max(heights, default=1.0)
    beyond = 0.12 * ((high - low) or 1.0)
    floor = high + beyond if tree["measure"]["better"] == "lower" else low - beyond
    nodes = []
    for node in tree["nodes"]:
        failed = node["height"] is None
        mine = node["number"] == chosen
        colour = "#b5575c" if failed else ACCENT if mine else AMBER if node["proposer"] == "person" else BLUE
        nodes.append(
            {
                "name": f"#{node['number']}",
                "value": [node["number"], floor if failed else node["height"]],
                "symbolSize": 15 if mine else 9,
                "itemStyle": {"color": colour, "opacity": 0.55 if failed else 1.0},
                "label": {"show": mine, "position": "top", "color": INK, "formatter": "{b}"},
            }
        )
    links = [{"source": f"#{a}", "target": f"#{b}"} for a, b in tree["links"]]
    return base(
        legend={"show": False},
        tooltip={"trigger": "item", "formatter": "{b}", "confine": True},
        xAxis=_axis(type="value", scale=True, minInterval=1, name="trial", splitLine={"show": False}),
        yAxis=_axis(type="value", scale=True, **_named(tree["measure"])),
        series=[
            {
                "type": "graph", "coordinateSystem": "cartesian2d", "layout": "none", "data": nodes,
                "links": links, "edgeSymbol": ["none", "arrow"], "edgeSymbolSize": 6,
                "lineStyle": {"color": INK, "opacity": 0.5, "curveness": 0.12},
            }
        ],
    )  # fmt: skip


def roofline(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what part of the device's ceiling the best programs reach, one bar each."""
    names = [f"#{row['number']}" for row in rows]
    shares = [round(100 * row["fraction"], 1) for row in rows]
    label = {"show": True, "position": "right", "formatter": "{c}%", "color": INK, "fontSize": 11}
    percent = {**_FONT, "formatter": "{value}%"}
    return base(
        legend={"show": False},
        xAxis=_axis(type="value", min=0, max=max(100, *shares, 0), axisLabel=percent),
        yAxis=_axis(type="category", data=names, inverse=True, splitLine={"show": False}),
        series=[
            {
                "type": "bar", "data": shares, "color": ACCENT, "barMaxWidth": 14,
                "label": label,
            }
        ],
    )  # fmt: skip
