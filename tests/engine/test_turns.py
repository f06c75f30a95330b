"""Turns and Schedule: numbers, gaps, and when an ask may be made."""

from pathlib import Path

import pytest

from kernelevo.core import Evaluation, Program, Task, Trial
from kernelevo.engine.ledger import Ledger
from kernelevo.engine.turns import Schedule, Turns
from kernelevo.population import Islands
from kernelevo.store import RunStore


@pytest.fixture
def store(tmp_path: Path):
    with RunStore.create(tmp_path, Task("t", "g"), {}) as made:
        yield made


def ledger(store: RunStore, *, deterministic: bool) -> tuple[Ledger, list[int]]:
    told: list[int] = []
    made = Ledger(
        store, Islands(), lambda trial, status: told.append(trial.number), deterministic=deterministic
    )
    return made, told


def end(book: Ledger, number: int) -> None:
    book.record(Trial(number, Program.single(str(number)), Evaluation.ok(1.0)), searched=0.0)


def test_gaps_are_filled_first(store: RunStore) -> None:
    book, _ = ledger(store, deterministic=False)
    turns = Turns(book, Schedule(), {0, 1, 4, 6}, seeds=2)
    assert [turns.take() for _ in range(5)] == [2, 3, 5, 7, 8]
    turns.unanswered(5, 0)
    assert [turns.take(), turns.take()] == [5, 9]
    assert Turns(book, Schedule()).take() == 0


def test_turns_count_asks(store: RunStore) -> None:
    book, _ = ledger(store, deterministic=False)
    turns = Turns(book, Schedule(), {0, 1, 2}, seeds=1, given={1})
    assert [turns.take(), turns.take(given=True), turns.take()] == [3, 4, 5]
    assert [turns.turn(number) for number in (2, 3, 5)] == [0, 1, 2]
    earlier = Turns(book, Schedule(), {0, 1, 2}, seeds=1, given=None)
    assert [earlier.take(given=True), earlier.take()] == [3, 4] and earlier.turn(4) == 3


def test_a_free_run_asks_until_nobody_answers(store: RunStore) -> None:
    book, told = ledger(store, deterministic=False)
    turns = Turns(book, Schedule())
    assert turns.may_ask()
    turns.unanswered(turns.take(), seen=0)
    assert turns.dry and not turns.may_ask()
    end(book, 7)  # a verdict changes what proposers know
    assert told == [7] and not turns.dry and turns.may_ask()
    turns.unanswered(turns.take(), seen=1)
    turns.stir()
    assert turns.may_ask()


def test_a_deterministic_ask_waits_for_its_horizon_and_sees_no_further(store: RunStore) -> None:
    book, told = ledger(store, deterministic=True)
    turns = Turns(book, Schedule(deterministic=True, window=2), {0}, seeds=1)
    assert not turns.may_ask()  # the seed is open
    end(book, 0)
    assert turns.may_ask() and turns.take() == 1 and told == [0]
    assert turns.may_ask() and turns.take() == 2
    assert not turns.may_ask()  # ask 3 wants trial 1
    end(book, 2)
    assert not turns.may_ask() and told == [0]
    end(book, 1)
    assert turns.may_ask() and told == [0, 1]  # trial 2 has ended and is not seen
    assert turns.take() == 3


def test_a_deterministic_ask_without_answer_looks_one_verdict_further(store: RunStore) -> None:
    book, told = ledger(store, deterministic=True)
    turns = Turns(book, Schedule(deterministic=True, window=9), {0}, seeds=1)
    for number in range(4):
        end(book, number)
    for seen in (1, 2, 3):
        assert turns.may_ask() and len(told) == seen
        assert turns.take() == 1
        turns.unanswered(1, seen)
    assert turns.may_ask() and told == [0, 1, 2, 3]
    turns.unanswered(turns.take(), 4)
    assert not turns.may_ask() and turns.dry


def test_sizes() -> None:
    assert Schedule(thinkers=5, deterministic=True).thinkers == 1
