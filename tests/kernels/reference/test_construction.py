"""Whatever other threads draw meanwhile, the reference is the one of its seed, and its truth is right."""

import itertools
import random
import threading
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from kernelevo.errors import MachineError
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.reference import construction
from kernelevo.kernels.reference.conditioning import sane
from kernelevo.kernels.reference.construction import Construction
from tests.few import few
from tests.kernels.references import TRANSITION, DrawsState, Ref

DRAWS = Ref(DrawsState, lambda: [torch.rand(4, 3, 8)])


class Disturbed:
    """A reference during whose constructions and draws somebody else draws, every other time."""

    def __init__(self, source, every=2):
        self._source, self._count, self._every = source, itertools.count(), every

    def __getattr__(self, name):
        return getattr(self._source, name)

    def build(self, seed):
        disturbs = next(self._count) % self._every == self._every - 1
        module = self._source.build(seed + 12345 if disturbs else seed)
        if disturbs:
            module.register_forward_pre_hook(_draw)
        return module


def _draw(*_):
    torch.rand(3)


def truths(source):
    pool = Pool(source, random.Random(3))
    pool.fill()
    return [case.truth for group in pool.groups for case in group.cases]


@pytest.mark.parametrize("source", [TRANSITION, DRAWS], ids=["batch norm", "draws in forward"])
@pytest.mark.parametrize("every", few([2, 3, 4], 1))
def test_builds_and_draws_that_others_disturb_are_made_again(source, every, monkeypatch):
    monkeypatch.setattr(construction, "_REST", 0.0)
    for disturbed, calm in zip(truths(Disturbed(source, every)), truths(source), strict=True):
        assert disturbed.e_ref == calm.e_ref and disturbed.draws == calm.draws and not sane(disturbed)
        assert all(map(torch.equal, disturbed.ref32.leaves, calm.ref32.leaves))
        assert all(map(torch.equal, disturbed.oracle.leaves, calm.oracle.leaves))


def test_builds_that_are_disturbed_alike_are_not_held_where_somebody_draws_between_them(monkeypatch):
    class Twice(Disturbed):
        def build(self, seed):
            return self._source.build(seed + 12345 if next(self._count) < 3 else seed)

    rests = itertools.count()
    monkeypatch.setattr(construction.time, "sleep", lambda _: next(rests) < 3 and torch.rand(1))
    construct = Construction(Twice(TRANSITION))
    construct.hold(5)
    calm = construction.named_weights(TRANSITION.build(5))
    assert construct.weights(5).keys() == calm.keys()
    assert all(torch.equal(value, calm[name][2]) for name, value in construct.weights(5).items())


@contextmanager
def drawing():
    """Another thread that draws again and again, with pauses longer than a build takes on a busy machine."""
    over = threading.Event()

    def draw():
        for number in itertools.count(1):
            torch.rand(7)
            if over.wait(0.002 if number % 20 else 0.2):
                return

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.slow
def test_a_thread_that_keeps_drawing_spoils_no_truth():
    with drawing():
        for seed in range(20):
            pool = Pool(TRANSITION, random.Random(seed))
            assert not sane(pool.first.truth) and max(pool.first.truth.e_ref) < 1e-5


def test_a_reference_that_no_seed_holds_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(construction, "_REST", 0.0)
    own = torch.Generator()
    own.manual_seed(1)

    class Unseeded(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.rand(3, generator=own)

    with pytest.raises(MachineError, match="though it is seeded alike"):
        Pool(Ref(Unseeded, lambda: [torch.rand(3)]), random.Random(0))


def test_values_are_told_apart_to_the_last_bit_and_nan_is_itself():
    tables = iter([[0.0, torch.nan], [0.0, torch.nan], [1e-7, torch.nan], [0.0, torch.nan]])

    class Table:
        def build(self, seed):
            module = nn.Module()
            module.kept = [torch.tensor(next(tables))]
            return module

    made = Construction(Table())
    made.hold(1)
    made.hold(1)  # once for a seed
    assert torch.equal(made.build(1).kept[0].nan_to_num(), torch.zeros(2))
    assert next(tables, None) is None


@pytest.mark.parametrize("held", [True, False])
def test_the_weights_of_a_seed_are_those_of_its_module_and_of_none_that_ran(held):
    made = Construction(TRANSITION)
    if held:
        made.hold(7)
    before = {name: value.clone() for name, value in TRANSITION.build(7).state_dict().items()}
    module = made.build(7)
    with torch.no_grad():
        module(*TRANSITION.inputs(1))
    weights = made.weights(7)
    assert before.keys() <= weights.keys()
    assert all(torch.equal(value, weights[name]) for name, value in before.items())
    assert not all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.norm = nn.Linear(3, 4), nn.BatchNorm1d(4)
        self.table = {"scale": torch.rand(4), "act": torch.relu}
        self.again = self.linear

    def forward(self, x):
        return self.table["act"](self.norm(self.again(x))) * self.table["scale"]


class Closed(Plain):
    def __init__(self):
        super().__init__()
        self.first = lambda x: self.linear(x) + 1.0

    def forward(self, x):
        return self.norm(self.first(x))


class Bound(Plain):
    def __init__(self):
        super().__init__()
        self.first = self.linear.forward


class Shared(Plain):
    def __init__(self):
        super().__init__()
        whole = torch.rand(8)
        self.one, self.two = whole[:4], whole[4:]


class Counted:
    """A source that counts what it constructs, and takes its time."""

    def __init__(self, kind):
        self.kind, self.built = kind, 0

    def build(self, seed):
        self.built += 1
        torch.manual_seed(seed)
        return self.kind()


@pytest.mark.parametrize("kind", [Plain, Closed, Bound, Shared])
def test_a_slow_constructor_is_spared_only_where_a_copy_holds_nothing_of_the_original(kind, monkeypatch):
    monkeypatch.setattr(construction, "_COSTLY", 0.0)
    source = Counted(kind)
    made = Construction(source)
    made.hold(5)
    before = source.built
    one, x = made.build(5), torch.rand(6, 3)
    assert (source.built == before) == (kind is Plain)
    with torch.no_grad():
        right = one(x)
        one(x)
        for value in one.parameters():
            value.fill_(7.0)
        two = made.build(5)
        assert torch.equal(two(x), right) and two.again is two.linear
        assert torch.equal(Counted(kind).build(5)(x), right)
        assert not torch.equal(one(x), right)
