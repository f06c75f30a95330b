"""Orders from outside: what is recorded, what is refused at once, what came of them."""

from pathlib import Path
from typing import Any

import pytest

from kernelevo import api
from kernelevo.engine import Engine, Schedule
from kernelevo.errors import BadSetting, RunNotFound
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench
from tests.engine.test_steering import order_at


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


def test_an_order_is_a_row_with_author_and_time(bench: Bench) -> None:
    bench.run(toys.task(), [toys.Flip()], "3")
    command = api.steer(bench.folder, "hint", author="ana", text="try split-k", asks="5", island=None)
    with RunStore.open(bench.folder, readonly=True) as store:
        (row,) = store.commands()
    assert row == command and row.at > 1e9 and row.effect is None
    assert (row.author, row.verb, dict(row.args)) == ("ana", "hint", {"text": "try split-k", "asks": 5})
    assert api.steer(bench.folder, "pause").author == api.account()


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("dance", {}), ("hint", {}), ("hint", {"text": "  "}), ("hint", {"text": "x", "asks": 0}),
        ("hint", {"text": "x", "asks": "1.5"}), ("hint", {"text": "x", "expires": "$5"}),
        ("hint", {"text": "\ud800"}), ("budget", {"budget": "lots"}), ("workers", {"workers": -1}),
        ("submit", {}), ("submit", {"source": "x", "parents": [3]}), ("pause", {"why": "lunch"}),
        ("weight", {"proposer": "llm", "weight": "heavy"}),
    ],
)  # fmt: skip
def test_what_cannot_be_obeyed_is_refused_before_it_is_recorded(
    bench: Bench, verb: str, args: dict[str, Any]
) -> None:
    bench.run(toys.task(), [toys.Flip()], "1")
    with pytest.raises(BadSetting):
        api.steer(bench.folder, verb, **args)
    assert api.orders(bench.folder) == []


def test_a_run_that_is_not_there_cannot_be_steered(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound):
        api.steer(tmp_path / "none", "pause")


def test_what_a_hint_and_a_submission_brought_is_told(bench: Bench) -> None:
    flip = toys.Flip()
    orders = [("hint", {"text": "more ones", "asks": 3}), ("submit", {"source": "1" * 13 + "000"})]
    bench.run(toys.task(), [flip], "25", meanwhile=order_at(3, *orders), schedule=Schedule(thinkers=1))
    hint, program = api.orders(bench.folder)
    trials = bench.trials()
    assert hint["carried"] == sorted(b.number for b in flip.briefs if b.hints) and len(hint["carried"]) == 3
    first = hint["carried"][0]
    before = [t.score for t in trials if t.ended <= trials[first].started]
    assert hint["best_before"] == max(before) and hint["best_since"] == max(t.score or 0 for t in trials)
    assert hint["best_carried"] == max(trials[n].score or 0 for n in hint["carried"])
    mine = trials[program["trial"]]
    assert mine.program.source == "1" * 13 + "000" and program["offspring"]
    assert program["gain"] == max(trials[n].score or 0 for n in program["offspring"]) - 13.0


def test_the_store_says_how_busy_the_run_was(bench: Bench) -> None:
    def meanwhile(event: Any, engine: Engine, store: RunStore) -> None:
        engine._gauge._every = 0.0

    bench.run(toys.task(), [toys.Flip()], "6", meanwhile=meanwhile)
    with RunStore.open(bench.folder, readonly=True) as store:
        gauge = store.gauge
    assert gauge["limits"] == {"trials": 6.0} and gauge["used"]["trials"] == 6.0
    assert set(gauge["pools"]) == {"thinking", "building", "measuring"} and gauge["proposers"] == ["flip"]
    assert all(0 <= pool["share"] <= 1 for pool in gauge["pools"].values())


def test_words_of_a_command_line_become_orders(tmp_path: Path) -> None:
    file = tmp_path / "p.py"
    file.write_text("x = 1\n")
    read = api.parse_order
    assert read(["hint", "a b"], {"asks": 2, "island": None}) == ("hint", {"text": "a b", "asks": 2})
    assert read(["weight", "llm", "2"], {}) == ("weight", {"proposer": "llm", "weight": 2.0})
    submitted = {"source": "x = 1\n", "parents": ["3"]}
    assert read(["submit", str(file)], {"parents": ["3"]}) == ("submit", submitted)
    missing = str(tmp_path / "none.py")
    for words in (["hint", "two", "words"], ["submit", missing], ["pause", "now"], ["hint"]):
        with pytest.raises(BadSetting):
            read(words, {})
