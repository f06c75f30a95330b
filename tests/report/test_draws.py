"""The draws of a run as columns and as lines of bars."""

from typing import Any

from kernelevo.core import Evaluation, Origin, Program, Trial
from kernelevo.report.draws import FACTS, draw_lines, draws


def trial(number: int, draw: dict[str, Any] | None) -> Trial:
    details = {} if draw is None else {"draw": draw}
    program = Program.single(f"x = {number}", origin=Origin("toy", "", details))
    return Trial(number, program, Evaluation.ok(1.0))


TRIALS = [
    trial(0, None),
    trial(1, {"phase": "cold start", "sampler": "chain"}),
    trial(2, {"phase": "evolve", "temperature": 0.1, "diversity": 0.9, "effective_parents": 2.0}),
    trial(3, {"phase": "evolve", "temperature": 0.8, "diversity": None, "effective_parents": "nan"}),
]


def test_columns_are_as_long_as_there_are_draws() -> None:
    columns = draws(TRIALS)
    assert columns["trial"] == [1, 2, 3] and columns["phase"] == ["cold start", "evolve", "evolve"]
    assert columns["temperature"] == [None, 0.1, 0.8] and columns["effective_parents"] == [None, 2.0, None]
    assert {len(column) for column in columns.values()} == {3} and set(FACTS) < set(columns)


def test_lines_show_range_and_latest() -> None:
    assert draw_lines(TRIALS) == [
        "draws of parents, trial 1 to 3",
        "temperature        ▁█  0.1 to 0.8, now 0.8",
        "diversity          ▁   0.9 to 0.9, now 0.9",
        "effective parents  ▁   2 to 2, now 2",
    ]


def test_without_clusters_it_says_why_there_is_no_diversity() -> None:
    lines = draw_lines([trial(0, {"phase": "evolve", "temperature": 0.1, "effective_parents": 1.5})])
    assert lines[1].startswith("temperature") and lines[3].startswith("effective parents")
    assert lines[2] == "diversity         not measured: an island is one cluster (--clusters)"


def test_nothing_is_shown_where_nothing_was_drawn() -> None:
    assert draw_lines(TRIALS[:2]) == [] == draw_lines([])
