"""Distributions, perturbed parameters, fresh values."""

import random

import pytest
import torch

from kernelevo.kernels.cases.inputs import DISTRIBUTIONS, draw, free_leaves, is_free, perturbed
from kernelevo.kernels.reference.tree import reals
from kernelevo.kernels.timing.stream import Stream
from tests.kernels.references import TRANSITION, Ref


def mixed():
    lengths = torch.randint(1, 5, (4,))
    mask = torch.arange(8) < lengths[:, None]
    return [torch.rand(4, 8), {"mask": mask.float(), "ids": lengths, "alpha": 0.5}]


MIXED = Ref(torch.nn.Identity, mixed)


def test_only_free_leaves_change():
    free = free_leaves(MIXED, 0)
    shipped = MIXED.inputs(5)
    assert sum(free) == 1
    for name in DISTRIBUTIONS:
        x, rest = draw(MIXED, name, 5, free)
        assert x.shape == (4, 8) and x.dtype is torch.float32
        assert torch.equal(rest["mask"], shipped[1]["mask"]) and rest["alpha"] == 0.5
        assert torch.equal(x, draw(MIXED, name, 5, free)[0])
    assert draw(MIXED, "normal", 5, free)[0].min() < 0
    assert (draw(MIXED, "sparse", 5, free)[0] == 0).float().mean() > 0.5
    rows = draw(MIXED, "rows", 5, free)[0]
    means = rows.mean(1, keepdim=True)
    assert ((rows - means).abs() < 0.006 * means.abs()).all() and (rows.std(1) > 0).all()
    with pytest.raises(ValueError):
        draw(MIXED, "unknown", 5, free)


def test_outliers_stand_first_last_and_between_with_the_sign_of_what_was_there():
    wide = Ref(torch.nn.Identity, lambda: [torch.randn(300, 50).t().contiguous().t()])
    x, shipped = (draw(wide, name, 3, [True])[0] for name in ("outlier", "shipped"))
    changed = x != shipped
    assert x.stride() == shipped.stride() and (changed.sum(1) == 1).all()
    places, values = changed.nonzero()[:, 1], x[changed]
    assert (values.abs() >= 128).all() and (values.abs() < 240).all()
    assert torch.equal(values.sign(), shipped[changed].sign())
    assert (places == 0).sum() > 60 and (places == 49).sum() > 60 and places.unique().numel() > 20
    half = draw(Ref(torch.nn.Identity, lambda: [torch.rand(9).half()]), "outlier", 3, [True])[0]
    assert half.dtype is torch.float16 and half.isfinite().all() and (half > 100).sum() == 1


def test_perturbed_parameters_move_and_tables_stay():
    module = TRANSITION.build(0)
    module.register_buffer("mask", torch.tril(torch.ones(3, 3)))
    state = module.state_dict()
    names = frozenset(k for k, _ in module.named_parameters())
    moved = perturbed(state, names, 1)
    assert torch.equal(moved["mask"], state["mask"])
    assert torch.equal(moved["norm.num_batches_tracked"], state["norm.num_batches_tracked"])
    for name in (*names, "norm.running_mean", "norm.running_var"):
        assert not torch.equal(moved[name], state[name]), name
    assert (moved["norm.running_var"] > 0).all()
    assert all(torch.equal(v, perturbed(state, names, 1)[k]) for k, v in moved.items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.complex64])
def test_noise_is_a_tenth_of_a_parameters_own_deviation_and_of_those_named_alone(dtype):
    real = torch.float64 if dtype.is_complex else torch.float32
    values = (5 + 3 * torch.randn(20000, dtype=real)).to(dtype)
    state, names = {"mine": values, "other": values.clone()}, frozenset({"mine", "other"})
    moved = perturbed(state, names, 3, only={"mine"})
    assert moved["other"] is state["other"] and moved["mine"].dtype is dtype
    before, after = (reals(v).double() for v in (values, moved["mine"]))
    # a complex number's unit of noise is shared by its parts
    unit = 0.1 * float(before.std(correction=0)) * (0.5**0.5 if dtype.is_complex else 1)
    assert float((after - before).std()) == pytest.approx(unit, rel=0.03)


def test_the_stream_never_repeats_and_can_be_told_again():
    stream = Stream(MIXED, free_leaves(MIXED, 0), DISTRIBUTIONS, random.Random(1), slack=64)
    seen, kinds, lengths = [], set(), set()
    for _ in range(60):
        pick = stream.pick()
        kinds.add(pick.distribution)
        views = [torch.empty(4, 8), torch.empty(4, 8), torch.empty(4, dtype=torch.int64)]
        stream.write(pick, views)
        again = [v for v in stream.leaves(pick) if isinstance(v, torch.Tensor)]
        assert all(torch.equal(a, b) for a, b in zip(views, again, strict=True))
        assert not any(torch.equal(views[0], old) for old in seen)
        assert set(views[1].unique().tolist()) <= {0.0, 1.0}
        seen.append(views[0])
        lengths.add(tuple(views[2].tolist()))
    assert len(lengths) > 30  # of 256
    assert kinds == {"shipped", "normal", "signed", "small", "large"}


def test_a_task_without_free_inputs_streams_its_own_draws():
    ref = Ref(torch.nn.Identity, lambda: [torch.randint(0, 9, (5,))])
    stream = Stream(ref, free_leaves(ref, 0), DISTRIBUTIONS, random.Random(1))
    pick = stream.pick()
    assert pick.distribution == "shipped" and stream.leaves(pick)[0].dtype is torch.int64


@pytest.mark.parametrize(
    "inputs",
    [lambda: [torch.randint(0, 1000, (40,))], lambda: [torch.rand(300).bfloat16()]],
    ids=["numbers of words", "bfloat16"],
)
def test_inputs_that_only_the_task_can_draw_never_come_twice(inputs):
    """Of two sets in turn a program would keep the answers."""
    ref, threads = Ref(torch.nn.Identity, inputs), torch.get_num_threads()
    stream = Stream(ref, [False], DISTRIBUTIONS, random.Random(1))
    picks = [stream.pick() for _ in range(50)]
    drawn = [stream.leaves(pick)[0] for pick in picks]
    assert len({tuple(x.tolist()) for x in drawn}) == 50
    assert torch.equal(stream.leaves(picks[7])[0], drawn[7]) and torch.get_num_threads() == threads


def test_what_is_the_same_in_every_draw_is_not_drawn_anew(monkeypatch):
    ref = Ref(torch.nn.Identity, lambda: [torch.rand(4, 8), torch.tril(torch.ones(8, 8))])
    stream = Stream(ref, free_leaves(ref, 0), DISTRIBUTIONS, random.Random(1))
    stream.leaves(stream.pick())
    picks = [stream.pick() for _ in range(9)]
    monkeypatch.setattr(ref, "inputs", None)
    assert all(torch.equal(stream.leaves(pick)[1], torch.tril(torch.ones(8, 8))) for pick in picks)


def draws(make):
    torch.manual_seed(4)
    return make(), make()


STRUCTURED = {
    "sorted": lambda: torch.rand(100).sort().values,
    "sorted down a column": lambda: torch.rand(40, 3).sort(0, descending=True).values,
    "triangular": lambda: torch.triu(torch.rand(16, 16)),
    "symmetric": lambda: torch.randn(32, 32).cov(),
    "shares": lambda: torch.softmax(torch.randn(8, 100), -1),
    "unit vectors": lambda: torch.nn.functional.normalize(torch.randn(50, 64), dim=1),
    "one in ten, at places that stay": lambda: torch.rand(1000) * (torch.arange(1000) % 10 == 0),
}
UNSTRUCTURED = {
    "uniform": lambda: torch.rand(4, 1 << 18),
    "uniform in bfloat16": lambda: torch.rand(64, 256, dtype=torch.bfloat16),
    "uniform in float16": lambda: torch.rand(64, 256, dtype=torch.float16),
    "normal": lambda: torch.randn(32, 32),
    "a square": lambda: torch.rand(2, 2),
    "with zeros": lambda: torch.rand(64, 64) * (torch.rand(64, 64) > 0.1),
    "short": lambda: torch.rand(3),
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_reals_with_a_structure_stay_as_the_task_draws_them(name):
    assert not is_free(*draws(STRUCTURED[name]))


@pytest.mark.parametrize("name", UNSTRUCTURED)
def test_random_reals_are_free(name):
    assert is_free(*draws(UNSTRUCTURED[name]))
