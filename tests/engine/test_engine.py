"""Engine: what a run does from its first seed to its winner."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kernelevo.core import (
    BaselineReady,
    Brief,
    Evaluation,
    Event,
    Executor,
    Notice,
    Program,
    Proposer,
    ProposerRested,
    RunEnded,
    RunStarted,
    ScoresRebased,
    Status,
    Task,
    Trial,
    TrialEnded,
    TrialStarted,
    WinnerConfirmed,
)
from kernelevo.engine import Budget, Engine, Outcome, Schedule, used_so_far
from kernelevo.errors import BadSetting, CaptureError, InputError, SandboxError, ToolchainMissing
from kernelevo.executors import InlineExecutor
from kernelevo.population import Islands, Policy
from kernelevo.store import RunStore
from tests.engine import toys


class Bench:
    """A run folder and all that happens in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []

    def run(
        self,
        task: Task,
        proposers: Sequence[Proposer],
        budget: str = "10",
        *,
        executor: Executor | None = None,
        meanwhile: Callable[[Event, Engine, RunStore], None] | None = None,
        before: Callable[[RunStore], None] | None = None,
        **options: Any,
    ) -> Outcome:
        fresh = not (self.folder / "run.db").exists()
        store = RunStore.create(self.folder, task, {}) if fresh else RunStore.open(self.folder)

        def listen(event: Event) -> None:
            self.events.append(event)
            if meanwhile:
                meanwhile(event, engine, store)

        if before:
            before(store)
        options = {
            "device": "device:0" if task.evaluator in ("staged", "settling") else None,
            "backoff": 0.0,
            **options,
        }
        try:
            engine = Engine(
                store,
                proposers,
                executor or InlineExecutor(),
                Budget.parse(budget),
                loader="tests.engine.toys:load",
                listeners=[listen],
                **options,
            )
            return asyncio.run(asyncio.wait_for(engine.run(), 60))
        finally:
            store.close()

    def trials(self) -> list[Trial]:
        with RunStore.open(self.folder, readonly=True) as reader:
            return reader.trials()

    def sources(self) -> list[str]:
        return [trial.program.source for trial in self.trials()]

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


# a plain run


def test_it_climbs_to_the_optimum_and_stays_within_its_budget(bench: Bench) -> None:
    outcome = bench.run(toys.task(), [toys.Flip()], "120", seed=3)
    trials = bench.trials()
    assert [t.number for t in trials] == list(range(121))  # the seed is not counted
    assert outcome.best is not None and outcome.best.score is not None and outcome.best.score >= 13.0
    assert outcome.best.score == max(t.score or 0.0 for t in trials)
    assert outcome.reason == "the budget of 120 is spent"
    assert outcome.used["trials"] == 120
    assert trials[0].program.origin.proposer == "seed" and trials[0].score == 0.0
    first = {t.program.id: t.number for t in reversed(trials)}
    for t in trials[1:]:
        assert t.evaluation is not None and t.score == t.program.source.count("1")
        (parent,) = t.program.parents
        assert first[parent] < t.number  # only what was judged has children


def test_events_tell_the_story_in_order(bench: Bench) -> None:
    outcome = bench.run(toys.task(), [toys.Script(["1" + "0" * 15, "x", "11" + "0" * 14])], "10")
    told = [
        (
            type(e).__name__,
            getattr(e, "number", None) or (e.trial.number if isinstance(e, TrialEnded) else None),
        )
        for e in bench.events
    ]
    assert told[:3] == [("RunStarted", None), ("TrialStarted", None), ("TrialEnded", 0)]
    ended = bench.of(TrialEnded)
    assert [(e.trial.number, e.trial.score, e.is_best) for e in ended] == [
        (0, 0.0, True), (1, 1.0, True), (2, None, False), (3, 2.0, True)
    ]  # fmt: skip
    assert [e.proposer for e in bench.of(TrialStarted)][:2] == ["seed", "script"]
    assert isinstance(bench.events[-1], RunEnded)
    assert outcome.reason.startswith("exhausted")
    assert bench.of(RunStarted)[0].task == "toy ones"


@pytest.mark.parametrize("evaluator", ["ones", "graphless"])
def test_a_module_without_a_graph_is_told_of_once_and_at_the_end(bench: Bench, evaluator: str) -> None:
    error = CaptureError("Net has no graph", why="torch said so", now="ask a model")
    failing = 9 if evaluator == "ones" else 1  # else the evaluator says it, whoever is asked
    proposers = [toys.Script([error] * failing, name) for name in ("one", "two")]
    seeds = ["0" * 16] if evaluator == "ones" else []
    outcome = bench.run(toys.task(evaluator, seeds), [*proposers, toys.Script(["1" * 16])])
    assert bench.sources() == [*seeds, "1" * 16]  # others go on
    words = (
        "nothing can be proposed from the module's graph: Net has no graph\n"
        "  why  torch said so\n  now  ask a model"
    )
    assert [e.text for e in bench.of(Notice)] == [words]
    assert outcome.reason == "exhausted: no proposer has anything new to offer; Net has no graph"
    assert outcome.failure is None  # nothing broke
    with RunStore.open(bench.folder, readonly=True) as reader:
        told = [row.data for row in reader.events(kind="complaint")]
    assert told == [{"text": words, "graphless": True}]


def test_a_known_program_keeps_its_verdict(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    texts = ["1" * 16, "0" * 16, "1" * 16, "x", "x"]
    bench.run(toys.task(log=str(log)), [toys.Script(texts)])
    assert log.read_text().split() == ["0" * 16, "1" * 16, "x"]
    assert [(t.program.source[0], t.reused, t.score) for t in bench.trials()] == [
        ("0", None, 0.0), ("1", None, 16.0), ("0", 0, 0.0), ("1", 1, 16.0), ("x", None, None), ("x", 4, None)
    ]  # fmt: skip


def test_several_proposals_of_one_ask_fill_the_next_trials(bench: Bench) -> None:
    script = toys.Script([["1", "11", "111"], "1111"])
    bench.run(toys.task(), [script])
    assert bench.sources() == ["0" * 16, "1", "11", "111", "1111"]
    numbers = [brief.number for brief in script.briefs]
    assert numbers[:2] == [1, 4]  # the waiting ones needed no ask
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert [reader.records(n).get("reply") for n in range(4)] == [None, "1", "11", "111"]
        taken = [reader.records(n)["decision"]["taken"] for n in range(1, 4)]
        assert taken == [None, [1, 1], [1, 2]]
        assert reader.drafts() == []


def test_no_seeds_is_a_cold_start(bench: Bench) -> None:
    bench.run(toys.task(seeds=[]), [toys.Flip()], "5")
    assert len(bench.trials()) == 5 and bench.trials()[0].program.parents == ()


# staged evaluation


def test_stages_floors_and_final_timing(bench: Bench) -> None:
    texts = ["1" * n + "0" * (16 - n) for n in (12, 13, 14, 15)] + ["unbuildable", "1" + "0" * 15, "1" * 16]
    outcome = bench.run(
        toys.task("staged"),
        [toys.Script(texts)],
        islands=Islands(elites=3, policy=Policy(cold_start=False)),
        schedule=Schedule(deterministic=True, window=1),
    )
    trials = bench.trials()
    assert [t.evaluation.status for t in trials if t.evaluation] == [Status.OK] * 5 + [
        Status.BUILD_FAILED
    ] + [Status.OK] * 2
    slow = trials[6].evaluation
    assert slow is not None and slow.fidelity == "rough" and slow.score == 1.0
    assert slow.metrics["floor"] == 0.8 * 15  # worst elite 13, 0.8 of the best 12
    assert trials[3].cost["device_seconds"] >= 0 and "device_seconds" not in trials[5].cost
    assert outcome.best is not None and outcome.best.number == 7
    assert outcome.final is not None and outcome.final.score == 16.5
    assert [(e.trial, e.evaluation.score) for e in bench.of(WinnerConfirmed)] == [(7, 16.5)]
    with RunStore.open(bench.folder, readonly=True) as reader:
        (final,) = reader.events(kind="final")
        assert final.trial == 7 and final.data["score"] == 16.5
        assert reader.state == "done"


def test_a_rough_verdict_is_reused_only_for_floors_as_high(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    weak = "1" * 11 + "0" * 5
    texts = ["1" * 12 + "0" * 4, "1" * 13 + "000", weak, "1" * 16, weak, "1" * 15 + "0"]
    islands = Islands(elites=2, worth_timing=1.0, policy=Policy(cold_start=False))
    bench.run(
        toys.task("staged", log=str(log), seeds=["1" * 9]), [toys.Script(texts)], islands=islands,
        schedule=Schedule(deterministic=True, window=1),
    )  # fmt: skip
    trials = bench.trials()
    assert [t.reused for t in trials] == [None, None, None, None, None, 3, None]
    assert trials[3].evaluation is not None and trials[3].evaluation.metrics["floor"] == 12.0


# baselines that arrive late


def test_scores_are_re_based_when_a_better_baseline_arrives(bench: Bench) -> None:
    texts = ["11" + "0" * 14, "111" + "0" * 13, "1111" + "0" * 12]
    outcome = bench.run(toys.task("baselines", seeds=[]), [toys.Script(texts)])
    assert [t.score for t in bench.trials()] == [0.5, 1.0, 1.5, 2.0]
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert [t.score for t in reader.trials(raw=True)] == [1.0, 2.0, 3.0, 2.0]
    assert bench.of(ScoresRebased) == [ScoresRebased("compile", 0.5)]
    assert bench.of(BaselineReady) == [BaselineReady("eager", 2.0), BaselineReady("autotune", None, "late")]
    assert Notice("compiling") in bench.events
    assert [e.is_best for e in bench.of(TrialEnded)] == [True, True, True, True]
    assert outcome.best is not None and outcome.best.score == 2.0
    assert bench.trials()[0].program.origin.proposer == "seed"  # the evaluator's own seed
    again = bench.run(toys.task("baselines", seeds=[]), [toys.Script([])])
    assert again.best is not None and again.best.score == 2.0


def test_a_rebase_reaches_briefs_and_proposers(bench: Bench) -> None:
    class Remembering(toys.Flip):
        now = 8.0

        def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
            self.now = change(Evaluation.ok(self.now, baseline="eager")).score or 0.0

    flip = Remembering()
    task = toys.task("baselines", seeds=[], own="briefs")
    bench.run(task, [flip], "12", schedule=Schedule(deterministic=True, window=1))
    assert flip.now == 4.0
    trials, scores = bench.trials(), {}
    for trial in trials:
        scores.setdefault(trial.program.id, trial.score)
    shown = [attempt for brief in flip.briefs if brief.number > 3 for attempt in brief.lineage]
    assert {a.number for a in shown} & {1, 2}  # measured against eager
    for attempt in shown:
        trial = trials[attempt.number]
        assert (attempt.score, attempt.before) == (trial.score, scores[trial.program.parents[0]])
    again = Remembering()
    bench.run(task, [again], "12")
    assert again.now == 4.0  # a resume tells it too


# budgets


def test_dollars_are_never_overspent(bench: Bench) -> None:
    outcome = bench.run(
        toys.task(), [toys.Flip(dollars=0.3, seconds=0.01)], "$1", schedule=Schedule(thinkers=4)
    )
    # nobody knew the price of the first four; after that three would have fitted
    assert outcome.used["dollars"] == pytest.approx(0.3 * 4)
    assert len(bench.trials()) == 5
    assert sum(t.cost.get("dollars", 0.0) for t in bench.trials()) == pytest.approx(1.2)


def test_a_proposer_that_knows_its_price_keeps_within_the_budget(bench: Bench) -> None:
    class Honest(toys.Flip):
        def estimate(self, brief: object) -> dict[str, float]:
            return {"dollars": 0.3}

    outcome = bench.run(toys.task(), [Honest(dollars=0.3, seconds=0.01)], "$1", schedule=Schedule(thinkers=4))
    assert outcome.used["dollars"] == pytest.approx(0.9)
    assert outcome.reason == "the budget of $1 is spent"


def test_time_is_searched_time(bench: Bench) -> None:
    """The seed's verdict takes 0.5 s and is preparation; the search takes what it was given."""
    clock = Clock()

    class Ticking(InlineExecutor):
        def submit(self, fn: Any, /, *args: Any, needs: str = "cpu") -> Any:
            clock.now += 10.0 if fn.__name__ in ("judge", "offer") else 0.0
            return super().submit(fn, *args, needs=needs)

    outcome = bench.run(
        toys.task(), [toys.Counting()], "55s", executor=Ticking(), clock=clock, schedule=Schedule(thinkers=1)
    )
    assert len(bench.trials()) == 1 + 6  # at 50 s there was time left for one more
    assert outcome.used["seconds"] == 60.0
    assert outcome.reason == "the budget of 55s is spent"
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert reader.searched == 60.0
    more = bench.run(
        toys.task(), [toys.Counting()], "95s", executor=Ticking(), clock=clock, schedule=Schedule(thinkers=1)
    )
    assert len(bench.trials()) == 1 + 10 and more.used["seconds"] == 100.0  # earlier sittings count


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_budget_goes_on_where_it_was(bench: Bench) -> None:
    bench.run(toys.task(), [toys.Flip()], "5")
    bench.run(toys.task(), [toys.Flip()], "8")
    assert [t.number for t in bench.trials()] == list(range(9))
    with RunStore.open(bench.folder) as store:
        used = used_so_far(store)
    assert used["trials"] == 8
    bench.run(toys.task(), [toys.Flip()], str(Budget.parse("4").plus(used)))
    assert len(bench.trials()) == 13


# broken machines and broken proposers


def test_a_broken_machine_is_tried_three_times_and_never_scored(bench: Bench) -> None:
    outcome = bench.run(toys.task(), [toys.Script(["raise", "1" * 16])])
    trials = bench.trials()
    fault = trials[1].fault
    assert fault is not None and (fault.kind, fault.attempts) == ("SandboxError", 3)
    assert trials[1].evaluation is None and trials[2].score == 16.0
    assert outcome.best is not None and outcome.best.number == 2


def test_a_fault_is_not_reused(bench: Bench, tmp_path: Path) -> None:
    task = toys.task("broken", seeds=["0"], count=str(tmp_path / "count"), failures=0)
    bench.run(task, [toys.Script([])])
    (tmp_path / "count").unlink()
    task = toys.task("broken", seeds=["0"], count=str(tmp_path / "count"), failures=2)
    other = Bench(tmp_path / "other")
    other.run(task, [toys.Script(["1", "1"])])
    assert [(t.score, t.reused) for t in other.trials()] == [(0.0, None), (1.0, None), (1.0, 1)]
    assert len((tmp_path / "count").read_text()) == 2 + 1 + 1


def test_a_machine_that_cannot_judge_the_seed_is_the_users_to_mend(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="the sandbox is gone"):
        bench.run(toys.task(seeds=["raise"]), [toys.Flip()])
    assert bench.trials() == []
    other = Bench(tmp_path / "other")
    task = toys.task("broken", count=str(tmp_path / "count"), failures=3)
    with pytest.raises(InputError, match=r"failed on the first program[\s\S]*RuntimeError: flaky"):
        other.run(task, [toys.Flip()])
    other.run(task, [toys.Flip()], "3")  # mended meanwhile: the same run goes on
    assert len(other.trials()) == 4 and other.trials()[0].score == 0.0


def test_an_evaluator_that_cannot_be_loaded(bench: Bench) -> None:
    with pytest.raises(ToolchainMissing, match="no compiler"):
        bench.run(toys.task("missing"), [toys.Flip()])
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert reader.state == "stopped"


def test_a_machine_that_stays_broken_ends_the_run(bench: Bench) -> None:
    texts = ["raise" for _ in range(20)]
    outcome = bench.run(toys.task(), [toys.Script(texts)], "20")
    assert outcome.reason.startswith("the machine broke 5 times in a row: the sandbox is gone")
    assert len(bench.trials()) == 6


def test_a_proposer_that_raises_is_asked_again_then_dropped(bench: Bench) -> None:
    flaky = toys.Script([RuntimeError("no"), RuntimeError("no"), "1"], "flaky")
    bench.run(toys.task(), [flaky], "1")
    assert bench.sources()[1:] == ["1"] and bench.of(Notice) == []
    hopeless = toys.Script([ToolchainMissing("no torch"), "never"], "hopeless")
    bad = toys.Script([RuntimeError(f"down {n}") for n in range(50)], "bad")
    bench.events.clear()
    bench.run(toys.task(), [hopeless, bad, toys.Flip()], "21", schedule=Schedule(thinkers=1))
    assert len(bench.trials()) == 22 and "never" not in bench.sources()
    said = [notice.text for notice in bench.of(Notice)]
    assert sum("hopeless: ToolchainMissing: no torch" in text for text in said) == 1
    assert sum(text.startswith("bad: RuntimeError") for text in said) == 3
    assert len(bad.texts) == 50 - 9


def test_an_ask_that_nobody_can_pay_says_nothing_of_failures(bench: Bench) -> None:
    class Dear(toys.Script):
        def estimate(self, brief: Brief) -> dict[str, float]:
            return {"dollars": 9.0 if brief.number % 2 else 0.0}

    bad = Dear([RuntimeError(f"down {n}") for n in range(90)], "bad")
    bench.run(toys.task(), [bad, toys.Flip()], "30,$1", schedule=Schedule(thinkers=1))
    said = [notice.text for notice in bench.of(Notice) if notice.text.startswith("bad: RuntimeError")]
    assert len(said) == 3 and len(bad.texts) == 90 - 9
    assert said[2].endswith("(not asked again, unless an ask that is under way is answered)")


def test_one_that_only_repeats_itself_is_rested(bench: Bench) -> None:
    bench.run(toys.task(), [toys.Same(), toys.Script([])], "200")
    assert len(bench.trials()) == 1 + 1 + 20
    assert [e.proposer for e in bench.of(ProposerRested)] == ["same"]
    assert all(t.reused == 1 for t in bench.trials()[2:])


def test_several_proposers_take_turns_and_the_better_one_is_asked_more(bench: Bench) -> None:
    useless = toys.Script([f"useless {n}" for n in range(1000)], "useless")
    bench.run(toys.task(), [useless, toys.Flip()], "120", seed=1)
    names = [t.program.origin.proposer for t in bench.trials()]
    assert names[:3] == ["seed", "useless", "flip"]
    assert names.count("flip") > 1.5 * names.count("useless") > 15


def test_proposers_are_shown_what_became_of_trials(bench: Bench) -> None:
    flip = toys.Flip()
    bench.run(toys.task(), [flip], "10")
    assert [t.number for t in flip.observed] == list(range(11))
    again = toys.Flip()
    bench.run(toys.task(), [again], "12")
    assert [t.number for t in again.observed] == list(range(13))


def test_briefs_hold_what_was_promised(bench: Bench) -> None:
    script = toys.Script(["x", "1", "11"])
    bench.run(
        toys.task(), [script], facts={"device": "toy"}, schedule=Schedule(deterministic=True, window=1),
        islands=Islands(policy=Policy(cold_start=False)),
    )  # fmt: skip
    assert [b.number for b in script.briefs[:4]] == [1, 2, 3, 4]
    assert [v.program.source for v in script.briefs[1].failures] == ["x"]
    assert script.briefs[2].facts == {"device": "toy", "best_score": 1.0}
    assert {v.program.source for v in script.briefs[3].parents} <= {"0" * 16, "1", "11"}


def test_bad_parts_are_refused(bench: Bench) -> None:
    with pytest.raises(BadSetting, match="proposers cannot be"):
        bench.run(toys.task(), [])
    for proposers in ([toys.Flip(), toys.Flip()], [toys.Flip("seed")], [toys.Flip("person")]):
        with pytest.raises(BadSetting, match="proposers cannot be"):
            bench.run(toys.task(), proposers)
    for name in ("thinkers", "builders", "measurers", "window"):
        with pytest.raises(BadSetting, match=f"{name} cannot be 0"):
            Schedule(**{name: 0})


def test_stopping_and_aborting(bench: Bench) -> None:
    def stop(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == 5:
            engine.request_stop()

    outcome = bench.run(toys.task("staged"), [toys.Flip()], "100", meanwhile=stop)
    assert outcome.reason == "stopped" and outcome.final is None
    assert outcome.best is not None
    assert 6 <= len(bench.trials()) <= 8

    def abort(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == 12:
            engine.abort()

    outcome = bench.run(toys.task("staged"), [toys.Flip()], "100", meanwhile=abort)
    assert outcome.reason == "aborted"
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert reader.state == "stopped"
    assert bench.run(toys.task("staged"), [toys.Flip()], "30").reason == "the budget of 30 is spent"
    assert [t.number for t in bench.trials()] == list(range(31))


def test_a_listener_that_breaks_is_our_bug_and_loud(bench: Bench) -> None:
    def broken(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.run(toys.task(), [toys.Flip()], meanwhile=broken)


def test_nothing_that_passes_is_no_winner(bench: Bench) -> None:
    outcome = bench.run(toys.task("staged", seeds=[]), [toys.Script(["x", "y"])])
    assert (outcome.best, outcome.final) == (None, None)
    assert [t.evaluation for t in bench.trials()] == [
        Evaluation.wrong(f"{name!r} is not made of 0 and 1") for name in "xy"
    ]
    assert Program.single("x").id == bench.trials()[0].program.id
