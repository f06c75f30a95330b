"""What is best on the page: by the rule of the task, as `show` says, with the Pareto front beside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kernelevo import api
from kernelevo.cli.main import run_command
from kernelevo.core import Evaluation, Origin, Program, Status, Task, Trial
from kernelevo.dashboard import detail, views
from kernelevo.dashboard.hub import Watched
from kernelevo.dashboard.ranking import Ranking
from kernelevo.store import RunStore, glance

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
METRICS = {"speed": {"better": "higher", "weight": 1.0}, "memory": {"better": "lower", "weight": 0.5}}
WEIGHTED = {"metrics": METRICS, "rule": "weighted"}
LEXICOGRAPHIC = {"metrics": {"memory": "lower", "speed": "higher"}, "rule": "lexicographic"}
BY_SCORE = {"metrics": METRICS, "rule": "score"}
# score, speed, memory; the score follows the speed alone
POINTS = [(1, 1, 1), (9, 9, 9), (5, 5, 5), (7, 7, 2), (1, 1, 0.5), (9, 9, 9)]
FRONT = [1, 3, 4]
EVIL = "<script>alert(1)</script>"


def record(store: RunStore, number: int, verdict: Evaluation, proposer: str = "llm") -> None:
    program = Program.single(f"v{number}", origin=Origin(proposer, f"idea {number} {EVIL}"))
    store.record(Trial(number, program, verdict, island=number % 2, started=number, ended=number + 0.5))


def written(folder: Path, declared: dict[str, Any] | None) -> Path:
    options = {"objectives": declared} if declared else {}
    with RunStore.create(folder, Task("pack", "", (Program.single("s"),), "none", options), {}) as store:
        for number, (score, speed, memory) in enumerate(POINTS):
            record(store, number, Evaluation.ok(score, speed=speed, memory=memory))
        record(store, 6, Evaluation.wrong("no", speed=99, memory=0))
        record(store, 7, Evaluation(Status.OK, 99.0, {"speed": 99, "memory": 0.1}, fidelity="rough"))
        record(store, 8, Evaluation.ok(2.0, speed=2))
        store.set_state("done")
    return folder


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Any]:
    opened: list[Watched] = []

    def start(declared: dict[str, Any] | None) -> Watched:
        folder = written(tmp_path / "run", declared)
        opened.append(Watched("run", folder))
        return opened[-1]

    yield start
    for watched in opened:
        watched.digest.close()


@pytest.mark.parametrize(
    ("declared", "best", "measure", "curve"),
    [
        (None, 1, "score", [[0, 1], [1, 9]]),
        (BY_SCORE, 1, "score", [[0, 1], [1, 9]]),
        (WEIGHTED, 3, "weighted sum", [[0, 0.5], [1, 4.5], [3, 6.0]]),
        (LEXICOGRAPHIC, 4, "memory", [[0, 1], [4, 0.5]]),
    ],
)
def test_best_curve_and_order_follow_the_rule(
    watch: Any, declared: dict[str, Any] | None, best: int, measure: str, curve: list[list[float]]
) -> None:
    watched = watch(declared)
    now, series = views.summary(watched), views.series(watched)
    shown = api.load_run(watched.digest.folder)
    assert now["best"]["number"] == best == shown.best.number
    assert now["measure"]["name"] == measure and series["best"] == curve
    assert now["best"]["height"] == curve[-1][1]
    assert now["pareto_front"] == (FRONT if declared else []) == [t.number for t in shown.front]
    assert glance(watched.digest.folder)["best"] == POINTS[best][0]
    page = views.trials(watched.digest, sort="best")["trials"]
    numbers = [row["number"] for row in page]
    assert numbers[0] in (best, 5)  # 5 is as good as 1
    assert numbers[-2:] == [7, 6]  # what is rough is never best, what has no score is last
    assert {row["proposer"]: row["bests"] for row in now["proposers"]} == {"llm": len(curve)}
    json.dumps([now, series, page], allow_nan=False)


def test_each_island_shows_what_the_rule_measures(watch: Any) -> None:
    watched = watch(LEXICOGRAPHIC)
    assert {row["island"]: row["best"] for row in views.summary(watched)["islands"]} == {0: 0.5, 1: 2}
    tree = views.lineage(watched.digest, 4)
    assert tree["measure"] == {"name": "memory", "better": "lower"} and tree["nodes"][0]["height"] == 0.5


def test_a_metric_that_a_program_lacks_puts_it_last_and_off_the_curve(watch: Any) -> None:
    watched = watch(WEIGHTED)
    assert [n for n, _ in views.series(watched)["dots"]] == [0, 1, 2, 3, 4, 5]
    assert views.trials(watched.digest, sort="best")["trials"][-3]["number"] == 8
    json.dumps(views.series(watched), allow_nan=False)


def test_weights_that_people_give_count_at_once(watch: Any, tmp_path: Path) -> None:
    watched = watch(WEIGHTED)
    with RunStore.open(watched.digest.folder) as store:
        store.append_event("objective", {"metric": "memory", "weight": 0.01, "told": 3})
    watched.look()
    assert views.summary(watched)["best"]["number"] == 1 == api.load_run(watched.digest.folder).best.number
    assert views.summary(watched)["objectives"]["metrics"]["memory"]["weight"] == 0.01
    assert glance(watched.digest.folder)["best"] == 9


def test_what_was_timed_again_decides_and_what_was_refuted_is_out(watch: Any) -> None:
    watched = watch(WEIGHTED)
    with RunStore.open(watched.digest.folder) as store:
        store.append_event("final", Evaluation.wrong("not again").to_json(), trial=3)
    watched.look()
    now = views.summary(watched)
    assert now["best"]["number"] == 1 and now["pareto_front"] == [1, 2, 4] and now["confirmed"] is None
    with RunStore.open(watched.digest.folder) as store:
        for number, speed in ((2, 4.0), (0, 1.0)):
            final = Evaluation.ok(speed, speed=speed, memory=1.0)
            store.append_event("final", final.to_json(), trial=number)
    watched.look()
    now = views.summary(watched)
    assert (now["best"]["number"], now["confirmed"]) == (2, 4.0)
    assert (
        api.load_run(watched.digest.folder).best.number == 2 and glance(watched.digest.folder)["best"] == 4.0
    )


@pytest.mark.parametrize("declared", [None, BY_SCORE, WEIGHTED])
def test_a_program_that_is_out_is_out_in_every_trial_that_has_it(
    watch: Any, declared: dict[str, Any] | None
) -> None:
    watched = watch(declared)
    folder = watched.digest.folder
    best = 3 if declared != WEIGHTED else 2
    with RunStore.open(folder) as store:
        for number, source in ((9, "v1"), (10, "v3")):
            score, speed, memory = POINTS[int(source[1:])]
            verdict = Evaluation.ok(score, speed=speed, memory=memory)
            store.record(Trial(number, Program.single(source), verdict, ended=number, reused=1))
        store.append_event("final", Evaluation.wrong("cheats").to_json(), trial=1)
        for source in ("v5", "v3") if declared == WEIGHTED else ("v5",):
            store.append_event("ban", {"program": Program.single(source).id, "told": 3})
    watched.look()
    now, shown = views.summary(watched), api.load_run(folder)
    assert now["best"]["number"] == best == shown.best.number
    assert glance(folder)["best"] == POINTS[best][0]
    assert views.series(watched)["best"][-1][0] == best
    assert now["pareto_front"] == [t.number for t in shown.front] and 1 not in now["pareto_front"]
    assert f"best {now['best']['height']:g}" in shown.to_html()
    assert Program.single("v1").id in shown.to_json()["run"]["out"]


def test_directions_of_the_verdicts_make_a_front_and_no_other_order(tmp_path: Path) -> None:
    directions = [{"name": "precision", "better": "higher"}, {"name": "memory", "better": "lower"}]
    folder = tmp_path / "run"
    with RunStore.create(folder, Task("pack", "", (Program.single("s"),), "none"), {}) as store:
        for number, (score, speed, memory) in enumerate(POINTS):
            facts = {"precision": speed, "memory": memory, "directions": directions, "other": 1}
            record(store, number, Evaluation.ok(score, **facts))
        store.rebase("", "compile", 0.5, {})
    watched = Watched("run", folder)
    now = views.summary(watched)
    assert now["pareto_front"] == FRONT and now["best"]["number"] == 1 and now["best"]["score"] == 4.5
    assert now["measure"]["name"] == "score" and now["best"]["metrics"] == {"precision": 9, "memory": 9}
    watched.digest.close()


def test_the_front_and_the_choices_as_they_are_shown(watch: Any) -> None:
    from kernelevo.dashboard.pages import charts
    from kernelevo.dashboard.pages.markup import score
    from kernelevo.dashboard.pages.overview import front
    from kernelevo.dashboard.pages.programs import listing, orders

    watched = watch(LEXICOGRAPHIC)
    ranking = Ranking.of(watched.digest)
    html = front("run", ranking, watched.digest.lines)
    assert [html.index(f"/trial/{n}") for n in (4, 3, 1)] == sorted(html.index(f"/trial/{n}") for n in FRONT)
    assert html.count(">best</span>") == 1 and html.index(">best</span>") < html.index("/trial/3")
    assert "memory ↓" in html and "speed ↑" in html and "the lexicographic rule" in html
    assert EVIL not in html and "&lt;script&gt;" in html
    rows = listing("run", ranking, views.trials(watched.digest, sort="best")["trials"]).split("<tr>")
    rough = [row for row in rows if "<small>rough</small>" in row]
    assert len(rough) == 1 and "#7" in rough[0] and rough[0] is rows[-2]  # behind every full verdict
    assert "memory ↓" in rows[1] and '<td class="num">0.5</td><td class="num">1</td>' in rows[2]
    assert '<td class="num">–</td>' in next(row for row in rows if "/trial/8" in row) and EVIL not in str(
        rows
    )
    assert score(0.9999978) == "0.999998" and score(12345.678) == "12345.7" and score(None) == "–"
    assert list(orders(ranking)) == ["best", "score", "number", "ended"]
    assert charts.best_so_far(views.series(watched))["yAxis"]["name"] == "memory (lower is better)"
    plain = Ranking.of(watch_plain(watched))
    assert "score" not in orders(plain) and plain.front(watched.digest.lines) == []


def watch_plain(watched: Watched) -> Any:
    folder = written(watched.digest.folder.parent / "plain", None)
    plain = Watched("plain", folder).digest
    plain.close()
    return plain


def test_lines_in_the_terminal_follow_the_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path / "run", LEXICOGRAPHIC)
    assert run_command(["watch", str(folder), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["number"] for row in rows if row["is_best"]] == [0, 4]
    assert rows[4]["metrics"] == {"memory": 0.5, "speed": 1}


def test_a_trial_says_which_notes_it_got_and_why(tmp_path: Path) -> None:
    from kernelevo.dashboard.pages.trial import note

    folder = tmp_path / "run"
    found = [
        {"note": "split-k", "trigger": "roofline", "because": f"at 0.2 of it {EVIL}"},
        {"note": "warp", "trigger": "stagnation", "because": "0.6 stagnant"},
    ]
    origin = Origin("llm", "x", {"knowledge": found, "notes": [1]})
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "none"), {}) as store:
        store.append_command("ana", "knowledge", {"text": "two megabytes"})
        store.record(Trial(0, Program.single("v0", origin=origin), Evaluation.ok(1.0)))
        store.record(
            Trial(1, Program.single("v1", origin=origin), Evaluation.ok(1.0)),
            records={"prompt": [{"role": "user", "content": f"Notes\n\n### Split {EVIL} [split-k]\n\ntext"}]},
        )
    watched = Watched("run", folder)
    silent, spoken = (detail.trial(watched.digest, number) for number in (0, 1))
    watched.digest.close()
    assert [(row["note"], row["trigger"]) for row in silent["knowledge"]] == [
        ("split-k", "roofline"),
        ("warp", "stagnation"),
    ]
    assert {(row["title"], row["in_prompt"]) for row in silent["knowledge"]} == {(None, None)}
    assert [row["in_prompt"] for row in spoken["knowledge"]] == [True, False]
    assert spoken["knowledge"][0]["title"] == f"Split {EVIL}"
    assert [row["args"]["text"] for row in spoken["carried"]] == ["two megabytes"]
    shown = "".join(map(note, [*spoken["knowledge"], *silent["knowledge"]]))
    assert "roofline: at 0.2 of it" in shown and "left out of the prompt" in shown and EVIL not in shown
    assert "no prompt is recorded" in shown


@pytest.mark.parametrize(
    ("declared", "hint", "program"),
    [
        (None, "best 7 (before it 9, run now 9)", "gain +8"),
        (WEIGHTED, "best weighted sum 6 (speed 7, memory 2) (before it weighted sum 4.5 (speed 9, memory 9),"
         " run now weighted sum 6 (speed 7, memory 2))", "gain weighted sum 5.5 higher"),
        (LEXICOGRAPHIC, "best memory 2, speed 7 (before it memory 1, speed 1, run now memory 0.5, speed 1)",
         "gain memory 0.5 lower"),
    ],
)  # fmt: skip
def test_orders_are_shown_with_what_they_brought_by_the_rule(
    tmp_path: Path, declared: dict[str, Any] | None, hint: str, program: str
) -> None:
    from types import SimpleNamespace

    from kernelevo.dashboard.pages.steering import _came_of

    options = {"objectives": declared} if declared else {}
    with RunStore.create(
        tmp_path / "run", Task("p", "", (Program.single("s"),), "none", options), {}
    ) as store:
        told = store.append_command("ana", "hint", {"text": "a"}).id
        sent = store.append_command("bob", "submit", {"source": "v0"}).id
        mine = Program.single("v0", origin=Origin("person", "", {"order": sent}))
        store.record(Trial(0, mine, Evaluation.ok(1.0, speed=1, memory=1), started=0.0, ended=0.5))
        for number, (score, speed, memory) in enumerate(POINTS[1:5], 1):
            details = {"hints": [told]} if number in (2, 3) else {}
            child = Program.single(f"v{number}", parents=(mine.id,), origin=Origin("llm", "", details))
            verdict = Evaluation.ok(score, speed=speed, memory=memory)
            store.record(Trial(number, child, verdict, seen=number, started=number, ended=number + 0.5))
    watched = Watched("run", tmp_path / "run")
    rows = api.effects(watched.digest)
    shown = [_came_of(SimpleNamespace(name="run"), row) for row in rows]  # type: ignore[arg-type]
    watched.digest.close()
    assert hint in shown[0] and f"4 programs came of it, {program}" in shown[1]
