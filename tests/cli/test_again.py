"""replay and diff from the command line."""

import json
import sqlite3

import pytest

from kernelevo.cli.main import run_command


@pytest.fixture
def command(capsys):
    def run(*arguments):
        code = run_command([str(a) for a in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def two_runs(elsewhere, monkeypatch):
    """Two recorded runs of one task with two seeds, made by a proposer that counts."""
    from kernelevo import api
    from kernelevo.api import parts
    from kernelevo.config import load_settings
    from kernelevo.core import Origin, Program, Proposal

    class Counts:
        name = "counts"

        async def propose(self, brief, rng):
            text = f"ANSWER = {rng.randrange(50)}\n"
            return [Proposal(Program.single(text, origin=Origin("counts")))]

    monkeypatch.setattr(parts, "_proposers", lambda plan, host, talk: [Counts()])
    for seed in (1, 2):
        given = {"proposers": ["mailbox"], "mailbox": "box", "executor": "inline", "seed": seed}
        settings = load_settings({**given, "budget": "12", "out": f"run{seed}"}, environ={})
        api.run_task("tour.py:tour", settings)
    return "run1", "run2"


def test_replay_says_that_a_run_is_exact(two_runs, command):
    code, out, _ = command("replay", two_runs[0], "--json")
    found = json.loads(out)
    assert code == 0 and found["exact"] and found["deviation"] is None
    assert (found["trials"], found["decisions"], found["sittings"]) == (13, 12, 1)
    code, out, _ = command("replay", two_runs[0])
    assert code == 0
    assert "13 trials, 12 of them decided by the engine, in one sitting" in out
    assert f"every decision came out as recorded; lineage {found['lineage_sha256'][:16]}" in out


def test_replay_names_the_first_deviation(two_runs, command):
    with sqlite3.connect("run1/run.db") as db:
        db.execute(
            "UPDATE run SET value = json_set(value, '$.no_cold_start', json('true')) WHERE name = 'settings'"
        )
    db.close()
    code, out, err = command("replay", "run1")
    assert code == 1
    assert "is the first that differs" in out and "recorded:" in out and "now:" in out
    assert "this version of kernelevo decides otherwise" in err
    code, out, _ = command("replay", "run1", "--json")
    assert code == 1 and json.loads(out)["deviation"]["trial"] >= 1


def test_diff_shows_settings_yield_and_curves(two_runs, command):
    code, out, _ = command("diff", *two_runs, "--json")
    found = json.loads(out)
    assert code == 0 and found["settings"] == {"seed": [1, 2]} and found["task"] == {}
    assert [run["trials"] for run in found["runs"]] == [13, 13]
    assert [row["trials"] for row in found["proposers"]["counts"]] == [12, 12]
    assert [row["trials"] for row in found["proposers"]["seed"]] == [1, 1]
    for run, points in zip(found["runs"], found["curves"], strict=True):
        scores = [point["score"] for point in points]
        assert scores == sorted(set(scores)) and scores[0] == 3.0 and scores[-1] == run["score"]
    assert found["first_difference"] == 1
    code, out, _ = command("diff", *two_runs)
    assert code == 0 and "seed" in out and "task: the same" in out and "differ from trial 1 on" in out
    same = json.loads(command("diff", "run1", "run1", "--json")[1])
    assert same["first_difference"] is None and same["settings"] == {} == same["task"]


def test_the_best_of_a_run_at_work_is_drawn_though_an_earlier_trial_has_not_ended(elsewhere, command):
    from kernelevo.core import Evaluation, Program, Task, Trial
    from kernelevo.store import RunStore

    with RunStore.create("run", Task("t", "g", evaluator="none"), {}) as store:
        for number, score in ((0, 1.0), (7, 2.0)):
            store.record(Trial(number, Program.single(str(number)), Evaluation.ok(score)))
    code, out, _ = command("diff", "run", "run")
    assert code == 0 and "▁▁▁▁▁▁▁█  1 to 2 at 7" in out


def test_runs_that_are_not_there(elsewhere, command):
    for words in (("replay", "nothing"), ("diff", "nothing", "@last")):
        code, _, err = command(*words)
        assert code == 2 and "no run" in err
