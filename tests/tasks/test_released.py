"""Released solutions, in the layouts that their makers chose."""

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
        ("s = '__global__ void f() {}'", True),
        ("x = x.cuda()", True),
        ("device = 'cuda:0'", True),
        ("load_inline(cpp_sources=a, cuda_sources=b)", True),
        ("import torch", False),
        ("kernelevo.cpp('float f();')", False),
    ],
)
def test_what_needs_a_gpu(tmp_path, text, on_a_gpu):
    lines(tmp_path / "a.jsonl", [{"level_id": 1, "task_id": 1, "custom_code": text}])
    assert read_released(tmp_path)[0][0].on_a_gpu is on_a_gpu


def test_nothing_there(tmp_path):
    with pytest.raises(BadSetting, match="there is no folder"):
        read_released(tmp_path / "nowhere")
    with pytest.raises(BadSetting, match="no solution that can be read"):
        read_released(tmp_path)
