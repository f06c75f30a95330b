import threading

import pytest
import torch
from torch import nn

from kernelevo.errors import CaptureError
from kernelevo.graphs.capture import capture
from kernelevo.graphs.execution import TURN
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.snippet import Snippet
from tests.graphs.programs import load


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.seq = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.register_buffer("hidden", torch.ones(3), persistent=False)
        self.plain = torch.randn(8)
        self.dead = nn.Linear(3, 3)
        self.tied = self.seq[0].weight

    def forward(self, x, d, *, k=None):
        y = self.seq(x) + self.plain * self.hidden.sum()
        with torch.no_grad():
            w = y * 2 + torch.randn(5, 8)
        return {"a": y + d["u"], "b": (w, (k, None, 3)), "x": x}


class Attribute(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = torch.zeros(3)

    def forward(self, x):
        self.h = torch.tanh(x + self.h)
        return self.h


class Counter(nn.Module):
    count = 0

    def forward(self, x):
        self.count += 1
        return x * self.count


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class WritesParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))

    def forward(self, x):
        with torch.no_grad():
            self.w.add_(1)
        return x * self.w


class Uncopyable(nn.Linear):
    def __deepcopy__(self, memo):
        raise RuntimeError("no")


class NeedsTargets(nn.Module):
    """In training it returns a loss, for which these calls give no targets."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x, targets=None):
        y = self.linear(x)
        return torch.nn.functional.cross_entropy(y, targets.view(-1)) if self.training else y


class AssertsInTraining(nn.Module):
    def forward(self, x):
        assert not self.training
        return x * 2


class LooksUp(nn.Module):
    def forward(self, x):
        return x * {}["missing"]


def nested(training=True):
    torch.manual_seed(0)
    inputs = (torch.randn(5, 4), {"u": torch.randn(5, 8)})
    return capture(Nested().train(training), inputs, {"k": torch.ones(1)})


@pytest.mark.parametrize("training", [True, False])
def test_structures_buffers_and_draws_survive(training):
    captured = nested(training)
    assert captured.mismatch() == ""
    assert captured.signature == ("x", "d", "k")
    assert captured.training is training
    entries = captured.skeleton.by_name
    assert entries["dead.weight"].kind == "parameter"
    assert entries["seq.0.weight"].alias == "tied" or entries["tied"].alias == "seq.0.weight"
    assert not entries["hidden"].persistent
    assert entries["plain"].kind == "constant"
    assert {e.name for e in captured.skeleton.entries if e.persistent} == set(Nested().state_dict())
    out = captured.gm(*captured.inputs, **captured.calls[0].kwargs)
    assert set(out) == {"a", "b", "x"}
    assert out["b"][1][1:] == (None, 3)


def test_every_node_knows_its_value():
    captured = nested()
    for node in captured.graph.nodes:
        assert node.op == "output" or "val" in node.meta


def test_the_module_itself_is_left_alone():
    module = Nested()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    capture(module, (torch.randn(5, 4), {"u": torch.randn(5, 8)}), {"k": torch.ones(1)})
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_copies_do_not_share_their_graph():
    captured = nested()
    twin = captured.copy()
    last = next(n for n in reversed(list(twin.graph.nodes)) if n.op == "call_function")
    last.target = torch.ops.aten.sub.Tensor
    twin.gm.recompile()
    assert twin.mismatch()
    assert captured.mismatch() == ""


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Attribute(), "state outside its buffers"),
        (Counter(), "state outside its buffers"),
        (Branching(), "cannot be captured as one graph"),
        (WritesParameter(), "writes to its parameter 'w'"),
        (Uncopyable(3, 3), "cannot be copied"),
        (nn.Linear(7, 7), "does not run on these inputs"),
        (LooksUp(), "does not run on these inputs"),
    ],
)
def test_refusals_say_why(module, words):
    with pytest.raises(CaptureError) as caught:
        capture(module, (torch.ones(3),))
    assert words in str(caught.value)
    assert caught.value.now


def test_snippets_must_not_collide():
    captured = nested()
    captured.add_snippet(Snippet("one", "def f(x):\n    return x\n"))
    captured.add_snippet(Snippet("one", "def f(x):\n    return x\n"))
    with pytest.raises(ValueError, match="both define"):
        captured.add_snippet(Snippet("two", "def f(x):\n    return x + 1\n"))
    with pytest.raises(ValueError, match="different text"):
        captured.add_snippet(Snippet("one", "def g(x):\n    return x\n"))
    assert Snippet("one", "import math\nG = 2\ndef f(x):\n    return x * G\n").function("f")(3) == 6


@pytest.mark.slow
def test_a_long_unrolled_loop():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.step = nn.Linear(6, 4)

        def forward(self, x, h):
            out = []
            for t in range(x.shape[0]):
                h = torch.tanh(self.step(torch.cat([x[t], h], dim=1)))
                out.append(h)
            return torch.stack(out)

    captured = capture(Loop(), (torch.randn(200, 3, 2), torch.zeros(3, 4)))
    assert len(captured.graph.nodes) > 800


@pytest.mark.parametrize("module", [NeedsTargets(), AssertsInTraining()])
def test_another_mode_that_raises_is_another_mode(module):
    captured = capture(module.eval(), (torch.randn(4, 3),))
    assert captured.mode_matters and not captured.training


class Expanded(nn.Module):
    """A buffer and a plain tensor whose elements share memory: nobody can write to them in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("ones", torch.ones(1).expand(3), persistent=False)
        self.two = torch.tensor(2.0).expand(4, 3)

    def forward(self, x):
        return x * self.ones + self.two


def test_tensors_that_overlap_themselves_are_no_obstacle(tmp_path):
    module, x = Expanded(), torch.randn(4, 3)
    captured = capture(module, (x,))
    program = load(print_program(captured), tmp_path, module)
    assert torch.equal(program(x), module(x))


class Wordless(nn.Module):
    """It works, and while it is exported it raises without a word, as a bare assertion does."""

    def forward(self, x):
        if torch.compiler.is_exporting():
            raise NotImplementedError
        return x * 2


def test_a_refusal_without_words_is_a_refusal():
    with pytest.raises(CaptureError, match="NotImplementedError"):
        capture(Wordless(), (torch.ones(3),))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d(3, 4, 5, padding="same"), (2, 3, 9)),
        (nn.Conv2d(3, 4, (3, 5), dilation=(1, 2), padding="same", bias=False), (2, 3, 9, 12)),
        (nn.Conv2d(3, 6, 3, stride=2, padding="valid", groups=3), (2, 3, 9, 9)),
        (nn.Conv3d(2, 4, 3, padding="same"), (1, 2, 5, 6, 7)),
        (nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3, padding="same")), (2, 3, 9, 9)),
    ],
)
def test_padding_in_words_becomes_numbers(layer, shape):
    captured = capture(layer, (torch.randn(shape),))
    (node,) = (n for n in captured.graph.nodes if "conv" in str(n.target))
    assert node.target._overloadname == "default"


def test_padding_that_is_not_the_same_on_both_sides_is_left():
    module, x = nn.Conv2d(3, 4, 4, padding="same"), torch.randn(2, 3, 9, 9)
    captured = capture(module, (x,))
    assert torch.equal(captured.gm(x), module(x))
    assert any(getattr(n.target, "_overloadname", "") == "padding" for n in captured.graph.nodes)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls.add_(1)
        return x * self.calls


def test_copies_that_run_in_two_threads_do_not_move_each_other_s_buffers():
    """Rewrites are checked in one thread of a search, harvests in another; their graphs share buffers."""
    captured = capture(Counting(), (torch.ones(3),))
    calls, twin = captured.root.get_buffer("calls"), captured.copy()
    with TURN:  # as while a copy runs
        calls.fill_(5.0)
        other = threading.Thread(target=twin.observe)
        other.start()
        other.join(0.3)
        assert calls.item() == 5.0
    other.join()
    assert captured.mismatch() == twin.mismatch() == ""


class Keyed(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(3, 3)})

    def forward(self, x):
        return {name: head(x) for name, head in self.heads.items()}


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.jit.trace(nn.Linear(3, 3), torch.ones(3))

    def forward(self, x):
        return self.inner(x) * 2


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.GRU(3, 3)

    def forward(self, x):
        return self.layer(nn.utils.rnn.pack_sequence([x.view(1, 3)]))[0].data


@pytest.mark.parametrize(
    ("module", "advice"),
    [
        (torch.jit.trace(nn.Linear(3, 3), torch.ones(3)), "the original module"),
        (torch.jit.script(nn.Linear(3, 3)), "the original module"),
        (Scripted(), "'inner', a traced or scripted module"),
        (Keyed("class"), "is a Python keyword (class); rename it"),
        (Branching(), "control flow that depends on tensor values"),
        (Wordless(), "what torch.export does not know"),
        (Packed(), "what torch.export does not know"),
    ],
)
def test_advice_fits_what_stands_in_the_way(module, advice):
    with pytest.raises(CaptureError) as caught:
        capture(module, (torch.ones(3),))
    assert advice in caught.value.now


class Gained(nn.Module):
    """Holds tensors that have a gradient history, one of them in a list."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(3))
        self.doubled, self.more = self.scale * 2, [self.scale.exp()]

    def forward(self, x):
        return x * self.doubled + self.more[0] * self.scale


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("make", [Gained, lambda: nn.utils.weight_norm(nn.Linear(3, 3))])
def test_tensors_with_a_gradient_history_are_no_obstacle(make, tmp_path):
    torch.manual_seed(0)
    module, x = make(), torch.randn(4, 3)
    held = {k: v for k, v in vars(module).items() if isinstance(v, torch.Tensor)}
    captured = capture(module, (x,))
    assert all(vars(module)[k] is v and v.grad_fn is not None for k, v in held.items())
    program = load(print_program(captured), tmp_path, module)
    assert torch.allclose(program(x), module(x))


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_an_old_weight_norm_follows_its_parameters(tmp_path):
    module, x = nn.utils.weight_norm(nn.Linear(3, 3)), torch.randn(4, 3)
    captured = capture(module, (x,))
    with torch.no_grad():
        module.weight_g.mul_(3)
    program = load(print_program(captured), tmp_path, module)
    assert torch.allclose(program(x), module(x))
