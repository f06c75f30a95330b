"""Several input sets: verdicts join as a weighted geometric mean, and one failure fails the program."""

import math

import pytest

from kernelevo.core import Artifact, Evaluation, Program, Status, Task
from kernelevo.engine import evaluation
from kernelevo.kernels.baselines.ranking import CLASSES
from kernelevo.kernels.sets import SetsJudge, joined

TASK = Task(
    "t", "g", options={"reference": {"kind": "pickle", "sets": 2, "weights": [0.75, 0.25], "path": "x"}}
)


class OneSet:
    """A judge of one set: scores 4 and 1, or what the program's text says."""

    def __init__(self, task):
        self.number = task.options["reference"]["set"]
        self.news, self.closed, self.settled = [], False, 0

    def seeds(self):
        return (Program.single("seed"),)

    def warm(self):
        pass

    def settle(self):
        self.settled += 1
        return self.settled > self.number

    def close(self):
        self.closed = True

    def notices(self):
        news, self.news = self.news, []
        return news

    def prepare(self, program):
        return Artifact(program, None, f"folder-{self.number}", {"built": self.number})

    def measure(self, artifact, floor=None):
        assert artifact.facts == {"built": self.number} and str(artifact.folder) == f"folder-{self.number}"
        if artifact.program.source == f"wrong {self.number}":
            return Evaluation.wrong("off by one")
        return Evaluation.ok(
            [4.0, 1.0][self.number],
            latency_ms=2.0,
            oracle_error=[1e-7, 2e-7][self.number],
            precision=["fp32-accurate", "tf32"][self.number],
            baseline="eager",
            speedup_vs_compile=[3.0, None][self.number],
            **{"meets_1e-5": self.number == 0},
        )

    finalize = measure


@pytest.fixture
def judge():
    return SetsJudge(TASK, OneSet)


@pytest.mark.parametrize("stage", ["measure", "finalize"])
def test_the_score_is_the_weighted_geometric_mean(judge, stage):
    found = getattr(judge, stage)(judge.prepare(Program.single("right")))
    assert found.score == pytest.approx(4.0**0.75) and found.metrics["set_scores"] == "4,1"
    assert found.metrics["latency_ms"] == pytest.approx(2.0) and found.metrics["oracle_error"] == 2e-7
    assert found.metrics["precision"] == "tf32" and found.metrics["meets_1e-5"] is False
    assert found.metrics["speedup_vs_compile"] is None and found.metrics["baseline"] == "eager,eager"


def test_a_search_waits_for_what_every_set_prepares(judge, monkeypatch):
    monkeypatch.setattr(evaluation, "evaluator", lambda loader, task: judge)
    monkeypatch.setattr(judge, "seeds", tuple)
    assert evaluation.offer("", TASK).settles
    assert not evaluation.settle("", TASK).done  # the second set is not there yet, and goes on all the same
    assert evaluation.settle("", TASK).done


@pytest.mark.parametrize("number", [0, 1])
def test_every_set_must_pass(judge, number):
    found = judge.measure(judge.prepare(Program.single(f"wrong {number}")))
    assert found.status is Status.WRONG and found.feedback == f"on input set {number}: off by one"


def test_a_better_baseline_of_one_set_counts_by_its_weight(judge):
    event = {"kind": "rebase", "before": "eager", "now": "compile", "factor": 0.5, "baseline": "compile"}
    for one in judge._judges:
        one.news = [{**event, "precisions": list(CLASSES)}]
    first, second = judge.notices()
    assert (first["before"], first["now"]) == ("eager,eager", "compile,eager")
    assert (second["before"], second["now"]) == ("compile,eager", "compile,compile")
    assert first["factor"] * second["factor"] == pytest.approx(0.5)
    assert first["factor"] == pytest.approx(math.exp(0.75 * math.log(0.5)))
    assert judge.notices() == []


def test_a_baseline_of_one_class_changes_the_scores_of_that_class_only(judge):
    event = {"kind": "rebase", "before": "eager", "factor": 0.5, "baseline": "compile"}
    fine, coarse = list(CLASSES[:3]), list(CLASSES[3:])
    judge._judges[0].news = [
        {**event, "now": "compile-tf32", "precisions": coarse},
        {**event, "now": "compile", "precisions": fine},
    ]
    judge._judges[1].news = [{**event, "now": "compile", "precisions": list(CLASSES)}]
    found = [(n["before"], n["now"], n["precisions"]) for n in judge.notices()]
    assert found == [
        ("eager,eager", "compile-tf32,eager", coarse),
        ("eager,eager", "compile,eager", fine),
        ("compile,eager", "compile,compile", fine),
        ("compile-tf32,eager", "compile-tf32,compile", coarse),
    ]


def test_joined_scores_stay_in_between():
    parts = [Evaluation.ok(s) for s in (1.0, 2.0, 8.0)]
    assert joined(parts, [0.2, 0.3, 0.5]).score == pytest.approx(2**0.3 * 8**0.5)
