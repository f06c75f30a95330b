"""Views: families whose numbers are not in order, what stands against the ceiling, what the editor sends."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernelevo.core import Evaluation, Origin, Program, Status, Task, Trial
from kernelevo.dashboard import detail, views
from kernelevo.dashboard.hub import Watched
from kernelevo.engine import checked
from kernelevo.errors import StoreError
from kernelevo.store import RunStore

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
CPP = {"program.cpp": "int main() { return 0; }\n"}


def program(name: str, *parents: str) -> Program:
    return Program.single(name, parents=tuple(Program.single(p).id for p in parents), origin=Origin("llm"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.create(tmp_path / "run", Task("toy", "", (Program.single("s"),), "none"), {}) as made:
        yield made


@pytest.fixture
def watched(store: RunStore) -> Iterator[Watched]:
    watched = Watched("run", store.folder)
    yield watched
    watched.digest.close()


def test_an_ask_that_is_made_again_after_a_kill_has_its_family(store: RunStore, watched: Watched) -> None:
    """Number 1 was in flight when the run was killed; the resumed run asked for it when it knew number 3."""
    for number, made in (
        (0, program("a")),
        (2, program("b", "a")),
        (3, program("c", "b")),
        (1, program("d", "c")),
        (4, program("e", "d")),
    ):
        store.record(Trial(number, made, Evaluation.ok(1.0 + number)))
    watched.look()
    late = views.lineage(watched.digest, 1)
    assert sorted(late["links"]) == [[0, 2], [1, 4], [2, 3], [3, 1]] and late["children"] == 1
    assert [node["number"] for node in late["nodes"]] == [0, 1, 2, 3, 4]
    assert detail.trial(watched.digest, 1)["made_from"] == [3]
    assert views.lineage(watched.digest, 3)["children"] == 1
    assert [3, 1] in views.lineage(watched.digest, 3)["links"]


def test_a_program_that_is_proposed_again_is_not_its_own_ancestor(store: RunStore, watched: Watched) -> None:
    for number, made in ((0, program("a")), (1, program("b", "a")), (2, program("a", "b"))):
        store.record(Trial(number, made, Evaluation.ok(1.0)))
    watched.look()
    assert views.lineage(watched.digest, 1)["links"] == [[0, 1], [1, 2]]
    assert sorted(views.lineage(watched.digest, 2)["links"]) == [[0, 1], [1, 2]]


def test_what_is_out_does_not_stand_against_the_ceiling(store: RunStore, watched: Watched) -> None:
    for number, score in enumerate((1.0, 90.0, 3.0)):
        facts = {"latency_ms": 1 / score, "roofline_ms": 0.2, "roofline_bound": "memory"}
        store.record(Trial(number, program(str(number)), Evaluation.ok(score, **facts)))
    store.append_event("final", Evaluation.wrong("it cheats").to_json(), trial=1)
    watched.look()
    assert [row["number"] for row in views.roofline(watched.digest)] == [2, 0]


def test_what_is_out_is_listed_behind_and_said_to_be(store: RunStore, watched: Watched) -> None:
    from kernelevo.dashboard.pages.programs import listing
    from kernelevo.dashboard.ranking import Ranking

    for number, score in enumerate((1.0, 90.0, 3.0, 80.0)):
        store.record(Trial(number, program(str(number)), Evaluation.ok(score)))
    store.record(Trial(4, program("4"), Evaluation(Status.OK, 70.0, fidelity="rough")))
    store.record(Trial(5, program("5"), Evaluation.wrong("no")))
    store.append_event("final", Evaluation.wrong("it cheats").to_json(), trial=1)
    store.append_event("ban", {"program": program("3").id})
    watched.look()
    rows = views.trials(watched.digest, sort="best")["trials"]
    assert [row["number"] for row in rows] == [2, 0, 4, 1, 3, 5]
    assert [row["number"] for row in rows if row["out"]] == [1, 3]
    shown = listing("run", Ranking.of(watched.digest), rows).split("<tr>")[2:]
    assert [">out</span>" in row for row in shown] == [row["out"] for row in rows]
    by_score = views.trials(watched.digest, sort="score")["trials"]
    assert [row["number"] for row in by_score] == [1, 3, 4, 2, 0, 5]


def test_lines_of_the_cold_start_are_no_islands(store: RunStore, watched: Watched) -> None:
    from kernelevo.dashboard.pages import charts
    from kernelevo.dashboard.pages.overview import _islands

    def drawn(number: int, phase: str, island: int) -> None:
        origin = Origin("llm", "", {"draw": {"phase": phase}})
        made = Program.single(f"v{number}", origin=origin)
        store.record(Trial(number, made, Evaluation.ok(1.0 + number), island=island))

    for number in range(6):
        drawn(number, "cold start", number % 3)
    store.set_gauge({"cold": True})
    watched.look()
    now = views.summary(watched)
    assert [(row["island"], row["trials"], row["best"]) for row in now["lines"]] == [
        (0, 2, 4.0), (1, 2, 5.0), (2, 2, 6.0),
    ]  # fmt: skip
    assert (
        now["islands"] == [] and "<th>line</th>" in _islands(now) and "these are its lines" in _islands(now)
    )
    for number, phase in ((6, "evolve"), (7, "fresh")):
        drawn(number, phase, 0)
    store.set_gauge({"cold": False})
    watched.look()
    now, series = views.summary(watched), views.series(watched)
    assert [(row["island"], row["trials"], row["best"]) for row in now["islands"]] == [(0, 2, 8.0)]
    shown = _islands(now)
    assert "<th>island</th>" in shown and shown.count("<tr>") == 2 and "since the cold start" in shown
    assert series["lines"] == {0: [[0, 1.0], [3, 4.0]], 1: [[1, 2.0], [4, 5.0]], 2: [[2, 3.0], [5, 6.0]]}
    assert series["islands"] == {0: [[6, 7.0], [7, 8.0]]}
    names = [curve["name"] for curve in charts.best_so_far(series)["series"]]
    assert names == ["line 0", "line 1", "line 2", "trials", "best so far"]


def test_what_is_banned_is_not_pinned_any_more(store: RunStore, watched: Watched) -> None:
    for number in range(2):
        store.record(Trial(number, program(str(number)), Evaluation.ok(1.0)))
        store.append_event("pin", {"program": program(str(number)).id})
    store.append_event("ban", {"program": program("1").id})
    watched.look()
    now = views.summary(watched)
    assert (now["pinned"], now["banned"]) == ([0], [1])


def test_measuring_what_the_search_began_with_is_no_part_of_it(store: RunStore, watched: Watched) -> None:
    for number, (made, seconds) in enumerate((("seed", 50.0), ("llm", 2.0), ("llm", 3.0))):
        made_by = Program.single(str(number), origin=Origin(made))
        store.record(
            Trial(number, made_by, Evaluation.ok(1.0), cost={"device_seconds": seconds}), searched=20.0
        )
    watched.look()
    assert views.device_share(watched.digest) == 0.25


def test_a_proposer_can_be_weighed_before_its_first_turn_and_a_person_never(
    store: RunStore, watched: Watched
) -> None:
    for number, made in enumerate(("seed", "person", "tune", "tune")):
        store.record(Trial(number, Program.single(str(number), origin=Origin(made)), Evaluation.ok(1.0)))
    watched.look()
    assert views.weighable(watched.digest) == ["tune"]
    store.set_gauge({"proposers": ["tune", "llm"]})
    watched.look()
    assert views.weighable(watched.digest) == ["tune", "llm"]


def test_numbers_that_json_does_not_have_are_words(store: RunStore, watched: Watched) -> None:
    details = {"tuned": {"LIMIT": math.inf, "SIZES": [1, -math.inf, math.nan]}}
    tuned = Program.single("x", origin=Origin("tune", "values", details))
    store.record(Trial(0, tuned, Evaluation.ok(1.0)), records={"reply": "half \ud800", "odd": [math.nan]})
    watched.look()
    told = detail.trial(watched.digest, 0)
    text = json.dumps(told, allow_nan=False, ensure_ascii=False)
    assert text.encode() and told["records"] == {"odd": ["nan"], "reply": "half ?"}
    shown = told["program"]["origin"]["details"]["tuned"]
    assert shown == {"LIMIT": "inf", "SIZES": [1, "-inf", "nan"]}
    assert store.trials()[0].program.origin.details["tuned"]["LIMIT"] == math.inf  # as it was recorded


def test_a_program_that_cannot_be_read_is_damage_and_no_crash(store: RunStore, watched: Watched) -> None:
    for number in range(2):
        store.record(Trial(number, program(str(number)), Evaluation.ok(1.0)))
    with store._write() as db:
        db.execute("UPDATE programs SET files = '{' WHERE id = ?", (program("1").id,))
    watched.look()
    assert detail.trial(watched.digest, 0)["source"] == "0"
    for read in (lambda: detail.trial(watched.digest, 1), lambda: detail.diff(watched.digest, 0, 1)):
        with pytest.raises(StoreError, match="damaged"):
            read()


# what the editor sends


def test_an_edited_program_keeps_its_language_and_its_other_files() -> None:
    from kernelevo.dashboard.pages.steering import submission

    files = {"program.py": "import part\n", "part.py": "x = 1\n"}
    args = submission({**files, "part.py": "x = 2\n"}, "python", (7,))
    assert checked("submit", args) == {
        "files": {"program.py": "import part\n", "part.py": "x = 2\n"},
        "language": "python",
        "parents": ["#7"],
    }  # fmt: skip
    assert checked("submit", submission(CPP, "cpp")) == {"files": CPP, "language": "cpp"}
    assert submission({"program.py": " \n"}, "python", (7,)) == {}


def test_the_editor_begins_with_the_languages_of_the_task(store: RunStore, watched: Watched) -> None:
    assert detail.languages(watched.digest) == {"python": "program.py"}
    seed = Origin("seed")
    store.record(Trial(0, Program({"program.py": "x = 1"}, origin=seed), Evaluation.ok(1.0)))
    store.record(Trial(1, Program(CPP, "cpp", origin=seed), Evaluation.ok(1.0)))
    store.record(Trial(2, Program({"k.cu": "x"}, "cuda", origin=Origin("llm")), Evaluation.ok(1.0)))
    watched.look()
    assert detail.languages(watched.digest) == {"python": "program.py", "cpp": "program.cpp"}


def test_an_order_with_files_shows_their_texts() -> None:
    from kernelevo.dashboard.pages.steering import _row

    row = {
        "id": 1, "verb": "submit", "author": "ana", "at": 0.0, "effect": None,
        "args": {"files": {"program.cpp": "int <main>;\n"}, "language": "cpp", "parents": ["#3"]},
    }  # fmt: skip
    shown = _row(SimpleNamespace(name="run"), row)  # type: ignore[arg-type]
    assert "<pre>int &lt;main&gt;;\n</pre>" in shown and "language cpp, made from #3" in shown
    assert "program.cpp" not in shown
