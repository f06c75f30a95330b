"""Packed values follow their parameters through anything that may change them."""

import copy
import gc
import pickle
import threading
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kernelevo.backends import packing
from kernelevo.backends.packing import packed


class Count:
    """A packing function that counts its runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, *tensors: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return torch.cat([t.double().flatten() * 2 for t in tensors])


def test_computed_once_and_again_after_a_change() -> None:
    fn, weight = Count(), nn.Parameter(torch.ones(3))
    first = packed(fn, weight)
    assert all(packed(fn, weight) is first for _ in range(5)) and fn.runs == 1
    with torch.no_grad():
        weight.mul_(3)
    assert packed(fn, weight).tolist() == [6.0] * 3 and fn.runs == 2
    assert not packed(fn, weight).requires_grad


def test_several_parameters_and_functions_are_kept_apart() -> None:
    a, b, fn, other = torch.ones(1), torch.zeros(1), Count(), Count()
    assert packed(fn, a, b).tolist() == [2.0, 0.0] and packed(fn, b, a).tolist() == [0.0, 2.0]
    assert packed(fn, a).tolist() == [2.0] and packed(other, a, b).tolist() == [2.0, 0.0]
    packed(fn, a, b)
    assert (fn.runs, other.runs) == (3, 1)


def test_bound_methods_are_known_by_their_owner() -> None:
    fn, weight = Count(), torch.ones(2)
    for _ in range(3):
        packed(fn.__call__, weight)
    assert fn.runs == 1


class Net(nn.Module):
    def __init__(self, fn: Count) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).view(2, 3))
        self.register_buffer("scale", torch.ones(2))
        self.fn = fn

    def forward(self) -> torch.Tensor:
        return packed(self.fn, self.weight, self.scale)


def fresh(net: Net) -> torch.Tensor:
    return Count()(net.weight.detach(), net.scale)


def step(net: Net, kind: str) -> None:
    kinds = {"sgd": (torch.optim.SGD, {}), "fused": (torch.optim.Adam, {"fused": True})}
    kinds["foreach"] = (torch.optim.AdamW, {"foreach": True})
    cls, more = kinds[kind]
    optimiser = cls([net.weight], lr=0.1, **more)
    (net.weight**2).sum().backward()
    optimiser.step()
    optimiser.zero_grad()


def train_in_backward(net: Net) -> None:
    def write(weight: torch.Tensor) -> None:
        weight.data.sub_(0.1 * weight.grad)

    handle = net.weight.register_post_accumulate_grad_hook(write)
    (net.weight**2).sum().backward()
    handle.remove()
    net.weight.grad = None


def in_no_grad(change):
    def run(net: Net) -> None:
        with torch.no_grad():
            change(net)

    return run


CHANGES = {
    "in place": in_no_grad(lambda net: net.weight.add_(1)),
    "one value": in_no_grad(lambda net: net.weight[1, 2].sub_(4)),
    "copy": in_no_grad(lambda net: net.weight.copy_(torch.randn(2, 3))),
    "buffer": lambda net: net.scale.mul_(1.5),
    "sgd": lambda net: step(net, "sgd"),
    "fused": lambda net: step(net, "fused"),
    "foreach": lambda net: step(net, "foreach"),
    "trained in backward": train_in_backward,
    "load": lambda net: net.load_state_dict({"weight": torch.randn(2, 3), "scale": torch.rand(2)}),
    "load, assigned": lambda net: net.load_state_dict(
        {"weight": torch.randn(2, 3), "scale": torch.rand(2)}, assign=True
    ),
    "to double and back": lambda net: net.double().float(),
    "to half and back": lambda net: net.half().float(),
    "data replaced": lambda net: setattr(net.weight, "data", torch.randn(2, 3)),
    "data written, then train and eval": lambda net: (net.weight.data.neg_(), net.train(not net.training)),
    "data written, then refreshed": lambda net: (net.weight.data.neg_(), packing.refresh()),
    "new parameter": lambda net: setattr(net, "weight", nn.Parameter(torch.randn(2, 3))),
    "nothing": lambda net: None,
}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=12), st.integers(0, 3))
def test_any_interleaving_gives_the_value_of_now(changes: list[str], calls: int) -> None:
    net = Net(Count())
    for change in changes:
        for _ in range(calls):
            net()
        CHANGES[change](net)
        assert torch.equal(net(), fresh(net)), change


@pytest.mark.parametrize("calls", [packing.GLANCE, packing.EVERY])
def test_writes_through_data_are_seen_after_some_calls(calls: int) -> None:
    net = Net(Count())
    net.weight = nn.Parameter(torch.zeros(4000))
    net()
    if calls == packing.GLANCE:
        net.weight.data.add_(1)
    else:
        net.weight.data[1] += 1  # too little for the samples
    for _ in range(calls + packing.GLANCE * 2 + packing.EVERY // packing.GLANCE):
        net()
    assert torch.equal(net(), fresh(net))


def test_unchanged_parameters_stay_packed_over_checks() -> None:
    net = Net(Count())
    for i in range(3 * packing.EVERY):
        net()
        if i % 700 == 0:
            net.train(not net.training)
    assert net.fn.runs == 1


def test_copies_have_entries_of_their_own() -> None:
    net = Net(Count())
    net()
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        with torch.no_grad():
            again.weight.zero_()
        assert torch.equal(again(), fresh(again)) and torch.equal(net(), fresh(net))


def transpose(weight: torch.Tensor) -> torch.Tensor:
    return weight.t()


def test_nothing_is_kept_alive() -> None:
    before = len(packing._entries)
    net = Net(Count())
    net()
    packed(transpose, net.weight)  # the value is a view of the parameter
    packed(lambda t: t, net.weight)
    seen = [weakref.ref(net), weakref.ref(net.weight), weakref.ref(net.fn)]
    del net
    gc.collect()
    assert [r() for r in seen] == [None] * 3
    assert len(packing._entries) == before


def test_temporary_functions_leave_nothing() -> None:
    weight = torch.ones(2)
    before = len(packing._entries)
    for i in range(5):
        assert packed(lambda t, i=i: t + i, weight).tolist() == [1.0 + i] * 2
    gc.collect()
    assert len(packing._entries) == before


def test_training_adds_one_hook_per_parameter() -> None:
    net = Net(Count())
    for _ in range(4):
        net()
        step(net, "sgd")
    assert len(net.weight._post_accumulate_grad_hooks) == 1
    with pytest.raises(TypeError, match="takes tensors, got float"):
        packed(net.fn, 1.0)


def test_inference_tensors_are_computed_each_time() -> None:
    fn = Count()
    with torch.inference_mode():
        weight = torch.ones(2)
        packed(fn, weight)
        weight.add_(1)
        assert packed(fn, weight).tolist() == [4.0, 4.0]
    assert fn.runs == 2


def test_a_value_made_in_inference_mode_is_an_ordinary_tensor() -> None:
    fn, weight = Count(), nn.Parameter(torch.ones(2))
    with torch.inference_mode():
        value = packed(fn, weight)
    assert packed(fn, weight) is value and not value.is_inference()


def test_tracing_sees_through() -> None:
    class Traced(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ packed(transpose, self.weight)

    net, x = Traced(), torch.randn(2, 3)
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = copy.deepcopy(net)
        fake.weight = nn.Parameter(mode.from_tensor(net.weight.detach()))
        assert fake(mode.from_tensor(x)).shape == (2, 3)
    assert torch.equal(net(x), x @ net.weight.t())


def test_threads_get_right_values() -> None:
    net, wrong = Net(Count()), []

    def work() -> None:
        for _ in range(300):
            if not torch.equal(net(), expected):
                wrong.append(1)

    expected = fresh(net)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        packing.refresh()
        packing.recheck()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(5).to(torch.bfloat16),
        torch.randn(4, 6).t(),
        torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        torch.tensor(3.0),
        torch.empty(0, 4),
        torch.randn(3, dtype=torch.complex64),
        torch.tensor([True, False]),
        torch.ones(1).expand(7),
        torch.randn(4, 8)[:, ::2],
    ],
)
def test_fingerprints_of_any_layout(tensor: torch.Tensor) -> None:
    changed = tensor.clone(memory_format=torch.preserve_format)
    assert packing._fingerprint((tensor,)) == packing._fingerprint((tensor,))
    if changed.numel():
        flat = changed.view(-1) if changed.is_contiguous() else changed
        flat[(0,) * flat.dim()] = 0 if flat[(0,) * flat.dim()] else 1
        assert packing._checksum(changed) != packing._checksum(tensor)
    assert packed(lambda t: t.shape, tensor) == tensor.shape


def test_the_reduction_used_on_devices_tells_positions_apart() -> None:
    weight = torch.zeros(100)
    weight[3] = 1
    moved = weight.roll(1)
    assert packing._reduced(weight) != packing._reduced(moved) != packing._reduced(torch.zeros(100))
    assert packing._reduced(weight) == packing._reduced(weight.clone())
