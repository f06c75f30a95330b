"""Sets of parameter values: what a trained module may hold beside a fresh one."""

import random

import torch
from torch import nn

from kernelevo.kernels.cases import inputs
from kernelevo.kernels.cases.parameters import Weights


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.norm, self.out = nn.LSTM(6, 8), nn.LayerNorm(8), nn.Linear(8, 8)
        self.again = self.out


def weights_of(module):
    return Weights(
        7,
        {k: v.detach().clone() for k, v in module.state_dict().items()},
        frozenset(k for k, _ in module.named_parameters()),
        inputs.tied(module),
    )


def ratio(a, b):
    return float((a / b).abs().median())


def test_a_half_has_one_large_matrix_and_one_vector_that_is_moved():
    torch.manual_seed(0)
    weights = weights_of(Net())
    chains = weights.halves(random.Random(1))
    assert len(chains) == 2
    written = []
    for chain, way in zip(chains, ("in place", "moved"), strict=True):
        sets = [make() for make in chain]
        full, without_matrix, *_, plain = sets
        assert {s.name for s in sets} == {full.name} and {s.way for s in sets} == {way}
        assert all(s.only == full.only for s in sets)
        grown = [n for n, v in full.state.items() if not torch.equal(v, without_matrix.state[n])]
        assert {weights.state[n].ndim for n in grown} == {2}
        assert len({weights.tied.get(n, n) for n in grown}) == 1
        assert all(8 <= ratio(full.state[n], without_matrix.state[n]) <= 32 for n in grown)
        moved = {
            weights.tied.get(n, n)
            for n, v in without_matrix.state.items()
            if float((v - plain.state[n]).abs().max()) > 0.5
        }
        moved -= {n for n in moved if inputs.all_alike(weights.state[n])}  # signs of gains
        assert len(moved) <= 1 and {weights.state[n].ndim for n in moved} <= {1}
        shifts = [without_matrix.state[n] - plain.state[n] for n in moved]
        assert all(float(s.abs().max()) <= 6 and (s > 0).any() and (s < 0).any() for s in shifts)
        changed = {n for n, v in full.state.items() if not torch.equal(v, weights.state[n])}
        assert changed <= full.only
        assert all(torch.equal(v, full.state[weights.tied.get(n, n)]) for n, v in full.state.items())
        written.append(changed)
    assert written[0] | written[1] == set(weights.state) and not written[0] & written[1]


def test_one_row_of_each_parameter_is_another_and_never_the_first():
    torch.manual_seed(0)
    weights = weights_of(Net())
    rows = set()
    for seed in range(20):
        plain, relative = (make() for make in weights.rows(random.Random(seed)))
        assert plain.only == relative.only == frozenset(weights.state) and plain.way == "in place"
        for found in (plain, relative):
            for name, value in found.state.items():
                was = weights.state[name]
                assert torch.equal(value, found.state[weights.tied.get(name, name)])
                differs = (value != was).view(len(was), -1)
                assert int(differs.any(1).sum()) <= 1 and not differs[0].any()
                if found is plain:
                    assert float((value - was).abs().max()) >= 0.29 * max(float(was.std(correction=0)), 0.1)
                assert (torch.sign(value) == torch.sign(was)).all() or found is plain
        rows |= {int((plain.state["out.bias"] != weights.state["out.bias"]).nonzero())}
    assert len(rows) > 3
    single = nn.Module()
    single.scale = nn.Parameter(torch.randn(1, 4))
    assert not weights_of(single).rows(random.Random(1))


def test_running_statistics_that_no_call_updates_are_changed_alone():
    norm = nn.BatchNorm1d(6)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.1, 9.0)
    assert not inputs.statistics(norm)  # its own calls update them
    names = inputs.statistics(norm.eval())
    assert names == {"running_mean", "running_var"}
    assert not inputs.statistics(nn.BatchNorm1d(6, track_running_stats=False).eval())
    assert inputs.statistics(nn.Sequential(norm)) == {
        "0.running_mean",
        "0.running_var",
    }  # its own mode counts
    state = {k: v.detach().clone() for k, v in norm.state_dict().items()}
    weights = Weights(1, state, frozenset({"weight", "bias"}) | names, {}, names)
    (made,) = weights.moments(random.Random(3))
    alone = made()
    assert {n for n, v in alone.state.items() if not torch.equal(v, state[n])} == names < alone.only
    assert alone.only == names | {"num_batches_tracked"} and (alone.state["running_var"] > 0).all()
    for chain in (*weights.halves(random.Random(3)), weights.rows(random.Random(3))):
        for part in (make() for make in chain):
            assert all(torch.equal(part.state[n], state[n]) for n in names) and names <= part.only
    full = weights.changed(1, "load", random.Random(3))[0]().state
    assert (full["running_var"] > 0).all() and not torch.equal(full["running_var"], state["running_var"])
    assert not Weights(1, state, frozenset({"weight", "bias"}), {}).moments(random.Random(3))


def test_what_makes_no_difference_is_tried_once():
    """A module with one vector alone has no large matrix, and no gains."""
    module = nn.Module()
    module.bias = nn.Parameter(torch.randn(5))
    (chain,) = weights_of(module).halves(random.Random(1))
    assert len(chain) == 2
    moved, plain = (make().state["bias"] for make in chain)
    assert not torch.equal(moved, plain)


def test_equal_secrets_give_equal_values():
    torch.manual_seed(0)
    weights = weights_of(Net())
    one, two = (
        [make().state for chain in weights.halves(random.Random(3)) for make in chain] for _ in range(2)
    )
    assert all(torch.equal(a[n], b[n]) for a, b in zip(one, two, strict=True) for n in a)


def test_the_second_way_to_change_all_keeps_every_sign():
    weights = Weights(1, {"w": torch.full((1000,), 0.01), "z": torch.zeros(3)}, frozenset("wz"), {})
    plain, relative = (make().state for make in weights.changed(1, "load", random.Random(0)))
    assert (plain["w"] < 0).any() and (plain["z"] != 0).all()
    assert (relative["w"] > 0).all() and (relative["w"] != 0.01).all() and (relative["z"] == 0).all()
