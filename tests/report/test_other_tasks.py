"""Metrics that are named as a kernel's, in verdicts of other evaluators: no score is a ratio of times."""

import io
import re

import pytest
from rich.console import Console

from kernelevo.core import (
    Evaluation,
    Objectives,
    Program,
    RunStarted,
    Task,
    Trial,
    TrialEnded,
    WinnerConfirmed,
)
from kernelevo.report.live import LiveReport
from kernelevo.report.page import best_so_far, run_page
from kernelevo.report.story import story
from kernelevo.report.table import interval, merit, trials_table, verdict_table
from tests.report.test_page import RUN

NAMES = ({"latency_ms": 5.0}, {"baseline": "greedy"}, {"speedup_vs_eager": 2.0}, {"score_low": -9.0})


def trials(scores, metrics):
    return [Trial(n, Program.single(f"v{n}"), Evaluation.ok(s, **metrics)) for n, s in enumerate(scores)]


def printed(shown):
    console = Console(file=io.StringIO(), width=200)
    console.print(shown)
    return console.file.getvalue()


def test_only_the_judge_of_kernels_gives_ratios():
    assert Task("k", "g").is_timed and not Task("t", "g", evaluator="tsp.py:tour").is_timed


@pytest.mark.parametrize("metrics", NAMES)
def test_scores_are_told_as_they_are(metrics):
    verdict = Evaluation.ok(0.02, **metrics)
    assert interval(verdict, timed=False) == merit(verdict, Objectives(), timed=False) == "0.02"
    told = [
        printed(trials_table(trials([0.02], metrics), timed=False)),
        story(trials([0.02], metrics), timed=False),
    ]
    told += [
        printed(verdict_table(verdict, timed=False)),
        run_page({**RUN, "timed": False}, trials([0.02], metrics)),
    ]
    for text in told:
        assert "0.02" in text and "0.02x" not in text


@pytest.mark.parametrize("metrics", NAMES)
@pytest.mark.parametrize("scores", [(0.0, 0.0), (-5.0, -2.0), (0.0, -3.0), (0.001, 0.005)])
def test_the_curve_has_an_axis_for_any_scores(metrics, scores):
    svg = best_so_far(trials(scores, metrics), timed=False)
    heights = [float(point.split(",")[1]) for point in re.search('points="([^"]*)"', svg)[1].split()]
    assert "1.00x" not in svg and heights == sorted(heights, reverse=True)
    assert all(0 <= height <= 200 for height in heights)


def test_the_live_report_knows_from_the_beginning():
    out = io.StringIO()
    with LiveReport(Console(file=out, width=200, color_system=None)) as report:
        report(RunStarted("runs/a", "tsp.py:tour", timed=False))
        trial = Trial(0, Program.single("v"), Evaluation.ok(0.5, latency_ms=3.0))
        report(TrialEnded(trial, is_best=True))
        report(WinnerConfirmed(0, trial.evaluation))
    lines = out.getvalue().splitlines()
    assert "#0    0.5  " in lines[1] and "3 ms" not in lines[1]
    assert "fresh processes: 0.5 (ok)" in lines[2]
