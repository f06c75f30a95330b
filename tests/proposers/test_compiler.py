"""The compiler proposer: the plain harvest first, rewritten graphs next, nothing twice."""

from __future__ import annotations

import asyncio
import threading
from random import Random

import pytest
import torch

from kernelevo.backends.candidate import adopt, load_candidate
from kernelevo.backends.reference import load_reference
from kernelevo.backends.tune import read_table
from kernelevo.core import Brief, Evaluation, Origin, Program, Task, Trial, Verdict
from kernelevo.errors import CaptureError
from kernelevo.graphs.harvest import cpp as harvest_room
from kernelevo.proposers.compiler import CompilerProposer
from kernelevo.tasks.module import freeze
from tests.proposers.several import assert_right_on_each

MODEL = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(32, 64), nn.Linear(64, 16)
        self.unused = nn.Linear(4, 4)

    def forward(self, x):
        return torch.softmax(self.second(torch.relu(self.first(x))), dim=-1)

def get_inputs():
    return [torch.randn(8, 32)]

def get_init_inputs():
    return []
"""


def task(text: str = MODEL, **options) -> Task:
    reference = {"kind": "source", "text": text, "filename": "model.py", "size": "full", "entry": "Model"}
    return Task("toy", "faster", options={"reference": reference, "device": "cpu", **options})


def ask(proposer: CompilerProposer, of: Task, *parents: Verdict) -> list[Program]:
    brief = Brief(of, 0, parents=parents)
    return [p.program for p in asyncio.run(proposer.propose(brief, Random(0)))]


@pytest.mark.slow
def test_the_plain_code_is_generated_ahead_once(monkeypatch):
    calls, begun, real = [], threading.Event(), harvest_room.harvest

    def counted(graph, variant, **more):
        calls.append(variant.name)
        begun.set()
        return real(graph, variant, **more)

    monkeypatch.setattr(harvest_room, "harvest", counted)
    proposer = CompilerProposer(task=task())
    assert begun.wait(60)  # before anybody asked
    (plain,) = ask(proposer, task())  # waits for what has begun
    assert calls == ["plain"]
    assert plain == ask(CompilerProposer(), task())[0]


@pytest.mark.slow
def test_the_plain_harvest_comes_first_and_a_rewritten_graph_second(tmp_path):
    proposer = CompilerProposer()
    (plain,) = ask(proposer, task())
    (rewritten,) = ask(proposer, task())
    assert plain.origin.details == {"base": "harvest", "variant": "plain", "rewrites": []}
    assert rewritten.origin.details["variant"] == "scratch"
    assert rewritten.origin.details["rewrites"]
    reference = load_reference(task().options["reference"])
    for number, program in enumerate((plain, rewritten)):
        module = reference.build(7)
        made = load_candidate(program.source, tmp_path / str(number))
        candidate = adopt(made, module, reference.init_args(7), reference.init_kwargs(7), 7)
        candidate = candidate[0] if isinstance(candidate, tuple) else getattr(candidate, "module", candidate)
        x = reference.inputs(3)
        with torch.no_grad():
            torch.testing.assert_close(candidate(*x), module(*x), atol=1e-5, rtol=1e-5)


def test_what_was_tried_before_is_not_proposed_again():
    first = CompilerProposer()
    (plain,) = ask(first, task())
    again = CompilerProposer()
    again.observe(Trial(0, plain, Evaluation.ok(1.0)))
    (next_one,) = ask(again, task())
    assert next_one.id != plain.id


def test_code_for_a_graph_whose_program_was_wrong_comes_last(monkeypatch):
    def cheap(self, brief, bench, variant, rewrites):
        details = {"base": "harvest", "variant": variant.name, "rewrites": list(rewrites)}
        return Program.single(f"{variant.name} {rewrites}", origin=Origin("compiler", "", details))

    monkeypatch.setattr(CompilerProposer, "_program", cheap)
    orders = []
    for verdict in (Evaluation.ok(1.0), Evaluation.wrong("by rounding")):
        proposer, found = CompilerProposer(), []
        while programs := ask(proposer, task()):
            if not found:
                proposer.observe(Trial(0, programs[0], verdict))
            found += programs
        orders.append([tuple(p.origin.details["rewrites"]) for p in found])
    right, wrong = orders
    assert sorted(right) == sorted(wrong) and right.count(()) > 2
    assert () in right[1:-1] and right[-1] != ()
    assert wrong[0] == () and all(wrong[1 : -right.count(()) + 1]) and not any(wrong[-right.count(()) + 1 :])


def test_a_harvest_for_several_input_sets_is_right_on_each(tmp_path):
    torch.manual_seed(8)
    module = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.GELU(), torch.nn.LayerNorm(64)).eval()
    sets = [torch.randn(rows, 32) for rows in (4, 30)]
    (program,) = ask(CompilerProposer(), freeze(module, sets, tmp_path))
    assert_right_on_each(program, module, sets, tmp_path / "program")
    assert read_table(program.source)


@pytest.mark.slow
def test_it_ends_and_never_repeats_itself():
    proposer, seen = CompilerProposer(), []
    while found := ask(proposer, task()):
        seen += found
    details = [(p.origin.details["variant"], tuple(p.origin.details["rewrites"])) for p in seen]
    assert len(set(details)) == len(seen) >= 4


def test_it_offers_nothing_where_there_is_nothing_to_harvest():
    assert not ask(CompilerProposer(), Task("no module", "?", evaluator="other"))
    assert not ask(CompilerProposer(), task(device="abacus"))
    branches = MODEL.replace(
        "return torch.softmax", "x = x if x.sum() > 0 else -x\n        return torch.softmax"
    )
    for proposer in (CompilerProposer(), CompilerProposer(task=task(branches))):
        with pytest.raises(CaptureError, match="cannot be captured as one graph"):
            ask(proposer, task(branches))


def test_on_cuda_it_proposes_triton_without_a_device():
    (program,) = ask(CompilerProposer(), task(device="cuda"))
    assert program.origin.details["variant"] == "triton"
    assert "@triton.jit" in program.source and "_inductor" not in program.source
    assert any(name.endswith("_WARPS") for name in read_table(program.source))


def test_variants_that_change_nothing_are_one_proposal(monkeypatch):
    monkeypatch.setattr(harvest_room, "harvest", lambda graph, variant, **more: graph)
    proposer, seen = CompilerProposer(), []
    while found := ask(proposer, task()):
        seen += found
    bodies = [program.source.split('"""', 2)[2] for program in seen]
    assert len(set(bodies)) == len(bodies) > 1
    reminded = CompilerProposer()
    for program in seen:
        reminded.proposed(program)
    assert ask(reminded, task()) == []


def test_nothing_is_generated_for_a_module_that_cannot_be_printed(monkeypatch):
    generated = []
    monkeypatch.setattr(harvest_room, "harvest", lambda *given, **more: generated.append(given))
    text = MODEL.replace("nn.Linear(4, 4)", "nn.Linear(4, 4)\n        self.noise = torch.randn(4000, 16)")
    text = text.replace("dim=-1)", "dim=-1) + self.noise.sum(0)")
    for proposer in (CompilerProposer(), CompilerProposer(task=task(text))):
        with pytest.raises(CaptureError, match="too large to be part of a program"):
            ask(proposer, task(text))
    assert generated == []
