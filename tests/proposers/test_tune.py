"""The tuner: better than chance on a known landscape, asynchronous, warm-started, repeatable."""

from __future__ import annotations

import asyncio
import itertools
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelevo.backends.tune import read_table, values_in_use
from kernelevo.core import Brief, Evaluation, Origin, Program, Task, Trial, Verdict
from kernelevo.errors import ToolchainMissing
from kernelevo.graphs.rewrites import batchnorm, relu_attention
from kernelevo.proposers import tune
from kernelevo.proposers.family import FAILED, Family
from kernelevo.proposers.rewrite import made
from kernelevo.proposers.tune import TuneProposer
from kernelevo.proposers.workbench import workbench
from kernelevo.store import Rebase
from tests.proposers.attending import TASK as ATTENDING

TASK = Task("toy", "be fast")
SPACE = {
    "BLOCK": [8, 16, 32, 64, 128, 256],
    "UNROLL": [1, 2, 4, 8],
    "ORDER": ["ij", "ji", "tiled"],
    "FMA": [True, False],
}


def program(space=SPACE, body="x = TUNE", **details) -> Program:
    return Program.single(f"TUNE = {space!r}\n{body}\n", origin=Origin("rewrite", "", details))


def score(program: Program) -> float:
    """A landscape with an interaction; the best point (2.8) is BLOCK 128, tiled, UNROLL >= 4, FMA."""
    v = values_in_use(program.source)
    block = {8: 0.0, 16: 0.1, 32: 0.3, 64: 0.7, 128: 1.0, 256: 0.5}[v["BLOCK"]]
    order = {"ij": 0.0, "ji": 0.2, "tiled": 0.6}[v["ORDER"]]
    return 1.0 + block + order * (1.0 if v["UNROLL"] >= 4 else 0.3) + 0.2 * v["FMA"]


def ask(tuner, parent, seed=0):
    brief = Brief(TASK, 0, parents=(parent,))
    return [p.program for p in asyncio.run(tuner.propose(brief, Random(seed)))]


def search(tuner, start, steps, seed=0, judge=score):
    """Run asks and tells one after the other; return what was judged."""
    best = Verdict(start, Evaluation.ok(judge(start)))
    seen = [start]
    for number in range(steps):
        found = ask(tuner, best, seed=seed * 1000 + number)
        if not found:
            break
        verdict = Evaluation.ok(judge(found[0]))
        seen.append(found[0])
        tuner.observe(Trial(number, found[0], verdict))
        if verdict.score > best.evaluation.score:
            best = Verdict(found[0], verdict)
    return seen


@pytest.mark.slow
def test_it_beats_random_choice_on_a_known_landscape():
    points = [dict(zip(SPACE, p, strict=True)) for p in itertools.product(*SPACE.values())]
    tuned, drawn = [], []
    for seed in range(6):
        seen = search(TuneProposer(patience=99), program(), 24, seed)
        assert len({p.id for p in seen}) == 25, "a point was tried twice"
        tuned.append(max(map(score, seen)))
        sample = Random(seed).sample(points, 24)
        drawn.append(max(score(program({k: [v, *SPACE[k]] for k, v in p.items()})) for p in sample))
    assert sum(tuned) > sum(drawn)
    assert sum(tuned) / 6 > 2.7


def test_programs_differ_from_their_parent_in_the_values_in_use_only():
    parent = program(base="harvest", rewrites=["a"])
    (found,) = ask(TuneProposer(), Verdict(parent, Evaluation.ok(1.0)))
    assert found.source.splitlines()[-1] == parent.source.splitlines()[-1]
    table = read_table(found.source)
    assert {k: sorted(map(str, v)) for k, v in table.items()} == {
        k: sorted(map(str, v)) for k, v in SPACE.items()
    }
    assert found.parents == (parent.id,)
    assert found.origin.details["rewrites"] == ["a"]
    assert found.origin.details["tuned"] == values_in_use(found.source)


def test_several_points_may_be_out_at_once_and_each_is_another():
    tuner, parent = TuneProposer(), Verdict(program(), Evaluation.ok(1.0))
    out = [ask(tuner, parent, seed)[0].id for seed in range(20)]
    assert len(set(out)) == 20


def test_a_used_up_space_offers_nothing():
    seen = search(TuneProposer(), program({"A": [1, 2, 3], "B": ["x"]}, "y"), 10, judge=lambda p: 1.0)
    assert len(seen) == 3
    assert not ask(TuneProposer(), Verdict(Program.single("no = 1"), Evaluation.ok(1.0)))
    assert not ask(TuneProposer(), Verdict(Program.single("TUNE = 1"), Evaluation.ok(1.0)))
    assert not ask(TuneProposer(), Verdict(program({"A": [1]}), Evaluation.ok(1.0)))


def test_a_family_rests_after_points_without_improvement():
    seen = search(TuneProposer(patience=6), program(), 50, judge=lambda p: 1.0)
    assert len(seen) == 7


def test_the_first_point_of_a_related_program_is_what_was_best_elsewhere():
    tuner = TuneProposer(patience=99)
    best = max(search(tuner, program(), 40), key=score)
    other = program({"BLOCK": [32, 64, 128], "ORDER": ["ij", "tiled"], "DEPTH": [1, 2]}, "another = 1")
    (first,) = ask(tuner, Verdict(other, Evaluation.ok(1.0)))
    wanted, found = values_in_use(best.source), values_in_use(first.source)
    assert (found["BLOCK"], found["ORDER"], found["DEPTH"]) == (wanted["BLOCK"], wanted["ORDER"], 1)


def test_equal_histories_and_seeds_give_equal_programs():
    one, two = (search(TuneProposer(patience=99), program(), 15, seed=4) for _ in range(2))
    assert [p.id for p in one] == [p.id for p in two]


def test_what_was_learned_is_rebuilt_from_the_recorded_trials():
    first = TuneProposer(patience=99)
    seen = search(first, program(), 12, seed=2)
    again = TuneProposer(patience=99)
    for number, one in enumerate(seen):
        again.observe(Trial(number, one, Evaluation.ok(score(one))))
    parent = Verdict(max(seen, key=score), Evaluation.ok(max(map(score, seen))))
    assert ask(first, parent, 77)[0].id == ask(again, parent, 77)[0].id


def test_failed_points_teach_the_estimator():
    tuner, parent = TuneProposer(patience=99), program()
    tuner.observe(Trial(0, parent, Evaluation.ok(1.0)))
    broken = []
    for number in range(30):
        (found,) = ask(tuner, Verdict(parent, Evaluation.ok(1.0)), number)
        broken.append(values_in_use(found.source)["ORDER"] == "tiled")
        told = Evaluation.wrong("no") if broken[-1] else Evaluation.ok(1.5)
        tuner.observe(Trial(number + 1, found, told))
    assert sum(broken[15:]) <= 4  # chance: 5 of 15


def printed(*rewrites) -> Program:
    """The program of these rewrites, as RewriteProposer makes it."""
    draft = workbench(ATTENDING).draft(rewrites)
    assert set(draft.rewrites) == set(rewrites)
    return made("rewrite", draft, Brief(ATTENDING, 0), "graph rewrites")


def attention_score(program: Program) -> float:
    """A landscape over the entries of ReLU attention; the best is 32 queries, 12 rows, 4 vectors."""
    v = values_in_use(program.source)
    close = {32: 0.5, 64: 0.2}.get(v["RELU_ATTENTION_QUERIES"], 0.0)
    return 1.0 + close + v["RELU_ATTENTION_ROWS"] / 24 + (v["RELU_ATTENTION_VECTORS"] == 4) * 0.5


def test_a_printed_program_of_snippets_is_tuned():
    parent = printed("relu-attention")
    seen = search(TuneProposer(), parent, 3, judge=attention_score)
    assert len({p.id for p in seen}) == 4
    for found in seen[1:]:
        assert found.origin.details["rewrites"] == ["relu-attention"]
        values = values_in_use(found.source)
        assert values.keys() == relu_attention.TUNE.keys() and found.origin.details["tuned"] == values
        assert all(values[entry] in choices for entry, choices in relu_attention.TUNE.items())
        begin = "\n_relu_attention = "
        assert found.source.partition(begin)[2] == parent.source.partition(begin)[2] != ""


def test_a_table_found_for_one_set_of_rewrites_starts_that_of_a_larger_set():
    tuner = TuneProposer(patience=99)
    best = max(search(tuner, printed("relu-attention"), 30, judge=attention_score), key=attention_score)
    assert attention_score(best) > attention_score(printed("relu-attention")) + 0.5
    larger = printed("relu-attention", "batchnorm-relu")
    (first,) = ask(tuner, Verdict(larger, Evaluation.ok(1.0)))
    usual = {entry: choices[0] for entry, choices in batchnorm.TUNE.items()}
    assert values_in_use(first.source) == values_in_use(best.source) | usual


CHOICE = st.one_of(st.integers(-9, 9), st.booleans(), st.sampled_from("xyz"), st.sampled_from([0.5, 1.0]))
CHOICES = st.lists(CHOICE, min_size=1, max_size=3, unique_by=lambda c: (type(c), c))


@given(st.dictionaries(st.sampled_from("ABC"), CHOICES, min_size=1), st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_every_point_of_any_table_is_found_once(space, seed):
    seen = search(TuneProposer(patience=10_000), program(space), 99, seed, judge=lambda p: 1.0)
    values = [tuple((type(v), v) for _, v in sorted(values_in_use(p.source).items())) for p in seen]
    assert len(set(values)) == len(values) == math.prod(map(len, space.values()))


def test_a_missing_sampler_is_said(monkeypatch):
    monkeypatch.setattr(tune, "find_spec", lambda name: None)
    with pytest.raises(ToolchainMissing, match="Optuna"):
        TuneProposer()


def test_scores_far_below_zero_are_scores():
    family = Family({"A": [1, 2, 3]})
    family.tell((0,), Evaluation.wrong("off"))
    assert family.values == {(0,): FAILED} and family.best is None and family.since_best == 0
    family.tell((1,), Evaluation.ok(-5e12))
    assert family.best == (1,) and family.since_best == 0
    family.tell((2,), Evaluation.ok(-7e12))
    assert family.best == (1,) and family.since_best == 1


def test_points_compare_by_scores_as_they_read_after_a_rebase():
    tuner, points = TuneProposer(), [program({"A": choices}) for choices in ([0, 1, 2], [1, 0, 2], [2, 0, 1])]
    for number, score in enumerate((1.0, 0.9)):  # against eager
        tuner.observe(Trial(number, points[number], Evaluation.ok(score, baseline="eager")))
    (family,) = tuner._families.values()
    tuner.reread(Rebase("eager", "compile", 0.5).apply)
    tuner.observe(Trial(2, points[2], Evaluation.ok(0.6, baseline="compile")))
    assert family.values == {(0,): 0.5, (1,): 0.45, (2,): 0.6}
    assert family.best == (2,) and family.since_best == 0


def test_a_point_that_an_earlier_process_proposed_is_being_judged():
    text = "TUNE = {'A': [1, 2]}\nprint(TUNE)\n"
    brief = Brief(Task("t", "g", evaluator="other"), 0, (Verdict(Program.single(text), Evaluation.ok(1.0)),))
    (first,) = asyncio.run(TuneProposer().propose(brief, Random(1)))
    reminded = TuneProposer()
    reminded.proposed(first.program)
    assert asyncio.run(reminded.propose(brief, Random(1))) == []  # there are two points
    reminded.observe(Trial(1, first.program, Evaluation.ok(2.0)))
    reminded.proposed(first.program)  # judged by now
    assert not any(family.pending for family in reminded._families.values())


def test_a_parent_whose_value_is_no_choice_of_its_family_is_tuned_all_the_same():
    def program(choices):
        return Program.single(f"TUNE = {{'A': {choices}}}\nprint(TUNE)\n")

    proposer = TuneProposer()
    proposer.observe(Trial(0, program([1, 2, 3]), Evaluation.ok(1.0)))
    parent = Verdict(program([9, 1]), Evaluation.ok(2.0))
    brief = Brief(Task("t", "g", evaluator="other"), 0, (parent,))
    (found,) = asyncio.run(proposer.propose(brief, Random(1)))
    assert values_in_use(found.program.source)["A"] in (2, 3)


def test_how_the_parent_was_asked_for_says_nothing_about_its_child():
    asked = {"hints": [3], "notes": [4], "fork": 5, "order": 6, "author": "ana", "model": "m", "repairs": 1}
    parent = program(base="harvest", variant="plain", rewrites=["a"], **asked)
    (found,) = ask(TuneProposer(), Verdict(parent, Evaluation.ok(1.0)))
    assert set(found.origin.details) == {"base", "variant", "rewrites", "tuned"}


def test_points_that_are_out_stay_out_when_the_table_grows():
    def choosing(*choices):
        return Verdict(program({"A": list(choices)}), Evaluation.ok(1.0))

    tuner = TuneProposer()
    out = {values_in_use(ask(tuner, choosing(1, 2, 3), seed)[0].source)["A"] for seed in range(2)}
    assert out == {2, 3}
    (found,) = ask(tuner, choosing(1, 2, 3, 4))
    assert values_in_use(found.source) == {"A": 4}
    assert not ask(tuner, choosing(1, 2, 3, 4))


def test_an_annotated_table_is_searched_as_any_other():
    start = Program.single("TUNE: dict[str, list[int]] = {'A': [1, 2, 3], 'B': [4, 5]}\nprint(TUNE)\n")
    seen = search(TuneProposer(patience=2), start, 10, judge=lambda p: 1.0)
    assert len(seen) == 3  # two points without improvement


def test_other_choices_of_an_equally_large_table_are_searched_too():
    def choosing(score, *choices):
        return Verdict(program({"A": list(choices)}), Evaluation.ok(score))

    tuner = TuneProposer()
    first, other = choosing(1.0, 64, 128), choosing(2.0, 256, 512)
    for number, verdict in enumerate((first, other)):
        tuner.observe(Trial(number, verdict.program, verdict.evaluation))
    out = {values_in_use(ask(tuner, other, seed)[0].source)["A"] for seed in range(2)}
    assert out == {128, 512} and not ask(tuner, other)
    assert not ask(tuner, first)  # one search, which knows all four
