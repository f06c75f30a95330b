"""optimize: a live module that is in no task file becomes faster, or at least equal, and a drop-in."""

import copy
import dataclasses
import pickle
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import kernelevo
from kernelevo.api import hotspots, parts, runs
from kernelevo.core import BaselineReady, Notice, SearchEnded, SearchStarted
from kernelevo.errors import BadProgram, BadSetting, MachineError
from kernelevo.kernels.dropin.optimized import FallbackWarning
from kernelevo.proposers.rewrite import RewriteProposer
from kernelevo.tasks.module import FixedInputWarning

QUICK = {"budget": "2", "executor": "inline", "proposers": ["rewrite"], "progress": False, "seed": 1}


class Gate(nn.Module):
    """A module of a user: two products, one dropped."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up, self.gate = nn.Linear(width, 48), nn.Linear(width, 48)

    def forward(self, x):
        return torch.sigmoid(self.gate(x)) * torch.relu(self.up(x)) + 0.0 * self.up(x)


@pytest.fixture
def gate() -> Gate:
    torch.manual_seed(3)
    return Gate(32).eval()


def test_a_live_module_becomes_a_drop_in(gate, quick_judge, elsewhere):
    x = torch.randn(8, 32)
    before = copy.deepcopy(gate.state_dict())
    result = kernelevo.optimize(gate, x, **QUICK)
    assert result.state == "done" and result.best is not None, [t.evaluation for t in result.trials]
    assert result.folder.is_relative_to("runs") and result.best_path.is_file()
    assert result.best_path.read_text() == result.program.source
    assert result.speedup == result.evaluation.score > 0
    # the winner was timed again in fresh processes
    assert result.evaluation.metrics.get("processes", 0) >= 3, result.evaluation

    fast = result.module()
    assert list(fast.state_dict()) == list(before) and not fast.training
    with torch.no_grad():
        for _ in range(2):
            y = torch.randn(8, 32)
            torch.testing.assert_close(fast(y), gate(y), rtol=1e-5, atol=1e-5)
        fast.up.weight.mul_(2.0)  # it follows later changes of its parameters
        double = copy.deepcopy(gate)
        double.up.weight.mul_(2.0)
        torch.testing.assert_close(fast(x), double(x), rtol=1e-5, atol=1e-5)
        again = pickle.loads(pickle.dumps(copy.deepcopy(fast)))
        torch.testing.assert_close(again(x), double(x), rtol=1e-5, atol=1e-5)
        with pytest.warns(FallbackWarning, match="proven on"):
            torch.testing.assert_close(fast(x[:3]), double(x[:3]))
    assert all(torch.equal(v, before[k]) for k, v in gate.state_dict().items())  # the given one is untouched

    page = result._repr_html_()
    assert "<pre" in page and "<svg" in page and "Gate" in page and "torch.compile" in page
    with pytest.raises(BadSetting, match="not a live module"):
        other = kernelevo.core.Task("x", "y", options={"reference": {"kind": "source"}})
        dataclasses.replace(result, task=other).module()


@pytest.mark.parametrize(
    ("inputs", "more", "kind", "words"),
    [
        (torch.zeros(2, 32), {"budget": "0"}, BadSetting, "not above zero"),
        (torch.zeros(2, 32), {"budget": "abc"}, BadSetting, "'abc'"),
        (torch.zeros(2, 32), {"bugdet": "3"}, BadSetting, "bugdet"),
        (torch.zeros(2, 32), {"weights": [1.0, 2.0]}, BadSetting, "2 weights"),
        (torch.zeros(2, 32), {"size": "small"}, BadSetting, "live module"),
        ([], {}, BadProgram, "list"),
        ("x", {}, BadProgram, "str"),
        (torch.zeros(2, 32), {"programs": ["none.py"]}, BadProgram, "none.py"),
        (torch.rand(2, 32), {"device": "cuda"}, MachineError, "cuda"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(gate, elsewhere, monkeypatch, inputs, more, kind, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(kind, match=words):
        kernelevo.optimize(gate, inputs, **{**QUICK, **more})
    assert not list(elsewhere.glob("runs/*"))


@pytest.mark.parametrize("more", [{}, {"hotspots": 1}])
def test_who_gives_an_input_of_zeros_is_warned_where_it_is_given(gate, elsewhere, monkeypatch, more):
    def stop(*given):
        raise MachineError("before anything is judged")

    monkeypatch.setattr(runs, "_start", stop)
    monkeypatch.setattr(hotspots, "stitch", stop)
    told = pytest.warns(FixedInputWarning, match="input 0 is 0 everywhere")
    with told as seen, pytest.raises(MachineError):
        kernelevo.optimize(gate, torch.zeros(2, 32), **{**QUICK, **more})
    assert [w.filename for w in seen] == [__file__]


def test_a_class_is_not_a_module(elsewhere):
    with pytest.raises(BadSetting, match=r"live torch\.nn\.Module"):
        kernelevo.optimize(Gate, torch.zeros(2, 32), **QUICK)


def test_a_module_that_cannot_run_on_its_inputs_is_the_users_to_mend(gate, quick_judge, elsewhere):
    with pytest.raises(BadProgram, match="Gate cannot be run on its own inputs"):
        kernelevo.optimize(gate, torch.rand(2, 31), **QUICK)
    assert not list(elsewhere.glob("runs/*"))


@pytest.mark.slow
def test_several_input_sets_are_all_checked(gate, quick_judge, elsewhere):
    sets = [torch.randn(8, 32), (torch.randn(2, 32),)]
    result = kernelevo.optimize(gate, sets, weights=[3, 1], **QUICK)
    assert result.best is not None, [t.evaluation for t in result.trials]
    scores = [float(s) for s in result.evaluation.metrics["set_scores"].split(",")]
    assert len(scores) == 2 and min(scores) <= result.speedup <= max(scores)
    fast = result.module()
    with torch.no_grad():
        for rows in (8, 2):  # proven on both shapes: no warning, which would be an error here
            x = torch.randn(rows, 32)
            torch.testing.assert_close(fast(x), gate(x), rtol=1e-5, atol=1e-5)


class Flat(nn.Module):
    """A graph of one batch is wrong for another: the view holds the batch's size."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(24, 64), nn.Linear(64, 8)

    def forward(self, x):
        y = torch.relu(self.up(x)).view(x.shape[0] * 2, 32).view(x.shape[0], 64)
        return self.down(y * 1.0) / x.shape[0]


@pytest.mark.slow
def test_a_rewrite_is_accepted_for_every_input_set(quick_judge, elsewhere):
    torch.manual_seed(1)
    module = Flat().eval()
    sets = [torch.randn(rows, 24) for rows in (4, 64)]
    result = kernelevo.optimize(module, sets, **{**QUICK, "budget": "3"})
    rewritten = [t for t in result.trials if t.program.origin.proposer == "rewrite"]
    assert rewritten and all(t.score is not None for t in result.trials), [
        t.evaluation for t in result.trials
    ]
    assert "for these inputs only" in result.program.source
    fast = result.module()
    with torch.no_grad():
        for x in sets:  # a fallback would warn, and a warning is an error here
            torch.testing.assert_close(fast(x), module(x), rtol=1e-5, atol=1e-5)
        with pytest.warns(FallbackWarning, match="proven on"):
            torch.testing.assert_close(fast(sets[0][:3]), module(sets[0][:3]), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_a_half_precision_module_is_judged_by_its_own_error(gate, quick_judge, elsewhere, dtype):
    module, x = gate.to(dtype), torch.randn(8, 32).to(dtype)
    result = kernelevo.optimize(module, x, **QUICK)
    assert result.best is not None, [t.evaluation for t in result.trials]
    metrics = result.evaluation.metrics
    assert metrics["precision"] == str(dtype).removeprefix("torch.") and metrics["meets_1e-5"] is False
    assert 1e-5 < metrics["oracle_error"] <= 4 * metrics["reference_oracle_error"]
    fast = result.module()
    assert {p.dtype for p in fast.parameters()} == {dtype}
    with torch.no_grad():
        y = torch.randn(8, 32).to(dtype)
        exact = copy.deepcopy(module).double()(y.double())
        own, ours = ((m(y).double() - exact).abs().max() for m in (module, fast))
        assert fast(y).dtype is dtype and ours <= 4 * own


class Branches(nn.Module):
    """A module that no graph stands for: what it does depends on its values."""

    def forward(self, x):
        return torch.relu(x) if x.sum() > 0 else -x


def test_a_module_without_a_graph_is_told_of_to_the_end(quick_judge, elsewhere, monkeypatch, capsys):
    monkeypatch.setattr(parts, "_proposers", lambda plan, host, talk: iter([RewriteProposer()]))
    result = kernelevo.optimize(Branches(), torch.randn(8, 32), **{**QUICK, "progress": True})
    assert result.state == "done" and result.trials == ()
    (told,) = result.hindrances
    what, why, now = told.split("\n")
    assert what == "nothing can be proposed from the module's graph: Branches cannot be captured as one graph"
    assert "torch.export said: " in why and "--model NAME" in now and "hotspots=3" in now
    printed = capsys.readouterr().out
    assert "done: exhausted" in printed and printed.endswith(f"{told}\n") and printed.count(what) == 2
    assert result.summary().startswith(f"{told}\nnothing correct was found")
    assert result.to_json()["run"]["hindrances"] == [told]
    assert "torch.export said: " in result.to_html() and "hotspots=3" in result._repr_html_()
    with pytest.raises(BadSetting, match="cannot be captured as one graph"):
        result.module()


class Silent:
    """Has nothing to offer, and fails of nothing: as one whose capture outlasts the budget."""

    name = "silent"

    async def propose(self, brief, rng):
        return []


def test_a_module_without_a_seed_is_told_of_whatever_proposers_say(quick_judge, elsewhere, monkeypatch):
    monkeypatch.setattr(parts, "_proposers", lambda plan, host, talk: iter([Silent()]))
    result = kernelevo.optimize(Branches(), torch.randn(8, 32), **QUICK)
    (told,) = result.hindrances
    assert "Branches cannot be captured as one graph" in told and "torch.export said: " in told
    assert result.summary().startswith(told) and result.trials == ()
    with pytest.raises(BadSetting, match="cannot be captured as one graph"):
        result.module()


def test_proposers_are_started_by_a_baseline_where_there_is_no_first_verdict():
    done = []
    host = SimpleNamespace(start=lambda: done.append("start"), rest=lambda: done.append("rest"))
    listen = parts._busy_while_searching(host)
    listen(Notice("preparing"))
    assert not done
    listen(BaselineReady("compile", 1.0))
    listen(SearchStarted(3.0))
    assert done == ["start"]
    listen(SearchEnded("over", confirms=False))
    assert done == ["start", "rest"]
