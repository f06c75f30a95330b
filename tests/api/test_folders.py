"""Programs of several files: from a seed folder to the best folder, and all that lies between."""

import asyncio
import json
import sys
from random import Random

import pytest

from kernelevo import api
from kernelevo.api import parts
from kernelevo.cli.main import run_command
from kernelevo.config import load_settings
from kernelevo.core import Brief, Evaluation, Origin, Program, Proposal, Verdict
from kernelevo.errors import BadProgram
from kernelevo.population import Features
from kernelevo.population.features import distance
from kernelevo.proposers.tune import TuneProposer
from kernelevo.store import RunStore

PAIR = '''"""Two files: the entry says how often, the other file how much."""
from pathlib import Path
from kernelevo.evaluators import evaluator


@evaluator("pair", seed=Path(__file__).parent / "start")
def pair(program) -> float:
    """Raise times * each."""
    main, lib = {}, {}
    exec(program.files["program.py"], main)
    exec(program.files["lib/each.py"], lib)
    return float(main["TIMES"] * lib["EACH"])
'''


class Grows:
    """Rewrites the second file, then both."""

    name = "grows"

    async def propose(self, brief, rng):
        if not brief.parents:
            return []
        parent = brief.parents[0].program
        each = int(parent.files["lib/each.py"].split("=")[1])
        change = {"lib/each.py": f"EACH = {each + 1}\n"}
        if brief.number % 2 == 0:
            change["program.py"] = f"TIMES = {brief.number}\n"
        return [Proposal(parent.changed(change, origin=Origin(self.name, "one more")))]


@pytest.fixture
def pair(elsewhere, monkeypatch):
    (elsewhere / "pair.py").write_text(PAIR)
    for name, text in (("program.py", "TIMES = 2\n"), ("lib/each.py", "EACH = 3\n")):
        path = elsewhere / "start" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(parts, "_proposers", lambda plan, host, talk: [Grows()])
    return elsewhere


def run(**more):
    given = {"proposers": ["mailbox"], "mailbox": "box", "executor": "inline", "out": "out", "budget": "8"}
    return api.run_task("pair.py:pair", load_settings({**given, **more}, environ={}))


def test_from_a_seed_folder_to_the_best_folder(pair, capsys):
    result = run()
    assert result.trials[0].score == 6.0 and list(result.trials[0].program.files) == [
        "lib/each.py",
        "program.py",
    ]
    assert result.best is not None and result.best.score > 6.0
    assert result.best_path.name == "best" and not (pair / "out" / "best.py").exists()
    for name, text in result.program.files.items():
        assert (result.best_path / name).read_text() == text
    with RunStore.open("out", readonly=True) as store:
        assert [t.program.files for t in store.trials()] == [t.program.files for t in result.trials]
    assert "# ---- lib/each.py ----" in (pair / "out" / "report.html").read_text()
    capsys.readouterr()
    assert run_command(["show", "out", "--trial", "0"]) == 0
    assert "# ---- lib/each.py ----\nEACH = 3\n" in capsys.readouterr().out
    assert run_command(["show", "out", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["trials"][0]["program"]
    assert shown["files"]["lib/each.py"] == "EACH = 3\n"
    assert run_command(["export", "out", "--out", "winner.py"]) == 0  # a folder, since it is one
    assert (pair / "winner" / "lib" / "each.py").read_text() == result.program.files["lib/each.py"]
    assert run_command(["export", "out", "--out", "winner"]) == 2  # it is there
    assert run_command(["export", "out", "--standalone", "--out", "alone.py"]) == 0  # a package, too
    assert (pair / "alone" / "program" / "lib" / "each.py").read_text() == result.program.files["lib/each.py"]
    assert "_load_program" in (pair / "alone" / "__init__.py").read_text()
    assert api.replay("out").deviation is None


def test_a_program_without_its_second_file_is_data(pair, monkeypatch):
    run(budget="2")

    class Bundles:
        name = "bundles"

        async def propose(self, brief, rng):
            return [Proposal(Program.single("TIMES = 0\n", origin=Origin(self.name)))]

    monkeypatch.setattr(parts, "_proposers", lambda plan, host, talk: [Bundles()])
    again = api.resume("out", budget="1")
    assert again.trials[-1].evaluation.status == "crashed"
    assert again.best_path.is_dir()


def test_own_programs_join_as_folders_and_files(pair, capsys):
    mine = pair / "mine"
    (mine / "lib").mkdir(parents=True)
    (mine / "program.py").write_text("TIMES = 50\n")
    (mine / "lib" / "each.py").write_text("EACH = 50\n")
    result = run(programs=["mine"])
    joined = next(t for t in result.trials if t.score == 2500.0)
    assert joined.program.origin.proposer == "person" and joined.number <= 4
    assert any(joined.program.id in t.program.parents for t in result.trials)
    with pytest.raises(BadProgram, match="there is no file"):
        run(programs=["nowhere"], out="other")
    assert not (pair / "other").exists()
    assert run_command(["check", "mine", "pair.py:pair", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["score"] == 2500.0


def test_tune_and_features_see_several_files(pair):
    source = 'TUNE = {"N": [1, 2, 4]}\nN = TUNE["N"][0]\n'
    program = Program({"program.py": source, "lib/each.py": "EACH = 3\n"})
    verdict = Verdict(program, Evaluation.ok(1.0))
    task = api.load_run(run(budget="1").folder).task
    (proposal,) = asyncio.run(TuneProposer().propose(Brief(task, 1, (verdict,)), Random(0)))
    assert proposal.program.files["lib/each.py"] == "EACH = 3\n"
    assert proposal.program.source != source and proposal.program.parents == (program.id,)
    features = Features()
    vectors = [
        features(Verdict(program.changed({"lib/each.py": text}), Evaluation.ok(1.0))).astype(float)
        for text in ("EACH = 3\n", "EACH = 4\n", "def each():\n    return [x * x for x in range(9)]\n")
    ]
    assert distance(vectors[0], vectors[1]) < distance(vectors[0], vectors[2])


KERNEL = {
    "program.py": """
from pathlib import Path

import torch
from torch import nn

import kernelevo
from rest_of_it import finished

kernel = kernelevo.cpp(Path(__file__).with_name("own.cpp").read_text())


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 32)

    def forward(self, x):
        return torch.softmax(finished(kernel, self.linear(x)), dim=1)
""",
    "rest_of_it.py": """
import torch

def finished(kernel, x):
    y = torch.empty_like(x)
    kernel.own(y.numel(), x.contiguous().data_ptr(), y.data_ptr())
    return y
""",
    "own.cpp": """
extern "C" void own(long n, const float* x, float* y) {
  for (long i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] : 0;
}
""",
}


def laid(folder, **changes):
    folder.mkdir()
    for name, text in {**KERNEL, **changes}.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.slow
def test_a_kernel_program_of_several_files_is_judged(elsewhere, quick_judge):
    settings = load_settings({}, environ={})
    verdict = api.check(laid(elsewhere / "kernel"), "net.py", settings)
    assert verdict.status == "ok", verdict.feedback
    assert verdict.metrics["form"] == "free-form" and "rest_of_it" not in sys.modules
    assert "no access outside" in verdict.metrics["sanitizer"] or "not run" in verdict.metrics["sanitizer"]
    wrong = KERNEL["own.cpp"].replace("x[i] : 0", "x[i] : 1")
    verdict = api.check(laid(elsewhere / "wrong", **{"own.cpp": wrong}), "net.py", settings)
    assert verdict.status == "wrong"
    broken = KERNEL["rest_of_it.py"].replace("import torch", "import torch\n1 / 0")
    verdict = api.check(laid(elsewhere / "broken", **{"rest_of_it.py": broken}), "net.py", settings)
    assert verdict.status == "build_failed" and '"rest_of_it.py", line 3' in verdict.feedback
    verdict = api.check(laid(elsewhere / "typo", **{"rest_of_it.py": "def f(:"}), "net.py", settings)
    assert verdict.status == "build_failed" and "rest_of_it.py: the program is not valid" in verdict.feedback


@pytest.mark.parametrize("name", ["x" * 5000, "/" + "x" * 5000, "~nobody_here", "~nobody_here/a.py:f"])
def test_a_name_that_no_file_can_have_is_the_users_mistake(elsewhere, name):
    assert run_command(["run", name, "--budget", "1"]) == 2
