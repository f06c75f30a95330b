"""What a run's record says afterwards: of refuted winners, of where the best lies, of clocks that jumped."""

import csv
import io
import json
import os

import pytest

from kernelevo import api
from kernelevo.cli.main import run_command
from kernelevo.core import Evaluation, Origin, Program, Task, Trial
from kernelevo.report.story import improvements
from kernelevo.store import RunStore

WORDS = "values differ in a fresh process"


def recorded(folder, count=3, *, evaluator="lat.py:lat", back_at=None, final=(), metrics=None, state="done"):
    """A run of so many trials, each better than the one before; the clock falls back by an hour at one."""
    with RunStore.create(folder, Task("lat", "g", (), evaluator), {"budget": "5"}) as store:
        for n in range(count):
            at = 1.7e9 + n - (3600 if back_at is not None and n >= back_at else 0)
            program = Program.single(f"x = {n}\n", origin=Origin("tune"))
            verdict = Evaluation.ok(1.0 + n, **(metrics or {}))
            store.record(Trial(n, program, verdict, seen=n, started=at, ended=at + 0.5))
        for number, verdict in final:
            store.append_event("final", verdict.to_json(), trial=number)
        store.set_state(state, searched=9.0)
    return folder


REFUTED = ((2, Evaluation.wrong(WORDS)), (1, Evaluation.ok(1.5)))


@pytest.fixture
def command(capsys):
    def run(*arguments):
        code = run_command([str(a) for a in arguments])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out, said.err

    return run


def test_a_refuted_winner_says_so_wherever_it_is_shown(tmp_path, command):
    folder = recorded(tmp_path / "run", final=REFUTED)
    (first, second, third) = json.loads(command("show", folder, "--json")[0])["trials"]
    assert first["final"] is None and second["final"]["score"] == 1.5
    assert (third["status"], third["final"]["status"], third["final"]["feedback"]) == ("ok", "wrong", WORDS)
    _, told = command("show", folder, "--trial", 2)
    assert "ok (out)" in told and "judged again in fresh processes" in told and WORDS in told
    assert "judged again" not in command("show", folder, "--trial", 0)[1]
    rows = list(csv.DictReader(io.StringIO(command("show", folder, "--csv")[0])))
    assert [(row["out"], row["final_score"]) for row in rows] == [
        ("false", ""),
        ("false", "1.5"),
        ("true", ""),
    ]


def test_a_page_has_the_final_verdict_too(tmp_path):
    detail = pytest.importorskip("kernelevo.dashboard.detail")
    from kernelevo.store import Digest

    digest = Digest(recorded(tmp_path / "run", final=((2, Evaluation.ok(9.0)), *REFUTED)))
    digest.refresh()
    try:
        assert detail.trial(digest, 2)["final"]["feedback"] == WORDS
        assert detail.trial(digest, 0)["final"] is None
    finally:
        digest.close()


def test_only_a_file_that_holds_the_best_is_named(tmp_path, command):
    folder = recorded(tmp_path / "run")
    place = folder / "best.py"
    for text in (None, "x = 1\n"):
        if text is not None:
            place.write_text(text)
        result = api.load_run(folder)
        assert result.best_path is None and result.place == place
        _, told = command("show", folder)
        assert "best.py" not in told and f"kernelevo export {folder}" in told
        assert "kernelevo export" in result.summary()
    place.write_text("x = 2\n")
    assert api.load_run(folder).best_path == place and str(place) in command("show", folder)[1]
    assert str(place) in api.load_run(folder).summary()
    os.chdir(tmp_path)
    assert command("export", folder)[1].strip() == "wrote best.py"


def test_a_clock_that_is_set_back_changes_no_story(tmp_path):
    result = api.load_run(recorded(tmp_path / "run", 10, back_at=5))
    assert [t.number for t in improvements(result.trials)] == list(range(10))
    assert "trial 9" in result.to_html() and "9 smaller" not in result.to_html()


def test_a_clock_that_is_set_back_changes_nothing_that_an_order_brought(tmp_path):
    with RunStore.create(tmp_path / "run", Task("lat", "g", (), "lat.py:lat"), {}) as store:
        hint = store.append_command("ana", "hint", {"text": "a"}).id
        sent = store.append_command("bob", "submit", {"source": "v0"}).id
        mine = Program.single("v0", origin=Origin("person", "", {"order": sent}))
        last = mine
        for n in range(6):
            at = 1.7e9 + n - (3600 if n >= 3 else 0)
            details = {"hints": [hint]} if n == 4 else {}
            last = (
                Program.single(f"v{n}", parents=(last.id,), origin=Origin("llm", "", details)) if n else mine
            )
            store.record(Trial(n, last, Evaluation.ok(1.0 + n), seen=n, started=at, ended=at + 0.5))
    told, program = api.orders(tmp_path / "run")
    assert (told["carried"], told["best_before"], told["best_carried"]) == ([4], 4.0, 5.0)
    assert program["offspring"] == [1, 2, 3, 4, 5] and program["gain"] == 5.0


def test_scores_of_other_tasks_are_no_ratios_of_times(tmp_path, command):
    folder = recorded(tmp_path / "run", metrics={"latency_ms": 5.0, "baseline": "greedy"})
    out, told = command("show", folder)
    assert "1.00x" not in out and "3.00x" not in out + told
    result = api.load_run(folder)
    assert (
        not result.to_json()["run"]["timed"]
        and "3x" not in result.to_html()
        and "x</td>" not in result.to_html()
    )
    assert [column.header for column in result.table().columns] == ["first", "best", "made by"]
    kernel = api.load_run(recorded(tmp_path / "kernel", evaluator="kernel", metrics={"latency_ms": 5.0}))
    assert "3.00x" in kernel.to_html() and "eager" in [column.header for column in kernel.table().columns]
