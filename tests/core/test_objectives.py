"""Objectives: directions, rules and fronts, against brute force."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Evaluation, Program, Status, Trial
from kernelevo.core.objectives import Gain, Objective, Objectives, directed

values = st.floats(-100, 100) | st.integers(-3, 3).map(float)
verdicts = st.lists(st.tuples(values, values, values), min_size=1, max_size=25)
BOTH = Objectives((Objective("speed"), Objective("memory", "lower")), "weighted")


def trials(rows: list[tuple[float, float, float]]) -> list[Trial]:
    return [
        Trial(n, Program.single(str(n)), Evaluation.ok(score, speed=speed, memory=memory))
        for n, (score, speed, memory) in enumerate(rows)
    ]


def verdict(trial: Trial) -> Evaluation:
    assert trial.evaluation is not None
    return trial.evaluation


def dominates(one: Trial, two: Trial) -> bool:
    a, b = verdict(one).metrics, verdict(two).metrics
    better = a["speed"] > b["speed"] or a["memory"] < b["memory"]  # type: ignore[operator]
    return better and a["speed"] >= b["speed"] and a["memory"] <= b["memory"]  # type: ignore[operator]


@given(verdicts)
def test_the_front_is_what_nothing_dominates(rows: list[tuple[float, float, float]]) -> None:
    everyone = trials(rows)
    front = BOTH.front(everyone)
    undominated = [t for t in everyone if not any(dominates(o, t) for o in everyone)]
    assert {(verdict(t).metrics["speed"], verdict(t).metrics["memory"]) for t in front} == {
        (verdict(t).metrics["speed"], verdict(t).metrics["memory"]) for t in undominated
    }
    assert [t.number for t in front] == sorted({t.number for t in front})
    seen = [(verdict(t).metrics["speed"], verdict(t).metrics["memory"]) for t in front]
    assert len(set(seen)) == len(seen)  # of equals one: the earliest
    for t in front:
        assert not any(verdict(o).metrics == verdict(t).metrics and o.number < t.number for o in undominated)
    # whoever is missing is covered by somebody on the front
    for t in everyone:
        assert t in front or any(dominates(o, t) or verdict(o).metrics == verdict(t).metrics for o in front)


@given(verdicts, st.floats(0.01, 10), st.floats(0.01, 10))
def test_the_best_of_a_weighted_sum_is_on_the_front(
    rows: list[tuple[float, float, float]], a: float, b: float
) -> None:
    objectives = Objectives(
        (Objective("speed", weight=a), Objective("memory", "lower", weight=b)), "weighted"
    )
    everyone = trials(rows)
    best = max(everyone, key=lambda t: objectives.worth(verdict(t)))
    worth = objectives.worth(verdict(best))[0]
    assert worth == pytest.approx(a * rows[best.number][1] - b * rows[best.number][2])
    among = [objectives.worth(verdict(t))[0] for t in objectives.front(everyone)]
    assert max(among) == pytest.approx(worth, abs=1e-9)


@given(verdicts)
def test_lexicographic_is_the_order_of_tuples(rows: list[tuple[float, float, float]]) -> None:
    objectives = Objectives((Objective("memory", "lower"), Objective("speed")), "lexicographic")
    everyone = trials(rows)
    ranked = sorted(everyone, key=lambda t: objectives.worth(verdict(t)), reverse=True)
    assert [(-rows[t.number][2], rows[t.number][1]) for t in ranked] == sorted(
        ((-m, s) for _, s, m in rows), reverse=True
    )
    assert ranked[0].number in {t.number for t in objectives.front(everyone)} or any(
        verdict(t).metrics == verdict(ranked[0]).metrics for t in objectives.front(everyone)
    )


@given(verdicts)
def test_without_a_declaration_the_score_alone_counts(rows: list[tuple[float, float, float]]) -> None:
    plain = Objectives.of({})
    assert plain.by_score and plain.front(trials(rows)) == []
    assert [plain.worth(verdict(t)) for t in trials(rows)] == [(row[0],) for row in rows]


def test_small_differences_do_not_count_within() -> None:
    objectives = Objectives((Objective("speed", within=1.0), Objective("memory", "lower")), "lexicographic")
    fast, lean = Evaluation.ok(0.0, speed=2.9, memory=9), Evaluation.ok(0.0, speed=2.1, memory=1)
    faster = Evaluation.ok(0.0, speed=3.1, memory=99)
    assert objectives.worth(lean) > objectives.worth(fast)
    assert objectives.worth(faster) > objectives.worth(lean)


@pytest.mark.parametrize("missing", [None, "nan", True, math.inf, math.nan])
def test_what_lacks_a_metric_is_worth_least_and_not_on_the_front(missing: Any) -> None:
    lacking = Evaluation(Status.OK, 5.0, {"speed": missing, "memory": 1.0})
    whole = Evaluation(Status.OK, 1.0, {"speed": -1e9, "memory": 1e9})
    for rule in ("weighted", "lexicographic"):
        objectives = Objectives(BOTH.metrics, rule)
        assert objectives.worth(lacking) < objectives.worth(whole)
    both = [Trial(0, Program.single("a"), lacking), Trial(1, Program.single("b"), whole)]
    assert [t.number for t in BOTH.front(both)] == [1]


def test_rough_and_failed_verdicts_are_not_on_the_front() -> None:
    rough = Evaluation(Status.OK, 1.0, {"speed": 9.0, "memory": 0.0}, fidelity="rough")
    failed = Evaluation(Status.WRONG, None, {"speed": 9.0, "memory": 0.0})
    found = [Trial(n, Program.single(str(n)), e) for n, e in enumerate((rough, failed))]
    assert BOTH.front(found) == []


@pytest.mark.parametrize(
    "declared",
    [
        3,
        {},
        {"metrics": []},
        {"metrics": {}},
        {"metrics": {"a": "up"}},
        {"metrics": {"a": {"better": "higher", "weigth": 1}}},
        {"metrics": {"a": {"weight": 0}}},
        {"metrics": {"a": {"weight": "2"}}},
        {"metrics": {"a": {"within": -1}}},
        {"metrics": {"a": {"weight": math.nan}}},
        {"metrics": {"": "higher"}},
        {"metrics": {"a": "higher"}, "rule": "pareto"},
        {"metrics": {"a": "higher"}, "rules": "weighted"},
        {"rule": "weighted"},
    ],
)
def test_bad_declarations_are_refused(declared: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Objectives.of({"objectives": declared})


def test_directions_that_verdicts_give_make_a_front_beside_the_score() -> None:
    rows = [{"name": "speed", "better": "higher"}, {"name": "memory", "better": "lower"}, {"name": "x"}]
    told = Evaluation(Status.OK, 1.0, {"speed": 2.0, "memory": 3.0, "directions": rows})
    plain = Trial(0, Program.single("a"), Evaluation.ok(1.0))
    found = directed([plain, Trial(1, Program.single("b"), told)])
    assert [(m.name, m.better) for m in found] == [("speed", "higher"), ("memory", "lower")]
    assert Objectives(found).by_score and Objectives(found).front([plain]) == []
    one = Evaluation(Status.OK, 1.0, {"speed": 2.0, "directions": rows[:1]})
    assert directed([plain, Trial(1, Program.single("b"), one)]) == ()


def test_declarations_come_back_from_json() -> None:
    declared = {"metrics": {"a": "lower", "score": {"better": "higher", "weight": 2, "within": 0.5}}}
    objectives = Objectives.of({"objectives": {**declared, "rule": "lexicographic"}})
    assert Objectives.of({"objectives": objectives.to_json()}) == objectives
    assert [m.better for m in objectives.metrics] == ["lower", "higher"]


def test_what_stands_for_a_rule_and_what_decides_between_two():
    lean, fast = (Evaluation.ok(s, speed=v, memory=m) for s, v, m in ((3.0, 4, 0.5), (2.0, 7, 1.0)))
    metrics = (Objective("memory", "lower", weight=2.0), Objective("speed"))
    by_hand = {
        # rule: measure, height of the two, gain of the lean one over the fast one
        "score": (("score", "higher"), (3.0, 2.0), ("score", "higher", 1.0)),
        "weighted": (("weighted sum", "higher"), (3.0, 5.0), ("weighted sum", "higher", -2.0)),
        "lexicographic": (("memory", "lower"), (0.5, 1.0), ("memory", "lower", 0.5)),
    }
    for rule, (measure, heights, gain) in by_hand.items():
        objectives = Objectives(metrics, rule)
        assert (objectives.measure.name, objectives.measure.better) == measure
        assert (objectives.height(lean), objectives.height(fast)) == heights
        found = objectives.gain_over(lean, fast)
        assert (found.name, found.better, found.amount) == gain
    level = Objectives((Objective("memory", "lower", within=1.5), Objective("speed")), "lexicographic")
    assert level.gain_over(fast, lean) == Gain("speed", "higher", 3.0)  # -0.5 and -1 are in one step
    assert level.gain_over(lean, lean) == Gain("memory", "lower", 0.0)


def test_a_gain_over_what_lacks_the_metric_has_no_size():
    whole, lacking = Evaluation.ok(1.0, speed=1, memory=2), Evaluation.ok(9.0, speed=9)
    for rule in ("weighted", "lexicographic"):
        objectives = Objectives((Objective("memory", "lower"), Objective("speed")), rule)
        assert objectives.height(lacking) is None
        assert objectives.gain_over(whole, lacking).amount is None
        assert objectives.gain_over(lacking, lacking).amount is None


def test_numbers_beyond_measure_make_an_order_too():
    huge = Objectives((Objective("a", weight=10.0), Objective("b")), "weighted")
    values = [
        Evaluation.ok(1.0, a=1e308), Evaluation.ok(1.0, a=-1e308, b=1e308),
        Evaluation.ok(1.0, a=0.0, b=1e308), Evaluation.ok(1.0, a=1e308, b=1e308),
    ]  # fmt: skip
    assert [huge.worth(v)[0] for v in values] == [-math.inf, -math.inf, 1e308, math.inf]
    assert huge.height(values[3]) is None
    fine = Objectives((Objective("a", within=1e-3), Objective("b")), "lexicographic")
    assert fine.worth(values[3]) == (1e308, 1e308)
