"""Orders from outside: what is recorded, what is refused at once, what came of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from kernelevo import api
from kernelevo.cli.main import run_command
from kernelevo.core import Evaluation, Event, Origin, Program, Task, Trial, TrialEnded
from kernelevo.engine import Engine, Schedule
from kernelevo.errors import BadProgram, BadSetting, RunNotFound
from kernelevo.population import Islands, Policy
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
    assert api.steer(bench.folder, "knowledge", text="x").author == api.account()


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("dance", {}), ("hint", {}), ("hint", {"text": "  "}), ("hint", {"text": "x", "asks": 0}),
        ("hint", {"text": "x", "asks": "1.5"}), ("hint", {"text": "x", "expires": "$5"}),
        ("hint", {"text": "\ud800"}), ("budget", {"budget": "lots"}), ("workers", {"workers": -1}),
        ("hint", {"text": "x", "expires": "soon"}), ("hint", {"text": "x", "expires": "$5"}),
        ("submit", {}), ("submit", {"source": "x", "parents": [3]}), ("pause", {"why": "lunch"}),
        ("submit", {"source": "x", "parents": "41"}),
        ("weight", {"proposer": "llm", "weight": "heavy"}), ("weight", {"proposer": "llm", "weight": "nan"}),
        ("weight", {"proposer": "llm", "weight": 1e999}), ("objective", {"metric": "m", "weight": "-inf"}),
        ("weight", {"proposer": "flip", "weight": -1}),
    ],
)  # fmt: skip
def test_what_cannot_be_obeyed_is_refused_before_it_is_recorded(
    bench: Bench, verb: str, args: dict[str, Any]
) -> None:
    bench.run(toys.task(), [toys.Flip()], "1")
    with pytest.raises(BadSetting):
        api.steer(bench.folder, verb, **args)
    assert api.orders(bench.folder) == []


@pytest.mark.parametrize(
    ("verb", "args", "words"),
    [
        ("pin", {"program": "4"}, "trials 0 to 3"),
        ("ban", {"program": "#9"}, "trials 0 to 3"),
        ("unpin", {"program": "zz"}, "trials 0 to 3"),
        ("fork", {"program": "-1"}, "trials 0 to 3"),
        ("hint", {"text": "x", "lineage": "4"}, "trials 0 to 3"),
        ("submit", {"source": "x", "parents": ["1", "4"]}, "trials 0 to 3"),
        ("withdraw", {"order": 9}, "those that do: 1 (hint), 2 (note)"),
        ("objective", {"metric": "speed", "weight": 2}, "the score makes the order"),
    ],
)
def test_a_target_that_is_not_there_is_refused_before_it_is_recorded(
    bench: Bench, verb: str, args: dict[str, Any], words: str
) -> None:
    bench.run(toys.task(), [toys.Flip()], "3")
    api.steer(bench.folder, "hint", text="a")
    api.steer(bench.folder, "knowledge", text="b")
    with pytest.raises(BadSetting) as refused:
        api.steer(bench.folder, verb, **args)
    assert words in str(refused.value)
    assert [row["verb"] for row in api.orders(bench.folder)] == ["hint", "knowledge"]


def test_what_is_there_can_be_named_and_withdrawn_once(bench: Bench) -> None:
    bench.run(toys.task(), [toys.Flip()], "3")
    program = bench.trials()[2].program.id
    for name in ("2", "#2", program, program[:12]):
        assert api.steer(bench.folder, "ban", program=name).verb == "ban"
    hint = api.steer(bench.folder, "hint", text="a", lineage="1").id
    api.steer(bench.folder, "withdraw", order=hint)
    with pytest.raises(BadSetting, match=r"no hint, note or fork(?s:.*)those that do: none"):
        api.steer(bench.folder, "withdraw", order=hint)


def test_proposers_and_islands_are_looked_for_while_the_run_goes_on(bench: Bench) -> None:
    refused: list[str] = []
    warm = Islands(policy=Policy(cold_start=False))

    def give(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == 9:
            for verb, args in (
                ("weight", {"proposer": "flop", "weight": 1}),
                ("hint", {"text": "x", "island": 9}),
            ):
                with pytest.raises(BadSetting) as found:
                    api.steer(bench.folder, verb, **args)
                refused.append(str(found.value))
            api.steer(bench.folder, "weight", proposer="flip", weight=2)

    bench.run(toys.task(), [toys.Flip()], "20", meanwhile=give, islands=warm)
    assert "did you mean 'flip'" in refused[0] and "islands are 0 to" in refused[1]
    assert api.steer(bench.folder, "weight", proposer="flop", weight=1).effect is None  # may come later


def test_an_author_whose_name_is_no_text_is_heard_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(toys.task(), [toys.Flip()], "1")
    monkeypatch.setenv("LOGNAME", "jos\udce9")  # as Python reads bytes that are not UTF-8
    assert api.steer(bench.folder, "hint", text="x").author == "jos?"
    assert api.steer(bench.folder, "hint", author="\ud800", text="x").author == "?"
    assert [row["author"] for row in api.orders(bench.folder)] == ["jos?", "?"]


@pytest.mark.parametrize("verb", ["pause", "resume", "stop"])
def test_what_does_not_go_on_can_neither_pause_nor_stop(bench: Bench, verb: str) -> None:
    bench.run(toys.task(), [toys.Flip()], "1")
    onward = rf"to search on: kernelevo resume {bench.folder} --budget 60s"
    with pytest.raises(BadSetting, match=rf"nothing to {verb}: the run has ended(?s:.*){onward}"):
        api.steer(bench.folder, verb)
    with RunStore.open(bench.folder) as store:
        store.set_state("running")  # and nobody holds its lock any more
    with pytest.raises(BadSetting, match=rf"nothing to {verb}: the run was interrupted"):
        api.steer(bench.folder, verb)
    assert api.orders(bench.folder) == []
    with RunStore.open(bench.folder):
        assert api.steer(bench.folder, verb).verb == verb


def test_a_run_that_is_not_there_cannot_be_steered(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound):
        api.steer(tmp_path / "none", "pause")


def test_what_a_hint_and_a_submission_brought_is_told(bench: Bench) -> None:
    flip = toys.Flip()
    orders = [("hint", {"text": "more ones", "asks": 3}), ("submit", {"source": "1" * 13 + "000"})]
    # beyond the cold start, whose lines build on their own programs once they have some
    bench.run(toys.task(), [flip], "40", meanwhile=order_at(3, *orders), schedule=Schedule(thinkers=1))
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


POINTS = [(1, 1, 1), (9, 9, 9), (5, 5, 5), (7, 7, 2), (1, 1, 0.5)]  # score, speed, memory
SUM = {"speed": {"better": "higher", "weight": 1.0}, "memory": {"better": "lower", "weight": 0.5}}
RULES: dict[str, dict[str, Any] | None] = {
    "score": None,
    "weighted": {"metrics": SUM, "rule": "weighted"},
    "lexicographic": {"metrics": {"memory": "lower", "speed": "higher"}, "rule": "lexicographic"},
}


def ordered(folder: Path, rule: str) -> Path:
    """Trials 2 and 3 had the hint; a person's program is number 0, all others came of it."""
    options = {"objectives": RULES[rule]} if RULES[rule] else {}
    with RunStore.create(folder, Task("pack", "", (Program.single("s"),), "none", options), {}) as store:
        hint = store.append_command("ana", "hint", {"text": "a"}).id
        sent = store.append_command("bob", "submit", {"source": "v0"}).id
        mine = Program.single("v0", origin=Origin("person", "", {"order": sent}))
        for number, (score, speed, memory) in enumerate(POINTS):
            details = {"hints": [hint]} if number in (2, 3) else {}
            child = Program.single(f"v{number}", parents=(mine.id,), origin=Origin("llm", "", details))
            verdict = Evaluation.ok(score, speed=speed, memory=memory)
            program = child if number else mine
            store.record(Trial(number, program, verdict, seen=number, started=number, ended=number + 0.5))
    return folder


@pytest.mark.parametrize(
    ("rule", "measure", "bests", "gain"),
    [
        # weighted sums by hand: 0.5, 4.5, 2.5, 6, 0.75
        ("score", {"name": "score", "better": "higher"}, (9, 7, 9), (8, "score", "higher")),
        (
            "weighted",
            {"name": "weighted sum", "better": "higher"},
            (4.5, 6, 6),
            (5.5, "weighted sum", "higher"),
        ),
        ("lexicographic", {"name": "memory", "better": "lower"}, (1, 2, 0.5), (0.5, "memory", "lower")),
    ],
)
def test_what_orders_brought_is_told_by_the_objectives(
    tmp_path: Path,
    rule: str,
    measure: dict[str, str],
    bests: tuple[float, ...],
    gain: tuple[float, str, str],
) -> None:
    hint, program = api.orders(ordered(tmp_path / "run", rule))
    assert (hint["rule"], hint["measure"]) == (rule, measure) == (program["rule"], program["measure"])
    assert hint["carried"] == [2, 3] and hint["carried_ok"] == 2
    assert tuple(hint[f"best_{when}"] for when in ("before", "carried", "since")) == bests
    assert (program["trial"], program["offspring"]) == (0, [1, 2, 3, 4])
    assert (program["gain"], *program["gain_in"].values()) == gain
    if rule == "score":
        assert "metrics" not in hint
    else:
        assert hint["metrics"]["carried"] == {"speed": 7, "memory": 2}
        json.dumps([hint, program], allow_nan=False)


def test_the_list_of_orders_says_what_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for rule, words in (
        ("score", ("best 7, before 9", "gain +8")),
        ("weighted", ("best weighted sum 6 (speed 7, memory 2), before weighted sum 4.5 (speed 9, memory 9)",
                      "gain weighted sum 5.5 higher")),
        ("lexicographic", ("best memory 2, speed 7, before memory 1, speed 1", "gain memory 0.5 lower")),
    ):  # fmt: skip
        assert run_command(["steer", str(ordered(tmp_path / rule, rule))]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert all(word in said for word in words)


def test_weights_that_people_give_last_tell_what_orders_brought(tmp_path: Path) -> None:
    folder = ordered(tmp_path / "run", "weighted")
    with RunStore.open(folder) as store:
        store.append_event("objective", {"metric": "memory", "weight": 10.0, "told": 3})
    hint, program = api.orders(folder)  # -9, -81, -45, -13, -4
    assert (hint["best_before"], hint["best_carried"], hint["best_since"]) == (-9, -13, -4)
    assert program["gain"] == 5


def test_what_is_out_is_the_best_of_nothing_that_an_order_brought(tmp_path: Path) -> None:
    folder = ordered(tmp_path / "run", "score")
    with RunStore.open(folder) as store:
        store.append_event("final", Evaluation.wrong("it cheats").to_json(), trial=1)
        store.append_event("final", Evaluation.wrong("once").to_json(), trial=2)
        store.append_event("final", Evaluation.ok(5.0).to_json(), trial=2)  # takes the place of the other
        store.append_event("ban", {"program": Program.single("v3").id})
    hint, program = api.orders(folder)
    assert (hint["best_before"], hint["best_carried"], hint["best_since"]) == (1, 5, 5)
    assert (hint["carried"], hint["carried_ok"], program["gain"]) == ([2, 3], 2, 4)
    with RunStore.open(folder, readonly=True) as store:
        assert store.out() == api.load_run(folder).out == {Program.single(f"v{n}").id for n in (1, 3)}
    compared = api.compare(folder, folder)
    assert not {point["trial"] for point in compared["curves"][0]} & {1, 3}
    assert sum(row[0]["improved"] for row in compared["proposers"].values()) == len(compared["curves"][0])


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
    submitted = {"files": {"program.py": "x = 1\n"}, "language": "python", "parents": ["3"]}
    assert read(["submit", str(file)], {"parents": ["3"]}) == ("submit", submitted)
    (tmp_path / "q.cpp").write_text("int main() {}\n")
    compiled = {"files": {"program.cpp": "int main() {}\n"}, "language": "cpp"}
    assert read(["submit", str(tmp_path / "q.cpp")], {}) == ("submit", compiled)
    (tmp_path / "several" / "lib").mkdir(parents=True)
    for name in ("program.py", "lib/part.py"):
        (tmp_path / "several" / name).write_text(f"# {name}\n")
    files = read(["submit", str(tmp_path / "several")], {})[1]["files"]
    assert files == {"lib/part.py": "# lib/part.py\n", "program.py": "# program.py\n"}
    missing = str(tmp_path / "none.py")
    for words in (["hint", "two", "words"], ["submit", missing], ["pause", "now"], ["hint"]):
        with pytest.raises(BadProgram if words[0] == "submit" else BadSetting):
            read(words, {})
