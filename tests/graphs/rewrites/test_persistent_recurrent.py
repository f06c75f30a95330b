"""Recurrent layers in one launch: compiled without a device, values by the emulation."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from kernelevo.backends.nvrtc import compile_cubin
from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import persistent_recurrent
from tests.cuda_on_host.host import Device, HostCuda, worst
from tests.few import few
from tests.graphs.programs import difference, load

SNIPPET = persistent_recurrent.snippet()
SMALL = {"PERSISTENT_RECURRENT_THREADS": 64}
KINDS = {
    "gru": nn.GRU,
    "lstm": nn.LSTM,
    "rnn_tanh": nn.RNN,
    "rnn_relu": lambda *a, **k: nn.RNN(*a, nonlinearity="relu", **k),
}


def emulated(tune=None, **facts):
    return Device(SNIPPET, "persistent_recurrent", SMALL | (tune or {}), **facts)


def drawn(net, batch, steps):
    """Inputs and states before the first step."""
    shape = (batch, steps, net.input_size) if net.batch_first else (steps, batch, net.input_size)
    count = net.num_layers * (2 if net.bidirectional else 1)
    states = [torch.randn(count, batch, net.hidden_size) for _ in range(2 if net.mode == "LSTM" else 1)]
    return torch.randn(shape), states


def run(device, kind, net, x, states):
    """Return (found, exact) of output, last states and last cells."""
    flags = (net.bias, net.num_layers, net.bidirectional, net.batch_first)
    found = device["persistent_recurrent"](kind, x, states, list(net.parameters()), *flags)
    wide = type(net)(
        net.input_size, net.hidden_size, net.num_layers, bias=net.bias, batch_first=net.batch_first,
        bidirectional=net.bidirectional, **({"nonlinearity": net.nonlinearity} if "rnn" in kind else {}),
    ).double()  # fmt: skip
    wide.load_state_dict(net.state_dict())
    given = [state.double() for state in states]
    output, last = wide(x.double(), tuple(given) if kind == "lstm" else given[0])
    return list(zip(found, (output, *(last if kind == "lstm" else (last,))), strict=True))


def demand(pairs):
    for found, exact in pairs:
        assert found.dtype == torch.float32
        assert worst(found, exact) < 0.5


QUICK = [("gru", True), ("lstm", False), ("rnn_tanh", False)]


@pytest.mark.parametrize(("kind", "both"), few(itertools.product(KINDS, (False, True)), QUICK))
@torch.no_grad()
def test_layers_in_all_forms(kind, both):
    torch.manual_seed(1)
    device = emulated()
    for batch_first, bias in ((False, True), (True, False)):
        net = KINDS[kind](5, 19, 3, bidirectional=both, batch_first=batch_first, bias=bias)
        demand(run(device, kind, net, *drawn(net, 3, 4)))
    launched = [size for _, size, _ in device.launches]
    assert launched == [(4, 1, 1, 64, 1, 1)] * 6 if both else [(3, 1, 1, 64, 1, 1)] * 2
    assert device.barrier[0].item() == device.barrier[2].item() == 0


@pytest.mark.parametrize(
    ("kind", "batch", "hidden", "layers", "steps"),
    few([("lstm", 10, 8, 2, 2), ("gru", 16, 1, 1, 1), ("lstm", 1, 33, 1, 5), ("rnn_tanh", 7, 130, 1, 3)], 2),
)
@pytest.mark.parametrize("backwards", few([False, True], 1))
@torch.no_grad()
def test_sizes_with_tails(kind, batch, hidden, layers, steps, backwards):
    torch.manual_seed(2)
    net = KINDS[kind](3, hidden, layers)
    demand(run(emulated(backwards=backwards), kind, net, *drawn(net, batch, steps)))


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@torch.no_grad()
def test_weights_that_do_not_fit_are_read_in_every_step(kind):
    torch.manual_seed(3)
    net = KINDS[kind](4, 40, 2)
    device = emulated(shared=5 << 10)
    demand(run(device, kind, net, *drawn(net, 2, 3)))
    assert [name for name, _, _ in device.launches] == ["persistent_recurrent"] * 2  # a layer at a time
    assert all("-DRESIDENT=0" in module.options for module in device.modules[-1:])


@torch.no_grad()
def test_layers_in_groups():
    torch.manual_seed(4)
    net = KINDS["gru"](4, 9, 5, batch_first=True)
    device = emulated({"PERSISTENT_RECURRENT_LAYERS": 2})
    demand(run(device, "gru", net, *drawn(net, 2, 3)))
    assert [size[0] for _, size, _ in device.launches] == [4, 4, 3]  # two, two and one layer


@torch.no_grad()
def test_changed_weights_are_seen():
    torch.manual_seed(5)
    net = KINDS["lstm"](4, 9, 2)
    device = emulated()
    for name in ("weight_ih_l0", "weight_hh_l1", "bias_ih_l1"):
        demand(run(device, "lstm", net, *drawn(net, 2, 3)))
        net.get_parameter(name).mul_(-2)
    demand(run(device, "lstm", net, *drawn(net, 2, 3)))


@torch.no_grad()
def test_many_steps_stay_accurate():
    """The error against fp64 is at most a few times that of PyTorch's own fp32."""
    torch.manual_seed(6)
    net = KINDS["gru"](4, 24, 1)
    x, states = drawn(net, 2, 60)
    pairs = run(emulated(), "gru", net, x, states)
    for (found, exact), own in zip(pairs, net(x, states[0]), strict=True):
        assert (found - exact).abs().max() <= max(4 * (own - exact).abs().max().item(), 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "layers", "both"), [("lstm", 2, False), ("gru", 2, False), ("gru", 1, True)]
)
@torch.no_grad()
def test_at_the_sizes_of_kernelbench(kind, layers, both):
    """Hidden size 256, batch 10, default numbers; fewer steps and multiprocessors."""
    torch.manual_seed(9)
    device = Device(SNIPPET, "persistent_recurrent", multiprocessors=24, shared=227 << 10)
    net = KINDS[kind](128, 256, layers, bidirectional=both)
    x, states = drawn(net, 10, 4)
    plain = net(x, tuple(states) if kind == "lstm" else states[0])
    for (found, exact), own in zip(run(device, kind, net, x, states), plain, strict=False):
        if isinstance(own, torch.Tensor):
            assert (found - exact).abs().max() <= max(4 * (own - exact).abs().max().item(), 1e-6)
    assert len(device.launches) == 1


@torch.no_grad()
def test_blocks_that_never_come_give_nan(monkeypatch):
    plain = HostCuda.__init__

    def broken(self, source, options=(), **rest):
        old = "(barrier), gridDim.x)"
        assert old in source
        plain(self, source.replace(old, "(barrier), gridDim.x + 1)"), (*options, "-DGRID_SPINS=500"), **rest)

    monkeypatch.setattr(HostCuda, "__init__", broken)
    net = KINDS["rnn_tanh"](4, 9)
    (output, _), (last, _) = run(emulated(), "rnn_tanh", net, *drawn(net, 2, 3))
    assert output.isnan().all() and last.isnan().all()


@torch.no_grad()
def test_what_does_not_fit_is_left_to_torch():
    net = KINDS["lstm"](4, 40, 2, batch_first=True)
    device = emulated(shared=1 << 10)
    demand(run(device, "lstm", net, *drawn(net, 16, 3)))
    assert device.launches == []


CHOICES = [(e, c) for e, choices in SNIPPET.tune.items() for c in choices]


@pytest.mark.slow
@pytest.mark.parametrize(("entry", "choice"), CHOICES)
@torch.no_grad()
def test_every_choice_gives_right_values(entry, choice):
    torch.manual_seed(7)
    device = Device(SNIPPET, "persistent_recurrent", {entry: choice}, multiprocessors=6)
    for kind, both in (("lstm", False), ("gru", True)):
        net = KINDS[kind](6, 30, 3, bidirectional=both)
        demand(run(device, kind, net, *drawn(net, 5, 3)))


class Loop(nn.Module):
    """A cell on concatenated input and state, and a readout of every step."""

    def __init__(self, act=torch.tanh):
        super().__init__()
        self.cell, self.readout, self.act = nn.Linear(11 + 22, 22), nn.Linear(22, 3), act

    def forward(self, x, state):
        outputs = []
        for step in x:
            state = self.act(self.cell(torch.cat([step, state], 1)))
            outputs.append(self.readout(state))
        return torch.stack(outputs)


@pytest.mark.parametrize("kind", ["rnn_tanh", "rnn_relu"])
@torch.no_grad()
def test_a_loop_by_the_emulation(kind):
    torch.manual_seed(8)
    gates, state, weight, bias = (torch.randn(*s) for s in ((6, 3, 22), (3, 22), (22, 22), (22,)))
    weight *= 0.1
    for given in (bias, None):
        found, cells = emulated()["persistent_loop"](kind, [gates], [state], [], [weight], [given], False)
        before, exact = state.double(), []
        for gate in gates.double():
            total = gate + before @ weight.double().T + (0 if given is None else given.double())
            before = torch.tanh(total) if kind == "rnn_tanh" else torch.relu(total)
            exact.append(before)
        assert cells == []
        assert worst(found, torch.stack(exact)) < 0.5


@pytest.mark.parametrize("act", few([torch.tanh, torch.relu], 1))
def test_loops_fire_and_the_program_is_right_off_the_gpu_too(act, tmp_path):
    module, inputs = Loop(act), (torch.randn(6, 3, 11), torch.randn(3, 22))
    captured = capture(module, inputs)
    applied = apply_reported(captured, ["split-steps", "batched-steps", "persistent-recurrent"])
    assert [(a.name, a.places, a.refused) for a in applied][-1] == ("persistent-recurrent", 1, "")
    text = print_program(captured)
    assert text.split("class ModelNew")[1].count("persistent_loop(") == 1
    assert difference(captured, load(text, tmp_path, module)) == ""


@pytest.mark.parametrize(("kind", "both"), few(itertools.product(KINDS, (False, True)), QUICK))
def test_layers_fire_and_the_program_is_right_off_the_gpu_too(kind, both, tmp_path):
    net = KINDS[kind](5, 7, 2, bidirectional=both, batch_first=both)
    x, states = drawn(net, 3, 4)
    captured = capture(net, (x, tuple(states) if kind == "lstm" else states[0]))
    (applied,) = apply_reported(captured, ["persistent-recurrent"])
    assert (applied.places, applied.refused) == (1, "")
    text = print_program(captured)
    assert f"{kind}.input(" not in text.split("class ModelNew")[1]
    assert difference(captured, load(text, tmp_path, net)) == ""


@pytest.mark.parametrize(
    ("net", "x"),
    [
        (nn.GRU(4, 8), torch.randn(3, 17, 4)),
        (nn.GRU(4, 8).double(), torch.randn(3, 2, 4).double()),
        (nn.GRU(4, 8, 2, dropout=0.5), torch.randn(3, 2, 4)),
    ],
)
def test_it_leaves_other_layers(net, x):
    assert apply_reported(capture(net, (x,)), ["persistent-recurrent"])[0].places == 0


def plan_of(kind, batch, hidden, cells, chain, shared):
    device = Device(SNIPPET, "persistent_recurrent", multiprocessors=108, shared=shared)
    _, resident = device["persistent_recurrent_plan"]("cuda:0", kind, batch, hidden, cells, chain)
    return device.modules[0], resident


LEVEL_3 = {  # kind, batch, hidden, cells at once, chain
    "34": ("rnn_tanh", 8, 256, 1, True),
    "35 to 37": ("lstm", 10, 256, 6, True),
    "38": ("lstm", 10, 256, 2, False),
    "39, 40": ("gru", 10, 256, 6, True),
    "41, 42": ("gru", 10, 256, 2, False),
}


@pytest.mark.parametrize(
    ("arch", "task"),
    [
        ("sm_90", "35 to 37"),
        ("sm_90", "34"),
        *(pytest.param(a, t, marks=pytest.mark.slow) for a in ("sm_80", "sm_90", "sm_100") for t in LEVEL_3),
    ],
)
def test_it_compiles_without_spills_and_keeps_the_weights(arch, task):
    made, resident = plan_of(*LEVEL_3[task], 163 << 10)
    assert resident
    cubin = compile_cubin(made.source, arch=arch, options=made.options)
    assert cubin.spills == 0
    (usage,) = cubin.usage().values()
    assert usage.registers * 256 <= 65536 and usage.local == 0
