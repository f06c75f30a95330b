"""The reference in fp32 and fp64."""

import random
import time
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from kernelevo.errors import InputError
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.reference import precision
from kernelevo.kernels.reference.conditioning import sane
from kernelevo.kernels.reference.correctness import compare_leaf
from kernelevo.kernels.reference.oracle import answer_tf32, evaluate
from kernelevo.kernels.reference.precision import fp64, strict_fp32
from tests.kernels.references import DRAWS, KEEPS, TRANSITION, Ref


def truth_of(ref, seed=3):
    with Pool.turn:  # torch's random state is the process's own, and judges of other tests work in idle time
        return evaluate(lambda: ref.build(1), None, ref.inputs(2), seed)


def test_fp32_and_fp64_agree_to_fp32_rounding():
    truth = truth_of(TRANSITION)
    assert truth.oracle.leaves[0].dtype is torch.float64
    assert truth.ref32.leaves[0].dtype is torch.float32
    assert 0 < truth.e_ref[0] < 1e-5
    assert set(truth.e_buffers) == {"norm.running_mean", "norm.running_var", "norm.num_batches_tracked"}
    assert truth.ref32.buffers["norm.num_batches_tracked"].item() == 1
    assert not truth.draws and not truth.stateful


def test_what_the_module_takes_is_told():
    class Slow(nn.Module):
        def forward(self, x):
            time.sleep(0.05)
            return x + 1

    assert 0.05 <= truth_of(Ref(Slow, lambda: [torch.rand(3)])).seconds < 5
    assert truth_of(TRANSITION).seconds > 0


def test_floats_of_eight_bits_are_compared():
    class Quantised(nn.Module):
        def forward(self, x):
            return (x / 2).to(torch.float8_e4m3fn)

    truth = truth_of(Ref(Quantised, lambda: [torch.rand(40)]))
    own = truth.ref32.leaves[0]
    assert own.dtype is torch.float8_e4m3fn and truth.e_ref == (0.0,) and not sane(truth)
    right = compare_leaf("output", own.clone(), truth.oracle.leaves[0], own, 0.0)
    wrong = compare_leaf("output", (own.float() + 0.25).to(own.dtype), truth.oracle.leaves[0], own, 0.0)
    assert right.ok and not wrong.ok and "40 of 40 values are off" in wrong.problem


def test_draws_inside_forward_agree_in_fp64():
    truth = truth_of(DRAWS)
    assert truth.draws
    assert truth.oracle.leaves[0].dtype is torch.float64
    assert 0 < truth.e_ref[0] < 1e-6
    other = truth_of(DRAWS, seed=4)
    assert not torch.allclose(truth.ref32.leaves[0], other.ref32.leaves[0])


def test_dropout_and_factories_agree_in_fp64():
    class Mixed(nn.Module):
        def forward(self, x):
            y = nn.functional.dropout(x, 0.3, training=True) + torch.zeros(x.shape) + torch.rand_like(x)
            y = y.float() @ torch.eye(x.shape[1], dtype=torch.float32)
            return y, torch.normal(0.0, 1.0, (3,)), torch.randint(0, 9, (4,)), torch.randperm(5)

    truth = truth_of(Ref(Mixed, lambda: [torch.rand(6, 7)]))
    assert truth.oracle.leaves[0].dtype is torch.float64
    assert max(truth.e_ref) < 1e-6
    assert torch.equal(truth.ref32.leaves[2], truth.oracle.leaves[2])
    assert torch.equal(truth.ref32.leaves[3], truth.oracle.leaves[3])


def test_state_held_as_plain_attribute_is_noticed_and_fresh_each_time():
    first, second = truth_of(KEEPS), truth_of(KEEPS)
    assert first.stateful
    assert torch.equal(first.ref32.leaves[0], second.ref32.leaves[0])
    assert first.e_ref[0] < 1e-6


def test_a_given_state_is_loaded_and_inputs_stay():
    state = {k: v + 0.5 for k, v in TRANSITION.build(1).state_dict().items() if v.is_floating_point()}
    state["norm.num_batches_tracked"] = torch.tensor(5)
    args = TRANSITION.inputs(2)
    kept = args[0].clone()
    truth = evaluate(lambda: TRANSITION.build(1), state, args, 0)
    assert truth.ref32.buffers["norm.num_batches_tracked"].item() == 6
    assert torch.equal(args[0], kept)


def test_an_output_that_is_an_input_is_noted():
    truth = truth_of(Ref(nn.Identity, lambda: [torch.rand(3)]))
    assert truth.ref32.returns_input == (True,)
    assert truth_of(TRANSITION).ref32.returns_input == (False,)


def lotteries():
    class Drops(nn.Module):
        def __init__(self, draw):
            super().__init__()
            self.draw = draw

        def forward(self, x):
            return x * 2 if self.draw() < 0.5 else x

    return [Drops(random.random), Drops(np.random.rand), Drops(lambda: float(torch.rand(())))]


def test_draws_that_no_seed_reaches_are_refused():
    """Its answers differ from call to call: all that is left of them was taken for PyTorch's own error."""
    for module in lotteries()[:2]:
        with pytest.raises(InputError, match="from Python or NumPy"):
            evaluate(lambda module=module: module, None, (torch.rand(4),), 1, twice=True)
    assert evaluate(lambda: lotteries()[2], None, (torch.rand(4),), 1, twice=True).draws


def test_one_draw_beside_a_call_is_somebody_elses():
    once = iter([True])

    class Disturbed(nn.Module):
        def forward(self, x):
            if next(once, False):
                random.random()
            return x * 2

    assert not evaluate(Disturbed, None, (torch.rand(4),), 1, twice=True).stateful


class HandsOut(nn.Module):
    """Returns a weight, a view of a buffer and a table that it holds beside what it computes."""

    def __init__(self):
        super().__init__()
        self.linear, self.table = nn.Linear(4, 4), torch.eye(4)
        self.register_buffer("places", torch.arange(8.0))

    def forward(self, x):
        return self.linear(x), self.linear.weight, self.places[:4], self.table


class Spectrum(nn.Module):
    """Complex weights and outputs, one of them lazily conjugated, and a number of Python's."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.randn(9, dtype=torch.complex64))

    def forward(self, x):
        y = torch.fft.rfft(x).to(torch.complex64) * self.gain
        return y, y.conj(), y.conj().imag, float(y.abs().mean())


def test_complex_modules_have_an_fp64_oracle_and_an_error():
    truth = truth_of(Ref(Spectrum, lambda: [torch.rand(4, 16)]))
    assert truth.oracle.leaves[0].dtype is torch.complex128
    assert truth.ref32.leaves[0].dtype is torch.complex64
    assert all(0 < error < 1e-5 for error in truth.e_ref), truth.e_ref
    assert not truth.ref32.leaves[1].is_conj() and not truth.ref32.leaves[2].is_neg()
    assert not truth.stateful


def test_an_output_that_the_module_holds_is_noted():
    truth = truth_of(Ref(HandsOut, lambda: [torch.rand(3, 4)]))
    assert truth.ref32.returns_held == (False, True, True, True)
    assert truth_of(KEEPS).ref32.returns_held == (False,)  # made anew in each call, and kept then

    class Lazy(nn.Module):
        """A rotary embedding's table, made at the first call and handed out by all."""

        table = None

        def forward(self, x):
            if self.table is None:
                self.table = torch.arange(8.0).cos()
            return x * self.table, self.table

    with Pool.turn:
        module = Ref(Lazy, lambda: [torch.rand(3, 8)])
        found = evaluate(lambda: module.build(1), None, module.inputs(2), 3, twice=True)
    assert found.stateful and found.ref32.returns_held == (False, True)


def test_tf32_error_is_about_a_thousand_times_larger():
    for ref in (
        TRANSITION,
        Ref(lambda: nn.Conv2d(8, 8, 3), lambda: [torch.rand(1, 8, 9, 9)]),
        Ref(lambda: nn.LSTM(8, 8), lambda: [torch.rand(4, 2, 8)]),
        Ref(lambda: nn.MultiheadAttention(8, 2).train(), lambda: [torch.rand(4, 2, 8)] * 3),
    ):
        truth = truth_of(ref)
        rounded = answer_tf32(lambda ref=ref: ref.build(1), None, ref.inputs(2), 3)
        gap = float((rounded.leaves[0].double() - truth.oracle.leaves[0]).abs().max())
        assert gap > 50 * truth.e_ref[0], ref
        assert gap < 1e-2


def test_strict_fp32_puts_flags_back():
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    try:
        with strict_fp32():
            assert torch.backends.mkldnn.matmul.fp32_precision == "ieee"
        assert torch.backends.mkldnn.matmul.fp32_precision == "bf16"
    finally:
        torch.backends.mkldnn.matmul.fp32_precision = "none"


def test_fp64_mode_keeps_fp32_values_of_draws():
    def draw():
        torch.manual_seed(0)
        return [torch.randn(5), torch.rand(3), torch.empty(4).exponential_(), torch.bernoulli(torch.rand(6))]

    with Pool.turn:  # judges of other tests may work on oracles in this process
        plain = draw()
        with fp64():
            wide = draw()
    for a, b in zip(plain, wide, strict=True):
        assert b.dtype is torch.float64
        assert torch.equal(a.double(), b)


class Half(nn.Module):
    """Casts to its own dtype by name, computes in fp32 in between, draws in its own dtype."""

    def __init__(self, dtype):
        super().__init__()
        self.linear, self.kind = nn.Linear(24, 24, dtype=dtype), dtype

    def forward(self, x):
        y = nn.functional.layer_norm(self.linear(x).float(), (24,)).to(self.kind)
        y = (
            nn.functional.dropout(y, 0.5, training=True)
            + torch.rand_like(y)
            + torch.rand(24, dtype=self.kind)
        )
        return self.linear(y @ torch.eye(24, dtype=self.kind))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_half_precision_module_has_an_fp64_oracle_and_its_own_error(dtype):
    ref = Ref(lambda: Half(dtype), lambda: [torch.rand(6, 24).to(dtype)])
    truth = truth_of(ref)
    assert truth.draws and truth.ref32.leaves[0].dtype is dtype
    exact = truth.oracle.leaves[0]
    assert exact.dtype is torch.float64
    assert not torch.equal(
        exact, exact.to(dtype).double()
    )  # nothing on the way was rounded to the module's type
    eps = torch.finfo(dtype).eps
    assert 0.05 * eps < truth.e_ref[0] < 8 * eps  # and the draws are the module's


class Counted(nn.Module):
    """Draws, and says in which precision it was called."""

    calls: ClassVar[list[torch.dtype]] = []

    def forward(self, x):
        self.calls.append(x.dtype)
        return x + torch.randn(x.shape)


def counted():
    with Pool.turn:  # as in truth_of
        return evaluate(Counted, None, (torch.rand(5),), 3)


def test_a_forward_that_draws_is_computed_in_fp64_once_where_its_random_state_agrees():
    Counted.calls.clear()
    truth = counted()
    assert Counted.calls == [torch.float32, torch.float32, torch.float64]
    assert truth.draws and truth.e_ref[0] < 1e-6


def test_an_fp64_call_that_another_thread_disturbs_is_made_again(monkeypatch):
    calm = counted()
    left = [1]
    plain = Counted.forward

    def forward(self, x):
        y = plain(self, x)
        if x.dtype is torch.float64 and left:
            left.pop()
            torch.randn(2)  # somebody else draws
        return y

    monkeypatch.setattr(Counted, "forward", forward)
    Counted.calls.clear()
    again = counted()
    assert Counted.calls.count(torch.float64) == 3 and again.draws == calm.draws
    assert again.e_ref[0] < 1e-6


def test_attention_without_dropout_is_evaluated_in_fp64():
    """Torch says of each fused attention that it may draw."""
    torch.manual_seed(5)
    q, k, v = torch.randn(3, 2, 4, 24, 8, dtype=torch.float64)
    with fp64():
        found = nn.functional.scaled_dot_product_attention(q, k, v)
    exact = torch.softmax(q @ k.mT / 8**0.5, -1) @ v
    assert found.dtype is torch.float64 and float((found - exact).abs().max()) < 1e-13


def test_a_leaky_relu_of_the_mode_for_evaluation_draws_nothing():
    x = torch.linspace(-3, 3, 50, dtype=torch.float64)
    with fp64():
        found = nn.functional.rrelu(x, 0.1, 0.3)
    assert float((found - torch.where(x < 0, 0.2 * x, x)).abs().max()) < 1e-15


@pytest.mark.parametrize(
    ("dropout", "train", "kind"),
    [(0.0, True, torch.float64), (0.5, False, torch.float64), (0.5, True, torch.float32)],
)
def test_a_recurrent_layer_of_cudnn_is_evaluated_in_fp64_unless_it_draws(dropout, train, kind):
    """All of its operands have one type, those in its list of weights too: cuDNN refuses any mixture."""
    seen = []

    def layer(x, weights, stride, buffer, hx, cx, *rest):
        seen.append({t.dtype for t in (x, *weights, buffer, hx, cx)})
        return x * 3, hx.clone(), cx.clone(), x.new_empty(0), torch.empty(0, dtype=torch.uint8)

    x, h = torch.full((5, 2, 4), 1 / 3, dtype=torch.float64), torch.rand(1, 2, 4, dtype=torch.float64)
    weights, buffer = list(torch.rand(4, 16, 4, dtype=torch.float64)), torch.rand(256, dtype=torch.float64)
    rest = (2, 4, 0, 1, False, dropout, train, False, [], None)
    with torch.library._scoped_library("aten", "IMPL") as library, torch.no_grad(), fp64():
        library.impl("_cudnn_rnn", layer, "CPU")
        found = torch.ops.aten._cudnn_rnn(x, weights, 4, buffer, h, h, *rest)
    assert seen == [{kind}] and found[0].dtype is torch.float64
    assert torch.equal(found[0], (x.to(kind) * 3).double())


def test_a_recurrent_layer_in_inference_mode_is_evaluated_in_fp64():
    """There whole layers come as one operator, which torch says may draw."""
    layer, x = nn.LSTM(4, 4).double(), torch.rand(3, 2, 4, dtype=torch.float64)
    with torch.inference_mode():
        exact = layer(x)[0]
        with fp64():
            assert float((layer(x)[0] - exact).abs().max()) < 1e-14


LAYERS = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "tanh": nn.RNN,
    "relu": lambda *sizes, **how: nn.RNN(*sizes, nonlinearity="relu", **how),
}


@pytest.fixture
def dispatched(monkeypatch):
    """The operators that the mode which makes all fp64 has seen."""
    seen, own = [], precision._Widened.__torch_dispatch__

    def see(self, func, types, args=(), kwargs=None):
        seen.append(str(func))
        return own(self, func, types, args, kwargs)

    monkeypatch.setattr(precision._Widened, "__torch_dispatch__", see)
    return seen


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    "how", [{}, {"bidirectional": True, "batch_first": True}, {"num_layers": 2, "bias": False}]
)
def test_a_recurrent_layer_that_draws_nothing_runs_as_a_whole(kind, how, dispatched):
    torch.manual_seed(3)
    layer, x = LAYERS[kind](6, 5, **how).double(), torch.rand(7, 4, 6, dtype=torch.float64)
    with torch.no_grad():
        exact = layer(x)[0]
        with fp64():
            found = layer(x)[0]
    assert found.dtype is torch.float64 and torch.equal(found, exact)
    assert len(dispatched) < 7 and not any("mm" in name for name in dispatched)  # 7 steps would show


@pytest.mark.parametrize("kind", LAYERS)
def test_one_that_draws_or_has_operands_of_other_types_is_seen_step_by_step(kind, dispatched):
    layer, x = (
        LAYERS[kind](6, 5, num_layers=2, dropout=0.5).double(),
        torch.rand(7, 4, 6, dtype=torch.float64),
    )
    with torch.no_grad():
        torch.manual_seed(9)
        fine = layer.float()(x.float())[0]
        torch.manual_seed(9)
        with fp64():
            found = layer.double()(x)[0]
        assert found.dtype is torch.float64 and float((found - fine).abs().max()) < 1e-6  # the same draws
        assert len(dispatched) > 7
        dispatched.clear()
        packed = nn.utils.rnn.pack_padded_sequence(x, [7, 3, 2, 1])
        exact = layer.eval()(packed)[0].data
        with fp64():
            assert torch.equal(layer(packed)[0].data, exact)
        assert len(dispatched) > 7
