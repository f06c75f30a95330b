"""The report of a task with objectives: curve, steps, table, winner and front go by their rule."""

import math
import re

import pytest

from kernelevo.api.compare import curve
from kernelevo.cli.watch import sentence
from kernelevo.core import Evaluation, Objectives, Origin, Program, Trial
from kernelevo.core.events import TrialEnded, WinnerConfirmed
from kernelevo.report.comparison import comparison
from kernelevo.report.effects import came_of, height, offspring_gain
from kernelevo.report.live import describe, trial_line
from kernelevo.report.page import MOST, best_so_far, run_page
from kernelevo.report.story import improvements, key_improvements, story
from kernelevo.report.table import gained, merit
from kernelevo.report.trace import Timeline, chrome_trace
from kernelevo.store.digest import Line
from tests.report.test_page import RUN, Balance

METRICS = {"speed": {"better": "higher", "weight": 1.0}, "memory": {"better": "lower", "weight": 0.5}}
WEIGHTED = {"metrics": METRICS, "rule": "weighted"}
LEXICOGRAPHIC = {"metrics": {"memory": "lower", "speed": "higher"}, "rule": "lexicographic"}
# score, speed, memory; weighted sums by hand: 0.5, 4.5, 2.5, 6, 0.75, 4.5
POINTS = [(1, 1, 1), (9, 9, 9), (5, 5, 5), (7, 7, 2), (1, 1, 0.5), (9, 9, 9)]
FRONT = [1, 3, 4]
EVIL = "<script>alert(1)</script>"


def of(declared):
    return Objectives.of({"objectives": declared})


def a_trial(n, score, speed, memory, **more):
    origin = Origin("llm", f"idea {n}")
    verdict = Evaluation.ok(score, speed=speed, memory=memory)
    return Trial(n, Program.single(f"v{n}", origin=origin), verdict, ended=float(n), **more)


TRIALS = [a_trial(n, *point) for n, point in enumerate(POINTS)]


def page_of(declared, best, trials=TRIALS):
    verdict = next(t.evaluation for t in trials if t.number == best).to_json()
    run = {**RUN, "best": best, "verdict": verdict, "objectives": declared, "pareto_front": FRONT}
    text = run_page({**run, "confirmed": False}, trials)
    reader = Balance()
    reader.feed(text)
    assert reader.open == []
    return text


@pytest.mark.parametrize(
    ("declared", "line"),
    [
        (WEIGHTED, "50.0,186.4 182.0,186.4 182.0,60.7 446.0,60.7 446.0,13.6 710.0,13.6"),
        (LEXICOGRAPHIC, "50.0,176.2 578.0,176.2 578.0,186.4 710.0,186.4"),  # of memory: lower is better
    ],
)
def test_the_curve_shows_what_the_rule_measures(declared, line):
    svg = best_so_far(TRIALS, of(declared))
    assert re.search('points="([^"]*)"', svg)[1] == line
    assert svg.count("<circle") == len(TRIALS) and "1.00x" not in svg
    told = ("weighted sum (higher is better), best 6", "memory (lower is better), best 0.5")
    assert told[declared is LEXICOGRAPHIC] in svg


def test_scores_below_zero_have_a_curve_too():
    trials = [a_trial(n, score, 0, 0) for n, score in enumerate((-4.0, -3.0, -5.0, -2.0))]
    svg = best_so_far(trials)
    heights = [float(point.split(",")[1]) for point in re.search('points="([^"]*)"', svg)[1].split()]
    # between -5.15 and -1.85: shares 1.15, 2.15 and 3.15 of 3.3
    assert heights == [128.8, 128.8, 71.2, 71.2, 13.6, 13.6] and "best -2" in svg and ">-5<" in svg


def test_values_that_are_all_the_same_or_beyond_measure_are_drawn():
    for values in ((0, 0), (3, 3), (1e308, -1e308)):
        svg = best_so_far([a_trial(n, value, 0, 0) for n, value in enumerate(values)])
        assert "nan" not in svg and "inf" not in svg and svg.count("<circle") == 2


def test_improvements_and_the_largest_of_them_go_by_the_rule():
    assert [t.number for t in improvements(TRIALS)] == [0, 1]
    assert [t.number for t in improvements(TRIALS, of(WEIGHTED))] == [0, 1, 3]
    assert [t.number for t in improvements(TRIALS, of(LEXICOGRAPHIC))] == [0, 4]
    sums = [(t.number, gain and gain.amount) for t, gain in key_improvements(TRIALS, of(WEIGHTED))]
    assert sums == [(0, None), (1, 4.0), (3, 1.5)]
    few = [t.number for t, _ in key_improvements(TRIALS, of(WEIGHTED), most=1)]
    assert few == [0, 1, 3]  # the largest, and the last
    ((_, first), (_, second)) = key_improvements(TRIALS, of(LEXICOGRAPHIC))
    assert first is None and (second.name, second.better, second.amount) == ("memory", "lower", 0.5)


def test_large_steps_in_the_first_metric_come_before_any_in_the_second():
    points = [(0, 1, 9), (0, 50, 9), (0, 2, 8), (0, 3, 8), (0, 90, 8), (0, 1, 3)]
    trials = [a_trial(n, *point) for n, point in enumerate(points)]
    told = key_improvements(trials, of(LEXICOGRAPHIC), most=2)
    assert [t.number for t, _ in told] == [0, 2, 5]
    assert [gained(gain) for _, gain in told[1:]] == ["memory 1 lower", "memory 5 lower"]
    rest = dict((t.number, gained(g)) for t, g in key_improvements(trials, of(LEXICOGRAPHIC)) if g)
    assert (rest[1], rest[3], rest[4]) == ("speed 49 higher", "speed 1 higher", "speed 87 higher")


def test_the_story_is_told_in_what_counts():
    text = story(TRIALS, of(WEIGHTED))
    assert "<strong>weighted sum 0.5 (speed 1, memory 1)</strong> #0, llm: idea 0" in text
    assert "<strong>weighted sum 4.5 (speed 9, memory 9)</strong> (weighted sum 4 higher) #1," in text
    assert "<strong>weighted sum 6 (speed 7, memory 2)</strong> (weighted sum 1.5 higher) #3," in text
    text = story(TRIALS, of(LEXICOGRAPHIC))
    assert "<strong>memory 1, speed 1</strong> #0," in text
    assert "<strong>memory 0.5, speed 1</strong> (memory 0.5 lower) #4," in text


@pytest.mark.parametrize(("declared", "best"), [(WEIGHTED, 3), (LEXICOGRAPHIC, 4)])
def test_the_page_names_the_rule_the_winner_and_the_front(declared, best):
    text = page_of(declared, best)
    assert f"trial #{best}, as judged in the search" in text
    assert escape_of(merit(TRIALS[best].evaluation, of(declared))) in text
    front = text[text.index("<h2>Pareto front") : text.index("<h2>How it got there")]
    order = {3: [3, 1, 4], 4: [4, 3, 1]}[best]  # 6, 4.5, 0.75; memory 0.5, 2, 9
    assert re.findall(r"<td>#(\d)</td>", front) == [str(n) for n in order]
    assert f'<tr class="best"><td>#{best}</td>' in front
    rows = text[text.index("<h2>Trials") :]
    heads = ["speed (higher)", "memory (lower)"]
    heads = heads if declared is WEIGHTED else heads[::-1]
    assert "".join(f"<th>{head}</th>" for head in [*heads, "score"]) in rows
    values = "<td>7</td><td>2</td><td>7</td>" if declared is WEIGHTED else "<td>0.5</td><td>1</td><td>1</td>"
    assert f"<td>#{best}</td><td>llm: idea {best}</td><td>ok</td>{values}" in rows
    assert text.count('class="best"') == 2  # in the front and in the table


def escape_of(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def test_the_sentence_says_directions_weights_and_steps():
    assert of(WEIGHTED).sentence() == (
        "the order is weighted, the sum of speed (higher is better, weight 1) and memory (lower is better, "
        "weight 0.5)"
    )
    near = {"metrics": {"memory": {"better": "lower", "within": 0.5}, "speed": "higher"}}
    assert of({**near, "rule": "lexicographic"}).sentence() == (
        "the order is lexicographic: memory (lower is better, within 0.5), then speed (higher is better)"
    )
    assert of(near).sentence() == "the score makes the order"


def test_names_of_metrics_are_text():
    declared = {"metrics": {EVIL: "lower", "speed": "higher"}, "rule": "lexicographic"}
    trials = [
        Trial(n, Program.single(f"v{n}"), Evaluation.ok(1.0, **{EVIL: n, "speed": 1}), ended=-float(n))
        for n in (1, 0)
    ]
    text = page_of(declared, 0, trials)
    assert "<script" not in text and text.count("&lt;script&gt;") >= 6


def test_a_metric_that_is_missing_or_a_word_is_a_dash():
    lacking = [Trial(9, Program.single("x"), Evaluation.ok(50.0, speed=50), ended=-1.0)]
    word = [Trial(10, Program.single("y"), Evaluation.ok(50.0, speed="nan", memory=1), ended=-0.5)]
    for declared in (WEIGHTED, LEXICOGRAPHIC):
        svg = best_so_far([*lacking, *word, *TRIALS], of(declared))
        assert "nan" not in svg and "inf" not in svg
        text = story([*lacking, *TRIALS], of(declared))
        assert "which only one of them has" in text and "memory -" in text


def test_a_long_run_keeps_its_best_by_the_rule():
    # by the score the first ones are best, by the rule number 7
    trials = [a_trial(n, 1e6 - n, 1, 100 + n) for n in range(MOST + 300)]
    trials[7] = a_trial(7, 0.0, 1, 1)
    trials[MOST] = a_trial(MOST, 0.0, 1, 2)
    run = {**RUN, "best": 7, "objectives": LEXICOGRAPHIC, "pareto_front": [7]}
    rows = run_page(run, trials)
    rows = rows[rows.index("<h2>Trials") :]
    assert '<tr class="best"><td>#7</td>' in rows and f"<td>#{MOST}</td>" in rows


def test_the_trace_has_the_same_curve():
    found = chrome_trace(Timeline(TRIALS), name="r", objectives=of(LEXICOGRAPHIC))["traceEvents"]
    assert [(e["ts"], e["args"]) for e in found if e["ph"] == "C"] == [
        (0, {"memory": 1.0}),
        (4_000_000, {"memory": 0.5}),
    ]


CARRIED = {
    "carried": [3, 4],
    "carried_ok": 2,
    "rule": "lexicographic",
    "measure": {"name": "memory", "better": "lower"},
    "best_before": 1.0,
    "best_carried": 0.5,
    "best_since": 0.5,
    "metrics": {
        "before": {"memory": 1, "speed": 1},
        "carried": {"memory": 0.5, "speed": 1},
        "since": {"memory": 0.5, "speed": 1},
    },
}


def test_what_came_of_an_order_is_told_in_what_counts():
    assert came_of(CARRIED) == (
        "in 2 briefs, 2 of them passed; best memory 0.5, speed 1, before memory 1, speed 1"
    )
    summed = {**CARRIED, "rule": "weighted", "measure": {"name": "weighted sum", "better": "higher"}}
    assert height({**summed, "best_carried": 0.75}, "carried") == "weighted sum 0.75 (memory 0.5, speed 1)"
    assert height({**CARRIED, "best_before": None, "metrics": {"before": None}}, "before") == "-"
    score = {"carried": [1], "carried_ok": 0, "rule": "score", "measure": {"name": "score"}}
    plain = {**score, "best_carried": None, "best_before": 1.25}
    assert came_of(plain) == "in 1 briefs, 0 of them passed; best -, before 1.25"
    assert came_of({"carried": []}) == "in no brief that was answered yet"


@pytest.mark.parametrize(
    ("gain", "kind", "words"),
    [
        (-0.25, ("score", "higher"), ", gain -0.25"),
        (1.5, ("memory", "lower"), ", gain memory 1.5 lower"),
        (-1.5, ("memory", "lower"), ", gain memory 1.5 higher"),
        (None, ("memory", "lower"), ", gain memory, which only one of them has"),
    ],
)
def test_the_gain_of_a_program_is_told_in_what_decides(gain, kind, words):
    row = {"trial": 3, "offspring": [4], "gain": gain, "gain_in": {"name": kind[0], "better": kind[1]}}
    assert offspring_gain(row) == words and came_of(row) == f"trial #3, 1 programs came of it{words}"
    assert offspring_gain({**row, "gain_in": None}) == ""
    assert came_of({"trial": None, "offspring": []}) == ""
    assert math.isfinite(gain or 0.0)


def line_of(trial):
    return Line(
        number=trial.number,
        program=trial.program.id,
        parents=(),
        proposer="llm",
        idea=trial.program.origin.idea,
        status="ok",
        score=trial.score,
        full=True,
        island=0,
        started=0.0,
        ended=1.0,
        cost={},
        words="",
        evaluation=trial.evaluation,
    )


@pytest.mark.parametrize(
    ("declared", "told"),
    [(WEIGHTED, "weighted sum 6 (speed 7, memory 2)"), (LEXICOGRAPHIC, "memory 2, speed 7"), (None, "7")],
)
def test_lines_of_a_terminal_tell_what_the_rule_measures(declared, told):
    objectives, trial = of(declared), TRIALS[3]
    assert trial_line(TrialEnded(trial, True, objectives)) == f"#3    {told}  llm: idea 3"
    said = describe(WinnerConfirmed(3, trial.evaluation, objectives))
    assert said == f"#3 timed again in fresh processes: {told} (ok)"
    assert sentence(line_of(trial), objectives).split(None, 2)[2] == f"{told}  llm: idea 3"


@pytest.mark.parametrize(
    ("declared", "heights", "told", "ratio"),
    [
        (WEIGHTED, [0.5, 4.5, 6.0], "0.5 to 6 at 3", "two / one: 0.750 of the weighted sum"),
        (LEXICOGRAPHIC, [1.0, 0.5], "1 to 0.5 at 4", "two / one: 2.000 of the memory"),
    ],
)
def test_a_comparison_goes_by_the_rule(declared, heights, told, ratio):
    from rich.console import Console

    objectives = of(declared)
    points = curve(TRIALS, objectives)
    assert [point["height"] for point in points] == heights
    run = dict.fromkeys(("folder", "task", "state", "searched_seconds", "preparation_seconds", "best"))
    run |= {"score": 7.0, "score_low": None, "score_high": None, "confirmed": False, "trials": len(TRIALS)}
    run["measure"] = objectives.measure.name
    one, two = {**run, "height": heights[-1]}, {**run, "height": heights[1 if declared is WEIGHTED else 0]}
    found = {"runs": [one, two], "task": {}, "settings": {}, "proposers": {}, "curves": [points, points]}
    console = Console(width=120)
    with console.capture() as capture:
        console.print(comparison({**found, "first_difference": None}))
    text = capture.get()
    assert text.count(told) == 2 and ratio in text and "score" not in text.replace("scored", "")
