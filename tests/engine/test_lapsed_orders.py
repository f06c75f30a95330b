"""Orders that only a search can obey, given where none goes on."""

from pathlib import Path

from kernelevo.core import CommandObeyed, Event, SearchEnded
from kernelevo.engine import Engine, Schedule
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench


def test_what_only_a_search_can_obey_lapses_once_it_has_ended(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run")

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, SearchEnded):
            for verb, args in (("hint", {"text": "wide loads"}), ("stop", {}), ("pause", {})):
                store.append_command("ana", verb, args)

    outcome = bench.run(toys.task("staged"), [toys.Flip()], "4", meanwhile=meanwhile)
    assert outcome.reason == "the budget of 4 is spent" and outcome.final is not None
    late = "lapsed: the search had ended, and its winner was timed again"
    assert effects_on_record(bench) == [None, late, late]
    assert [(e.verb, e.effect) for e in bench.of(CommandObeyed)] == [("stop", late), ("pause", late)]

    with RunStore.open(bench.folder) as store:  # as after a kill: given, and nobody there to obey it
        store.append_command("ana", "stop", {})
        store.append_command("ana", "knowledge", {"text": "the cache is small"})
    flip = toys.Flip()
    outcome = bench.run(toys.task("staged"), [flip], "8", schedule=Schedule(thinkers=1))
    assert outcome.reason == "the budget of 8 is spent" and len(bench.trials()) == 9
    assert effects_on_record(bench) == [
        "in every brief", late, late, "lapsed: no search went on when it was given",
        "among the notes of every brief",
    ]  # fmt: skip
    assert {brief.hints for brief in flip.briefs} == {("wide loads",)}


def effects_on_record(bench: Bench) -> list[str | None]:
    with RunStore.open(bench.folder, readonly=True) as reader:
        return [command.effect for command in reader.commands()]
