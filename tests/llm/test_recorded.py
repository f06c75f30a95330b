"""The recorded runs: every line is whole, and gives the program that was judged."""

import json
from pathlib import Path

import pytest

from kernelevo.core import Program
from kernelevo.llm import Message, Record, extract
from kernelevo.llm.client import prompt_hash

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "benchmarks" / "recorded"
FILES = sorted(RECORDED.glob("*.jsonl"))
SOLUTIONS = ROOT / "kernelbench_tasks" / "solutions" / "cpu"
# the best program of each run
KEPT = {
    "lenet5": SOLUTIONS / "kernelbench_3_4" / "by_model.py",
    "fire_module": RECORDED / "fire_module_best.py",
    "rnn_hidden": RECORDED / "rnn_hidden_best.py",
    "circle_packing": RECORDED / "circle_packing_best.py",
}


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_there_are_three_kernels_and_a_problem_of_mathematics_in_forty_replies_or_more():
    assert {path.stem for path in FILES} == set(KEPT)
    assert sum(len(lines(path)) for path in FILES) >= 40


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_hashes_replies_and_programs_agree(path):
    for row in lines(path):
        assert prompt_hash([Message(**m) for m in row["prompt"]]) == row["prompt_sha256"]
        source = extract(row["reply"]).source
        assert Program.single(source).id == row["program"]
        assert row["verdict"]["status"] == "ok" and row["verdict"]["score"] > 0
    assert len(Record.read(path).replies) == len(lines(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_kept_winner_is_a_program_of_its_run(path):
    kept = KEPT[path.stem].read_text("utf-8")
    assert Program.single(kept).id in {row["program"] for row in lines(path)}
