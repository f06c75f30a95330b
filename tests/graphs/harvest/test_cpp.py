"""Harvested programs: equal to the module, in buffers too, without Inductor at run time."""

from __future__ import annotations

import importlib.util
import operator
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.capture import capture
from kernelevo.graphs.check import Reference
from kernelevo.graphs.harvest.cpp import PLAIN, HarvestError, Variant, harvest, harvest_program, variants
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.snippet import Snippet

SCRATCH = Variant("scratch", scratch=True)


class Of(nn.Module):
    """A module whose forward is a given function of its parts and inputs."""

    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, *inputs):
        return self.function(self.parts, *inputs)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 5)
        self.register_buffer("scratch", torch.ones(5), persistent=False)

    def forward(self, x):
        y = torch.relu(self.norm(self.conv(x))).mean((2, 3))
        return {"y": self.head(y) + self.scratch, "flat": x.view(-1), "turned": y.t()}


def load(text: str, folder: Path) -> type[nn.Module]:
    path = folder / "program.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("harvested_program", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ModelNew


@pytest.fixture(scope="module")
def net_text() -> str:
    torch.manual_seed(0)
    return harvest_program(Net(), (torch.randn(2, 3, 16, 16),), SCRATCH)


def test_a_program_follows_its_weights_and_moves_its_buffers_as_the_module_does(net_text, tmp_path):
    torch.manual_seed(1)
    module = Net()
    program = load(net_text, tmp_path)()
    program.load_state_dict(module.state_dict(), strict=True)
    for _ in range(2):
        x = torch.randn(2, 3, 16, 16)
        got, wanted = program(x), module(x)
        assert got.keys() == wanted.keys()
        for key in wanted:
            torch.testing.assert_close(got[key], wanted[key].detach(), atol=1e-5, rtol=1e-5)
        assert got["flat"].data_ptr() == x.data_ptr()
        for (name, a), b in zip(program.named_buffers(), module.buffers(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-6, msg=name)
    with torch.no_grad():
        module.head.weight.mul_(2.0)
        program.head.weight.mul_(2.0)
    torch.testing.assert_close(program(x)["y"], module(x)["y"].detach(), atol=1e-5, rtol=1e-5)


def test_results_do_not_share_memory_with_later_calls(net_text, tmp_path):
    program = load(net_text, tmp_path)()
    program.load_state_dict(Net().state_dict())
    first = program(torch.randn(2, 3, 16, 16))["turned"]
    kept = first.clone()
    program(torch.randn(2, 3, 16, 16))
    assert torch.equal(first, kept)


def test_inputs_of_another_layout_are_taken_and_of_another_shape_refused(net_text, tmp_path):
    program = load(net_text, tmp_path)()
    module = Net()
    program.load_state_dict(module.state_dict())
    x = torch.randn(2, 3, 16, 16)
    wanted = module(x)["y"].detach()
    program.load_state_dict(
        Net().state_dict() | {k: v for k, v in module.state_dict().items() if "norm.r" not in k}
    )
    got = program(x.contiguous(memory_format=torch.channels_last))["y"]
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="made for"):
        program(torch.randn(3, 3, 16, 16))


BLOCKED = """
import sys, importlib.abc
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith("torch._inductor"):
            raise ImportError("blocked " + name)
sys.meta_path.insert(0, Refuse())
import torch
def refuse(*a, **k): raise RuntimeError("torch.compile is blocked")
torch.compile = refuse
sys.path.insert(0, sys.argv[2])
space = {"__name__": "program"}
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), space)
model = space["ModelNew"]()
print(tuple(model(torch.randn(2, 3, 16, 16))["y"].shape))
assert not any(m.startswith("torch._inductor") for m in sys.modules), "Inductor was imported"
"""


@pytest.mark.slow
def test_it_runs_where_inductor_cannot_be_imported(net_text, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(net_text)
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(path), root], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "(2, 5)" in done.stdout


@pytest.mark.slow
def test_equal_modules_give_equal_programs():
    module, x = Of(lambda p, x: p[0](x)[0] * 2, nn.GRU(4, 8)), torch.randn(3, 2, 4)
    assert harvest_program(module, (x,)) == harvest_program(module, (x,))


r = torch.randn
CASES = {
    "gru stays whole": (Of(lambda p, x: p[1](p[0](x)[0]), nn.GRU(8, 16, 2), nn.Linear(16, 3)), (r(5, 4, 8),)),
    "attention": (
        Of(lambda p, x: F.scaled_dot_product_attention(x, x, x, is_causal=True) * 2),
        (r(2, 4, 16, 8),),
    ),
    "sort": (Of(lambda p, x: (torch.sort(x, -1)[0].cumsum(-1), x.topk(3)[1])), (r(5, 9),)),
    "views": (Of(lambda p, x: (x.t(), x[1:], p[0].weight), nn.Linear(3, 4)), (r(5, 9),)),
    "outputs share memory": (Of(lambda p, x: ((y := x * 2).t(), y[1:], y)), (r(5, 9),)),
    "writes its input": (Of(lambda p, x: x.add_(1).relu()), (r(5, 9),)),
    "strided index": (
        Of(lambda p, x, i: (p[0](i) + x, i % 3), nn.Embedding(10, 9)),
        (r(5, 9), torch.randint(0, 10, (5, 9)).select(1, 0)),
    ),
    "random": (Of(lambda p, x: p[0](x) + torch.randn(50, 9), nn.Dropout(0.3)), (r(50, 9),)),
    "double": (Of(lambda p, x: torch.tanh(x.double()).sum(1).float()), (r(50, 90),)),
    "half": (Of(lambda p, x: F.relu(p[0](x)) * 2, nn.Linear(32, 16).bfloat16()), (r(4, 32).bfloat16(),)),
    "scalars": (Of(lambda p, x: (x.sum(), x.argmax(), x > 0)), (r(5, 9),)),
    "transposed convolution": (
        Of(lambda p, x: p[0](x), nn.ConvTranspose2d(3, 8, 3, stride=2)),
        (r(2, 3, 8, 8),),
    ),
    "volume": (Of(lambda p, x: p[0](x).sigmoid(), nn.Conv3d(3, 8, 3)), (r(2, 3, 8, 8, 8),)),
    "channels-last input": (
        Of(lambda p, x: p[0](x) * x, nn.Conv2d(8, 8, 3, padding=1)),
        (r(2, 8, 8, 8).contiguous(memory_format=torch.channels_last),),
    ),
}
QUICK = ("outputs share memory", "writes its input", "random")


@pytest.mark.slow
def test_a_linear_layer_of_strided_rows_is_one_product_as_in_the_module():
    """Under no_grad ATen stacks a product for each row unless the weight says that it may be trained."""

    class Swapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(24, 40)

        def forward(self, x):
            return self.linear(x.transpose(0, 1)).relu()

    text = harvest_program(Swapped(), (torch.randn(3, 17, 24),))
    assert "bmm" not in text
    assert "torch.mm(" in text or "torch.addmm(" in text


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in CASES]
)
def test_harvest_proves_itself_against_the_module(name):
    module, inputs = CASES[name]
    captured = capture(module, inputs)
    assert harvest(captured, SCRATCH).mismatch() == ""


@pytest.mark.slow
def test_every_variant_proves_itself():
    captured = capture(Net(), (torch.randn(2, 3, 16, 16),))
    made = {v.name: print_program(harvest(captured, v)) for v in variants(captured)}
    assert {"plain", "scratch", "packed-layout", "no-layout"} <= made.keys()
    assert "kernelevo.packed(" in made["packed-layout"] and "kernelevo.packed(" not in made["plain"]


def test_snippets_are_called_as_they_are_with_their_constants_and_mutations():
    snippet = Snippet(
        "demo",
        """
def demo_pack(weight):
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), 16)


def demo_mean(x, mean, momentum, *, centre=False):
    here = x.mean(0)
    mean.mul_(1 - momentum).add_(here, alpha=momentum)
    return (x - here if centre else x), here
""",
    )
    module = Of(
        lambda p, x: torch.relu(p[1](p[0](x) * 2)) + 1, nn.Linear(32, 64), nn.BatchNorm1d(64, affine=False)
    )
    captured = capture(module, (torch.randn(16, 32),))
    captured.add_snippet(snippet)
    graph = captured.graph
    linear = next(n for n in graph.nodes if "linear" in str(n.target))
    relu = next(n for n in graph.nodes if "relu" in str(n.target))
    with graph.inserting_before(linear):
        packed = graph.call_function(snippet.function("demo_pack"), (linear.args[1],))
        args = (linear.args[0], packed, linear.args[2], "none", [], "")
        linear.replace_all_uses_with(graph.call_function(torch.ops.mkldnn._linear_pointwise.default, args))
    graph.erase_node(linear)
    with graph.inserting_before(relu):
        mean = captured.attribute("parts.1.running_mean")
        both = graph.call_function(
            snippet.function("demo_mean"), (relu.args[0], mean, 0.25), {"centre": True}
        )
        parts = [graph.call_function(operator.getitem, (both, i)) for i in range(2)]
        relu.args = (graph.call_function(torch.ops.aten.add.Tensor, tuple(parts)),)
    captured.gm.recompile()
    captured.reference = Reference(captured.observe(), None)
    text = print_program(harvest(captured, PLAIN))  # proves itself, the buffer included
    assert "demo_mean(a0, a1, 0.25, centre=True)" in text
    assert "kernelevo_opaque" not in text and "custom_op" not in text


def test_what_cannot_be_harvested_is_refused_by_name():
    with pytest.raises(HarvestError, match="no code"):
        harvest(capture(Of(lambda p, x: x), (torch.randn(3),)))
    steps = Of(lambda p, x: [h := torch.zeros(4)] + [h := torch.tanh(h + t) for t in x.unbind(0)])
    captured = capture(steps, (torch.randn(20, 4),))
    ticks = iter(range(100_000))
    with pytest.raises(HarvestError, match="took longer than 15 s"):
        harvest(captured, seconds=15, clock=lambda: float(next(ticks)))
