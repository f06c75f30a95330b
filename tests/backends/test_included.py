"""A source's headers by content: the same wherever they lie, another once a text changes."""

from pathlib import Path

import pytest

from kernelevo.backends.included import included


def tree(root: Path, deep: str = "int deep;") -> Path:
    for name, text in {
        "outer.h": '#include "near.h"\n#include <sub/deep.h>\n#include <no_such.h>\n',
        "near.h": "#pragma once\n#include <outer.h>\n",
        "sub/deep.h": deep,
        "other.h": "never included",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


SOURCE = "#include <outer.h>\n  #  include <cstdint>\n__global__ void f() {}\n"


def test_direct_and_indirect_headers_and_no_path(tmp_path: Path) -> None:
    first = included(SOURCE, [str(tree(tmp_path / "a"))])
    assert [name for name, _ in first] == ["near.h", "outer.h", "sub/deep.h"]
    assert included(SOURCE, [str(tree(tmp_path / "elsewhere"))]) == first
    assert included("int x;", [str(tmp_path / "a")]) == []


def test_a_changed_header_is_another_key(tmp_path: Path) -> None:
    first = included(SOURCE, [str(tree(tmp_path / "a"))])
    assert included(SOURCE, [str(tree(tmp_path / "b", deep="long deep;"))]) != first


def test_the_first_folder_counts_and_a_quote_looks_beside(tmp_path: Path) -> None:
    a, b = tree(tmp_path / "a"), tree(tmp_path / "b", deep="long deep;")
    assert included(SOURCE, [str(a), str(b)]) == included(SOURCE, [str(a)])
    assert included('#include "near.h"', []) == []


@pytest.mark.parametrize("text", ["#if __has_include(<sub/deep.h>)", "#\tinclude<sub/deep.h>"])
def test_every_way_to_name_one(tmp_path: Path, text: str) -> None:
    assert [name for name, _ in included(text, [str(tree(tmp_path / "a"))])] == ["sub/deep.h"]


def test_a_header_named_by_a_macro_ties_the_key_to_the_folder(tmp_path: Path) -> None:
    text = "#define H <outer.h>\n#include H\n"
    a, b = (included(text, [str(tree(tmp_path / name))]) for name in "ab")
    assert a != b
