"""Sizes, variants and constants of a task file's text."""

import inspect
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.backends import taskfile
from kernelevo.errors import BadProgram, BadSetting

TEXT = '''"""é: a name with two bytes."""
import torch
from torch import nn

batch = 8; width = (
    4 *
    4
)
total: int = batch * 2
KIND = "normal"
SIZES = {"small": {"batch": 2, "width": 3}, "v0": {"batch": 5}}
VARIANTS = {"he": {"KIND": "he"}}


class Model(nn.Module):
    def forward(self, x):
        return x * batch
'''


def run(**values: object) -> dict[str, object]:
    module = taskfile.execute(taskfile.with_constants(TEXT, values), "task.py", prefix="t")
    return vars(module)


def test_sizes_and_variants_are_listed() -> None:
    assert taskfile.sizes(TEXT) == ("full", "small", "v0")
    assert taskfile.variants(TEXT) == ("he",)
    assert taskfile.sizes("class Model: pass\nclass ModelV0: pass\n") == ("full", "v0")
    assert taskfile.sizes("x = 1\n") == ("full",)


def test_overrides_reach_constants_computed_from_others() -> None:
    names = run(**taskfile.overrides(TEXT, "small", "he"))
    assert (names["batch"], names["width"], names["total"], names["KIND"]) == (2, 3, 4, "he")


def test_full_changes_nothing() -> None:
    assert taskfile.with_constants(TEXT, taskfile.overrides(TEXT, "full", None)) == TEXT


def test_lines_stay_where_they_are() -> None:
    changed = taskfile.with_constants(TEXT, {"width": 7, "batch": 1})
    assert len(changed.splitlines()) == len(TEXT.splitlines())
    line = "class Model(nn.Module):"
    assert changed.splitlines().index(line) == TEXT.splitlines().index(line)


def test_constants_of_one_line_do_not_move_one_another() -> None:
    text = "a = 1; b = 2; c = 3\n"
    changed = taskfile.with_constants(text, {"a": 16, "c": 300, "b": 32})
    assert changed == "a = 16; b = 32; c = 300\n"


value = st.one_of(
    st.integers(-(10**9), 10**9),
    st.text(max_size=20),
    st.booleans(),
    st.lists(st.integers(0, 9), max_size=4),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
    st.tuples(st.integers(), st.text(max_size=3)),
)


@given(batch=value, width=value)
def test_any_literal_can_be_set(batch: object, width: object) -> None:
    changed = taskfile.with_constants(TEXT.replace("batch * 2", "0"), {"batch": batch, "width": width})
    names: dict[str, object] = {}
    exec(changed.split("class Model")[0].replace("import torch\nfrom torch import nn", ""), names)
    assert (names["batch"], names["width"]) == (batch, width)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a, b = 1, 2\n", "line 1: expected a = value once"),
        ("a = b = 1\n", "line 1"),
        ("a = 1\na = 2\n", "line 1, 2"),
        ("def f():\n    a = 1\n", "does not assign it"),
        ("if True:\n    a = 1\n", "line 1"),
        ("a += 1\n", "line 1"),
    ],
)
def test_only_plain_constants_can_be_overridden(text: str, says: str) -> None:
    with pytest.raises(BadProgram, match=says):
        taskfile.with_constants(text, {"a": 3})


def test_unknown_size_names_the_known_ones() -> None:
    with pytest.raises(BadSetting, match="no size 'tiny'") as caught:
        taskfile.overrides(TEXT, "tiny", None)
    assert "full, small, v0" in str(caught.value)
    with pytest.raises(BadSetting, match="use --size full"):
        taskfile.overrides("x = 1\n", "small", None)
    with pytest.raises(BadSetting, match="no variant 'hee'"):
        taskfile.overrides(TEXT, "full", "hee")


@pytest.mark.parametrize(
    "table", ["SIZES = 3", "SIZES = {'a': 1}", "SIZES = {'a': {'b': f()}}", "SIZES += {}"]
)
def test_a_table_that_is_not_literal_is_refused(table: str) -> None:
    with pytest.raises(BadProgram, match="SIZES is not a table"):
        taskfile.sizes(table + "\n")


def test_source_of_a_module_without_a_file_is_found() -> None:
    module = taskfile.execute(TEXT, "task.py", prefix="t")
    assert "x * batch" in inspect.getsource(module.Model)
    assert sys.modules[module.__name__] is module
    again = taskfile.execute(TEXT, "task.py", prefix="t")
    assert again.__name__ != module.__name__ and again.Model is not module.Model


def test_a_broken_file_says_where() -> None:
    with pytest.raises(BadProgram, match="line 2"):
        taskfile.parse("a = 1\nb = (\n", "x.py")
    with pytest.raises(BadProgram, match=r"raises ZeroDivisionError[\s\S]*line 2"):
        taskfile.execute("a = 1\nb = a / 0\n", "x.py", prefix="t")


@pytest.mark.parametrize("text", ["from .layers import Block\n", "import layers_beside_it\n"])
def test_a_file_that_needs_its_folder_is_told_what_to_do(text: str) -> None:
    with pytest.raises(BadProgram, match="when it is imported") as caught:
        taskfile.execute(text, "x.py", prefix="t")
    assert "PYTHONPATH" in caught.value.now and "kernelevo.optimize" in caught.value.now


def test_a_deeply_nested_text_is_read_or_refused() -> None:
    long_sum = "x = " + " +\\\n".join(["1"] * 1500) + "\ny = 2\n"
    assert [name for name, _ in taskfile.bound_names(taskfile.parse(long_sum, "x.py").body)] == ["x", "y"]
    with pytest.raises(BadProgram, match="not valid Python"):
        taskfile.parse("x = " + "-" * 100_000 + "1\n", "x.py")
