"""Replay: the decisions of a recorded run, made again from its records, come out the same."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from kernelevo.core import Event, Objectives, TrialEnded
from kernelevo.engine import Engine, Reenactment, Replayed, Schedule
from kernelevo.errors import StoreError
from kernelevo.population import Islands, Policy
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench


def islands() -> Islands:
    return Islands(2, elites=3, policy=toys.LIVELY)


def record(folder: Path, trials: int, stop_at: int | None = None, **more: Any) -> Bench:
    """Run with everything that a run can meet; a second call goes on after a stop."""
    bench = Bench(folder)

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        if not isinstance(event, TrialEnded):
            return
        orders = {
            6: [("weight", {"proposer": "flip", "weight": 3.0}), ("hint", {"text": "ones", "asks": 2})],
            12: [("pin", {"program": event.trial.program.id}), ("submit", {"source": "1" * 8 + "0" * 8})],
            18: [("ban", {"program": event.trial.program.id})],
        }
        for verb, args in orders.get(event.trial.number, ()):
            store.append_command("ana", verb, args)
        if event.trial.number == stop_at:
            engine.abort()

    schedule = more.pop("schedule", Schedule(thinkers=3))
    proposers = [toys.Flip(), toys.Lists(), toys.Same(), toys.Moody(), toys.Script([RuntimeError("no")] * 9)]
    task = toys.task("baselines", seeds=(), own=str(folder))  # evaluators of one process are kept by task
    bench.run(
        task, proposers, str(trials), meanwhile=meanwhile, seed=5,
        schedule=schedule, islands=islands(), **more,
    )  # fmt: skip
    return bench


def replay(folder: Path, population: Islands | None = None) -> Replayed:
    with RunStore.open(folder, readonly=True) as store:
        return Reenactment(store, population or islands()).run()


@pytest.mark.parametrize("deterministic", [False, True])
def test_replay_is_exact_whatever_happened(tmp_path: Path, deterministic: bool) -> None:
    schedule = Schedule(deterministic=True, window=4) if deterministic else Schedule(thinkers=3, builders=2)
    folder = tmp_path / "run"
    record(folder, 60, stop_at=25, schedule=schedule)
    trials = record(folder, 60, schedule=schedule).trials()
    once = replay(folder)
    assert once.deviation is None, once.deviation
    assert once.trials == len(trials) and once.sittings == 2
    with RunStore.open(folder, readonly=True) as store:
        assert [len(store.events(kind=kind)) for kind in ("pin", "ban")] == [1, 1]
        assert len(store.rebases()) == 1
    proposers = [t.program.origin.proposer for t in trials]
    assert once.decisions == sum(p not in ("seed", "person") for p in proposers) and "person" in proposers
    assert {"flip", "lists", "same", "moody"} <= set(proposers)
    # what came out again is what was recorded, part by part
    for trial, row in zip(trials, once.lineage, strict=True):
        number, proposer, island, draw, _, parents, program, seen, reused = row
        assert (number, proposer, program) == (trial.number, trial.program.origin.proposer, trial.program.id)
        assert (parents, seen, reused) == (list(trial.program.parents), trial.seen, trial.reused)
        assert draw == trial.program.origin.details.get("draw")
        assert island == trial.island
    assert replay(folder).digest == once.digest


def edit(folder: Path, statement: str, *values: Any) -> None:
    with sqlite3.connect(folder / "run.db") as db:
        assert db.execute(statement, values).rowcount == 1
    db.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET data = json_remove(data, '$.seed') WHERE kind = 'sitting'",
        "UPDATE records SET value = json_remove(value, '$.marks') WHERE kind = 'decision' AND trial = ?",
    ],
)
def test_a_record_that_cannot_be_read_is_told_as_damage(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "run"
    trials = record(folder, 10).trials()
    made = next(t for t in trials if t.program.origin.proposer not in ("seed", "person"))
    edit(folder, change, *([made.number] if "?" in change else []))
    with pytest.raises(StoreError, match="damaged"):
        replay(folder)


def test_the_first_deviation_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    trials = record(folder, 40).trials()
    changed = max((t for t in trials[8:20] if t.score), key=lambda t: t.score or 0.0)
    assert changed.evaluation is not None
    better = {**changed.evaluation.to_json(), "score": 99.0}
    edit(folder, "UPDATE trials SET evaluation = ? WHERE number = ?", json.dumps(better), changed.number)
    found = replay(folder).deviation
    assert found is not None and found.trial > changed.number
    assert found.recorded != found.again


def test_another_policy_decides_otherwise_and_says_where(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    record(folder, 30)
    other = Islands(2, elites=3, policy=Policy(sampler="best_of_n", cold_start=False))
    found = replay(folder, other).deviation
    assert found is not None and found.what in ("island", "parents", "draw", "direction")
    assert set(found.to_json()) == {"trial", "what", "recorded", "again"}


def test_a_judged_program_that_is_judged_again_is_a_deviation(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    reused = next(t for t in record(folder, 30).trials() if t.reused is not None)
    edit(folder, "UPDATE trials SET reused = NULL WHERE number = ?", reused.number)
    found = replay(folder).deviation
    assert found is not None and (found.trial, found.again) == (reused.number, reused.reused)


def test_a_run_without_decisions_is_refused_in_plain_words(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    record(folder, 8)
    with sqlite3.connect(folder / "run.db") as db:
        db.execute("DELETE FROM records WHERE kind = 'decision'")
    db.close()
    with pytest.raises(StoreError, match="cannot be replayed"):
        replay(folder)
    with sqlite3.connect(folder / "run.db") as db:
        db.execute("DELETE FROM events WHERE kind = 'sitting'")
    db.close()
    with pytest.raises(StoreError, match="cannot be replayed"):
        replay(folder)


def test_a_ban_keeps_its_place_in_a_resume(tmp_path: Path) -> None:
    """What was told before the ban was told of a living program, also when it is told again."""
    folder = tmp_path / "run"
    record(folder, 30, stop_at=26)
    with RunStore.open(folder, readonly=True) as store:
        (ban,) = store.events(kind="ban")
        assert 0 < ban.data["told"] < store.count()
        trial = next(t for t in store.trials() if t.program.id == ban.data["program"])
    record(folder, 60)
    found = replay(folder)
    assert found.deviation is None and found.sittings == 2
    with RunStore.open(folder, readonly=True) as store:
        assert len(store.events(kind="ban")) == 1  # a resume does not write it again
        later = [t for t in store.trials() if t.seen > ban.data["told"]]
    assert later and not any(trial.program.id in t.program.parents for t in later)


def test_a_winner_that_is_banned_when_timed_again_keeps_its_place_in_a_resume(tmp_path: Path) -> None:
    """The last verdicts are told before that ban; what is asked after a resume does not see them yet."""
    bad = [bits for bits in map("{:016b}".format, range(2**16)) if bits.count("1") >= 9]
    task = toys.task("staged", unstable=bad, own=str(tmp_path))
    for seed in range(2):
        folder = tmp_path / str(seed)
        for trials in (20, 40, 60):
            Bench(folder).run(
                task, [toys.Flip(), toys.Lists(), toys.Moody()], str(trials), seed=seed,
                schedule=Schedule(deterministic=True, window=4), islands=islands(),
            )  # fmt: skip
        with RunStore.open(folder, readonly=True) as store:
            bans = store.events(kind="ban")
            assert len(bans) > 3
            assert all(ban.data["told"] <= max(trial.seen for trial in store.trials()) for ban in bans)
        found = replay(folder)
        assert found.deviation is None, found.deviation
        assert found.trials == 61 and found.sittings == 3


SHORT_HEADS = {
    "metrics": {"score": "higher", "head": {"better": "lower", "weight": 0.1}},
    "rule": "weighted",
}


@pytest.mark.parametrize("deterministic", [False, True])
def test_a_weight_of_an_objective_keeps_its_place_in_a_resume(tmp_path: Path, deterministic: bool) -> None:
    """What was told before the change was a gain or none by the old weights, also when it is told again."""
    folder = tmp_path / "run"
    objectives = Objectives.of({"objectives": SHORT_HEADS})

    def weighted() -> Islands:
        return Islands(2, elites=3, policy=toys.LIVELY, objectives=objectives)

    def sitting(trials: int, stop_at: int | None = None) -> None:
        def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
            number = event.trial.number if isinstance(event, TrialEnded) else None
            if number == 30:
                store.append_command("ana", "objective", {"metric": "head", "weight": 5})
            if number is not None and number == stop_at:
                engine.abort()

        schedule = Schedule(thinkers=3, deterministic=deterministic)
        Bench(folder).run(
            toys.task("measured"), [toys.Flip(), toys.Lists(), toys.Moody()], str(trials),
            meanwhile=meanwhile, seed=5, schedule=schedule, islands=weighted(),
        )  # fmt: skip

    sitting(90, stop_at=50)
    with RunStore.open(folder, readonly=True) as store:
        (change,) = store.events(kind="objective")
        assert 20 < change.data["told"] < store.count() - 10
    sitting(90)
    found = replay(folder, weighted())
    assert found.deviation is None, found.deviation
    assert found.trials == 91 and found.sittings == 2
