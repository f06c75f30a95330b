import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import pytest
import torch

from kernelevo.backends.tune import read_table, values_in_use, with_values
from kernelevo.core import Brief, Evaluation, Program, Status, Task, Trial, Verdict
from kernelevo.errors import CaptureError
from kernelevo.graphs import dispatch
from kernelevo.proposers.crossover import CrossoverProposer
from kernelevo.proposers.rewrite import RewriteProposer
from kernelevo.proposers.workbench import Draft, Workbench, workbench
from kernelevo.store import Rebase
from kernelevo.tasks.module import freeze
from tests.proposers.attending import TASK as ATTENDING
from tests.proposers.several import assert_right_on_each

TEXT = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one = nn.Conv2d(width, 6, 1)
        self.two = nn.Conv2d(width, 5, 1)
        self.dead = nn.Linear(3, 3)
        self.drop = nn.Dropout(0.0)
        self.last = nn.Linear(11, 4)

    def forward(self, x):
        self.dead(x[..., :3])
        y = torch.relu(torch.cat([self.one(x), self.two(x)], 1))
        return self.last(self.drop(y).mean((2, 3)))


def get_inputs():
    return [torch.randn(2, 4, 8, 8)]


def get_init_inputs():
    return [4]
"""
REFERENCE = {"kind": "source", "text": TEXT, "filename": "small.py", "size": "full", "variant": None}
TASK = Task("small.py", "faster", options={"reference": {**REFERENCE, "entry": "Model"}, "device": "cpu"})


def ask(proposer, rng, *parents, task=TASK):
    return asyncio.run(proposer.propose(Brief(task, 0, tuple(parents)), rng))


TINY = (
    TEXT[: TEXT.index("class Model")]
    + """
class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.last = nn.Linear(width, 3)

    def forward(self, x):
        return torch.relu(self.last(x.contiguous()))


def get_inputs():
    return [torch.randn(2, 4)]


def get_init_inputs():
    return [4]
"""
)


def sets(proposer, limit, task=TASK):
    rng, found = Random(1), []
    for _ in range(limit):
        proposals = ask(proposer, rng, task=task)
        if not proposals:
            break
        found.append(frozenset(proposals[0].program.origin.details["rewrites"]))
    return found


def test_full_set_first_then_others_never_twice():
    found = sets(RewriteProposer(), 12)
    bench = workbench(TASK)
    assert found[:2] == [set(bench.sure), set(bench.greedy)]
    assert {"dead-work", "no-ops", "merged-convolution", "packed-linear"} <= found[0] < found[1]
    assert len(found) == len(set(found)) == 12
    assert all(len(names ^ found[1]) == 1 for names in found[2:5])


def test_nothing_when_every_set_was_tried():
    task = Task("tiny.py", "", options={"reference": {**REFERENCE, "entry": "Model", "text": TINY}})
    found = sets(RewriteProposer(), 50, task)
    assert 2 <= len(found) == len(set(found)) < 50


def test_the_same_rng_gives_the_same_programs():
    runs = []
    for _ in range(2):
        proposer, rng = RewriteProposer(), Random(5)
        runs.append([ask(proposer, rng)[0].program.id for _ in range(5)])
    assert runs[0] == runs[1]


def test_neighbours_of_the_best_come_first():
    proposer, rng = RewriteProposer(), Random(2)
    programs = [ask(proposer, rng)[0].program for _ in range(4)]
    for number, program in enumerate(programs):
        proposer.observe(Trial(number, program, Evaluation.ok(3.0 if number == 3 else 1.0)))
    best = set(programs[3].origin.details["rewrites"])
    after = set(ask(proposer, rng)[0].program.origin.details["rewrites"])
    assert len(best ^ after) == 1


@pytest.mark.parametrize(
    ("score", "full", "near"), [(0.5, None, "greedy"), (1.5, None, "sure"), (0.5, Status.TIMED_OUT, "sure")]
)
def test_what_is_no_gain_has_no_neighbours_while_the_full_set_is_unknown(score, full, near):
    proposer, rng, bench = RewriteProposer(), Random(2), workbench(TASK)
    sure, greedy = (ask(proposer, rng)[0].program for _ in range(2))
    proposer.observe(Trial(0, sure, Evaluation.ok(score)))
    if full is not None:
        proposer.observe(Trial(1, greedy, Evaluation(full, None, {}, "no")))
    assert len(set(bench.sure) ^ set(bench.greedy)) == 2  # so two sets are neighbours of both
    after = [set(ask(proposer, rng)[0].program.origin.details["rewrites"]) for _ in range(3)]
    assert all(len(names ^ set(getattr(bench, near))) == 1 for names in after)


def test_sets_compare_by_scores_as_they_read_after_a_rebase():
    proposer, rng = RewriteProposer(), Random(2)
    programs = [ask(proposer, rng)[0].program for _ in range(4)]
    proposer.observe(Trial(0, programs[2], Evaluation.ok(1.0, baseline="eager")))
    proposer.reread(Rebase("eager", "compile", 0.5).apply)
    proposer.observe(Trial(1, programs[1], Evaluation.ok(0.6, baseline="compile")))
    best = set(programs[1].origin.details["rewrites"])  # neighbours of the other's differ from it by two
    after = set(ask(proposer, rng)[0].program.origin.details["rewrites"])
    assert len(best ^ after) == 1


CAREFUL = {"RELU_ATTENTION_KEYS": 128, "RELU_ATTENTION_ROWS": 6}


@pytest.fixture
def careful(monkeypatch):
    """Programs of the attention's snippet have choices that round least."""
    real = Workbench.draft

    def draft(self, wanted):
        found = real(self, wanted)
        return replace(found, careful=CAREFUL if "relu-attention" in found.rewrites else {})

    monkeypatch.setattr(Workbench, "draft", draft)


def test_a_set_that_came_out_wrong_comes_once_more_with_the_choices_that_round_least(careful):
    proposer, rng = RewriteProposer(), Random(1)
    (usual,) = ask(proposer, rng, task=ATTENDING)
    assert "relu-attention" in usual.program.origin.details["rewrites"]
    proposer.observe(Trial(0, usual.program, Evaluation.wrong("by 1.1 of what is allowed")))
    (again,) = ask(proposer, rng, task=ATTENDING)
    assert again.program.origin.details["rewrites"] == usual.program.origin.details["rewrites"]
    used = values_in_use(usual.program.source)
    assert values_in_use(again.program.source) == {**used, **CAREFUL} != used
    assert read_table(again.program.source).keys() == read_table(usual.program.source).keys()
    (third,) = ask(proposer, rng, task=ATTENDING)
    assert third.program.id not in (usual.program.id, again.program.id)
    # an earlier process may have proposed it
    resumed = RewriteProposer()
    resumed.observe(Trial(0, usual.program, Evaluation.wrong("far off")))
    resumed.proposed(again.program)
    assert ask(resumed, Random(1), task=ATTENDING)[0].program.id not in (usual.program.id, again.program.id)


@pytest.mark.parametrize("status", [Status.OK, Status.TIMED_OUT, Status.BUILD_FAILED])
def test_a_set_that_failed_otherwise_does_not_come_again(careful, status):
    proposer, rng = RewriteProposer(), Random(1)
    (usual,) = ask(proposer, rng, task=ATTENDING)
    evaluation = Evaluation.ok(1.5) if status is Status.OK else Evaluation(status, None, {}, "no")
    proposer.observe(Trial(0, usual.program, evaluation))
    (after,) = ask(proposer, rng, task=ATTENDING)
    assert after.program.origin.details["rewrites"] != usual.program.origin.details["rewrites"]


def test_neighbours_keep_the_values_of_the_best_program():
    proposer, rng = RewriteProposer(), Random(0)
    drawn = [ask(proposer, rng, task=ATTENDING)[0].program for _ in range(2)]  # sure, and greedy
    best = _tuned(drawn[0].origin.details["rewrites"], 2.0, **CAREFUL)
    proposer.observe(Trial(0, best.program, best.evaluation))
    wanted, seen = values_in_use(best.program.source), 0
    for _ in range(6):
        program = ask(proposer, rng, task=ATTENDING)[0].program
        used = values_in_use(program.source)
        assert {name: wanted[name] for name in used if name in wanted} == {
            name: value for name, value in used.items() if name in wanted
        }
        seen += "RELU_ATTENTION_KEYS" in used
    assert seen


def test_a_resumed_proposer_does_not_repeat():
    proposer, rng = RewriteProposer(), Random(3)
    program = ask(proposer, rng)[0].program
    resumed = RewriteProposer()
    resumed.observe(Trial(0, program, Evaluation.wrong("no")))
    assert ask(resumed, rng)[0].program.id != program.id


def test_crossover_joins_two_sets():
    bench = workbench(TASK)
    first, second = (
        ask(RewriteProposer(), Random(0))[0].program.__class__.single(
            bench.draft(names).text,
            origin=_origin(names),
        )
        for names in (["no-ops", "merged-convolution"], ["packed-linear"])
    )
    parents = [Verdict(p, Evaluation.ok(1.0)) for p in (first, second)]
    crossover = CrossoverProposer()
    child = ask(crossover, Random(0), *parents)[0].program
    assert {"no-ops", "merged-convolution", "packed-linear"} <= set(child.origin.details["rewrites"])
    assert child.parents == (first.id, second.id)
    seen = {child.id}
    while proposals := ask(crossover, Random(len(seen)), *parents):
        assert proposals[0].program.id not in seen
        seen.add(proposals[0].program.id)
    assert ask(crossover, Random(0), parents[0], parents[0]) == []
    assert ask(crossover, Random(0), parents[0]) == []


def _origin(names, **more):
    from kernelevo.core.program import Origin

    return Origin("rewrite", "", {"rewrites": list(names), "base": "graph", **more})


def _tuned(names, score, **values):
    """A parent: a printed program with values that a tuner found."""
    text = with_values(workbench(ATTENDING).draft(names).text, values, keep_choices=True)
    tuned = values_in_use(text) if values else {}
    return Verdict(Program.single(text, origin=_origin(names, tuned=tuned)), Evaluation.ok(score))


def test_a_child_keeps_the_values_that_its_parents_were_tuned_to():
    attention = _tuned(["relu-attention"], 1.5, RELU_ATTENTION_KEYS=128, RELU_ATTENTION_ROWS=6)
    norm = _tuned(["batchnorm-relu"], 1.2, BATCHNORM_UNROLL=4)
    child = ask(CrossoverProposer(), Random(0), attention, norm, task=ATTENDING)[0].program
    assert set(child.origin.details["rewrites"]) == {"relu-attention", "batchnorm-relu"}
    wanted = values_in_use(attention.program.source) | values_in_use(norm.program.source)
    assert values_in_use(child.source) == wanted == child.origin.details["tuned"]
    plain = workbench(ATTENDING).draft(["relu-attention", "batchnorm-relu"]).text
    assert {e: set(c) for e, c in read_table(child.source).items()} == {
        e: set(c) for e, c in read_table(plain).items()
    }
    assert with_values(child.source, values_in_use(plain)) == with_values(plain, values_in_use(plain))


@pytest.mark.parametrize(("first", "second", "rows"), [(1.5, 1.2, 6), (1.2, 1.5, 12)])
def test_of_two_values_for_one_entry_the_better_parent_s_is_kept(first, second, rows):
    one = _tuned(["relu-attention"], first, RELU_ATTENTION_ROWS=6)
    two = _tuned(["relu-attention", "packed-linear"], second, RELU_ATTENTION_ROWS=12)
    three = _tuned(["batchnorm-relu"], 9.0)
    crossover = CrossoverProposer()
    child = ask(crossover, Random(0), one, two, three, task=ATTENDING)[0].program
    assert values_in_use(child.source)["RELU_ATTENTION_ROWS"] == rows
    # a parent that nobody tuned says nothing about values, nor does an entry that the child does not have
    child = ask(crossover, Random(0), one, three, task=ATTENDING)[0].program
    assert values_in_use(child.source)["RELU_ATTENTION_ROWS"] == 6
    strange = _tuned(["relu-attention"], 2.0)
    strange.program.origin.details.update(tuned={"THREADS": 2, "RELU_ATTENTION_ROWS": 7})
    child = ask(CrossoverProposer(), Random(0), strange, three, task=ATTENDING)[0].program
    assert child.source == workbench(ATTENDING).draft(child.origin.details["rewrites"]).text


@pytest.mark.parametrize("proposer", [RewriteProposer(), CrossoverProposer()])
def test_tasks_without_a_module_are_left(proposer):
    assert ask(proposer, Random(0), task=Task("tsp.py:tour", "shorter")) == []


class Rows(torch.nn.Module):
    """Its graph holds the number of rows; two products of one input are merged for any number."""

    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Linear(12, 5), torch.nn.Linear(12, 5)

    def forward(self, x):
        y = torch.relu(self.one(x)) * torch.sigmoid(self.two(x))
        return y.contiguous().view(5 * x.shape[0]) / x.shape[0]


def test_programs_are_right_for_every_input_set(tmp_path):
    torch.manual_seed(3)
    module = Rows().eval()
    sets = [torch.randn(rows, 12) for rows in (4, 64)]
    task, proposer, rng = freeze(module, sets, tmp_path), RewriteProposer(), Random(0)
    drawn = [ask(proposer, rng, task=task)[0].program for _ in range(3)]
    parents = [Verdict(p, Evaluation.ok(1.0)) for p in drawn[1:]]
    drawn += [p.program for p in ask(CrossoverProposer(), rng, *parents, task=task)]
    assert len(drawn) == 4
    for number, program in enumerate(drawn):
        assert_right_on_each(program, module, sets, tmp_path / str(number))


def test_sets_that_an_earlier_process_proposed_are_not_proposed_again():
    (first,) = ask(RewriteProposer(), Random(1))
    reminded = RewriteProposer()
    assert reminded.proposed(first.program) == frozenset(first.program.origin.details["rewrites"])
    (second,) = ask(reminded, Random(1))
    assert second.program.id != first.program.id
    assert reminded.proposed(Program.single("x")) is None


def test_a_module_without_a_graph_is_captured_once_for_all(monkeypatch):
    tries, real = [], dispatch.capture_each

    def counted(*given):
        tries.append(given)
        return real(*given)

    monkeypatch.setattr(dispatch, "capture_each", counted)
    text = TEXT.replace("self.dead(x[..., :3])", "x = x if x.sum() > 1 else -x")
    task = Task("c.py", "", options={"reference": {**REFERENCE, "entry": "Model", "text": text}})
    for _ in range(2):
        with pytest.raises(CaptureError, match="hotspots=3"):  # what can be done is told
            ask(RewriteProposer(), Random(0), task=task)
    with pytest.raises(CaptureError, match="cannot be captured as one graph"):
        workbench(task)
    assert len(tries) == 1


def test_the_first_program_does_not_wait_for_the_second(monkeypatch):
    text = TEXT.replace("nn.Linear(3, 3)", "nn.Linear(3, 7)")  # a module that no other test has captured
    task = Task("d.py", "", options={"reference": {**REFERENCE, "entry": "Model", "text": text}})
    asked, real = [], Workbench.draft
    monkeypatch.setattr(
        Workbench, "draft", lambda self, wanted: asked.append(set(wanted)) or real(self, wanted)
    )
    (first,) = ask(RewriteProposer(), Random(0), task=task)
    bench = workbench(task)
    assert set(bench.catalogue) not in asked
    assert first.program.origin.details["rewrites"] == list(bench.sure) != list(bench.greedy)


def test_what_is_made_is_there_while_another_set_is_being_made():
    bench = workbench(TASK)
    made = bench.draft(["no-ops"])
    with ThreadPoolExecutor(1) as other, bench._lock:
        assert other.submit(bench.draft, ["no-ops"]).result(timeout=30) is made
        assert other.submit(bench.graphs, ["no-ops"]).result(timeout=30)[0] == made.rewrites


def test_two_sets_of_one_text_are_one_proposal(monkeypatch):
    real = Workbench.draft
    one = real(workbench(TASK), ["no-ops"]).text.partition('"""\n')[2]

    def alike(self, wanted):
        found = real(self, wanted)
        return Draft(found.rewrites, f'"""{", ".join(found.rewrites)}."""\n{one}')

    monkeypatch.setattr(Workbench, "draft", alike)
    assert len(sets(RewriteProposer(), 5)) == 1
