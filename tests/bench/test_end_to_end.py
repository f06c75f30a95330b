"""``kernelevo bench`` as it is typed: real processes, real judge; exit codes."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kernelevo.cli.main import run_command

ROOT = Path(__file__).resolve().parents[2]
SOFTMAX = """import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=-1)
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("KERNELEVO_MODEL", "KERNELEVO_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def start(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "kernelevo", "bench", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["kernelbench:4"], 2, "did you mean 'kernelbench:3'"),
        (["magic"], 2, "there is no suite 'magic'"),
        (["kernelbench:3", "--tasks", "0"], 2, "has no task '0'"),
        (["kernelbench:3", "--tasks", "99"], 2, "has no task '99'"),
        (["kernelbench:3", "--tasks", "a-b"], 2, "has no task 'a-b'"),
        (["kernelbench:3", "--tasks", "17-1"], 2, "ends before it begins"),
        (["kernelbench:3", "--tasks", "28@nope"], 2, "no variant 'nope'"),
        (["ops", "--tasks", "softmax", "--budget", "0"], 2, "'0' is not above zero"),
        (["ops", "--tasks", "softmax", "--budget", "abc"], 2, "write it like 90s"),
        (["ops", "--budget", "$5"], 2, "a budget of $5 would never be spent"),
        (["ops", "--size", "v0"], 2, "has no size 'v0'"),
        (["ops", "--size", "huge"], 2, "huge"),
        (["ops", "--device", "tpu"], 2, "tpu"),
        (["ops", "--proposers", "magic"], 2, "magic"),
        (["ops", "--solutions", "nowhere"], 2, "there is no folder of programs nowhere"),
        (["ops", "--solutions", "."], 2, "holds no program"),
        (["ops", "--out", "file"], 2, "cannot be used"),
        (["ops", "--seed", "one"], 2, "seed"),
        (["ops", "--solutions", "bundled", "--budget", "9s"], 2, "--budget would do nothing here"),
        (["ops", "--solutions", "bundled", "--base-url", "http://h/v1"], 2, "--base-url would do nothing"),
    ],
)
def test_bad_input(elsewhere, capsys, arguments, code, words):
    (elsewhere / "file").write_text("")
    found = run_command(["bench", *arguments])
    said = capsys.readouterr()
    assert found == code and words in said.err, said.err
    assert said.out == "" and "Traceback" not in said.err and "bug" not in said.err
    assert not (elsewhere / "runs").exists()


def test_a_device_that_is_not_here_is_three(elsewhere, capsys):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    code = run_command(["bench", "ops", "--device", "cuda", "--out", "never"])
    said = capsys.readouterr()
    assert code == 3 and "there is no device cuda here" in said.err and not (elsewhere / "never").exists()


@pytest.mark.slow
def test_a_wrong_program_is_judged_in_its_process_and_nothing_correct_is_one(elsewhere):
    folder = elsewhere / "mine" / "ops_softmax"
    folder.mkdir(parents=True)
    (folder / "wrong.py").write_text(SOFTMAX.replace("dim=-1)", "dim=-1) + 1e-3"))
    arguments = ("ops", "--tasks", "softmax", "--solutions", "mine", "--out", "out", "--json")
    with start(*arguments) as process:
        out, err = process.communicate(timeout=280)
    data = json.loads(out)
    assert process.returncode == 1, err
    (task,) = data["tasks"]
    assert (task["name"], task["program"], task["status"]) == (
        "ops/softmax", "ops_softmax/wrong.py", "wrong",
    )  # fmt: skip
    assert task["score"] is None and task["metrics"]["speedup_vs_compile"] is None and task["feedback"]
    assert data["summary"]["baselines"]["best"]["fast_p"]["0"] == 0.0
    assert re.search(r"^ops/softmax \(ops_softmax/wrong.py\)  wrong  .*  \d+ s$", err, flags=re.M), err
    assert json.loads((elsewhere / "out" / "bench.json").read_text()) == data
    began = time.monotonic()
    with start(*arguments) as process:  # it has a verdict: nothing is done
        again, err = process.communicate(timeout=280)
    assert process.returncode == 1 and json.loads(again)["tasks"] == data["tasks"], err
    assert "1 of them done before" in err and time.monotonic() - began < 20


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_that_is_cut_off_is_gone_on_with_by_the_command_it_prints(elsewhere):
    arguments = ("ops", "--tasks", "softmax", "--budget", "2", "--proposers", "rewrite", "--out", "out")
    with start(*arguments) as process:
        run = elsewhere / "out" / "runs" / "ops_softmax" / "run"
        deadline = time.monotonic() + 120
        while not (run / "run.db").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "# kernelevo bench ops" in out and "Traceback" not in err, err
    command = shlex.split(err.rpartition("go on with: ")[2])
    assert command[:3] == ["kernelevo", "bench", "ops"]
    with start(*command[2:], "--json") as process:
        out, err = process.communicate(timeout=850)
    assert process.returncode == 0, err
    (task,) = json.loads(out)["tasks"]
    assert task["status"] == "ok" and task["confirmed"] and task["score"] > 0
    assert task["metrics"]["processes"] >= 3 and task["folder"] == "runs/ops_softmax"
    assert task["searched_seconds"] >= 0 and task["preparation_seconds"] > 0
    assert (run / "best.py").is_file()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_series_of_programs_that_is_killed_goes_on_behind_its_last_row(elsewhere):
    folder = elsewhere / "mine" / "ops_softmax"
    folder.mkdir(parents=True)
    for name, off in (("a", "1e-3"), ("b", "2e-3")):
        (folder / f"{name}.py").write_text(SOFTMAX.replace("dim=-1)", f"dim=-1) + {off}"))
    arguments = ("ops", "--tasks", "softmax", "--solutions", "mine", "--out", "out", "--json")
    record = elsewhere / "out" / "bench.json"

    def rows():
        return json.loads(record.read_text())["tasks"] if record.is_file() else []

    with start(*arguments) as process:
        deadline = time.monotonic() + 280
        while not rows() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        _, said = process.communicate(timeout=120)
    (first,) = rows()
    assert "if it is cut off, the same command with --out out goes on" in said
    with start(*arguments) as process:
        out, err = process.communicate(timeout=280)
    assert process.returncode == 1 and "1 of them done before" in err, err
    found = json.loads(out)["tasks"]
    assert found[0] == first and [row["program"][-4:] for row in found] == ["a.py", "b.py"]
