"""Upstream's files and its dataset, read as they are; what is broken is named."""

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.backends.reference import SourceReference
from kernelevo.errors import BadSetting
from kernelevo.tasks import read_level, table_files
from kernelevo.tasks.upstream import _whole, broken
from tests.tasks.foreign import TODAY, V0, checkout, lines


@pytest.mark.parametrize("home", ["KernelBench", ".", "KernelBench/KernelBench"])
def test_a_checkout_is_read_unchanged_in_either_form(tmp_path, home):
    found = read_level(checkout(tmp_path, {"2_Old": V0, "10_New": TODAY}, home=home), 1)
    assert list(found.tasks) == [2, 10] and found.unread == ()
    assert found.tasks[2].text == V0 and found.tasks[10].text == TODAY and found.tasks[10].title == "New"
    assert not any(task.problem for task in found.tasks.values())
    old, new = (SourceReference(found.tasks[n].text).inputs(1)[0] for n in (2, 10))
    assert old.shape == (1, 8) and float(old.min()) < 0 and new.shape == (4, 8) and float(new.min()) >= 0


def test_the_levels_own_folder_will_do(tmp_path, monkeypatch):
    checkout(tmp_path, {"1_A": TODAY})
    lines(tmp_path / "KernelBench" / "level1" / "more.jsonl", [{"problem_id": 2, "name": "B", "code": TODAY}])
    monkeypatch.chdir(tmp_path / "KernelBench" / "level1")
    for folder in (tmp_path / "KernelBench" / "level1", Path(), Path("../level1")):
        found = read_level(folder, 1)
        assert [t.where for t in found.tasks.values()] == ["1_A.py", "more.jsonl, row 1"]


def test_what_is_broken_is_named_and_the_rest_is_there(tmp_path):
    texts = {
        "1_A": TODAY,
        "2_Broken": "def (",
        "3_Half": "class Model: pass",
        "notes": "x = 1",
        "01_A": TODAY,
    }
    folder = checkout(tmp_path, texts)
    (folder / "KernelBench" / "level1" / "4_Bytes.py").write_bytes(b"\xff\xfe\x00")
    found = read_level(folder, 1)
    problems = {n: task.problem for n, task in found.tasks.items()}
    assert (
        problems[1] == "" and "not valid Python" in problems[2] and "not be read as text" not in problems[3]
    )
    assert problems[3] == "it defines no get_inputs, no get_init_inputs"
    assert problems[4].startswith("it cannot be read as text")
    assert any("notes.py: not named N_Name.py" in words for words in found.unread)
    assert any("has the number 1 already" in words for words in found.unread)


def test_rows_of_the_dataset(tmp_path):
    rows = [
        {"level": 1, "name": "3_A", "problem_id": 3, "code": TODAY},
        {"level": 2, "name": "1_B", "problem_id": 1, "code": TODAY},
        {"level": "1", "name": "12_C", "code": V0},
        {"level": 1, "name": "C", "code": V0},
        {"level": 1, "problem_id": 4, "code": None},
        "not json",
        "[1]",
        {"name": "5_D", "code": V0},
    ]
    lines(tmp_path / "data" / "train.jsonl", rows)
    found = read_level(tmp_path, 1)
    assert list(found.tasks) == [3, 4, 12] and found.tasks[12].text == V0
    assert "it defines no Model" in found.tasks[4].problem
    said = "\n".join(found.unread)
    assert len(found.unread) == 4 and "row 6: not JSON" in said and "row 7: not a JSON object" in said
    assert "row 4: neither problem_id" in said and "row 8: it says no level" in said
    assert list(read_level(tmp_path, 2).tasks) == [1]


def test_a_level_may_be_the_files_or_folders_and_a_document_one_list(tmp_path):
    (tmp_path / "level_3").mkdir()
    (tmp_path / "level_3" / "rows.json").write_text(json.dumps([{"name": "7_A", "code": TODAY}]))
    lines(tmp_path / "level_1.jsonl", [{"problem_id": 2.0, "name": "B", "code": TODAY}])
    assert list(read_level(tmp_path, 3).tasks) == [7] and list(read_level(tmp_path, 1).tasks) == [2]
    with pytest.raises(BadSetting, match="no task of level 2"):
        read_level(tmp_path, 2)


def test_parquet_and_arrow_need_pyarrow(tmp_path, monkeypatch):
    (tmp_path / "level_1.parquet").write_bytes(b"PAR1")
    lines(tmp_path / "level_1.jsonl", [{"problem_id": 2, "name": "B", "code": TODAY}])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = read_level(tmp_path, 1)
    assert list(found.tasks) == [2] and "need the package pyarrow" in found.unread[0]


def test_columns_as_pyarrow_reads_them(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"code": [TODAY], "level": [1], "name": ["6_A"], "problem_id": [6]})
    parquet.write_table(table, tmp_path / "level_1.parquet")
    with (
        pyarrow.OSFile(str(tmp_path / "level_1.arrow"), "wb") as out,
        pyarrow.ipc.new_stream(out, table.schema) as writer,
    ):
        writer.write_table(table)
    found = read_level(tmp_path, 1)
    assert found.tasks[6].text == TODAY and "number 6 already" in found.unread[0]
    (tmp_path / "level_1.arrow").write_bytes(b"nothing of the kind")
    assert "not a arrow file" in read_level(tmp_path, 1).unread[0]


def test_no_folder_and_nothing_in_it(tmp_path):
    with pytest.raises(BadSetting, match="there is no folder"):
        read_level(tmp_path / "nowhere", 1)
    with pytest.raises(BadSetting, match="holds no task of level 4"):
        read_level(tmp_path, 4)


@pytest.mark.parametrize("text", ["-" * 100_000 + "1", "x" + ".a" * 100_000], ids=["signs", "dots"])
def test_a_text_that_is_nested_too_deeply_is_no_task(text):
    assert broken(text).startswith("it is not valid Python: ")


def test_half_a_surrogate_pair_is_named_and_what_is_kept_can_be_written(tmp_path):
    rows = [{"level": 1, "problem_id": 1, "name": "A\ud83d", "code": f"{TODAY}# \ud83d"}]
    lines(tmp_path / "data" / "train.jsonl", rows)
    task = read_level(tmp_path, 1).tasks[1]
    assert (task.title, task.text) == ("A?", f"{TODAY}# ?") and "surrogates not allowed" in task.problem


def test_a_name_that_is_no_text_is_spelled_out(tmp_path):
    place = checkout(tmp_path, {"1_A": TODAY}) / "KernelBench" / "level1"
    for name in (b"2_\xe9.py", b"n\xe9.py"):
        (place / os.fsdecode(name)).write_text(TODAY)
    found = read_level(tmp_path, 1)
    task = found.tasks[2]
    assert (task.where, task.title) == ("KernelBench/level1/2_\\udce9.py", "?") and not task.problem
    assert found.unread == ("KernelBench/level1/n\\udce9.py: not named N_Name.py",)


@given(st.text(max_size=60))
def test_any_text_has_a_verdict(text):
    assert broken(text) != ""
    assert broken(f"{TODAY}\n# {text.splitlines()[0] if text.splitlines() else ''}".replace("\0", "")) == ""


@given(st.lists(st.one_of(st.dictionaries(st.text(max_size=3), st.integers()), st.integers(), st.text())))
def test_every_row_of_a_document_comes_once_and_in_order(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "rows.json"
    path.write_text(json.dumps(rows))
    found = list(table_files.rows(path))
    assert [n for n, _ in found] == list(range(1, len(rows) + 1))
    assert [row for _, row in found if isinstance(row, dict)] == [
        row for row in rows if isinstance(row, dict)
    ]


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3), ("3", 3), (3.0, 3), ("level_2", 2), (True, None), (None, None), ("x", None)]
)
def test_whole_numbers(value, number):
    assert _whole(value) == number


def test_names_of_level_4_have_other_signs_than_letters(tmp_path):
    names = {"1_EleutherAI-gpt-neo-2p7B_bs32_seq256": TODAY, "19_gpt2_bs1024_seq32": TODAY}
    found = read_level(checkout(tmp_path, names, level=4), 4)
    assert list(found.tasks) == [1, 19] and found.unread == ()
    assert found.tasks[1].title == "EleutherAI-gpt-neo-2p7B_bs32_seq256"
    lines(tmp_path / "data" / "rows.jsonl", [{"level": 4, "name": "5_google-bigbird_bs1", "code": TODAY}])
    assert read_level(tmp_path, 4).tasks[5].title == "google-bigbird_bs1"


def test_a_byte_order_mark_breaks_nothing(tmp_path):
    folder = checkout(tmp_path, {"1_A": "\ufeff" + TODAY})
    lines(tmp_path / "level_1.jsonl", ["\ufeff" + json.dumps({"problem_id": 2, "name": "B", "code": TODAY})])
    found = read_level(folder, 1)
    assert [task.problem for task in found.tasks.values()] == ["", ""] and found.tasks[1].text == TODAY
