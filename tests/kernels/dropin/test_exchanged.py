"""What a user exchanges below a drop-in, how it is called, and what it leaves behind."""

import copy
import os
import threading
import warnings

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from kernelevo.core import Program
from kernelevo.kernels.dropin.optimized import _TURNS, FallbackWarning, Optimized
from kernelevo.kernels.dropin.signature import Signature

SOURCE = """
import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        self.linear = nn.Linear(6, 3)
        self.register_buffer("shift", torch.zeros(3))
        self.kept, self.seen, self.scratch = None, None, None

    def forward(self, x):
        # goes by how often the buffer was written to, and keeps memory between calls
        if self.seen != self.shift._version:
            self.kept, self.seen = self.shift.clone(), self.shift._version
        if self.scratch is None or self.scratch.shape[0] != x.shape[0]:
            self.scratch = torch.empty(x.shape[0], 3)
        torch.mm(x, self.linear.weight.t(), out=self.scratch)
        return torch.relu(self.scratch + self.linear.bias) + self.kept
"""


class Net(nn.Module):
    gain = 1.0

    def __init__(self):
        super().__init__()
        self.linear, self.act = nn.Linear(6, 3), nn.ReLU()
        self.register_buffer("shift", torch.zeros(3))

    def scale(self, y):
        return y * self.gain

    def forward(self, x):
        return self.scale(self.act(self.linear(x))) + self.shift


class Adapted(nn.Linear):
    """The same weights, and something beside them."""

    def forward(self, x):
        return super().forward(x) + 1.0


X = torch.rand(4, 6)


@pytest.fixture
def fast(tmp_path):
    torch.manual_seed(0)
    net = Net().eval()
    proven = [Signature.of(net, (torch.rand(rows, 6),)) for rows in (4, 2)]
    made = Optimized(net, Program.single(SOURCE), proven, folder=tmp_path)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.testing.assert_close(made(X), net(X))
    return made


def other_activation(fast):
    fast.act = nn.SiLU().eval()


def other_layer(fast):
    adapted = Adapted(6, 3).eval()
    adapted.load_state_dict(fast.linear.state_dict())
    fast.linear = adapted


def other_class(fast):
    fast.linear.__class__ = Adapted


def patched_layer(fast):
    plain = fast.linear.forward
    fast.linear.forward = lambda x: plain(x) * 2


def patched_module(fast):
    fast.original.forward = lambda x: x.sum(-1)


def patched_method(fast):
    fast.scale = lambda y: y * 3


def class_default(fast):
    fast.gain = 5.0


@pytest.mark.parametrize(
    "exchange",
    [
        other_activation,
        other_layer,
        other_class,
        patched_layer,
        patched_module,
        patched_method,
        class_default,
    ],
)
def test_what_computes_otherwise_now_is_the_originals(fast, exchange):
    exchange(fast)
    with torch.no_grad(), pytest.warns(FallbackWarning, match="proven"):
        torch.testing.assert_close(fast(X), copy.copy(fast.original)(X), rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")
def test_a_global_hook_and_a_forward_derivative_are_the_originals(fast):
    handle = nn.modules.module.register_module_forward_hook(
        lambda m, x, y: y + 2 if isinstance(m, nn.Linear) else None
    )
    try:
        with torch.no_grad(), pytest.warns(FallbackWarning, match="hook of all modules"):
            torch.testing.assert_close(fast(X), fast.original(X))
    finally:
        handle.remove()
    for parameter in fast.parameters():
        parameter.requires_grad_(False)
    with forward_ad.dual_level(), pytest.warns(FallbackWarning, match="derivative"):
        given = forward_ad.make_dual(X, torch.ones_like(X))
        tangent = forward_ad.unpack_dual(fast(given)).tangent
        torch.testing.assert_close(tangent, forward_ad.unpack_dual(fast.original(given)).tangent)


def assigned(fast):
    fast.shift = torch.full((3,), 7.0)


def given_other_memory(fast):
    fast.shift.data = torch.full((3,), 7.0)


def applied(fast):
    fast._apply(lambda t: t + 7.0)


@pytest.mark.parametrize("change", [assigned, given_other_memory, applied])
def test_a_program_that_goes_by_versions_meets_other_memory(fast, change):
    change(fast)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.testing.assert_close(fast(X), fast.original(X))


def test_kinds_of_call_in_turn_are_looked_at_once(fast, monkeypatch):
    looked = []
    differs = Signature.differs
    monkeypatch.setattr(Signature, "differs", lambda s, m: looked.append(1) or differs(s, m))
    with torch.no_grad():
        for rows in (2, 4, 2, 4, 2):
            fast(X[:rows])
    assert looked == [1]  # the second kind, once; the first one was known
    fast.linear.weight = nn.Parameter(torch.rand(3, 6))
    with torch.no_grad():
        for rows in (2, 4, 2):
            torch.testing.assert_close(fast(X[:rows]), fast.original(X[:rows]))
    assert looked == [1] * 3  # each kind once for the new weight


def test_scratch_of_inference_mode_serves_later_calls(fast):
    with torch.inference_mode():
        fast(X[:2])
        fast(X)
    with torch.no_grad():
        torch.testing.assert_close(fast(X), fast.original(X))
        torch.testing.assert_close(fast(X[:2]), fast.original(X[:2]))


def test_a_child_that_was_forked_in_the_middle_of_a_call_goes_on(fast):
    held, let = threading.Event(), threading.Event()

    def hold():
        with _TURNS[fast._turns]:
            held.set()
            let.wait(30.0)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30.0)
    child = os.fork()
    if child == 0:
        os._exit(0 if _TURNS[fast._turns].acquire(timeout=5.0) else 1)
    let.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_nothing_is_kept_for_weights_that_are_gone(fast):
    assert fast._program is not None
    fast.bfloat16()
    with torch.no_grad(), pytest.warns(FallbackWarning, match="of the proven kind"):
        fast(X.bfloat16())
    assert fast._program is None and fast._bound == () and fast._seen is None
    fast.float()
    with torch.no_grad():
        torch.testing.assert_close(fast(X), fast.original(X))
    assert fast._program is not None


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 0

    def forward(self, x):
        self.n += 1
        return x * 2


def test_what_a_call_changes_is_named():
    assert Signature.of(Counts(), (X,)).changed == ("n",)
    first = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(6, 3))
    assert Signature.of(first, (torch.randn(4, 6),)).changed == ("input 0",)
    assert Signature.of(first, (X,)).changed == ()


def test_numbers_have_their_type_and_single_rows_any_stride(fast):
    class Times(nn.Module):
        def forward(self, x, k):
            return x * k

    taken = Signature.of(Times(), (torch.arange(4), 2))
    structure = taken.structure
    assert taken.mismatch(structure, (torch.arange(4), 2)) == ""
    assert "not the proven one" in taken.mismatch(structure, (torch.arange(4), 2.0))
    assert "not the proven one" in taken.mismatch(structure, (torch.arange(4), X.numpy()))
    one = Signature.of(nn.Linear(6, 3), (torch.rand(1, 6),))
    odd = torch.rand(6)[None].expand(1, 6).as_strided((1, 6), (0, 1))
    assert one.mismatch(one.structure, (odd,)) == "" and "strides" in one.mismatch(
        one.structure, (odd.double(),)
    )
