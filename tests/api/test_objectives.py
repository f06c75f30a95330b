"""A task that declares objectives: best, front, pages and refusals."""

import json

import pytest

from kernelevo import api
from kernelevo.api import parts
from kernelevo.cli.main import run_command
from kernelevo.config import load_settings
from kernelevo.core import Origin, Program, Proposal, TrialEnded
from kernelevo.errors import BadSetting
from kernelevo.store import RunStore
from kernelevo.tasks import load_task

PACK = '''"""Speed against memory."""
from kernelevo.evaluators import evaluator

OBJECTIVES = {OBJECTIVES}


@evaluator("pack", seed="SPEED, MEMORY = 1, 1\\n")
def pack(source: str) -> dict:
    """Fast and small."""
    scope = {}
    exec(source, scope)
    return {"score": scope["SPEED"], "speed": scope["SPEED"], "memory": scope["MEMORY"]}
'''
POINTS = [(9, 9), (5, 5), (3, 6), (7, 2), (1, 0.5), (9, 9)]


class InTurn:
    name = "in turn"

    def __init__(self):
        self.left = list(POINTS)

    async def propose(self, brief, rng):
        if not self.left:
            return []
        speed, memory = self.left.pop(0)
        return [Proposal(Program.single(f"SPEED, MEMORY = {speed}, {memory}\n", origin=Origin(self.name)))]


@pytest.fixture
def run(elsewhere, monkeypatch):
    def start(declared):
        (elsewhere / "pack.py").write_text(PACK.replace("{OBJECTIVES}", declared))
        monkeypatch.setattr(parts, "_proposers", lambda plan, host, talk: [InTurn()])
        given = {"proposers": ["mailbox"], "mailbox": "box", "executor": "inline", "out": "out"}
        return api.run_task("pack.py:pack", load_settings({**given, "budget": "20"}, environ={}))

    return start


def points(result, numbers):
    by_number = {t.number: t for t in result.trials}
    return sorted((by_number[n].evaluation.metrics["speed"], by_number[n].evaluation.metrics["memory"])
                  for n in numbers)  # fmt: skip


FRONT = [(1, 0.5), (7, 2), (9, 9)]


@pytest.mark.parametrize(
    ("rule", "best"),
    [
        ('{"metrics": {"speed": "higher", "memory": "lower"}}', (9, 9)),
        ('{"metrics": {"speed": {"weight": 1}, "memory": {"better": "lower", "weight": 0.5}},'
         ' "rule": "weighted"}', (7, 2)),
        ('{"metrics": {"memory": "lower", "speed": "higher"}, "rule": "lexicographic"}', (1, 0.5)),
    ],
)  # fmt: skip
def test_best_goes_by_the_rule_and_the_front_is_kept(run, capsys, rule, best):
    result = run(rule)
    assert points(result, [result.best.number]) == [best]
    assert points(result, [t.number for t in result.front]) == FRONT
    assert result.best_path.read_text() == "SPEED, MEMORY = {}, {}\n".format(*best)
    shown = json.loads(json.dumps(result.to_json()))["run"]
    assert points(result, shown["pareto_front"]) == FRONT and shown["best"] == result.best.number
    assert set(shown["objectives"]["metrics"]) == {"speed", "memory"}
    assert "<h2>Pareto front</h2>" in (result.folder / "report.html").read_text()
    capsys.readouterr()
    assert run_command(["show", "out"]) == 0
    said = capsys.readouterr().out
    assert "Pareto front: 3 programs" in said and "memory (lower)" in said
    assert api.replay("out").deviation is None


def test_without_a_declaration_there_is_no_front(run, capsys):
    result = run("None")
    assert result.front == [] and "pareto_front" not in result.to_json()["run"]
    capsys.readouterr()
    assert run_command(["show", "out"]) == 0
    assert "Pareto" not in capsys.readouterr().out
    assert "Pareto" not in result.to_html()


@pytest.mark.parametrize(
    "declared",
    [
        '{"metrics": {"speed": "up"}}',
        '{"metrics": {"speed": "higher"}, "rule": "best"}',
        '{"metrics": {x: 1}}',
    ],
)
def test_what_makes_no_sense_is_refused_before_there_is_a_run(elsewhere, capsys, declared):
    (elsewhere / "pack.py").write_text(PACK.replace("{OBJECTIVES}", declared))
    with pytest.raises(BadSetting, match="objectives"):
        load_task("pack.py:pack")
    assert run_command(["run", "pack.py:pack", "--mailbox", "box", "--budget", "1s"]) == 2
    assert "OBJECTIVES = {" in capsys.readouterr().err
    assert not (elsewhere / "runs").exists()


def test_a_metric_may_be_weighed_anew_while_the_run_goes_on(elsewhere, monkeypatch):
    declared = {
        "metrics": {"speed": "higher", "memory": {"better": "lower", "weight": 0.1}},
        "rule": "weighted",
    }
    (elsewhere / "pack.py").write_text(PACK.replace("{OBJECTIVES}", repr(declared)))
    monkeypatch.setattr(parts, "_proposers", lambda plan, host, talk: [InTurn()])

    def heavier(event):
        if isinstance(event, TrialEnded) and event.trial.number == 0:
            with RunStore.open("out", readonly=True) as store:
                store.append_command("ana", "objective", {"metric": "memory", "weight": 5})
                store.append_command("ana", "objective", {"metric": "colour", "weight": 5})

    given = {"proposers": ["mailbox"], "mailbox": "box", "executor": "inline", "out": "out", "budget": "20"}
    result = api.run_task("pack.py:pack", load_settings(given, environ={}), listener=heavier)
    assert result.best.evaluation.metrics["memory"] == 0.5  # it was (9, 9) at first
    heavy, unknown = api.orders("out")
    assert heavy["effect"] == "memory counts with weight 5; everybody is ranked anew"
    assert unknown["effect"].startswith("refused: ") and "colour" in unknown["effect"]
    assert api.load_run("out").to_json()["run"]["objectives"]["metrics"]["memory"]["weight"] == 5
    assert api.replay("out").deviation is None
