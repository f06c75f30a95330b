"""Plain data: what goes in comes out, in exact types; anything else is refused with its place."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelevo.sandbox.plain_data import NotPlain, decode, encode

text = st.text(st.characters(exclude_categories=("Cs",)))
leaf = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | text
    | st.binary(max_size=20)
    | st.fractions()
    | st.complex_numbers(allow_nan=False)
)
plain = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(text | st.integers(), inner, max_size=4)
        | st.sets(st.integers(), max_size=4)
    ),
    max_leaves=12,
)


def through(value):
    return decode(json.loads(json.dumps(encode(value))))


@given(plain)
@settings(max_examples=100, deadline=None)
def test_a_value_survives_with_its_types(value):
    back = through(value)
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("kind", ["bool", "int8", "uint64", "float16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (0, 4)])
def test_an_array_survives(kind, shape):
    array = np.ones(shape, kind)
    back = through([array])[0]
    assert back.dtype == array.dtype and back.shape == shape and np.array_equal(back, array)


def test_numbers_that_json_does_not_have():
    assert through(float("inf")) == float("inf") and np.isnan(through(float("nan")))
    assert through(10**6000) == 10**6000
    assert type(through(np.float64(0.5))) is float and type(through(np.int64(3))) is int


LONG = Fraction(1, 1 << 300_000)


@pytest.mark.parametrize(
    "bad", [object(), [{"a": object()}], np.array([object()]), np.array(["a"]), len, [LONG]], ids=range(6)
)
def test_what_is_not_plain_is_refused(bad):
    with pytest.raises(NotPlain):
        encode(bad)


HOSTILE = [
    {"~": "pickle", "v": "gASV"},
    {"~": ["array"], "v": 1},
    {"~": "array"},
    {"~": "array", "v": ["object", [1], "AAAAAAAAAAA="]},
    {"~": "array", "v": ["float64", [1 << 40], "AAAA"]},
    {"~": "array", "v": ["float64", [-1, -1], "AAAAAAAAAAA="]},
    {"~": "array", "v": ["float64", [True], "AAAAAAAAAAA="]},
    {"~": "array", "v": ["float64", 1, "AAAAAAAAAAA="]},
    {"~": "int", "v": "not a number"},
    {"~": "int", "v": 7},
    {"~": "fraction", "v": ["0x1", "0x0"]},
    {"~": "dict", "v": [[[1], 2]]},
    {"~": "set", "v": [[1]]},
    {"~": "complex", "v": [1]},
    {"~": "bytes", "v": "?"},
    {"~": "fraction", "v": [hex(1 << 300_000), "0x3"]},  # to reduce such ones takes minutes
    {"~": "array", "v": ["float64", [10**9, 0], ""]},  # a list of a thousand million empty lists
    {"~": "set", "v": [k * (2**61 - 1) for k in range(1, 30_000)]},  # all have the hash 0
    {"~": "dict", "v": [[k * (2**61 - 1), 0] for k in range(1, 30_000)]},
]


@pytest.mark.parametrize("message", HOSTILE)
def test_a_hostile_message_is_refused(message):
    with pytest.raises(NotPlain):
        decode({"x": [message]})


def test_half_a_surrogate_pair_does_not_come_through():
    assert decode(json.loads('"\\ud800"')) == "?"
