"""Ledger: which verdicts may be used again, what is best, and names for programs."""

from itertools import count
from pathlib import Path

import pytest

from kernelevo.core import Evaluation, Fault, Program, Status, Task, Trial
from kernelevo.engine.ledger import Ledger
from kernelevo.population import Islands
from kernelevo.store import Rebase, RunStore


@pytest.fixture
def book(tmp_path: Path):
    with RunStore.create(tmp_path, Task("t", "g"), {}) as store:
        yield Ledger(store, Islands(), lambda trial, status: None, deterministic=False)


def record(book: Ledger, number: int, score: float, text: str | None = None, **more: object) -> bool:
    rough = more.pop("rough", None)
    metrics = {"floor": rough} if rough is not None else {"baseline": "eager"}
    fidelity = "full" if rough is None else "rough"
    verdict = Evaluation(Status.OK, score, metrics, fidelity=fidelity)  # type: ignore[arg-type]
    program = Program.single(text or f"p{number}")
    return book.record(Trial(number, program, verdict, **more), searched=0.0)  # type: ignore[arg-type]


def test_full_verdicts_hold_always_rough_ones_for_floors_as_high(book: Ledger) -> None:
    record(book, 0, 2.0)
    record(book, 1, 0.5, rough=0.8)
    full, rough = Program.single("p0").id, Program.single("p1").id
    assert [book.reusable(full, floor) is not None for floor in (None, 0.1, 9.0)] == [True] * 3
    found = [book.reusable(rough, floor) is not None for floor in (None, 0.7, 0.8, 0.9)]
    assert found == [False, False, True, True]
    assert book.reusable("unknown", None) is None
    record(book, 2, 0.6, "p1")  # measured fully later: that one counts from now on
    again = book.reusable(rough, None)
    assert again is not None and again.number == 2


def test_a_program_that_comes_again_was_judged_once(book: Ledger) -> None:
    record(book, 0, 2.0)
    record(book, 1, 2.0, "p0", reused=0)
    record(book, 2, 0.5, rough=0.8)
    record(book, 3, 0.6, "p2")  # measured in full after all
    book.record(Trial(4, Program.single("p4"), fault=Fault("E", "m")), searched=0.0)
    assert book.judged == 2


def test_faults_hold_for_nothing(book: Ledger) -> None:
    book.record(Trial(0, Program.single("p0"), fault=Fault("E", "m")), searched=0.0)
    assert book.reusable(Program.single("p0").id, None) is None and book.judged == 0


def test_best_is_of_full_scores_that_are_not_banned(book: Ledger) -> None:
    answers = [
        record(book, 0, 1.0), record(book, 1, 3.0, rough=9.0), record(book, 2, 1.0), record(book, 3, 2.0)
    ]  # fmt: skip
    assert answers == [True, False, False, True]
    book.ban(Program.single("p3").id)
    assert record(book, 4, 1.5)
    assert not record(book, 5, 9.0, "p3", reused=3)


def test_re_based_scores_compare_as_they_read(book: Ledger) -> None:
    record(book, 0, 4.0)
    book.rebase(Rebase("eager", "compile", 0.5))
    assert not record(book, 1, 3.9)  # was in flight: reads as 1.95
    assert record(book, 2, 4.1)
    assert book.trial_of(Program.single("p0").id).score == 2.0


def precise(number: int, score: float, precision: str) -> Trial:
    verdict = Evaluation.ok(score, baseline="eager", precision=precision)
    return Trial(number, Program.single(f"p{number}"), verdict)


def test_a_rebase_of_one_precision_makes_another_program_the_best(book: Ledger) -> None:
    book.record(precise(0, 4.0, "tf32"), searched=0.0)
    book.record(precise(1, 3.0, "fp32-accurate"), searched=0.0)
    book.rebase(Rebase("eager", "compile", 0.5, {"precisions": ["tf32"]}))
    assert not book.record(precise(2, 2.5, "fp32-accurate"), searched=0.0)  # above 2.0, below 3.0
    assert book.record(precise(3, 3.5, "fp32-accurate"), searched=0.0)


def test_what_is_not_told_yet_counts_when_the_best_is_looked_for_again(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, Task("t", "g"), {}) as store:
        book = Ledger(store, Islands(), lambda trial, status: None, deterministic=True)
        assert record(book, 0, 4.0) and not record(book, 1, 3.0)
        book.ban(Program.single("p0").id)
        assert not record(book, 2, 2.5) and record(book, 3, 3.5) and book.told == 0


def test_the_best_is_known_when_it_is_recorded_and_to_asks_when_it_is_told(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, Task("t", "g"), {}) as store:
        book = Ledger(store, Islands(), lambda trial, status: None, deterministic=True)
        assert book.best is book.best_told is None
        for number, score in enumerate((2.0, 4.0, 3.0)):
            record(book, number, score, seen=min(number, 1))
        assert book.best is not None and book.best.number == 1 and book.best_told is None
        book.tell_up_to(0)
        assert book.best_told is not None and book.best_told.number == 0
        assert book.told == book.told_for_asks == 1
        book.tell_rest()
        assert book.best_told is book.best and (book.told, book.told_for_asks) == (3, 1)


def test_an_opinion_makes_no_other_program_the_best(book: Ledger) -> None:
    record(book, 0, 3.0)
    record(book, 1, 4.0)
    book.weigh(Program.single("p0").id, 0.5)
    assert book.best is not None and book.best.number == 1 and book.best_told is book.best


def test_programs_are_found_by_number_or_beginning(book: Ledger) -> None:
    for number in range(12):
        record(book, number, 1.0)
    one = Program.single("p1").id
    assert book.find("1") == book.find("#1") == book.find(one) == book.find(one[:16]) == one
    assert book.find("") is book.find("nothing") is book.find("99") is None


def test_the_number_of_a_trial_is_not_the_beginning_of_an_id(book: Ledger) -> None:
    begins = next(text for text in map("q{}".format, count()) if Program.single(text).id.startswith("1"))
    record(book, 0, 1.0, begins)
    assert book.find("1") == Program.single(begins).id
    book.record(Trial(1, Program.single("broken"), fault=Fault("E", "m")), searched=0.0)
    assert book.find("1") is book.find("#1") is book.find("#9") is None  # nobody else is banned in its place
    record(book, 2, 1.0)
    record(book, 3, 1.0, "p2", reused=2)
    record(book, 4, 0.5, rough=0.8)
    record(book, 5, 0.6, "p4")
    assert book.find("2") == book.find("3") == Program.single("p2").id
    assert book.find("4") == book.find("5") == Program.single("p4").id
