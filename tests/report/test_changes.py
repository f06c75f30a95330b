"""Changes: both texts can be read back from the rows, and nothing in them is markup."""

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
