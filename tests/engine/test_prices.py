"""Prices: a budget of money or tokens alone ends a run, whoever else proposes beside those who use it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kernelevo.core import Brief, Event, Notice, Proposal, TrialEnded
from kernelevo.engine import Budget, Engine, Schedule
from kernelevo.engine.budget import Meter
from kernelevo.engine.prices import Prices
from kernelevo.errors import ToolchainMissing
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench
from tests.engine.test_steering import order_at

ONE = Schedule(thinkers=1)
ENDLESS = 200  # trials after which a run will not end by itself


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


class Paid:
    """As a language model: says what an ask may cost at the most, and uses less. Fails if told so."""

    name = "llm"

    def __init__(
        self, most: float, uses: float, *, seconds: float = 0.0, error: Exception | None = None
    ) -> None:
        self.most, self.uses, self.seconds, self.error = most, uses, seconds, error

    def estimate(self, brief: Brief) -> dict[str, float]:
        return {"dollars": self.most}

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return [toys.offer(f"{brief.number:0{toys.BITS}b}", self.name, dollars=self.uses)]


class Free(toys.Counting):
    """Never runs dry, and costs nothing; takes as long as it is told."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        await asyncio.sleep(self.seconds)
        return await super().propose(brief, rng)


def watched(more: Callable[[Event, Engine, RunStore], None] = lambda *_: None) -> Any:
    """Look after every event whether the run ends at all; and do something more."""

    def look(event: Event, engine: Engine, store: RunStore) -> None:
        assert not isinstance(event, TrialEnded) or event.trial.number < ENDLESS, "it does not end"
        more(event, engine, store)

    return look


def test_a_budget_of_money_alone_ends_the_run_once_no_call_fits_any_more(bench: Bench) -> None:
    proposers = [Paid(0.5, 0.4), Free()]
    outcome = bench.run(toys.task("staged"), proposers, "$2", schedule=ONE, meanwhile=watched())
    assert outcome.reason == "the budget of $2 is spent" and outcome.final is not None
    assert outcome.used["dollars"] == pytest.approx(1.6)  # of the 0.4 that are left no call can be paid
    names = {t.program.origin.proposer for t in bench.trials()}
    assert names == {"seed", "llm", "counting"}
    assert [e.text for e in bench.of(Notice) if "llm" in e.text] == [
        "llm is not asked: its next call may cost $0.5000, and $0.4000 is left"
    ]


def test_trials_or_time_beside_it_end_the_run_as_ever(bench: Bench) -> None:
    outcome = bench.run(toys.task(), [Paid(0.5, 0.4), Free()], "$2,60", schedule=ONE, meanwhile=watched())
    assert outcome.used["trials"] == 60 and outcome.used["dollars"] == pytest.approx(1.6)


def test_what_calls_in_flight_may_give_back_is_waited_for(bench: Bench) -> None:
    """Two calls at a time never fit, so one of both is refused each time, and has room again later."""
    proposers = [Paid(1.2, 0.3, seconds=0.02), Free(0.005)]
    outcome = bench.run(toys.task(), proposers, "$2", schedule=Schedule(thinkers=3), meanwhile=watched())
    assert outcome.used["dollars"] == pytest.approx(0.9)
    assert outcome.reason == "the budget of $2 is spent"


def test_a_model_that_was_dropped_leaves_no_endless_run_without_one(bench: Bench) -> None:
    refused = Paid(0.5, 0.4, error=ToolchainMissing("no key"))
    outcome = bench.run(toys.task(), [refused, Free()], "$2", schedule=ONE, meanwhile=watched())
    assert outcome.reason == "nobody is left to spend the budget of $2: llm not asked any more"
    assert outcome.failure is None and outcome.best is not None and "dollars" not in outcome.used


def test_so_does_one_that_a_person_silenced(bench: Bench) -> None:
    orders = order_at(3, ("weight", {"proposer": "llm", "weight": 0}))
    outcome = bench.run(
        toys.task(), [Paid(0.02, 0.01), Free()], "$2", schedule=ONE, meanwhile=watched(orders)
    )
    assert outcome.reason == "nobody is left to spend the budget of $2: llm not asked any more"


@pytest.mark.parametrize(("order", "dollars"), [("$4", 3.6), ("+$2", 3.2), ("$2,50", 1.6)])
def test_a_person_may_give_more_when_it_is_gone(bench: Bench, order: str, dollars: float) -> None:
    def give(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, Notice) and "and $0.4000 is left" in event.text:
            store.append_command("ana", "budget", {"budget": order})

    paid = Paid(0.5, 0.4)
    paid.reads = True  # type: ignore[attr-defined]
    outcome = bench.run(toys.task(), [paid, Free()], "$2", schedule=ONE, meanwhile=watched(give))
    assert outcome.used["dollars"] == pytest.approx(dollars)
    assert outcome.used.get("trials") == 50 or "," not in order


def test_a_persons_program_costs_nothing_and_is_judged_yet(bench: Bench) -> None:
    good = "1" * toys.BITS

    def send(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, Notice) and "is left" in event.text:
            store.append_command("ana", "submit", {"source": good})

    outcome = bench.run(toys.task(), [Paid(0.5, 0.4), Free()], "$2", schedule=ONE, meanwhile=watched(send))
    assert outcome.best is not None and outcome.best.program.source == good


def test_who_pays_is_known_from_what_asks_may_cost_and_did() -> None:
    meter = Meter(Budget.parse("$1"))
    prices = Prices({"llm": Paid(0.6, 0.1), "box": Paid(0.0, 0.0), "free": Free()}, meter)
    assert prices.payers == ["llm", "box"]  # for all that is known yet
    assert prices.reserve("box", {"dollars": 0.0, "tokens": 500.0}) and prices.payers == ["llm"]
    wanted = {"dollars": 0.6}
    assert prices.reserve("llm", wanted) and not prices.too_dear("llm")
    assert not prices.reserve("llm", wanted) and not prices.too_dear("llm")  # the first may give some back
    prices.settle("llm", wanted, {"dollars": 0.5})
    assert prices.too_dear("llm") and not meter.affords(wanted)
    meter.budget = Budget.parse("$2")
    assert not prices.too_dear("llm")
    prices.settle("free", {}, {"dollars": 0.2})  # it did not say so, and yet it cost something
    assert prices.payers == ["llm", "free"]


def test_asks_whose_price_nobody_knew_count_once_it_is_known():
    """Three are under way when the first of four ends: with them a fifth would pass the budget."""
    prices = Prices({"flip": toys.Flip()}, meter := Meter(Budget.parse("$1")))
    brief = Brief(toys.task(), 0)
    asks = [prices.of("flip", brief) for _ in range(4)]
    assert all(prices.reserve("flip", wanted) for wanted in asks)
    prices.settle("flip", asks.pop(), {"dollars": 0.3})
    assert not prices.reserve("flip", prices.of("flip", brief))
    assert not prices.too_dear("flip")  # it may fit when the others have ended
    for wanted in asks:
        prices.settle("flip", wanted, {"dollars": 0.1})
    assert prices.reserve("flip", prices.of("flip", brief)) and meter.used["dollars"] == pytest.approx(0.6)
