"""Whatever a user does to a module, its drop-in does what the original would: it never goes on regardless."""

import copy
import pickle
import warnings
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils import weight_norm

from kernelevo.core import Program
from kernelevo.kernels.dropin.optimized import FallbackWarning, Optimized
from kernelevo.kernels.dropin.signature import Signature

SOURCE = """
import torch
from torch import nn


class ModelNew(nn.Module):
    calls = 0

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.linear = nn.Linear(16, 8)
        self.shift = torch.zeros(8)

    def forward(self, x):
        type(self).calls += 1
        y = nn.functional.layer_norm(x, (16,), self.norm.weight, self.norm.bias, 1e-5)
        return nn.functional.linear(y, self.linear.weight, self.linear.bias) * 2.0 + self.shift
"""


class Net(nn.Module):
    """Has attributes of every kind, and a way of its own to store and move itself."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.linear = nn.Linear(16, 8)
        self.scale, self.sizes, self.seen = 2.0, [1, 2], 0
        self.config, self.options = SimpleNamespace(dropout=0.0), {"causal": False}
        self.shift = torch.zeros(8)

    def forward(self, x):
        self.seen += 1
        return self.linear(self.norm(x)) * self.scale + self.shift

    def _load_from_state_dict(self, state_dict, prefix, *more):
        for name in [n for n in state_dict if n.startswith(f"{prefix}fc.")]:  # of an older version
            state_dict[name.replace("fc.", "linear.")] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *more)

    def get_extra_state(self):
        return {"scale": self.scale}

    def set_extra_state(self, state):
        self.scale = state["scale"]

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        self.shift = fn(self.shift)
        return self


@pytest.fixture
def fast(tmp_path):
    torch.manual_seed(0)
    net = Net()
    return Optimized(net, Program.single(SOURCE), [Signature.of(net, (torch.rand(4, 16),))], folder=tmp_path)


LOADED = []  # a program is loaded anew for other weights


def ran(fast):
    if fast._program is not None and type(fast._program) not in LOADED:
        LOADED.append(type(fast._program))
    return sum(made.calls for made in LOADED)


def by_program(fast, x):
    """Call it, see that the program ran and that the original says the same."""
    before = ran(fast)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        got = fast(x)
        torch.testing.assert_close(got, copy.deepcopy(fast.original)(x), rtol=1e-5, atol=1e-6)
    assert ran(fast) > before
    return got


def by_original(fast, x, match):
    """Call it, see that the original ran, to its own result, and that a warning says why."""
    by = ran(fast)
    fast._warned.clear()
    with torch.no_grad(), pytest.warns(FallbackWarning, match=match):
        got = fast(x)
        assert torch.equal(got, fast.original(x))
    assert ran(fast) == by
    return got


@pytest.fixture
def x():
    return torch.rand(4, 16)


@pytest.mark.parametrize("kind", ["register_forward_hook", "register_forward_pre_hook"])
def test_a_hook_below_it_is_called_and_gone_again(fast, x, kind):
    by_program(fast, x)
    called = []
    handle = getattr(fast.norm, kind)(lambda *given: called.append(len(given)))
    by_original(fast, x, "forward hook would not be called; see norm")
    assert called
    handle.remove()
    by_program(fast, x)


def test_a_hook_on_itself_is_called_with_what_the_program_gave(fast, x):
    called = []
    fast.register_forward_hook(lambda module, args, result: called.append(result))
    got = by_program(fast, x)
    assert called[0] is got


def test_hooks_that_make_a_weight_from_others_are_part_of_what_was_proven(x):
    with torch.no_grad():
        net = nn.Sequential(weight_norm(nn.Linear(16, 8)))
    proven = Signature.of(net, (x,))
    assert proven.differs(net) == ""
    net[0].register_forward_hook(print)
    assert "see 0" in proven.differs(net)


def test_its_own_hooks_go_with_copies(fast, x):
    fast.register_forward_pre_hook(_doubled)
    for twin in (copy.deepcopy(fast), copy.copy(fast), pickle.loads(pickle.dumps(fast))):
        assert isinstance(twin, Optimized)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("error")
            torch.testing.assert_close(twin(x), copy.deepcopy(fast.original)(2 * x), rtol=1e-5, atol=1e-6)


def _doubled(module, args):
    return (2 * args[0],)


def test_attributes_are_set_where_the_original_reads_them(fast, x):
    by_program(fast, x)
    fast.scale = 3.0
    assert fast.original.scale == 3.0 and "scale" not in vars(fast)
    by_original(fast, x, r"attribute is not the proven one; scale was 2.0 and is 3.0")
    fast.scale = 2.0
    by_program(fast, x)
    fast.label = "mine"
    assert fast.original.label == "mine"
    del fast.label
    assert not hasattr(fast.original, "label")
    by_program(fast, x)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda net: setattr(net.norm, "eps", 0.1), "norm.eps was 1e-05 and is 0.1"),
        (lambda net: net.sizes.append(3), r"sizes was \[1, 2\] and is \[1, 2, 3\]"),
        (lambda net: setattr(net, "scale", 2), "scale was 2.0 and is 2"),
        (lambda net: setattr(net.config, "dropout", 0.5), "config.dropout was 0.0 and is 0.5"),
        (lambda net: net.options.update(causal=True), r"options\['causal'\] was False and is True"),
        (lambda net: net.options.update(more=1), r"options was \('causal',\) and is \('causal', 'more'\)"),
        (lambda net: delattr(net.linear, "in_features"), "linear.in_features was 16 and is gone"),
    ],
)
def test_a_changed_attribute_below_is_seen(fast, x, change, match):
    by_program(fast, x)
    change(fast.original)
    by_original(fast, x, match)


def test_what_a_call_counts_is_no_setting(fast, x):
    """Net counts its calls, and those of the program are not counted: nothing else may follow from it."""
    assert "seen" not in fast._proven[0].settings
    by_program(fast, x)
    fast.original.seen = 7
    by_program(fast, x)


def test_a_tensor_in_a_plain_attribute_may_be_exchanged(fast, x):
    by_program(fast, x)
    fast.shift = torch.arange(8.0)
    assert by_program(fast, x)[0, 7] > 3
    fast.shift = torch.arange(4.0).repeat_interleave(2).double()
    by_original(fast, x, "not of the proven kind; see shift")


def test_it_stores_loads_and_moves_as_the_original_does(fast, x):
    twin = copy.deepcopy(fast.original)
    assert list(fast.state_dict()) == list(twin.state_dict()) and "_extra_state" in fast.state_dict()
    old = {
        k.replace("linear.", "fc."): v * 2 if v is not None and "." in k else v
        for k, v in twin.state_dict().items()
    }
    fast.load_state_dict(old)
    assert torch.equal(fast.linear.weight, 2 * twin.linear.weight)
    by_program(fast, x)
    whole, other = nn.Sequential(fast), nn.Sequential(twin)
    assert list(whole.state_dict()) == list(other.state_dict())
    whole.load_state_dict({f"0.{k}": v for k, v in old.items()})
    assert torch.equal(fast.linear.weight, 2 * twin.linear.weight)
    whole.double()
    assert fast.shift.dtype is torch.float64
    whole.float()
    by_program(fast, x)


def test_replicas_of_data_parallel_are_the_originals(fast):
    with pytest.warns(FallbackWarning, match="DataParallel"):
        assert type(fast._replicate_for_data_parallel()) is Net


class Twice(torch.Tensor):
    """A tensor of another class: what it means only torch's operators know."""


def test_tensors_that_are_not_what_their_memory_says_go_to_the_original(fast, x):
    by_program(fast, x)
    by_original(fast, x.as_subclass(Twice), "an input is a Twice")
    negative = torch.view_as_complex(torch.stack([x, -x], -1)).conj().imag
    assert negative.is_neg()
    by_original(fast, negative, "an input is")
    with (
        torch.no_grad(),
        pytest.warns(FallbackWarning, match="layout sparse_coo"),
        pytest.raises(RuntimeError, match=r"memory format|Sparse"),
    ):
        fast(x.to_sparse())
    fast.linear.weight = nn.Parameter(fast.linear.weight.detach().as_subclass(Twice))
    by_original(fast, x, "linear.weight is a")


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:DeprecationWarning")
def test_what_is_transformed_or_recorded_is_the_original(fast, x):
    by_program(fast, x)
    rows = torch.rand(3, 4, 16)
    calls = ran(fast)
    with torch.no_grad(), pytest.warns(FallbackWarning, match=r"transform of torch\.func"):
        got = torch.vmap(fast)(rows)
    with torch.no_grad():
        torch.testing.assert_close(got, fast.original(rows))
    with torch.no_grad(), pytest.warns(FallbackWarning, match="trace is being recorded"):
        recorded = torch.jit.trace(fast, (x,), check_trace=False)
    other = torch.rand(4, 16)
    with torch.no_grad():
        torch.testing.assert_close(recorded(other), fast.original(other))
    from torch.utils.flop_counter import FlopCounterMode

    with (
        torch.no_grad(),
        FlopCounterMode(display=False) as counted,
        pytest.warns(FallbackWarning, match="dispatch"),
    ):
        fast(x)
    assert counted.get_total_flops() == 2 * 4 * 16 * 8 and ran(fast) == calls


def graph_of(module, *args, **context):
    """Compile a module, call it, and return its result and the names of its graph's operators."""
    found = []

    def backend(graph, inputs):
        found.extend(str(node.target) for node in graph.graph.nodes)
        return graph.forward

    torch._dynamo.reset()
    return torch.compile(module, backend=backend, fullgraph=True)(*args), found


def test_an_outer_compile_under_autocast_traces_the_original(fast, x):
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        with pytest.warns(FallbackWarning, match="autocast is on"):
            got, targets = graph_of(fast, x)
        assert torch.equal(got, fast.original(x)) and not any("kernelevo" in t for t in targets)


def test_an_outer_compile_asks_for_gradients_as_a_call_does(fast, x):
    with pytest.warns(FallbackWarning, match="gradient"):
        got, targets = graph_of(fast, x)
    assert got.requires_grad and not any("kernelevo" in t for t in targets)
    fast.requires_grad_(False)
    got, targets = graph_of(fast, x)
    assert any("kernelevo" in t for t in targets)
    torch.testing.assert_close(got, fast.original(x), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:While compiling, we found certain side effects:UserWarning")
def test_what_is_exported_is_the_original(fast, x):
    with torch.no_grad(), pytest.warns(FallbackWarning, match="exported"):
        exported = torch.export.export(fast, (x,), strict=True)
    assert not any("kernelevo" in str(node.target) for node in exported.graph.nodes)
    torch.testing.assert_close(exported.module()(x), fast.original(x))


ALIAS = """
from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        return x[1:], x[1:]
"""


class Alias(nn.Module):
    def forward(self, x):
        return x[1:], x[1:]


def test_results_that_are_parts_of_inputs_are_copied_for_a_graph(x, tmp_path):
    net = Alias()
    fast = Optimized(net, Program.single(ALIAS), [Signature.of(net, (x,))], folder=tmp_path)
    with torch.no_grad():
        a, b = torch.ops.kernelevo.run(fast._number, 0, [x], [], [])
    assert torch.equal(a, x[1:]) and torch.equal(b, x[1:])
    assert len({t.untyped_storage().data_ptr() for t in (a, b, x)}) == 3
    with torch.no_grad():
        assert torch.compiler.is_compiling() is False
        got, targets = graph_of(fast, x)
    assert any("kernelevo" in t for t in targets) and torch.equal(got[0], x[1:])
