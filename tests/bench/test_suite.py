"""Which tasks a person means, and which may enter a mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.bench.suite import Suite, folder_name
from kernelevo.errors import BadSetting, TaskNotFound
from kernelevo.tasks import bundled, grade

LEVEL3, OPS = Suite.find("kernelbench:3"), Suite.find("ops")
GAPPED = Suite("kernelbench:3", ("1", "3", "50"))
BUNDLED = [int(n) for n in LEVEL3.ids]


def test_all_tasks_with_the_repaired_ones_beside_the_blind():
    names = LEVEL3.tasks()
    repaired = {3: "he", 7: "he", 11: "he", 12: "he", 18: "he", 24: "excite", 28: "batchfirst"}
    assert len(names) == len(BUNDLED) + len(repaired)
    assert [n for n in names if grade(n) != "judgeable"] == [f"kernelbench:3/{n}" for n in repaired]
    for number, variant in repaired.items():
        name = f"kernelbench:3/{number}"
        assert grade(name) == ("unjudgeable" if number == 24 else "blind")
        assert names[names.index(name) + 1] == f"{name}@{variant}"
    assert OPS.tasks() == tuple(n for n in bundled() if n.startswith("ops/"))
    assert all(grade(name) != "unknown" for name in bundled())
    assert grade("kernelbench:3/3@nope") == grade("elsewhere.py") == "unknown"


@pytest.mark.parametrize(
    ("suite", "text", "found"),
    [
        (LEVEL3, "1-8,31", ["1", "2", "3", "3@he", "4", "5", "6", "7", "7@he", "8", "31"]),
        (LEVEL3, "28@batchfirst", ["28@batchfirst"]),
        (LEVEL3, " 13 , kernelbench:3/31,013", ["13", "31"]),
        (LEVEL3, "1-50", [n.partition("/")[2] for n in LEVEL3.tasks()]),
        (LEVEL3, "28", ["28", "28@batchfirst"]),
        (LEVEL3, "50-50", ["50"]),
        (OPS, "softmax,gemm", ["softmax", "gemm"]),
        (OPS, "ops/softmax", ["softmax"]),
    ],
)
def test_tasks_as_people_write_them(suite, text, found):
    assert suite.select(text) == tuple(f"{suite.name}/{part}" for part in found)


@pytest.mark.parametrize(
    ("suite", "text", "words"),
    [
        (LEVEL3, "0", "has no task '0'"),
        (LEVEL3, "99", "has no task '99'"),
        (LEVEL3, "a-b", "has no task 'a-b'"),
        (LEVEL3, "1-99", "leaves 1-50"),
        (LEVEL3, "0-5", "leaves 1-50"),
        (LEVEL3, "17-1", "ends before it begins"),
        (GAPPED, "9-12", "no task of 9-12 is bundled"),
        (LEVEL3, "1-999999999", "leaves 1-50"),
        (GAPPED, "2", "has no task '2'"),
        (LEVEL3, "-3", "has no task '-3'"),
        (LEVEL3, "1,,3", "has no task ''"),
        (LEVEL3, "", "has no task ''"),
        (LEVEL3, "28@", "has no task '28@'"),
        (LEVEL3, "softmax", "has no task"),
        (OPS, "1-3", "have names, not numbers"),
        (OPS, "softmaxx", "did you mean 'softmax'"),
        (OPS, "١", "has no task"),
    ],
)
def test_what_is_no_task_is_refused(suite, text, words):
    with pytest.raises(BadSetting) as caught:
        suite.select(text)
    assert words in str(caught.value) and caught.value.now


def test_an_unknown_suite_or_variant():
    with pytest.raises(BadSetting, match="did you mean 'kernelbench:3'"):
        Suite.find("kernelbench:4")
    with pytest.raises(TaskNotFound, match="no variant 'hee'"):
        LEVEL3.select("3@hee")


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_range_takes_exactly_what_lies_in_it(a, b):
    first, last = sorted((a, b))
    inside = [n for n in BUNDLED if first <= n <= last]
    if inside:
        assert LEVEL3.select(f"{first}-{last}") == tuple(
            name for name in LEVEL3.tasks() if int(name.partition("/")[2].partition("@")[0]) in inside
        )
    else:
        with pytest.raises(BadSetting):
            LEVEL3.select(f"{first}-{last}")


@given(st.text(max_size=12))
def test_any_text_is_tasks_or_refused(text):
    try:
        names = LEVEL3.select(text)
    except (BadSetting, TaskNotFound):
        return
    assert names and {name.partition("@")[0] for name in names} <= set(bundled())


def test_a_folders_name():
    assert folder_name("kernelbench:3/28@batchfirst") == "kernelbench_3_28@batchfirst"
    assert folder_name("ops/gemm_batched") == "ops_gemm_batched"
