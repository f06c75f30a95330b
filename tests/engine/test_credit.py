"""Credit: turns, weights, rewards and rests."""

from collections import Counter
from random import Random

import pytest

from kernelevo.core import Evaluation, Origin, Program, Trial
from kernelevo.engine.credit import REPEATS, Credit
from kernelevo.errors import BadSetting
from kernelevo.population import AddStatus

LATE = 100


def told(
    credit: Credit, name: str, status: AddStatus, times: int = 1, *, reused: int | None = None
) -> list[str]:
    rested = []
    for number in range(times):
        program = Program.single(f"{name} {number}", origin=Origin(name))
        rested += credit.told(Trial(number, program, Evaluation.ok(1.0), reused=reused), status)
    return rested


def shares(credit: Credit, turns: int = 4000) -> dict[str, float]:
    first = Counter(credit.order(Random(n), LATE)[0] for n in range(turns))
    return {name: count / turns for name, count in first.items()}


def test_everyone_has_a_first_turn_and_is_asked_in_the_end() -> None:
    credit = Credit(["a", "b", "c"])
    for turn, name in enumerate("abc"):
        order = credit.order(Random(0), turn)
        assert order[0] == name and sorted(order) == ["a", "b", "c"]
    assert shares(credit) == {name: pytest.approx(1 / 3, abs=0.03) for name in "abc"}
    assert credit.order(Random(7), LATE) == credit.order(Random(7), LATE)


def test_weights_and_silence() -> None:
    credit = Credit(["a", "b", "c"])
    credit.set_weight("a", 3.0)
    credit.set_weight("c", 0.0)
    assert shares(credit) == {"a": pytest.approx(0.75, abs=0.03), "b": pytest.approx(0.25, abs=0.03)}
    assert "c" not in credit.order(Random(0), 2)  # not even for its first turn
    with pytest.raises(BadSetting, match="no proposer 'aa'"):
        credit.set_weight("aa", 1.0)
    for weight in (-1.0, float("inf"), float("nan")):
        with pytest.raises(BadSetting, match="a weight cannot be"):
            credit.set_weight("a", weight)


def test_success_is_rewarded_and_failure_never_final() -> None:
    credit = Credit(["good", "bad"])
    told(credit, "good", AddStatus.BEST, 10)
    told(credit, "bad", AddStatus.NOT_ADDED, 10)
    early = shares(credit)
    # (1 + w)/(2 + t) with t = sum of 0.9^k for ten tells
    tries = (1 - 0.9**10) / 0.1
    good, bad = (1 + tries) / (2 + tries), 1 / (2 + tries)
    assert early["bad"] == pytest.approx(bad / (good + bad), abs=0.02)
    told(credit, "bad", AddStatus.NOT_ADDED, 1000)
    assert shares(credit)["bad"] > 0.05
    told(credit, "good", AddStatus.NOT_ADDED, 60)  # what was long ago is forgotten
    assert shares(credit)["good"] == pytest.approx(0.5, abs=0.03)


def test_repeats_in_a_row_earn_a_rest_until_there_is_a_new_best() -> None:
    credit = Credit(["a", "b"])
    assert told(credit, "a", AddStatus.NOT_ADDED, REPEATS - 1, reused=0) == []
    assert told(credit, "a", AddStatus.ADDED) == []  # something new: the count starts again
    assert told(credit, "a", AddStatus.NOT_ADDED, REPEATS + 5, reused=0) == ["a"]  # said once
    assert credit.order(Random(0), 0) == ["b"]
    told(credit, "b", AddStatus.ELITE)
    assert credit.order(Random(0), LATE) == ["b"]
    told(credit, "b", AddStatus.BEST)
    assert sorted(credit.order(Random(0), LATE)) == ["a", "b"]


def test_failing_asks_drop_a_proposer() -> None:
    credit = Credit(["a", "b"])
    assert [credit.failed("a"), credit.failed("a")] == [False, False]
    credit.answered("a")
    assert [credit.failed("a") for _ in range(3)] == [False, False, True]
    assert credit.failed("b", for_good=True)
    assert credit.order(Random(0), 0) == []


def test_an_answer_takes_back_a_drop_that_was_not_for_good() -> None:
    credit = Credit(["a", "b"])
    assert [credit.failed("a") for _ in range(4)] == [False, False, True, True]  # all at the same time
    assert credit.dropped == ("a",)
    credit.answered("a")  # one was still under way
    assert credit.dropped == () and sorted(credit.order(Random(0), LATE)) == ["a", "b"]
    assert [credit.failed("a") for _ in range(3)] == [False, False, True]
    assert credit.failed("b", for_good=True)
    assert credit.failed("b")  # a failure of another kind does not take it back
    credit.answered("b")
    assert credit.dropped == ("a", "b")


def test_programs_of_others_earn_nobody_anything() -> None:
    credit = Credit(["a"])
    assert told(credit, "person", AddStatus.BEST, 3) == []
    assert credit.order(Random(0), LATE) == ["a"]
