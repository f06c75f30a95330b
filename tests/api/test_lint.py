"""Linting tasks through the door: what the bundled ones are known for, a batch that is cut, bad tasks."""

import importlib
import json

import pytest

from kernelevo import api
from kernelevo.api.lint import fit, lint
from kernelevo.config import Settings
from kernelevo.errors import BadProgram, BadSetting, NotEnoughMemory
from kernelevo.kernels.cases.lint import conduct
from kernelevo.kernels.cases.lint import lint as look
from kernelevo.tasks import bundled, facts, load_task
from kernelevo.tasks.memory import estimate
from tests.few import few

# the door has a function of the same name
ROOM = importlib.import_module("kernelevo.api.lint")
DRAWS = {"kernelbench:3/35"}
KEEPS = {"kernelbench:3/33"}
CHANGES = {
    f"kernelbench:3/{n}" for n in (8, 9, 10, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 45, 46, 47)
}
CHANGES.add("kernelbench:3/24@excite")
DEAD = {f"kernelbench:3/{n}" for n in (31, 36, 37, 49)}
NEVER = {
    "kernelbench:3/36": ("fc.weight", "fc.bias"),
    "kernelbench:3/37": ("fc.weight", "fc.bias"),
    "kernelbench:3/49": ("C",),
    "kernelbench:3/50": ("c_proj.weight", "c_proj.bias"),
}
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")

CUT = '''"""Row sums."""
import torch
from torch import nn

BATCH = 4096
WIDTH = 64


class Model(nn.Module):
    def forward(self, x):
        return x.sum(dim=1)


def get_inputs():
    return [torch.rand(BATCH, WIDTH)]


def get_init_inputs():
    return []
'''


def verdict(finding):
    """Where the error is all there is, zeros pass as well: unjudgeable says more than blind."""
    return "unjudgeable" if finding.unjudgeable else "blind" if finding.blind else "judgeable"


def agree(name, found, conduct):
    """Compare what was found out about a task or a variant with the manifest, and with its traps."""
    known, variant = facts(name), name.partition("@")[2]
    grade = known["variants"][variant]["lint"] if variant else known["lint"]["verdict"]
    assert verdict(found) == grade, found
    assert conduct.draws is (name in DRAWS) and conduct.keeps_state is (name in KEEPS)
    changed = {buffer.rpartition(".")[2] for buffer in conduct.changes}
    assert changed == (set(STATISTICS) if name in CHANGES else set())
    assert ("zeros" in found.blind) is bool(found.unjudgeable) is (name == "kernelbench:3/24")
    if name in ("kernelbench:3/3", "kernelbench:3/28"):
        assert found.blind == ("another input's output",) and found.e_ref < 1e-5 < found.spread
        assert found.independent is name.endswith("/28")


@pytest.mark.parametrize("name", few(["ops/softmax", "kernelbench:3/28"], 1))
def test_lint_finds_what_the_manifest_says(name):
    pool = ROOM._pool(load_task(name), "cpu")
    agree(name, look(pool), conduct(pool))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(bundled()))
def test_lint_finds_what_the_manifest_says_of_every_task_and_variant(name):
    found = lint(name, Settings())
    assert [v.task.name.partition("@")[2] for v in found.variants] == list(facts(name).get("variants", {}))
    for one in (found, *found.variants):
        agree(one.task.name, one.finding, one.conduct)
        assert one.cut is None and one.unused is not None, one.unknown
        assert one.unused.parameters == NEVER.get(name, ()) and one.unused.inputs == ()
        assert bool(one.unused.operations) is (name in DEAD), one.unused
    if found.conduct.draws:
        assert found.conduct.forgets_draws is True
    json.dumps(found.to_json(), allow_nan=False)


def test_a_batch_is_halved_until_it_fits(elsewhere):
    (elsewhere / "sums.py").write_text(CUT)
    task = load_task("sums.py", size="full")
    need = estimate(task).judging
    assert fit(task, None) == (task, None) and fit(task, 2 * need) == (task, None)
    smaller, cut = fit(task, need // 2)
    assert cut.to_json() == {"name": "BATCH", "from": 4096, "to": 1024}
    assert estimate(smaller).judging <= 0.6 * (need // 2) < 2 * estimate(smaller).judging
    with pytest.raises(NotEnoughMemory, match="BATCH 1"):
        fit(task, 100)
    (elsewhere / "sums.py").write_text(CUT.replace("BATCH", "HEIGHT"))
    with pytest.raises(NotEnoughMemory, match="at size 'full'"):
        fit(load_task("sums.py", size="full"), 100)
    with pytest.raises(NotEnoughMemory, match="at size 'small'"):
        fit(load_task("kernelbench:3/13", size="small"), 100)


def test_a_bundled_task_is_cut_at_full_by_what_the_meta_device_counts():
    task = load_task("kernelbench:3/13", size="full")
    whole = estimate(task).judging
    smaller, cut = fit(task, whole // 4)
    assert (cut.before, cut.now) == (128, 16)
    assert estimate(smaller).judging == pytest.approx(whole / 8, rel=0.05)


def test_a_cut_is_told(elsewhere, monkeypatch):
    (elsewhere / "sums.py").write_text(CUT)
    monkeypatch.setattr(ROOM, "free_bytes", lambda task: 1_000_000)
    said = []
    found = api.lint("sums.py", Settings(size="full"), say=said.append)
    assert found.finding.fair and found.to_json()["batch_cut"]["to"] == found.cut.now < 4096
    assert any("BATCH cut from 4096" in line for line in said)


def test_tasks_that_cannot_be_linted(elsewhere):
    with pytest.raises(BadSetting, match="is an evaluator"):
        lint("tour.py:tour", Settings())
    (elsewhere / "bad.py").write_text(CUT.replace("x.sum(dim=1)", "x @ x"))
    with pytest.raises(BadProgram, match="cannot be run on its own inputs"):
        lint("bad.py", Settings())


WASTES = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.spare, self.dead = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.register_buffer("count", torch.zeros(()))
        self.last = None

    def forward(self, x, unread):
        torch.exp(self.dead(x))
        self.count += 1
        noise = torch.rand_like(x)
        return self.used(x) + noise * 1e-9


def get_inputs():
    return [torch.rand(4, 8), torch.rand(2)]


def get_init_inputs():
    return []
"""


def test_waste_draws_and_buffers_are_told(elsewhere):
    (elsewhere / "wastes.py").write_text(WASTES)
    found = lint("wastes.py", Settings())
    assert found.conduct.draws and found.conduct.forgets_draws
    assert found.conduct.changes == ("count",) and not found.conduct.keeps_state
    dead = found.unused
    assert dead.parameters == ("spare.weight", "spare.bias", "dead.weight", "dead.bias")
    assert dead.inputs == ("unread",) and dict(dead.operations) == {"aten.linear": 1, "aten.exp": 1}
    (elsewhere / "loud.py").write_text(WASTES.replace("1e-9", "0.1"))
    assert lint("loud.py", Settings()).conduct.forgets_draws is False


def test_what_cannot_be_captured_is_not_known(elsewhere):
    (elsewhere / "net.py").write_text(CUT.replace("x.sum(dim=1)", "x.sum(dim=1) * (2 if x[0, 0] > 0 else 1)"))
    found = lint("net.py", Settings())
    assert found.unused is None and "cannot be captured" in found.unknown and found.finding.fair
