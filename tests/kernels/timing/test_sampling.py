"""Sampling: which timed calls are verified; what stands beside them; how much of the time that takes."""

import random
from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.kernels.children.session import Answer
from kernelevo.kernels.reference.oracle import Observed, Truth
from kernelevo.kernels.reference.tree import flatten
from kernelevo.kernels.timing.checking import Checker, Sample, _surely
from kernelevo.kernels.timing.sampling import SAMPLED, SAMPLED_FASTEST, Plan, choose, due, keep, ordered
from kernelevo.kernels.timing.series import Tally

NO_ARGUMENTS = flatten(())[0]


class Picks:
    def pick(self):
        return object()


def session(stateful=False, size=4096):
    return SimpleNamespace(setting=SimpleNamespace(stateful=stateful, output_bytes=size))


@given(st.integers(1, 60), st.integers(1, 60), st.booleans(), st.booleans(), st.integers(0, 99))
def test_shared_calls_have_the_same_inputs_on_both_sides(ours, theirs, stateful, fastest, seed):
    rng, subject = random.Random(seed), session(stateful)
    plan = Plan.draw(Picks(), rng, subject, ours, theirs)
    assert (len(plan.ours), len(plan.theirs)) == (ours, theirs)
    assert [plan.theirs[i] for i in range(len(plan.shared))] == [plan.ours[c] for c in plan.shared]
    assert len(set(plan.shared)) == (0 if stateful else min(SAMPLED_FASTEST, ours, theirs))
    chosen = choose(rng, subject, ours, plan.shared, fastest)
    assert set(chosen) <= set(range(ours)) and len(set(chosen)) == len(chosen)
    wanted = 1 if stateful else min(SAMPLED_FASTEST if fastest else SAMPLED, ours)
    assert len(chosen) == wanted
    assert stateful or set(chosen[: len(plan.shared)]) <= {*plan.shared}


def test_every_call_of_a_batch_is_as_likely_to_be_verified():
    rng, subject, seen = random.Random(5), session(), Counter()
    for _ in range(4000):
        plan = Plan.draw(Picks(), rng, subject, 10, 2)  # two of four have the defender's answer beside them
        seen.update(choose(rng, subject, 10, plan.shared, False))
    assert all(abs(seen[call] - 1600) < 160 for call in range(10))  # five standard deviations


def test_answers_are_put_beside_the_calls_that_they_belong_to():
    plan = Plan.draw(Picks(), random.Random(2), session(), 12, 5)
    defender = SimpleNamespace(answer=lambda said, place, calls: (said, place, calls))
    samples = [Sample((plan.ours[call],), Answer("", (), ()), None) for call in range(12)]
    plan.beside(samples, defender, SimpleNamespace(said="b", calls=5))
    for call, sample in enumerate(samples):
        at = plan.shared.index(call) if call in plan.shared else None
        assert sample.beside == (None if at is None else ("b", at, 5))


def test_what_takes_too_long_is_examined_now_and_then():
    rng, dear = random.Random(1), Tally(timed=1.0, examining=1.2, examined=3)
    share = sum(due(rng, dear, fastest=False, thorough=False) for _ in range(4000)) / 4000
    assert share == pytest.approx(0.1, abs=0.02)
    assert all(due(rng, dear, fastest=True, thorough=False) for _ in range(50))
    assert all(due(rng, dear, fastest=False, thorough=True) for _ in range(50))
    cheap = Tally(timed=1.0, examining=0.1, examined=3)
    assert all(due(rng, cheap, fastest=False, thorough=False) for _ in range(50))
    assert due(rng, Tally(), fastest=False, thorough=False)


def test_each_sample_is_kept_with_the_same_chance_and_counted_once():
    seen, answer = Counter(), Answer("", (), ())
    for seed in range(2000):
        rng, tally = random.Random(seed), Tally(most=3)
        for number in range(12):
            keep(rng, Sample((number,), answer, None), tally, 4)
        seen.update(s.picks[0] for s in tally.samples)
    assert all(abs(seen[number] - 500) < 100 for number in range(12))
    tally.fastest = [tally.samples[2], Sample((99,), answer, None)]
    tally.samples[1].beside = answer
    order = ordered(tally, random.Random(1), 0)
    assert [s.picks[0] for s in order[:2]] == [tally.samples[2].picks[0], tally.samples[1].picks[0]]
    assert len(order) == 4
    drawn = Counter()
    for seed in range(600):
        order = ordered(tally, random.Random(seed), 2)
        assert order[0] is tally.fastest[0] and len(order) == 4
        drawn[order[1].picks[0]] += 1
    assert len(drawn) == 3 and all(abs(count - 200) < 60 for count in drawn.values())
    assert len(ordered(tally, random.Random(1), 9)) == 4


# ---------------------------------------------------------------------- comparing with what stands beside


def observed(*leaves, structure="*"):
    return Answer(structure, leaves, ())


@given(st.floats(0, 4e-5), st.floats(0, 1e-5))
def test_surely_right_is_at_most_what_the_rule_allows_anywhere(gap, error):
    own = torch.tensor([0.0, 1.0, 0.5], dtype=torch.float32)
    value = own.clone()
    value[0] += gap
    assert _surely(observed(value), observed(own), [error]) == (float(value[0]) <= max(1e-5, 4 * error))


@pytest.mark.parametrize(
    ("value", "own"),
    [
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, float("nan")])),
        (torch.tensor([float("inf")]), torch.tensor([float("inf")])),
        (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64)),
        (torch.tensor([1.0]), torch.tensor([[1.0]])),
        (torch.tensor([1]), torch.tensor([2])),
        (1, True),
        (torch.tensor(1.0), 1.0),
    ],
)
def test_what_is_not_surely_right_is_left_to_the_full_comparison(value, own):
    assert not _surely(observed(value), observed(own), [1.0])
    assert not _surely(observed(1, structure="a"), observed(1, structure="b"), [0.0])


def test_a_wrong_baseline_convicts_nobody_and_a_wrong_program_is_found_beside_a_right_one():
    right, wrong = torch.ones(3), torch.zeros(3)
    made = []

    class Pool:
        groups = (SimpleNamespace(parameters=None),)

        def group_for(self, *_):
            return SimpleNamespace(e_ref=(0.0,))

        def answers(self, _):
            return lambda args, seed: made.append(seed) or Observed("*", (right,), {}, False)

        def truth(self, *_):
            seen = Observed("*", (right,), {}, False)
            return Truth(seen, seen, (0.0,), {})

    stream = SimpleNamespace(near=lambda pick: [])
    pick = SimpleNamespace(distribution="shipped", seed=7)

    def verify(value, theirs, **how):
        sample = Sample((pick,), observed(value), None, observed(theirs))
        made.clear()
        return Checker(Pool()).verify(False, stream, NO_ARGUMENTS, [sample] * 3, 0.0, **how)

    assert verify(right, wrong, alone=0, fewest=3) == (3, None) and made == [7] * 3
    assert verify(right, right, alone=0, fewest=3) == (3, None) and made == []
    assert verify(right, right, alone=3, fewest=3) == (3, None) and made == [7] * 3
    assert verify(right, right, alone=2, fewest=2) == (2, None) and made == [7] * 2  # no time for a third
    assert verify(right, right, alone=2, fewest=3) == (3, None) and made == [7] * 2
    done, report = verify(wrong, right, alone=0, fewest=3)
    assert done == 1 and not report.ok and made == [7]
    done, report = verify(wrong, wrong, alone=1, fewest=3)  # both err alike, as with the same compiler
    assert done == 1 and not report.ok and made == [7]
