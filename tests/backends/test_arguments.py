"""One form of a call: what by_position gives is what Python itself would bind."""

import inspect

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from kernelevo.backends.arguments import Parameters


class Plain(nn.Module):
    def forward(self, a, b, c=3, d=4):
        return a, b, c, d


class ByName(nn.Module):
    def forward(self, a, /, b=2, *rest, c=3, **more):
        return a, b, rest, c, more


NAMES = st.sampled_from("abcde")


@given(st.lists(st.integers(), max_size=4), st.dictionaries(NAMES, st.integers(), max_size=5))
def test_a_call_by_position_is_the_same_call(args, kwargs):
    module = Plain()
    found = Parameters.of(module).by_position(args, kwargs)
    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
    except TypeError:
        if kwargs:  # without names there is nothing to put in order: the call itself will say what is wrong
            assert found is None
        return
    assert found is not None and module(*found) == module(*args, **kwargs)
    assert found[: len(args)] == tuple(args)
    last = max((list("abcd").index(name) for name in bound.arguments), default=-1)
    assert len(found) == (last + 1 if kwargs else len(args))


@given(st.lists(st.integers(), min_size=1, max_size=4), st.dictionaries(NAMES, st.integers(), max_size=5))
def test_what_is_taken_by_name_only_has_no_place(args, kwargs):
    module = ByName()
    found = Parameters.of(module).by_position(args, kwargs)
    assert Parameters.of(module).by_position(args, {**kwargs, "e": None}) == Parameters.of(
        module
    ).by_position(args, {k: v for k, v in kwargs.items() if k != "e"})
    if not kwargs:
        assert found == tuple(args)
    elif set(kwargs) <= {"b"} and len(args) < 2:
        assert found is not None and module(*found) == module(*args, **kwargs)
    else:
        assert found is None


def test_none_for_an_unknown_name_is_no_argument_unless_nothing_takes_it():
    assert Parameters.of(Plain()).by_position((1, 2), {"e": None}) is None
    assert Parameters.of(ByName()).by_position((1,), {"b": None, "e": None}) == (1, None)


def test_a_forward_without_a_signature_takes_nothing_by_name():
    scripted = torch.jit.script(nn.ReLU())
    assert Parameters.of(scripted).by_position((1,), {}) == (1,)
    assert Parameters.of(scripted).by_position((), {"nothing": 1}) is None
