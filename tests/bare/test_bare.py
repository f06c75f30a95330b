"""A machine with torch, Triton and little else: what is to run there does."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.api.tiny import MODULE, program
from tests.bare.machine import FORBIDDEN, REQUIRED, build

SOFTMAX = "import torch\nfrom torch import nn\n\n\nclass ModelNew(nn.Module):\n    def forward(self, x):\n"
RIGHT = SOFTMAX + "        return torch.softmax(x, dim=-1)\n"
WRONG = SOFTMAX + "        return torch.softmax(x, dim=0)\n"
OPTIMIZE = """
import sys, kernelevo, torch
from kernelevo.errors import KernelEvoError
try:
    kernelevo.optimize(torch.nn.Linear(2, 2), torch.ones(1, 2), budget="1", progress=False)
except KernelEvoError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""
TRIES = """
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.import_module(name).__file__ or "a folder"
    except ModuleNotFoundError as error:
        found[name] = None if error.name == name else str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def bare():
    """One environment for all; in a folder that other users may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="kernelevo-bare-"))
    folder.chmod(0o755)
    try:
        machine = build(folder)
        (machine.folder / "home").mkdir()
        yield machine
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def home(bare):
    folder = bare.folder / "home"
    (folder / "net.py").write_text(MODULE)
    (folder / "right.py").write_text(program())
    (folder / "wrong.py").write_text(program("return RESULT + 1e-3"))
    return folder


def test_what_a_bare_machine_lacks_is_really_not_there(bare):
    done = bare.python("-c", TRIES, *FORBIDDEN, *REQUIRED)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {name: found[name] for name in FORBIDDEN} == dict.fromkeys(FORBIDDEN)
    assert all(found[name].startswith(str(bare.folder)) for name in REQUIRED), found
    assert bare.distributions.isdisjoint(FORBIDDEN)


@pytest.mark.slow
def test_doctor_and_check(bare, home):
    done = bare.python("-m", "kernelevo", "doctor", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["checks"]}
    assert rows["openai"]["ok"] is False and "pip install openai" in rows["openai"]["says"]
    assert rows["torch"]["ok"] is True and rows["cpp programs"]["ok"] is True

    done = bare.python("-m", "kernelevo", "check", "wrong.py", "net.py", "--json")
    assert done.returncode == 1, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["status"] == "wrong" and verdict["metrics"]["max_abs_error"] == pytest.approx(1e-3, 0.1)


@pytest.mark.slow
def test_what_needs_a_missing_package_says_so(bare, home):
    done = bare.python(
        "-m",
        "kernelevo",
        "run",
        "net.py",
        "--model",
        "x",
        "--base-url",
        "http://127.0.0.1:1",
        "--budget",
        "1",
    )
    assert done.returncode == 3, done.stderr
    assert "openai" in done.stderr and "pip install" in done.stderr and "bug" not in done.stderr
    done = bare.python("-c", OPTIMIZE)
    assert done.returncode == 3 and "pip install cloudpickle" in done.stderr, done.stderr


def bench(bare, home, source, *more):
    folder = home / "mine" / "ops_softmax"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "program.py").write_text(source)
    given = ("bench", "ops", "--tasks", "softmax", "--json", *more)
    return bare.python("-m", "kernelevo", *given, timeout=800)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_bench_judges_given_programs(bare, home):
    done = bench(bare, home, WRONG, "--solutions", "mine", "--out", "first")
    (task,) = json.loads(done.stdout)["tasks"]
    assert (done.returncode, task["status"]) == (1, "wrong"), done.stderr
    done = bench(bare, home, RIGHT, "--solutions", "mine", "--out", "second")
    data = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    (task,) = data["tasks"]
    metrics, figures = task["metrics"], data["summary"]["baselines"]
    assert task["status"] == "ok" and task["confirmed"] and figures["best"]["fast_p"]["0"] == 1.0
    # a busy machine may not compile the module in time: then there is a reason, and no figure
    if metrics["speedup_vs_compile"] is None:
        assert metrics["compile_missing"] and figures["compile"]["not_compared"] == ["ops/softmax"]
    else:
        assert metrics["speedup_vs_compile"] > 0 and figures["compile"]["fast_p"]["0"] == 1.0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_bench_searches_without_a_sampler(bare, home):
    """The default proposers, of which ``tune`` lacks its sampler there: the others go on."""
    done = bench(bare, home, RIGHT, "--budget", "4", "--out", "third")
    assert done.returncode == 0, done.stderr
    (task,) = json.loads(done.stdout)["tasks"]
    assert task["status"] == "ok" and task["confirmed"] and sum(task["trials"].values()) >= 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_check_times_a_right_program(bare, home):
    done = bare.python("-m", "kernelevo", "check", "right.py", "net.py", "--json", timeout=800)
    verdict = json.loads(done.stdout)
    assert done.returncode == 0 and verdict["status"] == "ok", done.stderr
    assert verdict["score"] > 0 and verdict["metrics"]["processes"] >= 3
