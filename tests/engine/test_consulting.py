"""Notes and lineage reach the briefs, and a trial keeps which notes its brief held."""

from pathlib import Path

from kernelevo.core import Event, Objectives, TrialEnded
from kernelevo.engine import Budget, Engine, Schedule, run_engine
from kernelevo.executors import InlineExecutor
from kernelevo.knowledge import Note, Retrieved
from kernelevo.population import Islands
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench

NOTE = Note("flip-more", "Flip more", "stuck", "Flip two bits at once.")


class Watching(toys.Flip):
    """Flips, and keeps the briefs."""

    def __init__(self) -> None:
        super().__init__()
        self.briefs = []

    async def propose(self, brief, rng):
        self.briefs.append(brief)
        return await super().propose(brief, rng)


def test_notes_are_shown_and_recorded_and_lineage_grows(tmp_path: Path) -> None:
    asked = []

    def consult(brief, stagnation):
        asked.append(stagnation)
        return [Retrieved(NOTE, "stagnation", "nothing gained")] if brief.number % 2 else []

    watching = Watching()
    with RunStore.create(tmp_path / "run", toys.task(), {}) as store:
        engine = Engine(
            store,
            [watching],
            InlineExecutor(),
            Budget.parse("12"),
            device=None,
            loader="tests.engine.toys:load",
            consult=consult,
        )
        run_engine(engine)
        trials = [t for t in store.trials() if t.program.origin.proposer == watching.name]
    assert len(trials) == 12 and len(asked) >= 12
    told = {"note": "flip-more", "trigger": "stagnation", "because": "nothing gained"}
    for trial in trials:
        noted = trial.program.origin.details.get("knowledge")
        assert noted == ([told] if trial.number % 2 else None)
    for brief in watching.briefs:
        assert brief.knowledge == ((NOTE.shown(),) if brief.number % 2 else ())
    assert any(brief.lineage for brief in watching.briefs)


def test_nothing_is_looked_up_for_who_does_not_read(tmp_path: Path) -> None:
    asked = []

    def consult(brief, stagnation):
        asked.append(brief.number)
        return [Retrieved(NOTE, "stagnation", "nothing gained")]

    with RunStore.create(tmp_path / "run", toys.task(), {}) as store:
        engine = Engine(
            store, [toys.Lists(), toys.Flip()], InlineExecutor(), Budget.parse("8"), device=None,
            loader="tests.engine.toys:load", consult=consult,
        )  # fmt: skip
        run_engine(engine)
        noted = {t.program.origin.proposer: "knowledge" in t.program.origin.details for t in store.trials()}
    assert asked and noted == {"seed": False, "lists": False, "flip": True}


def test_briefs_say_what_makes_the_order_as_people_weigh_it_now(tmp_path: Path) -> None:
    metrics = {"score": "higher", "head": {"better": "lower", "weight": 0.1}}
    objectives = Objectives.of({"objectives": {"metrics": metrics, "rule": "weighted"}})
    flip = toys.Flip()

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == 2:
            store.append_command("ana", "objective", {"metric": "head", "weight": 5})

    Bench(tmp_path).run(
        toys.task("measured"), [flip], "6", meanwhile=meanwhile, schedule=Schedule(thinkers=1),
        islands=Islands(objectives=objectives),
    )  # fmt: skip
    told = [brief.facts["objectives"] for brief in flip.briefs]
    assert told[0] == objectives.sentence() and told[-1] == objectives.weighing("head", 5).sentence()
