"""The secret pool and the linter."""

import random

import pytest
import torch

from kernelevo.errors import BadProgram
from kernelevo.kernels.cases.inputs import DISTRIBUTIONS
from kernelevo.kernels.cases.lint import lint
from kernelevo.kernels.cases.pool import Pool
from tests.kernels.references import BLIND, CANCELS, KEEPS, TRANSITION, Ref


def test_the_pool_fills_rotates_and_shares_errors_in_groups():
    pool = Pool(TRANSITION, random.Random(0))
    pool.ensure(3)
    assert sum(len(g.cases) for g in pool.groups) == 3
    pool.fill()
    assert not pool.work()
    assert {g.distribution for g in pool.groups if g.cases} >= {"shipped", "normal", "small", "sparse"}
    chosen = pool.draw(random.Random(1))
    assert chosen[0][0] is pool.groups[0] and len(chosen) == len({id(g) for g, _ in chosen})
    group, case = chosen[1]
    assert group.e_ref[0] >= case.truth.e_ref[0]
    pool.retire(case)
    assert case in group.cases
    assert pool.work()
    assert case not in group.cases and group.cases


def test_perturbed_groups_differ_from_shipped_ones():
    pool = Pool(TRANSITION, random.Random(0))
    pool.fill()
    ways = {g.parameters.way for g in pool.groups if g.parameters.state is not None}
    assert ways == {"load", "in place", "moved"}


def test_seeds_are_secret_and_repeatable():
    one, two, other = (Pool(TRANSITION, random.Random(s)) for s in (5, 5, 6))
    assert torch.equal(one.first.args[0], two.first.args[0])
    assert not torch.equal(one.first.args[0], other.first.args[0])


def test_distributions_that_break_the_reference_are_left_out():
    class Log(torch.nn.Module):
        def forward(self, x):
            return torch.log(x) * 3

    pool = Pool(Ref(Log, lambda: [torch.rand(20) + 0.1]), random.Random(0))
    pool.fill()
    refused = {g.distribution for g in pool.groups if g.refused}
    assert {"normal", "signed", "sparse"} <= refused
    assert "large" in pool.judgeable()


def test_lint_tells_blind_and_unjudgeable_tasks():
    fair = lint(Pool(TRANSITION, random.Random(0)))
    assert fair.fair and fair.to_json()["blind"] == []
    assert lint(Pool(KEEPS, random.Random(0))).fair
    blind = lint(Pool(BLIND, random.Random(0)))
    assert "another input's output" in blind.blind and blind.independent and not blind.fair
    noise = lint(Pool(CANCELS, random.Random(0)))
    assert "rounding" not in noise.blind and "1" in noise.unjudgeable and not noise.fair
    zeros = lint(Pool(Ref(lambda: torch.nn.Hardshrink(5), lambda: [torch.rand(9)]), random.Random(0)))
    assert {"zeros", "constant"} <= set(zeros.blind)
    copy = lint(Pool(Ref(torch.nn.ReLU, lambda: [torch.rand(9)]), random.Random(0)))
    assert copy.blind == ("input copy",)


class Picky(torch.nn.Module):
    """Takes shares alone, as binary_cross_entropy does."""

    def forward(self, x):
        if bool(((x < 0) | (x > 1)).any()):
            raise ValueError("values must be from 0 to 1")
        return torch.log1p(x)


def test_distributions_that_the_module_refuses_are_left_out():
    """Whoever waits for the pool to be full would wait for ever."""
    pool = Pool(Ref(Picky, lambda: [torch.rand(20)]), random.Random(0))
    pool.fill()
    refused = {g.distribution: g.refused for g in pool.groups if g.refused}
    assert {"normal", "signed", "large", "outlier"} <= set(refused) and pool.full
    assert refused["normal"] == "the module raises ValueError: values must be from 0 to 1"
    assert {"shipped", "small", "sparse"} <= set(pool.judgeable())


def test_a_module_that_fails_on_its_own_inputs_is_the_users_matter():
    draws = iter([torch.rand(20)] * 3)
    ref = Ref(Picky, lambda: [next(draws, torch.full((20,), 2.0))])
    pool = Pool(ref, random.Random(0))
    pool.ensure(1)
    with pytest.raises(BadProgram, match="fails on some of the inputs") as caught:
        pool.fill()
    assert "values must be from 0 to 1" in caught.value.why


class Shares(torch.nn.Module):
    """One layer in two places: its state has each tensor under two names."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(8, 8)
        self.again, self.last = self.first, torch.nn.Linear(8, 4)

    def forward(self, x):
        return self.last(torch.relu(self.again(torch.relu(self.first(x)))))


def test_what_has_two_names_has_one_value_after_a_perturbation():
    """Else the name that is loaded last decides, and written in place it is the first: no program could be
    right both ways."""
    pool = Pool(Ref(Shares, lambda: [torch.rand(3, 8)]), random.Random(0))
    states = [g.parameters.state for g in pool.groups if g.parameters.state is not None]
    assert len(states) == 5
    changed = []
    for state in states:
        assert torch.equal(state["first.weight"], state["again.weight"])
        assert torch.equal(state["first.bias"], state["again.bias"])
        moved = [k for k, v in state.items() if not torch.equal(v, pool.state[k])]
        changed.append(set(moved))
    whole, again, one, other, rows = changed
    assert whole == again == rows == set(pool.state) == one | other and one and other and not one & other


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool])
def test_no_program_has_to_guess_which_of_equal_values_comes_first(dtype):
    class Top(torch.nn.Module):
        def forward(self, x):
            return torch.topk(x, 3).indices.to(dtype)

    pool = Pool(Ref(Top, lambda: [torch.rand(6, 20)]), random.Random(0))
    pool.fill()
    refused = {g.distribution for g in pool.groups if "equal values" in g.refused}
    assert refused == (set() if dtype is torch.bool else {"sparse", "rows"})


def test_complex_parameters_are_perturbed_too():
    class Turns(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.turn = torch.nn.Parameter(torch.randn(7, dtype=torch.complex64))

        def forward(self, x):
            return x * self.turn

    pool = Pool(Ref(Turns, lambda: [torch.rand(6, 7)]), random.Random(0))
    states = [g.parameters.state for g in pool.groups if g.parameters.state is not None]
    assert states and all((s["turn"] != pool.state["turn"]).all() for s in states)


@pytest.mark.parametrize("draw", [lambda: [torch.randint(9, (4,))], lambda: [torch.rand(4, 9)]])
def test_parameters_are_changed_both_ways_whatever_the_inputs_are(draw):
    """Token numbers have no other distribution, and small ones may be refused: neither is to hide a way."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Linear(9, 5)

        def forward(self, x):
            return self.table.weight.t()[x] if x.ndim == 1 else self.table(x)

    pool = Pool(Ref(Model, draw), random.Random(0))
    changed = [g for g in pool.groups if g.parameters.state is not None]
    assert {(g.distribution, g.parameters.way) for g in changed} == {
        ("shipped", "load"),
        ("shipped", "in place"),
        ("shipped", "moved"),
    }


def test_a_call_is_seeded_otherwise_than_its_inputs_are_drawn():
    """The program is told the seed, and would draw the inputs of cases, which it cannot of timed calls."""
    pool = Pool(TRANSITION, random.Random(0))
    pool.fill()
    for group in pool.groups:
        for case in group.cases:
            assert not torch.equal(case.args[0], TRANSITION.inputs(case.seed)[0])


def test_inputs_of_all_kinds_meet_the_parameters_of_timed_calls():
    pool = Pool(TRANSITION, random.Random(0))
    pool.fill()
    others = [g for g in pool.groups if g.distribution != "shipped"]
    assert {g.distribution for g in others} == set(DISTRIBUTIONS) - {"shipped"}
    assert pool.timed.state is not None and all(g.parameters is pool.timed for g in others)
    assert len(set(pool.judgeable())) == len(pool.judgeable()) >= 6


class Shares100(torch.nn.Module):
    """The logarithm of shares, which noise makes negative."""

    def __init__(self):
        super().__init__()
        self.shares = torch.nn.Parameter(torch.full((100,), 0.01))

    def forward(self, x):
        return torch.logsumexp(x + torch.log(self.shares), -1)


def test_where_noise_leaves_a_domain_values_keep_their_signs():
    pool = Pool(Ref(Shares100, lambda: [torch.rand(6, 100)]), random.Random(0))
    pool.fill()
    changed = [g for g in pool.groups if g.parameters.state is not None]
    assert not [g.refused for g in changed if g.refused and not g.parameters.only]
    for state in (pool.timed.state, pool.loaded.state):
        assert (state["shares"] > 0).all() and (state["shares"] != 0.01).all()


class Codes(torch.nn.Module):
    """One buffer that is drawn, and one that is not."""

    def __init__(self):
        super().__init__()
        self.register_buffer("codes", torch.randn(5, 4))
        self.register_buffer("table", torch.arange(5.0))
        self.register_buffer("once", torch.randn(5, 4), persistent=False)

    def forward(self, x):
        return torch.cdist(x, self.codes) + self.table


def test_buffers_that_the_constructor_draws_are_weights():
    pool = Pool(Ref(Codes, lambda: [torch.rand(6, 4)]), random.Random(0))
    pool.fill()
    states = [g.parameters.state for g in pool.groups if g.parameters.state is not None]
    assert len(states) >= 3
    for state in states:
        assert not torch.equal(state["codes"], pool.state["codes"])
        assert torch.equal(state["table"], pool.state["table"])


@pytest.mark.parametrize(("momentum", "moves"), [(0.1, True), (None, False)])
def test_a_pool_knows_whether_calls_move_buffers(momentum, moves):
    def made():
        norm = torch.nn.BatchNorm1d(4, momentum=momentum or 0.1)
        return norm.train(moves)

    pool = Pool(Ref(made, lambda: [torch.rand(6, 4)]), random.Random(0))
    pool.fill()
    assert pool.moves_buffers is moves
