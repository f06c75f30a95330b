"""Changes: both texts can be read back from the rows, and nothing in them is markup."""

import time

from hypothesis import given
from hypothesis import strategies as st

from kernelevo.report.changes import LONGEST, changes_html, side_by_side

texts = st.lists(st.text("ab<&\"' ", max_size=4), max_size=12).map("\n".join)


@given(texts, texts)
def test_both_texts_are_in_the_rows(one: str, two: str) -> None:
    rows = side_by_side(one, two, context=99)
    assert [row.left for row in rows if row.left is not None] == one.splitlines()
    assert [row.right for row in rows if row.right is not None] == two.splitlines()
    assert all(row.kind == "same" for row in rows if row.left == row.right)


def test_long_equal_stretches_are_left_out() -> None:
    same = [f"line {n}" for n in range(50)]
    rows = side_by_side("\n".join(same), "\n".join([*same, "more"]))
    assert [row.kind for row in rows] == ["gap", "same", "same", "same", "added"]
    assert rows[-1].right_number == 51 and rows[1].left_number == 48


def test_what_is_written_is_shown_and_never_markup() -> None:
    page = changes_html("a = 1", "<script>alert('x')</script>")
    assert "<script>" not in page and "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in page
    assert changes_html("a", "a") == "<p>the same text</p>"


def test_a_very_long_text_is_cut_and_says_so() -> None:
    rows = side_by_side("", "\n".join("x" * 3 for _ in range(LONGEST + 5)))
    assert rows[-1].right == "[... 5 lines left out ...]"


def test_thousands_of_equal_lines_are_compared_at_once() -> None:
    """Whoever looks at the live page waits for it, and so does everybody else."""
    table = ["    0,"] * (LONGEST - 10)
    one = ["TABLE = [", *table, "]"]
    two = ["TABLE = [", *table, "]"]
    for place in (100, 3000, 5900):
        two[place] = "    1,"
    began = time.perf_counter()
    rows = side_by_side("\n".join(one), "\n".join(two))
    assert time.perf_counter() - began < 2.0  # 0.02 s on an idle core
    changed = [(row.left_number, row.left, row.right) for row in rows if row.kind not in ("same", "gap")]
    assert changed == [(n + 1, "    0,", "    1,") for n in (100, 3000, 5900)]
    longer = side_by_side("\n".join(one), "\n".join([*two[:200], "    7,", *two[200:]]), context=99999)
    assert time.perf_counter() - began < 4.0
    assert [row.right for row in longer if row.right is not None].count("    7,") == 1
