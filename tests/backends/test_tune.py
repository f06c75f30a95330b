"""TUNE tables: read, fixed, and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.backends.tune import read_table, values_in_use, with_values
from kernelevo.errors import BadProgram

PROGRAM = '''"""A program, é."""
import torch

TUNE = {
    "BLOCK": [64, 128, 256],  # columns of a tile
    "MODE": ("a", "b"),
}


class ModelNew(torch.nn.Module):
    def forward(self, x):
        TUNE = 3
        return x * TUNE["BLOCK"][0]
'''


def test_a_table_is_read_and_fixed() -> None:
    assert read_table(PROGRAM) == {"BLOCK": [64, 128, 256], "MODE": ["a", "b"]}
    assert values_in_use(PROGRAM) == {"BLOCK": 64, "MODE": "a"}
    fixed = with_values(PROGRAM, {"BLOCK": 128})
    assert read_table(fixed) == {"BLOCK": [128], "MODE": ["a", "b"]}
    assert fixed.split("class ModelNew")[1] == PROGRAM.split("class ModelNew")[1]
    assert len(fixed.splitlines()) == len(PROGRAM.splitlines())


def test_choices_can_be_kept_in_one_order() -> None:
    once = with_values(PROGRAM, {"BLOCK": 256}, keep_choices=True)
    assert read_table(once)["BLOCK"] == [256, 64, 128]
    other = with_values(once, {"BLOCK": 128}, keep_choices=True)
    assert with_values(other, {"BLOCK": 256}, keep_choices=True) == once


def test_programs_without_a_table() -> None:
    assert read_table("x = 1\n") == {} and with_values("x = 1\n", {}) == "x = 1\n"
    with pytest.raises(BadProgram, match="tunes no 'BLOCK'"):
        with_values("x = 1\n", {"BLOCK": 1})
    with pytest.raises(BadProgram, match="did you mean 'BLOCK'"):
        with_values(PROGRAM, {"BLOK": 1})


@pytest.mark.parametrize(
    "text",
    [
        "TUNE = 3",
        "TUNE = {'a': []}",
        "TUNE = {'a': 3}",
        "TUNE = {1: [2]}",
        "TUNE = {'a': [[1]]}",
        "TUNE = {'a': [x]}",
        "TUNE = {'a': list(range(3))}",
        "TUNE, b = {}, 1",
        "TUNE = {}\nTUNE = {}",
        "if 1:\n    TUNE = {'a': [1]}",
        "TUNE = {'a': [None]}",
        "TUNE = {[]: [1]}",
        "TUNE = (",
    ],
)
def test_bad_tables_are_refused(text: str) -> None:
    with pytest.raises(BadProgram):
        read_table(text + "\n")


choice = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
tables = st.dictionaries(st.text(max_size=8), st.lists(choice, min_size=1, max_size=5), max_size=5)


def same(a: object, b: object) -> bool:
    return repr(a) == repr(b)  # 1, 1.0 and True are different choices


@given(tables, st.data(), st.booleans())
def test_round_trip(table: dict[str, list[object]], data: st.DataObject, keep: bool) -> None:
    source = f"import torch\nTUNE = {table!r}\nx = TUNE\n"
    assert same(read_table(source), table)
    some = [name for name in table if data.draw(st.booleans())]
    chosen = {name: data.draw(st.sampled_from(table[name])) for name in some}
    after = read_table(with_values(source, chosen, keep_choices=keep))
    assert list(after) == list(table)
    for name, choices in table.items():
        if name not in chosen:
            assert same(after[name], choices)
        else:
            assert same(after[name][0], chosen[name])
            left = {repr(c) for c in choices} if keep else {repr(chosen[name])}
            assert {repr(c) for c in after[name]} == left
