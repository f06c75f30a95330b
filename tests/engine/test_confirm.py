"""The end of a run: what leads is timed again, and what is better then wins."""

import pytest

from kernelevo.api import Result
from kernelevo.core import Event, SearchEnded, TrialEnded, WinnerConfirmed
from kernelevo.core.claims import widened
from kernelevo.engine import Engine, Outcome, confirm
from kernelevo.store import RunStore, glance
from tests.engine import toys
from tests.engine.test_engine import Bench, bench

__all__ = ["bench"]


def test_a_lucky_winner_is_overtaken_by_what_is_better_when_timed_again(bench: Bench) -> None:
    lucky, second, third = "1" * 16, "1" * 15 + "0", "1" * 14 + "00"
    task = toys.task("staged", sobered={lucky: 3.0, second: 14.2})
    outcome = bench.run(task, [toys.Script([lucky, second, third])])
    confirmed = [(e.trial, e.evaluation.score) for e in bench.of(WinnerConfirmed)]
    assert confirmed == [(1, 3.0), (2, 14.2)]  # the third one's 14 is below 14.2 already
    assert outcome.best is not None and outcome.best.number == 2
    assert outcome.final is not None and outcome.final.score == 14.2
    told = {"candidates_confirmed": 2, "candidates_judged": len(bench.trials())}
    assert outcome.final.metrics.items() >= told.items()
    with RunStore.open(bench.folder, readonly=True) as reader:  # what a reader of the run is told last
        last = reader.events(kind="final")[-1]
    assert last.trial == 2 and last.data["metrics"].items() >= told.items()


def test_of_how_many_it_is_the_best_counts_no_program_twice(bench: Bench) -> None:
    good = "1" * 14 + "00"
    outcome = bench.run(toys.task("staged"), [toys.Script([good, good, "11" + "0" * 14, good])])
    assert len(bench.trials()) == 5 and sum(t.reused is not None for t in bench.trials()) == 2
    assert outcome.final is not None and outcome.final.metrics["candidates_judged"] == 3


def test_no_rival_is_begun_after_a_long_confirmation(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "LONGEST", 0.1)
    lucky, second = "1" * 16, "1" * 15 + "0"
    task = toys.task("staged", sobered={lucky: 3.0, second: 14.2}, final=0.3)
    outcome = bench.run(task, [toys.Script([lucky, second])])
    assert [e.trial for e in bench.of(WinnerConfirmed)] == [1]
    assert outcome.final is not None and outcome.final.score == 3.0


def test_a_lucky_seed_is_no_reason_to_confirm_nothing_that_was_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "LONGEST", 0.1)
    seed, second, third = "1" * 16, "1" * 15 + "0", "1" * 14 + "00"
    task = toys.task("staged", seeds=[seed], sobered={seed: 3.0, second: 12.0}, final=0.3)
    outcome = bench.run(task, [toys.Script([second, third])])
    assert [e.trial for e in bench.of(WinnerConfirmed)] == [0, 1]
    assert outcome.best is not None and outcome.best.number == 1
    assert outcome.final is not None and outcome.final.score == 12.0


def test_a_winner_that_does_not_hold_gives_way_to_the_next(bench: Bench) -> None:
    task = toys.task("staged", unstable=["1" * 16])
    outcome = bench.run(task, [toys.Script(["1" * 16, "1" * 15 + "0"])])
    assert outcome.best is not None and outcome.best.number == 2
    assert outcome.final is not None and outcome.final.score == 15.5
    assert [(e.trial, e.evaluation.status) for e in bench.of(WinnerConfirmed)] == [(1, "wrong"), (2, "ok")]
    again = bench.run(task, [toys.Script([])])  # and the refusal survives a resume
    assert again.best is not None and again.best.number == 2


def test_the_end_of_the_search_is_told_before_anything_is_timed_again(bench: Bench) -> None:
    """Who thinks for the search may end then; asks that are still out came to an end before."""
    bench.run(toys.task("staged"), [toys.Script(["1" * 16])])
    (ended,) = bench.of(SearchEnded)
    assert ended.confirms and ended.reason
    kinds = [type(event) for event in bench.events]
    last = max(i for i, kind in enumerate(kinds) if kind is TrialEnded)
    assert last < kinds.index(SearchEnded) < kinds.index(WinnerConfirmed)


def test_a_stopped_search_confirms_nothing(bench: Bench) -> None:
    def stop(event: object, engine: Engine, store: object) -> None:
        if isinstance(event, TrialEnded):
            engine.request_stop()

    bench.run(toys.task("staged"), [toys.Flip()], meanwhile=stop)
    (ended,) = bench.of(SearchEnded)
    assert (ended.reason, ended.confirms) == ("stopped", False) and not bench.of(WinnerConfirmed)


def test_a_stopped_search_ends_with_the_best_that_was_measured(bench: Bench) -> None:
    """An opinion moves the choice of parents, not what is best."""

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == 1:
            engine.ledger.weigh(event.trial.program.id, 0.5)
        if isinstance(event, TrialEnded) and event.trial.number == 2:
            engine.request_stop()

    outcome = bench.run(toys.task(), [toys.Script(["1" * 10, "1" * 14, "1"])], meanwhile=meanwhile)
    assert outcome.reason == "stopped" and outcome.best is not None and outcome.best.number == 2


def quoted(bench: Bench, outcome: Outcome) -> tuple[int, float, tuple[float, float], int]:
    """What a run ends with, which has to be what its readers are told."""
    result = Result.read(bench.folder)
    assert outcome.best is not None and outcome.final is not None and result.best is not None
    assert result.best.number == outcome.best.number and result.evaluation == outcome.final
    assert glance(bench.folder)["best"] == outcome.final.score
    metrics = outcome.final.metrics
    assert metrics["candidates_judged"] == len(bench.trials())
    ends = (metrics["score_low"], metrics["score_high"])
    return outcome.best.number, outcome.final.score or 0.0, ends, metrics["candidates_confirmed"]


def test_a_resumed_run_ends_with_the_best_of_all_that_were_ever_timed_again(bench: Bench) -> None:
    """Each sitting's leader looks better in the search than the first one when timed again, and is not."""
    lucky, second, third = "1" * 10 + "0" * 6, "1" * 15 + "0", "1" * 16
    task = toys.task("staged", sobered={lucky: 13.0, second: 11.0, third: 12.0}, spread=1.1)
    low, high = 13.0 / 1.1, 13.0 * 1.1
    assert quoted(bench, bench.run(task, [toys.Script([lucky])])) == (1, 13.0, (low, high), 1)
    for count, text in ((2, second), (3, third)):
        found = quoted(bench, bench.run(task, [toys.Script([text])]))
        # wider with each that was timed, and from its own ends each time
        assert found == (1, 13.0, pytest.approx(widened(13.0, low, high, count)), count)
    assert [e.trial for e in bench.of(WinnerConfirmed)] == [1, 2, 3]  # each of them once
    with RunStore.open(bench.folder, readonly=True) as reader:
        before = reader.events(kind="final")
    assert quoted(bench, bench.run(task, [toys.Script([])]))[3] == 3
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert reader.events(kind="final") == before  # nothing new to say
    quoted(bench, bench.run(task, [toys.Script(["1" + "0" * 15])]))  # out of one more that was judged


def test_an_earlier_winner_that_a_person_banned_wins_no_more(bench: Bench) -> None:
    lucky, second = "1" * 10 + "0" * 6, "1" * 15 + "0"
    task = toys.task("staged", sobered={lucky: 13.0, second: 11.0}, spread=1.1)
    bench.run(task, [toys.Script([lucky])])

    def ban(store: RunStore) -> None:
        store.append_command("ana", "ban", {"program": "#1"})

    outcome = bench.run(task, [toys.Script([second])], before=ban)
    ends = pytest.approx(widened(11.0, 11.0 / 1.1, 11.0 * 1.1, 2))
    assert quoted(bench, outcome) == (2, 11.0, ends, 2)
