"""Two folders of programs beside each other: how long calls take, how far they are from the module."""

import json

import pytest

from benchmarks.shelves import compared, main, shared
from kernelevo.tasks import load_task

TASK = "34"  # a recurrent net: 20 ms a call


@pytest.fixture(scope="module")
def texts():
    module = load_task(f"kernelbench:3/{TASK}").options["reference"]["text"].split("def get_init_inputs")[0]
    right = module.replace("class Model(", "class ModelNew(")
    return {"right": right, "wrong": right.replace("torch.tanh", "torch.sin"), "broken": "ModelNew = None"}


def folders(tmp_path, texts, *names):
    made = []
    for side, name in enumerate(names):
        made.append(tmp_path / str(side))
        (made[-1] / f"kernelbench_3_{TASK}").mkdir(parents=True)
        (made[-1] / f"kernelbench_3_{TASK}/program.py").write_text(texts[name])
    return made


def test_tasks_of_both_folders_stand_in_their_order(tmp_path):
    for folder, more in (("a", "kernelbench_3_2"), ("b", "kernelbench_3_50")):
        for name in ("kernelbench_3_10", "kernelbench_3_9", "kernelbench_3_7@he", "ops_softmax", more):
            (tmp_path / folder / name).mkdir(parents=True)
    assert shared(tmp_path / "a", tmp_path / "b") == ["7@he", "9", "10"]


def test_a_line_has_times_ratios_and_distances_from_the_module(tmp_path, texts, capsys):
    right, wrong = folders(tmp_path, texts, "right", "wrong")
    out = tmp_path / "lines.jsonl"
    given = [str(right), str(wrong), "--processes", "2", "--seconds", "0", "--out", str(out)]
    assert main(given) == 0
    line = json.loads(out.read_text())
    assert line == json.loads(capsys.readouterr().out)
    assert line["task"] == TASK and len(line["ratios"]) == 2
    assert all(0.02 < ratio < 50 for ratio in line["ratios"]) and min(line["ms"]) > 0.1
    assert line["differences"][0] == 0.0 and line["differences"][1] > 1e-3


def test_a_program_that_fails_is_told_and_the_others_go_on(tmp_path, texts):
    right, broken = folders(tmp_path, texts, "right", "broken")
    line = compared(TASK, right, broken, "small", 1, 0.0)
    assert line["failed"] == ["TypeError: 'NoneType' object is not callable"]
