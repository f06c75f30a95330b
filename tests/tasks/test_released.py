"""Released solutions, in the layouts that their makers chose."""

import json
from pathlib import Path

import pytest

from kernelevo.errors import BadSetting
from kernelevo.tasks.released import read_released
from tests.tasks.foreign import TODAY, lines

NEW = "from torch import nn\n\n\nclass ModelNew(nn.Module):\n    pass\n"


def test_rows_name_their_task_in_many_ways(tmp_path):
    rows = [
        {"level_id": 3, "task_id": 13, "ref_code": TODAY, "custom_code": NEW, "score_default": 1.9, "x": 2},
        {"Level_ID": "2", "Task_ID": 7, "PyTorch_Code_Module": TODAY, "CUDA_Code": NEW},
        {"level": "level_1", "problem_id": "12_Softmax", "solution": NEW, "speedup": None},
        {"task": "kernelbench:3/31", "code": NEW},
        {"level_id": 1, "task_id": 2, "custom_code": None},
        {"level_id": 1, "task_id": 2},
        {"custom_code": NEW},
        "{half",
    ]
    lines(tmp_path / "h100.json", rows)
    found, unread = read_released(tmp_path)
    assert [s.task for s in found] == [
        "kernelbench:3/13", "kernelbench:2/7", "kernelbench:1/12", "kernelbench:3/31", "kernelbench:1/2",
    ]  # fmt: skip
    assert found[0].claims == {"score_default": 1.9} and found[0].reference == TODAY
    assert found[1].reference == TODAY and found[2].claims == {} and found[3].reference == ""
    assert found[4].text == "" and found[0].place == "h100.json/1"
    assert [words.partition(":")[0] for words in unread] == ["h100.json/6", "h100.json/7", "h100.json/8"]


@pytest.mark.parametrize(
    ("place", "task"),
    [
        ("level3/13_Net.py", "kernelbench:3/13"),
        ("level_3/13_Net.py", "kernelbench:3/13"),
        ("runs/level_1_problem_12_sample_0_kernel.py", "kernelbench:1/12"),
        ("level2/best/7_Thing.py", "kernelbench:2/7"),
        ("kernelbench_3_44/mine.py", "kernelbench:3/44"),
        ("gpt_level3_1shot/13_Net.py", "kernelbench:3/13"),
        ("level3/2025-09-01/13_Net.py", "kernelbench:3/13"),
        ("level3/13_Net/0.py", "kernelbench:3/13"),
        ("level3/13/sample_0.py", "kernelbench:3/13"),
        ("level3/sample_7/13.py", "kernelbench:3/13"),
        ("level3_13/a.py", "kernelbench:3/13"),
    ],
)
def test_files_are_named_by_their_task(tmp_path, place, task):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(NEW)
    (tmp_path / "setup.py").write_text("x = 1")
    ((found,), unread) = read_released(tmp_path)
    assert (found.task, found.place, found.reference, unread) == (task, place, "", [])
    path.write_text(TODAY + NEW)
    assert read_released(tmp_path)[0][0].reference == TODAY + NEW
    path.write_text("class Other: pass")
    with pytest.raises(BadSetting, match="no class ModelNew"):
        read_released(tmp_path)


@pytest.mark.parametrize(
    ("text", "on_a_gpu"),
    [
        ("import triton", True),
        ("import tilelang", True),
        ("import cutlass.cute as cute", True),
        ("from cuda.core import Program", True),
        ("s = '__global__ void f() {}'", True),
        ("x = x.cuda()", True),
        ("device = 'cuda:0'", True),
        ("load_inline(cpp_sources=a, cuda_sources=b)", True),
        ("import torch", False),
        ("kernelevo.cpp('float f();')", False),
    ],
)
def test_what_needs_a_gpu(tmp_path, text, on_a_gpu):
    lines(tmp_path / "a.jsonl", [{"level_id": 1, "task_id": 1, "custom_code": f"{NEW}\n{text}"}])
    assert read_released(tmp_path)[0][0].on_a_gpu is on_a_gpu


def test_nothing_there(tmp_path):
    with pytest.raises(BadSetting, match="there is no folder"):
        read_released(tmp_path / "nowhere")
    with pytest.raises(BadSetting, match="no solution that can be read"):
        read_released(tmp_path)
    (tmp_path / "one.jsonl").touch()
    with pytest.raises(BadSetting, match="is a file"):
        read_released(tmp_path / "one.jsonl")


@pytest.mark.parametrize(
    ("row", "task"),
    [
        ({"level": 3, "problem_name": "level_3_problem_13"}, "3/13"),
        ({"level": 3, "name": "level3/13_Net"}, "3/13"),
        ({"level": 3, "task_id": "abc", "problem_id": 13}, "3/13"),
        ({"level": 3, "task_id": "7f3a-11", "problem_id": "013"}, "3/13"),
        ({"level_id": "hard", "level": "Level 3", "problem_id": 13.0}, "3/13"),
        ({"task_id": 4, "name": "Level3/13_Net"}, "3/13"),
        ({"level": 12, "problem_id": 5}, "12/5"),
        ({"level": 3}, None),
        ({"level": 3, "name": "2D_Convolution"}, None),
        ({"level": 3, "id": "7f3a"}, None),
        ({"level": True, "problem_id": 13}, None),
        ({"problem_id": 13}, None),
    ],
)
def test_a_row_is_of_the_task_that_it_names_or_of_none(tmp_path, row, task):
    lines(tmp_path / "a.jsonl", [{**row, "custom_code": NEW}, {"task": "kernelbench:1/1", "code": NEW}])
    found, unread = read_released(tmp_path)
    assert [s.task.partition(":")[2] for s in found] == ([task] if task else []) + ["1/1"]
    assert [words.partition(":")[0] for words in unread] == ([] if task else ["a.jsonl/1"])


def test_a_rows_place_in_its_file_is_no_task(tmp_path):
    rows = [{"name": "NetVLAD", "custom_code": NEW}, {"problem_id": 5, "custom_code": NEW}]
    lines(tmp_path / "level3" / "solutions.jsonl", rows)
    ((found,), unread) = read_released(tmp_path)
    assert (found.task, found.place) == ("kernelbench:3/5", "level3/solutions.jsonl/2")
    assert unread == ["level3/solutions.jsonl/1: it does not say its level and task (level_id, task_id)"]


def test_the_folder_itself_may_say_the_level(tmp_path, monkeypatch):
    (tmp_path / "level3").mkdir()
    (tmp_path / "level3" / "13_Net.py").write_text(NEW)
    lines(tmp_path / "level3" / "more.jsonl", [{"problem_id": 5, "custom_code": NEW}])
    monkeypatch.chdir(tmp_path / "level3")
    for folder in (Path(), tmp_path / "level3", Path("../level3")):
        found, unread = read_released(folder)
        assert [(s.task, s.place) for s in found] == [
            ("kernelbench:3/5", "more.jsonl/1"), ("kernelbench:3/13", "13_Net.py"),
        ]  # fmt: skip
        assert unread == []


def test_a_solution_that_is_left_out_is_named(tmp_path):
    files = {
        "level3/1_A.py": NEW,
        "level3/2_B.py": NEW + "def (",
        "level3/task_13/kernel.py": NEW,
        "level3/task_13/half.py": NEW + "def (",
        "tools/helper.py": "x = 1\n",
        "tools/broken.py": "def (",
    }
    for place, text in files.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    (tmp_path / "level3" / "3_C.py").write_bytes(b"\xff\xfe")
    (tmp_path / "tools" / "bytes.py").write_bytes(b"\xff\xfe")
    cuda = "// for ModelNew\n__global__ void f() {}\n"
    lines(tmp_path / "a.jsonl", [{"level_id": 1, "task_id": 1, "cuda_code": cuda}])
    found, unread = read_released(tmp_path)
    assert [(s.place, s.reference) for s in found] == [("level3/1_A.py", ""), ("level3/2_B.py", "")]
    assert [words.partition(":")[0] for words in unread] == [
        "a.jsonl/1", "level3/3_C.py", "level3/task_13/half.py", "level3/task_13/kernel.py",
    ]  # fmt: skip
    assert "no class ModelNew" in unread[0] and "names no task" in unread[2] and "names no task" in unread[3]


def test_tables_lie_at_any_depth_and_a_line_of_other_bytes_costs_itself_alone(tmp_path):
    row = {"level_id": 1, "task_id": 2, "custom_code": NEW}
    text = json.dumps(row).encode()
    deep = lines(tmp_path / "one" / "two" / "three" / "set.jsonl", [])
    deep.write_bytes(b"\n".join((text, b'{"level_id": 1, "custom_code": "\xe9"}', text)))
    (tmp_path / "wide.json").write_text(json.dumps([row]), encoding="utf-16")
    (tmp_path / "cut.json").write_text(json.dumps([row] * 3, indent=1)[:-9])
    lines(tmp_path / ".cache" / "old.jsonl", [row])
    found, unread = read_released(tmp_path)
    assert [(s.task, s.place, s.text) for s in found] == [
        ("kernelbench:1/2", place, NEW)
        for place in ("one/two/three/set.jsonl/1", "one/two/three/set.jsonl/3", "wide.json/1")
    ]
    # a document that was cut off is one complaint, not one for each of its lines
    assert [words.partition(": ")[0] for words in unread] == ["cut.json", "one/two/three/set.jsonl/2"]
    assert "it is not JSON (" in unread[0] and "not JSON: 'utf-8' codec can't decode" in unread[1]


def test_what_no_file_or_float_can_hold_is_not_taken_over(tmp_path):
    row = {"level_id": 1, "task_id": 1, "custom_code": NEW}
    rows = [
        {**row, "speedup": 10**400, "score_\ud83d": 1.5},
        {**row, "custom_code": NEW + "# \ud83d"},
        {**row, "ref_code": TODAY + "# \ud83d"},
    ]
    lines(tmp_path / "a.jsonl", rows)
    ((found,), unread) = read_released(tmp_path)
    assert found.claims == {"score_?": 1.5}
    said = "half a surrogate pair stands in its text, which no file can hold"
    assert unread == [f"a.jsonl/{n}: {said}" for n in (2, 3)]


def test_a_path_that_may_mean_two_tasks_is_left_out_and_named(tmp_path):
    for place in ("level3/7_samples/13_Net.py", "level3/13_Net.py", "level3/.ipynb_checkpoints/13_Net.py"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(NEW)
    ((found,), unread) = read_released(tmp_path)
    assert found.place == "level3/13_Net.py"  # a copy that an editor keeps is nobody's solution
    (words,) = unread
    assert words.startswith("level3/7_samples/13_Net.py: its path names no task, or two")
