"""Steering: every verb, obeyed before the next ask, with its effect on record."""

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kernelevo.core import CommandObeyed, Event, TrialEnded
from kernelevo.engine import VERBS, Engine, Reenactment, Schedule
from kernelevo.engine.evaluation import Offer
from kernelevo.engine.judging import Judging
from kernelevo.errors import BadSetting
from kernelevo.executors import ProcessExecutor, WaitingExecutor
from kernelevo.population import Islands
from kernelevo.store import Command, RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench

ONE = Schedule(thinkers=1)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


def order_at(number: int, *orders: tuple[str, dict[str, Any]]) -> Any:
    """Give orders the moment a trial has ended."""

    def give(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == number:
            for verb, args in orders:
                store.append_command("ana", verb, args)

    return give


def effects(bench: Bench) -> list[str]:
    with RunStore.open(bench.folder, readonly=True) as reader:
        commands = reader.commands()
    assert [e.effect for e in bench.of(CommandObeyed)] == [c.effect for c in commands]
    return [c.effect or "" for c in commands]


def test_hints_reach_every_brief_or_the_next_few(bench: Bench) -> None:
    flip = toys.Flip()
    orders = [("hint", {"text": "try split-k"}), ("hint", {"text": "once", "asks": 1})]
    bench.run(toys.task(), [flip], "6", meanwhile=order_at(2, *orders), schedule=ONE)
    hints = {brief.number: brief.hints for brief in flip.briefs}
    start = min(n for n, h in hints.items() if h)
    assert 3 <= start <= 5  # the next ask; others were made while trial 2 was judged
    assert hints[start] == ("try split-k", "once")
    assert all(hints[n] == ("try split-k",) for n in range(start + 1, 7))
    again = toys.Flip()
    bench.run(toys.task(), [again], "8")  # a hint lasts, a used-up one does not
    assert {brief.hints for brief in again.briefs} == {("try split-k",)}
    assert effects(bench)[1] == "in every brief of the next 1 asks"


def test_stop_ends_the_run_with_a_winner(bench: Bench) -> None:
    outcome = bench.run(toys.task("staged"), [toys.Flip()], "100", meanwhile=order_at(3, ("stop", {})))
    assert outcome.reason == "stopped by command" and outcome.final is not None
    assert len(bench.trials()) <= 7


def test_pause_stops_asks_and_the_clock_until_resume(bench: Bench) -> None:
    seen: list[tuple[str, float]] = []

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        order_at(2, ("pause", {}))(event, engine, store)
        if isinstance(event, CommandObeyed) and event.verb == "pause":
            seen.append(("paused", time.monotonic()))
            asyncio_later(0.5, lambda: seen.append((store.state, len(store.trials()))))
            asyncio_later(0.6, lambda: store.append_command("ben", "resume", {}))

    outcome = bench.run(toys.task(), [toys.Flip()], "20", meanwhile=meanwhile, poll=0.05)
    assert seen[1][0] == "paused" and seen[1][1] <= 8
    assert len(bench.trials()) == 21
    assert outcome.used["seconds"] < time.monotonic() - seen[0][1] - 0.4  # the pause is not search
    assert effects(bench) == ["no new asks; what is in flight is finished", "asking again"]


def asyncio_later(seconds: float, action: Any) -> None:
    import asyncio

    asyncio.get_running_loop().call_later(seconds, action)


def test_a_submitted_program_is_judged_next_and_has_children(bench: Bench) -> None:
    good = "1" * 14 + "00"
    bench.run(
        toys.task(), [toys.Flip()], "30", meanwhile=order_at(2, ("submit", {"source": good})), schedule=ONE
    )
    (found,) = [t for t in bench.trials() if t.program.origin.proposer == "person"]
    assert found.program.source == good and found.score == 14.0 and found.number <= 5
    assert any(found.program.id in t.program.parents for t in bench.trials())


def test_several_submissions_keep_their_order_and_survive_an_abort(bench: Bench) -> None:
    orders = [("submit", {"source": "1" * n + "0" * (16 - n)}) for n in (9, 10, 11)]

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        order_at(1, *orders)(event, engine, store)
        if isinstance(event, CommandObeyed) and event.number == 3:
            engine.abort()

    bench.run(toys.task(), [toys.Flip()], "20", meanwhile=meanwhile, schedule=ONE)
    bench.run(toys.task(), [toys.Flip()], "20", schedule=ONE)
    theirs = [t.score for t in bench.trials() if t.program.origin.proposer == "person"]
    assert theirs == [9.0, 10.0, 11.0]
    assert len(bench.trials()) == 21


def test_a_submission_whose_effect_a_kill_cut_off_is_judged_once(bench: Bench) -> None:
    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        order_at(1, ("submit", {"source": "1" * 9 + "0" * 7}))(event, engine, store)
        if isinstance(event, CommandObeyed):
            engine.abort()

    bench.run(toys.task(), [toys.Flip()], "12", meanwhile=meanwhile, schedule=ONE)
    with closing(sqlite3.connect(bench.folder / "run.db")) as db, db:
        db.execute("UPDATE commands SET effect = NULL, after = NULL")
    bench.run(toys.task(), [toys.Flip()], "12", schedule=ONE)
    with RunStore.open(bench.folder, readonly=True) as reader:
        (order,) = reader.commands()
    assert (order.effect or "").endswith("is judged next")
    assert [t.score for t in bench.trials() if t.program.origin.proposer == "person"] == [9.0]


def test_pin_and_ban(bench: Bench) -> None:
    good = "1" * 12 + "0000"
    orders = order_at(3, ("ban", {"program": "1"}), ("pin", {"program": "#2"}))
    script = toys.Script([good, "1" + "0" * 15, "11" + "0" * 14], "script")
    outcome = bench.run(toys.task(), [script, toys.Flip()], "60", meanwhile=orders, seed=2)
    numbers = {t.program.source: t.number for t in reversed(bench.trials())}
    banned, pinned = bench.trials()[1], bench.trials()[2]
    assert outcome.best is not None and outcome.best.program != banned.program
    obeyed = [i for i, e in enumerate(bench.events) if isinstance(e, CommandObeyed)][-1]
    after = [e.trial for e in bench.events[obeyed:] if isinstance(e, TrialEnded)][3:]
    assert not any(banned.program.id in t.program.parents for t in after)
    children = sum(pinned.program.id in t.program.parents for t in after if t.program.parents)
    assert children >= 0.3 * sum(bool(t.program.parents) for t in after)
    assert numbers[banned.program.source] == 1
    again = bench.run(toys.task(), [toys.Script([])], "70")  # still banned after a resume
    assert again.best is not None and again.best.program != banned.program


def test_weight_silences_a_proposer(bench: Bench) -> None:
    other = toys.Lists()
    orders = order_at(4, ("weight", {"proposer": "lists", "weight": 0}))
    bench.run(toys.task(), [toys.Flip(), other], "60", meanwhile=orders, schedule=ONE)
    names = [t.program.origin.proposer for t in bench.trials()]
    assert "lists" in names[:5] and "lists" not in names[8:]
    bench.run(toys.task(), [toys.Flip(), other], "70")
    assert "lists" not in [t.program.origin.proposer for t in bench.trials()][8:]


def test_budget_can_be_raised_and_lowered(bench: Bench) -> None:
    more = bench.run(toys.task(), [toys.Flip()], "5", meanwhile=order_at(3, ("budget", {"budget": "12"})))
    assert len(bench.trials()) == 13 and more.reason == "the budget of 12 is spent"
    with RunStore.open(bench.folder) as store:
        store.append_command("ana", "budget", {"budget": "+4"})
    bench.run(toys.task(), [toys.Flip()], "5")  # orders count for more than the stored budget
    assert len(bench.trials()) == 17
    bench.run(toys.task(), [toys.Flip()], "5")
    assert len(bench.trials()) == 17
    assert effects(bench) == ["the budget is 12", "the budget is 16"]


def test_orders_that_make_no_sense_are_refused_on_record(bench: Bench) -> None:
    orders: list[tuple[str, dict[str, Any]]] = [
        ("dance", {}),
        ("pin", {"program": "nothing"}),
        ("pin", {"program": ""}),
        ("ban", {}),
        ("hint", {"text": "x", "asks": "many"}),
        ("weight", {"proposer": "flap", "weight": 1}),
        ("weight", {"proposer": "flip", "weight": "heavy"}),
        ("budget", {"budget": "abc"}),
        ("submit", {"files": {"../x": "y"}}),
        ("pause", {"for": "ever"}),
    ]
    bench.run(toys.task(), [toys.Flip()], "8", meanwhile=order_at(2, *orders))
    told = effects(bench)
    assert len(told) == len(orders) and all(effect.startswith("refused: ") for effect in told)
    assert ("known: " in told[0] and "flip" in bench.events[-1].to_json()["event"].lower()) or told[5]
    assert len(bench.trials()) == 9
    bench.run(toys.task(), [toys.Flip()], "10")  # and they do not come back
    assert len(bench.trials()) == 11


def test_pins_and_forks_of_what_cannot_have_children_are_refused(bench: Bench) -> None:
    bad, good = "no ones", "1" * 9 + "0" * 7
    orders = [("pin", {"program": "1"}), ("fork", {"program": "1"}), ("ban", {"program": "2"})]
    orders += [("pin", {"program": "2"}), ("fork", {"program": "2"}), ("pin", {"program": "0"})]
    script = toys.Script([bad, good, "1" + "0" * 15])
    bench.run(toys.task(), [script], "6", meanwhile=order_at(3, *orders), schedule=ONE)
    assert [t.score for t in bench.trials()][:3] == [0.0, None, 9.0]
    told = effects(bench)
    assert told[0] == "refused: nothing can be built on 1: it has no full score, or it is banned"
    assert [effect.startswith("refused: nothing can be built on") for effect in told] == [
        True, True, False, True, True, False,
    ]  # fmt: skip
    engines: list[Engine] = []
    bench.run(toys.task(), [toys.Flip()], "8", meanwhile=lambda event, engine, store: engines.append(engine))
    assert engines[0].islands._pinned == [bench.trials()[0].program.id]
    assert engines[0].steering.guidance.forks == {}


def test_orders_given_before_the_run_are_obeyed_at_its_first_ask(bench: Bench) -> None:
    flip = toys.Flip()
    bench.run(
        toys.task(), [flip], "3", before=lambda store: store.append_command("ana", "hint", {"text": "early"})
    )  # type: ignore[arg-type, return-value]
    assert all(brief.hints == ("early",) for brief in flip.briefs)


def test_every_verb_has_a_method() -> None:
    from kernelevo.engine.steering import Steering

    assert all(callable(getattr(Steering, f"_{verb}")) for verb in VERBS)
    assert set(VERBS) <= set(re.findall(r"\w+", Command.__doc__ or ""))


def briefs_with(flip: toys.Flip, text: str) -> list[int]:
    return sorted(brief.number for brief in flip.briefs if text in brief.hints)


def test_a_hint_may_be_for_one_island_or_one_lineage(bench: Bench) -> None:
    flip = toys.Flip()
    policy = toys.Policy(cold_start=False)
    orders = [
        ("hint", {"text": "north", "island": 1}),
        ("hint", {"text": "family", "lineage": "1"}),
        ("hint", {"text": "nowhere", "island": 7}),
    ]
    script = toys.Script(["1" * 12 + "0000", "11" + "0" * 14])
    bench.run(
        toys.task(), [script, flip], "40", meanwhile=order_at(1, *orders), islands=Islands(2, policy=policy),
        schedule=ONE,
    )  # fmt: skip
    trials = {t.number: t for t in bench.trials()}
    marked = {n: t.program.origin.details.get("hints", []) for n, t in trials.items()}
    islands = {trials[n].island for n in briefs_with(flip, "north")}
    assert islands == {1} and any(t.island == 0 for n, t in trials.items() if n > 8)
    edges: dict[str, set[str]] = {}
    for trial in trials.values():
        edges.setdefault(trial.program.id, set()).update(trial.program.parents)
    for brief in (brief for brief in flip.briefs if 8 <= brief.number < 40):
        line = {parent.program.id for parent in brief.parents}
        while more := set().union(*(edges.get(name, set()) for name in line)) - line:
            line |= more
        assert ("family" in brief.hints) == (trials[1].program.id in line)
    assert all((1 in marked[n]) == ("north" in b.hints) for b in flip.briefs if (n := b.number) in marked)
    assert effects(bench)[2] == "refused: there is no island 7"


def test_a_hint_expires_and_may_be_withdrawn(bench: Bench) -> None:
    flip = toys.Flip()

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        orders = [("hint", {"text": "soon over", "expires": "4"}), ("hint", {"text": "until told"})]
        order_at(2, *orders)(event, engine, store)
        order_at(8, ("withdraw", {"order": 2}), ("withdraw", {"order": 99}))(event, engine, store)

    bench.run(toys.task(), [flip], "20", meanwhile=meanwhile, schedule=ONE)
    assert min(briefs_with(flip, "soon over")) >= 3 and 5 <= max(briefs_with(flip, "soon over")) <= 9
    assert 8 <= max(briefs_with(flip, "until told")) <= 12
    assert effects(bench)[2:] == [
        "hint 2 holds no longer",
        "refused: order 99 is no hint, note or fork that still holds",
    ]
    again = toys.Flip()
    bench.run(toys.task(), [again], "24")
    assert {brief.hints for brief in again.briefs} == {()}


def test_a_hint_for_so_many_asks_is_counted_over_sittings(bench: Bench) -> None:
    one, two = toys.Flip(), toys.Flip()
    hint = ("hint", {"text": "thrice", "asks": 3})
    bench.run(toys.task(), [one], "4", meanwhile=order_at(2, hint), schedule=ONE)
    bench.run(toys.task(), [two], "12", schedule=ONE)
    carried = [t.number for t in bench.trials() if t.program.origin.details.get("hints") == [1]]
    assert len(carried) == 3 and carried == briefs_with(one, "thrice") + briefs_with(two, "thrice")


def test_knowledge_reaches_every_later_brief(bench: Bench) -> None:
    flip = toys.Flip()
    bench.run(toys.task(), [flip], "8", meanwhile=order_at(2, ("knowledge", {"text": "ones are good"})))
    told = [brief.knowledge for brief in flip.briefs]
    assert told[0] == () and told[-1] == ("ones are good",)
    assert bench.trials()[-1].program.origin.details["notes"] == [1]


def test_hints_and_notes_are_for_those_who_read_them(bench: Bench) -> None:
    flip, deaf = toys.Flip(), toys.Script([f"{n:016b}" for n in range(30, 60)])
    orders = [("hint", {"text": "twice", "asks": 2}), ("knowledge", {"text": "a fact"})]
    fork = ("fork", {"program": "#1", "asks": 30})
    bench.run(toys.task(), [deaf, flip], "30", meanwhile=order_at(2, *orders, fork), schedule=ONE)
    assert len(deaf.briefs) > 5
    assert {(b.hints, b.knowledge, b.lineage) for b in deaf.briefs} == {((), (), ())}
    marks = [(t.program.origin.proposer, t.program.origin.details) for t in bench.trials()]
    assert [name for name, details in marks if "hints" in details] == ["flip", "flip"]
    assert {name for name, details in marks if "notes" in details} == {"flip"}
    assert {name for name, details in marks if "fork" in details} == {"flip", "script"}  # that is for all
    assert effects(bench)[0] == "in every brief of the next 2 asks"


def test_a_hint_that_nobody_reads_says_so(bench: Bench) -> None:
    orders = order_at(1, ("hint", {"text": "x"}), ("knowledge", {"text": "y"}))
    bench.run(toys.task(), [toys.Lists()], "6", meanwhile=orders)
    ending = "; but no proposer of this run reads hints and notes"
    assert effects(bench) == [f"in every brief{ending}", f"among the notes of every brief{ending}"]


def turns(bench: Bench) -> list[int]:
    with RunStore.open(bench.folder, readonly=True) as reader:
        return [decision["turn"] for _, decision in sorted(reader.records_of("decision").items())]


def test_programs_sent_at_the_start_take_nobodys_first_turn(bench: Bench) -> None:
    def send(store: RunStore) -> None:
        for text in ("1" * 9 + "0" * 7, "1" * 10 + "0" * 6):
            store.append_command("ana", "submit", {"source": text})

    everybody = [toys.Counting(), toys.Lists(), toys.Flip()]
    bench.run(toys.task(), everybody, "6", before=send, schedule=ONE)
    names = [t.program.origin.proposer for t in bench.trials()]
    assert names[:6] == ["seed", "person", "person", "counting", "lists", "flip"]
    bench.run(toys.task(), everybody, "9", schedule=ONE)
    assert turns(bench) == list(range(7))


def test_a_run_begun_when_peoples_programs_took_turns_goes_on_like_that(bench: Bench) -> None:
    def send(store: RunStore) -> None:
        store.append_command("ana", "submit", {"source": "1" * 9 + "0" * 7})

    bench.run(toys.task(), [toys.Flip()], "3", before=send, schedule=ONE)
    with closing(sqlite3.connect(bench.folder / "run.db")) as db, db:
        db.execute("UPDATE events SET data = json_remove(data, '$.counts_asks') WHERE kind = 'sitting'")
    bench.run(toys.task(), [toys.Flip()], "6", schedule=ONE)
    assert turns(bench) == [0, 1, 3, 4, 5]


def test_a_fork_gets_the_next_asks_whatever_else_is_better(bench: Bench) -> None:
    script = toys.Script(["1" * 14 + "00", "1" + "0" * 15])
    flip = toys.Flip()
    order = ("fork", {"program": "#2", "asks": 4})
    bench.run(toys.task(), [script, flip], "20", meanwhile=order_at(2, order), schedule=ONE, seed=3)
    trials = bench.trials()
    line = [t for t in trials if "fork" in t.program.origin.details]
    assert len(line) == 4
    family = {trials[2].program.id}
    for trial in line:
        assert trial.program.parents[0] in family
        family.add(trial.program.id)


def test_a_submitted_program_says_who_wrote_it_from_what(bench: Bench) -> None:
    order = ("submit", {"source": "1" * 15 + "0", "parents": ["#1"]})
    bench.run(toys.task(), [toys.Flip()], "9", meanwhile=order_at(2, order), schedule=ONE)
    (mine,) = [t for t in bench.trials() if t.program.origin.proposer == "person"]
    assert mine.program.parents == (bench.trials()[1].program.id,)
    assert mine.program.origin.details == {"author": "ana", "order": 1}


def test_unpinned_is_unpinned_after_a_resume_too(bench: Bench) -> None:
    orders = [("pin", {"program": "#1"}), ("unpin", {"program": "#1"}), ("unpin", {"program": "#1"})]
    bench.run(toys.task(), [toys.Flip()], "6", meanwhile=order_at(2, *orders))
    assert [effect.split(" ", 1)[1] for effect in effects(bench)][1:] == [
        "is drawn like any other",
        "was not pinned",
    ]
    engines: list[Engine] = []
    bench.run(toys.task(), [toys.Flip()], "8", meanwhile=lambda event, engine, store: engines.append(engine))
    assert engines[0].islands._pinned == []


def test_more_workers_build_more_at_a_time(tmp_path: Path) -> None:
    bench, executor = Bench(tmp_path / "run"), WaitingExecutor()
    sizes: list[tuple[int, int, int]] = []

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        order_at(2, ("workers", {"workers": 4}))(event, engine, store)
        if isinstance(event, TrialEnded):
            pipeline = engine._pipeline
            sizes.append((pipeline._builders, pipeline._building.size, pipeline._measuring.size))

    bench.run(toys.task(), [toys.Flip()], "9", meanwhile=meanwhile, executor=executor)
    assert sizes[0] == (1, 1, 1) and sizes[-1] == (4, 4, 4)  # nothing is built first: judged at a time
    bench.run(toys.task(), [toys.Flip()], "10", meanwhile=meanwhile, executor=executor)
    assert sizes[-1] == (4, 4, 4)
    bench, sizes = Bench(tmp_path / "staged"), []
    bench.run(toys.task("staged"), [toys.Flip()], "9", meanwhile=meanwhile, executor=executor)
    assert sizes[-1] == (4, 4, 1)  # a device is measured by one at a time
    bench.run(toys.task("staged"), [toys.Flip()], "10", meanwhile=meanwhile, executor=executor)
    assert sizes[-1] == (4, 4, 1)  # in a later sitting too


@pytest.mark.parametrize("kind", ["ones", "staged"])
def test_more_workers_than_the_executor_can_have_are_refused(bench: Bench, kind: str) -> None:
    engines: list[Engine] = []

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        order_at(2, ("workers", {"workers": 8}))(event, engine, store)
        engines.append(engine)

    bench.run(toys.task(kind), [toys.Flip()], "6", meanwhile=meanwhile)
    assert effects(bench) == [
        "refused: there cannot be 8 workers: this run's executor has a fixed number of them"
    ]
    assert engines[0].sizes.now() == {"thinkers": 2, "builders": 1, "measurers": 1}


def test_a_staged_evaluators_workers_are_those_that_build() -> None:
    """None is started before there is work."""
    executor = ProcessExecutor(cpu=1, build=1, devices=("device:0",))
    judging = Judging(executor, toys.task("staged"), "tests.engine.toys:load", "device:0")
    for staged, needs in ((True, "build"), (False, "cpu")):
        judging.offer = Offer(staged=staged, final=False)
        judging.resize(3)
        assert executor._pools[needs].size == 3
        with pytest.raises(BadSetting, match=f"cannot be 0 {needs} workers"):
            judging.resize(0)
    alone = ProcessExecutor(cpu=1, build=0, devices=("device:0",))  # as a kernel's judge works
    judging = Judging(alone, toys.task("staged"), "tests.engine.toys:load", "device:0")
    judging.offer = Offer(staged=True, final=False)
    with pytest.raises(BadSetting, match="built by the one that measures") as refused:
        judging.resize(3)
    assert refused.value.why == "nothing else may run while it holds device:0"
    assert [pool.size for pool in alone._pools.values()] == [1, 1, 1]


def test_more_thinkers_ask_for_more_at_a_time(tmp_path: Path) -> None:
    bench, flip = Bench(tmp_path / "run"), toys.Flip(seconds=0.02)
    most: list[tuple[int, int]] = []

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        order_at(3, ("thinkers", {"thinkers": 4}), ("workers", {"workers": 4}))(event, engine, store)
        if isinstance(event, TrialEnded):
            most.append((event.trial.number, len(engine._thinking)))

    executor = WaitingExecutor()
    bench.run(toys.task(), [flip], "24", meanwhile=meanwhile, schedule=ONE, executor=executor)
    assert max(n for number, n in most if number <= 3) <= 1 and max(n for _, n in most) > 2
    assert effects(bench)[0].startswith("4 are thought of at a time")
    engines: list[Engine] = []
    bench.run(toys.task(), [flip], "26", meanwhile=lambda e, engine, s: engines.append(engine), schedule=ONE)
    assert engines[0]._thinking.size == 4  # it lasts


def test_a_deterministic_run_thinks_of_one_at_a_time(bench: Bench) -> None:
    order = order_at(1, ("thinkers", {"thinkers": 2}), ("thinkers", {"thinkers": 1}))
    bench.run(toys.task(), [toys.Flip()], "6", meanwhile=order, schedule=Schedule(deterministic=True))
    refused, obeyed = effects(bench)
    assert refused == "refused: a deterministic run cannot have 2 asks at a time"
    assert obeyed.startswith("1 are thought of")


def test_a_run_with_hints_forks_pins_and_submissions_can_be_decided_again(bench: Bench) -> None:
    orders = [
        ("hint", {"text": "x", "asks": 2}),
        ("fork", {"program": "#1", "asks": 3}),
        ("pin", {"program": "#1"}),
        ("submit", {"source": "1" * 12 + "0000"}),
    ]

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        order_at(2, *orders)(event, engine, store)
        order_at(9, ("unpin", {"program": "#1"}), ("ban", {"program": "#1"}))(event, engine, store)

    bench.run(toys.task(), [toys.Flip(), toys.Lists()], "30", meanwhile=meanwhile, schedule=ONE)
    with RunStore.open(bench.folder, readonly=True) as store:
        again = Reenactment(store, Islands()).run()
    assert again.deviation is None and again.decisions > 20
