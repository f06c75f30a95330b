"""The circle packing evaluator decides exactly, and believes nothing."""

import importlib.util
import json
from pathlib import Path

import pytest

from kernelevo.core import Program, Status

FILE = Path(__file__).resolve().parents[2] / "examples" / "circle_packing.py"


@pytest.fixture(scope="module")
def packing():
    spec = importlib.util.spec_from_file_location("circle_packing_example", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def grid(radius=0.1, last=(0.2, 0.2, 0.04)):
    shrunk = radius * (1 - 1e-12)
    return [[0.1 + 0.2 * i, 0.1 + 0.2 * j, shrunk] for i in range(5) for j in range(5)] + [list(last)]


def test_the_seed_is_valid_and_its_sum_is_exact(packing):
    verdict = packing.score(Program.single(packing.SEED))
    assert verdict.status is Status.OK
    assert verdict.score == pytest.approx(2.5414, abs=1e-9)
    numerator, denominator = map(int, verdict.metrics["exact_sum"].split("/"))
    assert numerator / denominator == verdict.score


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (grid(last=(0.2, 0.2, 0.0415)), "overlap"),
        (grid(radius=0.1000001), "leaves the square"),
        (grid()[:25], "got 25"),
        ([*grid(), [0.5, 0.5, 0.001]], "got 27"),
        ([[0.5, 0.5, -0.1], *grid()[1:]], "radius"),
        ([[0.5, 0.5, 0.0], *grid()[1:]], "radius"),
        ([["0.5", 0.5, 0.1], *grid()[1:]], "must be a number"),
        ([[True, 0.5, 0.1], *grid()[1:]], "must be a number"),
        ([[float("nan"), 0.5, 0.1], *grid()[1:]], "must be a number"),
        ([[float("inf"), 0.5, 0.1], *grid()[1:]], "must be a number"),
        ([[10**400, 0.5, 0.1], *grid()[1:]], "must be a number"),
        ([[0.5, 0.1], *grid()[1:]], "wanted 26"),
        ({"score": 9}, "no JSON list"),
    ],
)
def test_what_is_wrong_is_refused(packing, rows, words):
    verdict = packing.judged(json.dumps(rows))
    assert verdict.status is Status.WRONG and words in verdict.feedback


def test_touching_exactly_passes_and_one_bit_more_does_not(packing):
    # halves and quarters are exact doubles: the two large circles touch
    rows = [[0.25, 0.25, 0.25], [0.75, 0.25, 0.25]]
    rows += [[0.02 + 0.04 * k, 0.9, 0.01] for k in range(24)]
    assert packing.judged(json.dumps(rows)).status is Status.OK
    rows[1][2] = 0.25000000000000006
    assert packing.judged(json.dumps(rows)).status is Status.WRONG


def test_text_that_is_none_and_programs_that_fail(packing, monkeypatch):
    assert packing.judged("[" * 90_000).status is Status.WRONG
    assert packing.judged("nothing").status is Status.WRONG
    assert packing.judged("[" + "1," * 60_000 + "1]").status is Status.WRONG
    assert packing.score(Program.single("raise SystemExit(3)")).status is Status.CRASHED
    assert packing.score(Program.single("print()")).status is Status.WRONG
    monkeypatch.setattr(packing, "SECONDS", 0.3)
    assert packing.score(Program.single("while True: pass")).status is Status.TIMED_OUT


def test_programs_run_where_neither_keys_nor_files_are(packing, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    (tmp_path / "mine.txt").write_text("mine")
    text = "import os\nassert 'OPENAI_API_KEY' not in os.environ\n"
    verdict = packing.score(Program.single(f"{text}print(open({str(tmp_path / 'mine.txt')!r}).read())"))
    assert verdict.status is Status.CRASHED and "PermissionError" in verdict.feedback
