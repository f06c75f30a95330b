"""The order of programs is the one that the task chose: best, elites, draws and migrants go by it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Evaluation, Objective, Objectives, Origin, Program, Trial, Verdict
from kernelevo.population import AddStatus, Islands, Policy

LEAN = Objectives((Objective("bytes", "lower"), Objective("score")), "lexicographic")
SUM = Objectives((Objective("score"), Objective("bytes", "lower", weight=0.1)), "weighted")
ROWS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30)
WARM = Policy(cold_start=False)


def told(rows: list[tuple[int, int]], objectives: Objectives | None, policy: Policy = WARM) -> Islands:
    islands = Islands(objectives=objectives, policy=policy)
    for number, (score, size) in enumerate(rows):
        islands.tell(trial(number, score, size))
    return islands


def trial(number: int, score: float, size: float) -> Trial:
    program = Program.single(f"x = {number}\n", origin=Origin("toy"))
    return Trial(number, program, Evaluation.ok(float(score), bytes=size))


@given(ROWS)
@pytest.mark.parametrize("objectives", [LEAN, SUM, None])
def test_best_and_ranking_go_by_worth(objectives: Objectives | None, rows: list[tuple[int, int]]) -> None:
    islands = told(rows, objectives)
    chosen = objectives or Objectives()
    order = sorted(
        range(len(rows)),
        key=lambda n: (chosen.worth(Evaluation.ok(float(rows[n][0]), bytes=rows[n][1])), -n),
        reverse=True,
    )
    assert [m.number for m in islands.ranked()] == order
    assert islands.best is not None and islands.best.number == order[0]
    assert [e.member.number for e in islands.pool.all[:1]] == order[:1]


def test_a_declared_score_alone_changes_nothing() -> None:
    rows = [(n * 7 % 11, n) for n in range(40)]
    by_score = Objectives((Objective("bytes", "lower"),), "score")
    plain, declared = told(rows, None), told(rows, by_score)
    for seed in range(20):
        one, two = (islands.ask(Random(seed), parents=2).parents for islands in (plain, declared))
        assert [v.program.id for v in one] == [v.program.id for v in two]
    assert plain.floor() == declared.floor() is not None


def test_greedy_draws_the_best_by_the_rule_and_times_all_in_full() -> None:
    rows = [(9, 9), (1, 1), (5, 5)] * 4
    refine = Policy(cold_start=False, sampler="refine")
    assert told(rows, LEAN, refine).ask(Random(0)).parents[0].evaluation.metrics["bytes"] == 1
    assert told(rows, None, refine).ask(Random(0)).parents[0].evaluation.score == 9.0
    assert told(rows, LEAN).floor() is None and told(rows, None).floor() is not None


def test_a_new_best_is_one_by_the_rule() -> None:
    islands = told([(5, 5)], LEAN)
    assert islands.tell(trial(1, 9, 6)) is not AddStatus.BEST
    assert islands.tell(trial(2, 1, 4)) is AddStatus.BEST


def test_a_rebase_ranks_anew_by_the_rule() -> None:
    islands = told([(4, 9), (2, 9)], LEAN)
    assert islands.best is not None and islands.best.number == 0

    def halved(verdict: Verdict) -> Verdict:
        factor = 0.25 if verdict.evaluation.score == 4.0 else 1.0
        assert verdict.evaluation.score is not None
        return Verdict(verdict.program, Evaluation.ok(verdict.evaluation.score * factor, bytes=9))

    islands.reread(halved)
    assert islands.best is not None and islands.best.number == 1
