"""Graphed functions equal their plain ones through every change of inputs, parameters and modes."""

import copy
import gc
import pickle
import threading
import types
import warnings
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import kernelevo
from kernelevo.backends.graphed import PATIENCE, GraphedWarning, graphed
from tests.backends.replaying import Replaying


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def doubled(weight):
    return weight * 2


def split(weight):
    return weight[:1].clone(), {"rest": weight[1:].clone()}


class Net(nn.Module):
    """Parameters, packed weights, buffers changed in place, a tensor in a list."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.inner = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.gain = nn.Parameter(torch.randn(4))
        self.tables = [torch.randn(4)]
        self.calls = 0

    def run(self, x, scale=1.0):
        y = self.norm(nn.functional.linear(x, kernelevo.packed(doubled, self.inner.weight), self.inner.bias))
        first, rest = kernelevo.packed(split, self.gain)
        return {"y": y * torch.cat([first, rest["rest"]]) * scale, "z": (y + self.tables[0]).sum(0)}

    forward = run


class Wrapped(Net):
    """The same with its forward as a graphed method."""

    recorder = Replaying()
    forward = graphed(Net.run, recorder=recorder)


def agree(fast, module, *args, **kwargs):
    """Compare with a plain call of a copy in the same state; buffers too."""
    twin = copy.deepcopy(module)
    expected = twin.run(*args, **kwargs)
    found = fast(*args, **kwargs)
    torch.testing.assert_close(found, expected)
    for (name, ours), (_, theirs) in zip(module.named_buffers(), twin.named_buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)
    return found


def test_recorded_at_the_second_call_and_replayed_from_then_on() -> None:
    net, recorder = Net(), Replaying()
    fast = graphed(net.run, recorder=recorder)
    kept = []
    for i in range(5):
        x = torch.randn(5, 3)
        before = x.clone()
        out = agree(fast, net, x)
        assert torch.equal(x, before)
        kept.append((out, {k: v.clone() for k, v in out.items()}))
        assert (recorder.runs, recorder.records, recorder.replays) == (1, int(i > 0), i)
    tensors = [t for out, _ in kept for t in out.values()]
    assert len({t.untyped_storage().data_ptr() for t in tensors}) == len(tensors)
    for out, then in kept:  # results of earlier calls stay what they were
        torch.testing.assert_close(out, then, rtol=0, atol=0)


def test_kinds_of_arguments_are_kept_apart_and_the_oldest_goes() -> None:
    net, recorder = Net(), Replaying()
    fast = graphed(net.run, keep=2, recorder=recorder)
    x = torch.randn(4, 3)
    wide = torch.randn(4, 6)[:, ::2]
    for _ in range(3):
        agree(fast, net, x)
        agree(fast, net, x, scale=2.0)
    assert recorder.records == 2
    agree(fast, net, x, 2)  # an int, and by position: kinds of their own
    agree(fast, net, x, scale=2.0)
    agree(fast, net, x)  # gone meanwhile
    assert (recorder.records, recorder.runs) == (2, 4)
    for _ in range(2):
        agree(fast, net, wide)
        agree(fast, net, torch.randn(7, 3))
    assert recorder.records == 4
    zero = graphed(lambda a, s: a / s, recorder=recorder)
    one = torch.ones(1)
    for _ in range(3):
        assert [float(zero(one, s)) for s in (0.0, -0.0)] == [float("inf"), float("-inf")]


def test_changes_in_place_are_followed_without_recording_again() -> None:
    net, recorder = Net(), Replaying()
    fast = graphed(net.run, recorder=recorder)
    x = torch.randn(5, 3)
    for _ in range(3):
        agree(fast, net, x)
    net.inner.weight.mul_(3)  # packed: computed anew, copied to where the graph reads
    agree(fast, net, x)
    net.gain.add_(1)  # packed in a tuple and a dict
    agree(fast, net, x)
    net.inner.bias.zero_()
    net.tables[0].fill_(7)
    agree(fast, net, x)
    net.load_state_dict(Net(3).state_dict())
    agree(fast, net, x)
    net.inner.weight.data.mul_(2)
    kernelevo.refresh()
    agree(fast, net, x)
    assert recorder.records == 1 and recorder.replays == 7


def test_two_graphs_share_one_packed_value() -> None:
    net, recorder = Net(), Replaying()
    fast, x, y = graphed(net.run, recorder=recorder), torch.randn(5, 3), torch.randn(6, 3)
    for change in (lambda: None, lambda: None, lambda: net.inner.weight.mul_(2), lambda: net.gain.sub_(2)):
        change()
        agree(fast, net, x)
        agree(fast, net, y)
        torch.testing.assert_close(kernelevo.packed(doubled, net.inner.weight), net.inner.weight * 2)
    assert recorder.records == 2


def replace_child(net):
    net.inner = nn.Linear(3, 4)


def replace_data(net):
    net.inner.weight.data = torch.randn(4, 3)


def replace_parameter(net):
    net.gain = nn.Parameter(torch.randn(4))


def replace_buffer(net):
    net.norm.running_mean = torch.randn(4)


def replace_item(net):
    net.tables[0] = torch.randn(4)


def replace_list(net):
    net.tables = [torch.randn(4)]


def replace_table(net):
    net.inner._parameters = dict(Net(5).inner._parameters)


def switch(net):
    net.train(not net.training)


REPLACED = [
    replace_child, replace_data, replace_parameter, replace_buffer, replace_item, replace_list, replace_table,
    switch,
]  # fmt: skip


@pytest.mark.parametrize("change", REPLACED)
def test_other_tensors_and_modes_are_recorded_again(change) -> None:
    net, recorder = Net(), Replaying()
    fast, x = graphed(net.run, recorder=recorder), torch.randn(5, 3)
    for _ in range(2):
        agree(fast, net, x)
    change(net)
    for _ in range(4):
        agree(fast, net, torch.randn(5, 3))
    assert recorder.records == 2 and recorder.runs == 3  # patience has doubled


def test_views_put_into_data_are_seen_after_refresh() -> None:
    net, recorder = nn.Linear(3, 3), Replaying()
    fast, x = graphed(net, recorder=recorder), torch.randn(2, 3)
    for _ in range(2):
        fast(x)
    net.weight.data = net.weight.data.t()
    kernelevo.refresh()
    torch.testing.assert_close(fast(x), net(x))
    assert recorder.runs == 2


def test_a_module_that_always_changes_is_not_recorded_forever() -> None:
    net, recorder = Net(), Replaying()
    fast, x = graphed(net.run, recorder=recorder), torch.randn(5, 3)
    for i in range(60):
        if i % 3 == 0:
            net.gain = nn.Parameter(torch.randn(4))
        torch.testing.assert_close(fast(x)["y"], copy.deepcopy(net).train().run(x)["y"])
    assert recorder.records == 2 and recorder.replays == 3
    for _ in range(PATIENCE):
        fast(x)
    assert recorder.records == 3


ACTIONS = st.sampled_from(
    ["call", "call", "call", "other", "scaled", "bias", "weight", "gain", "load", *REPLACED]
)


@settings(max_examples=25, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=30), keep=st.integers(1, 3), method=st.booleans())
def test_any_sequence_of_calls_and_changes_equals_the_plain_function(actions, keep, method) -> None:
    net = Wrapped() if method else Net()
    fast = net if method else graphed(net.run, keep=keep, recorder=Replaying())
    for seed, action in enumerate(actions):
        torch.manual_seed(seed)
        if action == "bias":
            net.inner.bias.add_(1)
        elif action == "weight":
            net.inner.weight.mul_(-1)
        elif action == "gain":
            net.gain.add_(0.5)
        elif action == "load":
            net.load_state_dict(Net(seed).state_dict())
        elif not isinstance(action, str):
            action(net)
        x = torch.randn(6 if action == "other" else 5, 3)
        agree(fast, net, x, **({"scale": 0.5} if action == "scaled" else {}))


def refused(fn, *args, recorder=None, calls=3):
    """Return the warning's words; the function must go on working."""
    recorder = recorder or Replaying()
    fast = graphed(fn, recorder=recorder)
    with pytest.warns(GraphedWarning) as told:
        fast(*args)
        fast(*args)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(calls):
            fast(*args)
    assert len(told) == 1 and recorder.replays == 0
    return str(told[0].message)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = 0
        self.register_buffer("last", torch.zeros(2))

    def count(self, x):
        self.seen += 1
        return x + self.seen

    def keep(self, x):
        self.last = x + 1
        return x * 2

    def give(self, x):
        return self.last


def test_what_cannot_be_recorded_is_called_plainly_and_says_why() -> None:
    x = torch.ones(2)
    assert "not permitted" in refused(lambda a: a * a.sum().item(), x)
    broken = Replaying()
    broken.broken = True
    said = refused(lambda a: a + 1, x, recorder=broken)
    assert said.endswith("RuntimeError: out of graphs") and broken.records == 1
    assert "writes to its inputs" in refused(lambda a: a.add_(1) * 2, x.clone())
    assert "memory of its inputs" in refused(lambda a: a[:1], x)
    assert "returns a object" in refused(lambda a: (a + 1, object()), x)
    counter = Counter()
    assert "replaces tensors or numbers" in refused(counter.count, x) and counter.seen == 5
    assert "replaces tensors or numbers" in refused(counter.keep, x)
    assert "memory of its inputs or of its module" in refused(counter.give, x)
    hooked = nn.Sequential(nn.Linear(2, 2))
    hooked[0].register_forward_hook(lambda *_: None)
    assert "hooks" in refused(hooked, x)
    hooked = nn.Linear(2, 2)
    hooked.register_forward_hook(lambda *_: None)
    assert "hooks" in refused(hooked, x)
    far = Counter()
    far.last = torch.zeros(2, device="meta")
    assert "lies on another device" in refused(types.MethodType(lambda m, a: a + 1, far), x)


def test_strange_arguments_and_situations_are_plain_calls() -> None:
    recorder = Replaying()
    fast = graphed(lambda a, *rest, **more: a + 1, recorder=recorder)
    x = torch.ones(2)
    for _ in range(3):
        fast(x, object())
        fast(x, [object()])
        fast(x.to_sparse().to_dense().to("meta"))
        fast(nn.Parameter(x), more=set())
        with torch.enable_grad():
            assert fast(x.requires_grad_(True)).requires_grad
        x.requires_grad_(False)
    assert recorder.runs == 0
    for _ in range(3):
        fast(x, [1, {"b": x}], more=None)  # nested arguments are understood
    assert recorder.replays == 2


def test_an_error_of_the_function_is_the_callers() -> None:
    recorder = Replaying()
    fast = graphed(lambda a: a @ a, recorder=recorder)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            fast(torch.ones(2, 3))
    assert recorder.records == 0


def test_inference_mode_and_back() -> None:
    net, recorder = Net().eval(), Replaying()
    fast, x = graphed(net.run, recorder=recorder), torch.randn(5, 3)
    for mode in (True, False, True, False):
        with torch.inference_mode(mode), torch.no_grad():
            out = fast(x + 1)
            torch.testing.assert_close(out, net.run(x + 1))
    assert recorder.replays == 3


def test_results_keep_their_structure_and_identity() -> None:
    def fn(a):
        b = a + 1
        return (b, [b, None, 3], b.t())

    fast, a = graphed(fn, recorder=Replaying()), torch.randn(2, 3)
    for _ in range(3):
        out = fast(a)
        assert out[1][0] is out[0] and out[1][1:] == [None, 3]
        torch.testing.assert_close(out[2], a.t() + 1)


def test_tensors_named_by_state_are_watched() -> None:
    box, recorder = [torch.ones(2)], Replaying()
    fast = graphed(lambda a: a + box[0], state=lambda: box, recorder=recorder)
    a = torch.zeros(2)
    for value in (1.0, 2.0, 3.0):
        box[0] = torch.full((2,), value)
        for _ in range(3):
            assert fast(a).tolist() == [value, value]
    assert recorder.records == 2


def test_weights_that_are_swapped_out_are_not_written_to() -> None:
    weight, recorder = nn.Parameter(torch.ones(3)), Replaying()
    fast = graphed(lambda a: a * kernelevo.packed(torch.Tensor.detach, weight), recorder=recorder)
    a, first, second = torch.ones(3), weight.data, torch.full((3,), 2.0)
    for data in (first, first, first, second, second, second, second, first, first):
        weight.data = data
        assert fast(a).tolist() == data.tolist()
    assert first.tolist() == [1.0] * 3 and second.tolist() == [2.0] * 3 and recorder.records == 2


def test_copies_and_pickles_have_graphs_of_their_own() -> None:
    net = Wrapped()
    x = torch.randn(5, 3)
    net.recorder.replays = 0
    for _ in range(3):
        agree(net, net, x)
    assert net.recorder.replays == 2
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), copy.copy(net)):
        for _ in range(3):
            agree(twin, twin, x)
        twin.gain = nn.Parameter(torch.zeros(4))
        agree(twin, twin, x)
        agree(net, net, x)


class Holder(Net):
    def __init__(self):
        super().__init__()
        self.fast = graphed(self.run, recorder=Replaying())

    def forward(self, x):
        return self.fast(x)


def test_a_module_that_holds_one_is_copied_pickled_and_collected() -> None:
    net, x = Holder(), torch.randn(5, 3)
    for _ in range(3):
        agree(net, net, x)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        twin.gain.mul_(5)
        for _ in range(3):
            agree(twin, twin, x)
        assert twin.fast._fn.__self__ is twin
    alive = [weakref.ref(net), weakref.ref(net.inner)]
    del net
    gc.collect()
    assert [r() for r in alive] == [None, None]


def test_a_graphed_method_keeps_no_module_alive() -> None:
    net, x = Wrapped(), torch.randn(5, 3)
    for _ in range(3):
        net(x)
    alive = weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None


def test_threads_take_turns() -> None:
    net = Net().eval()
    fast = graphed(net.run, recorder=Replaying())
    xs = [torch.randn(5, 3) for _ in range(4)]
    wrong: list[int] = []

    def work(i: int) -> None:
        with torch.no_grad():
            for _ in range(20):
                if not torch.equal(fast(xs[i])["y"], net.run(xs[i])["y"]):
                    wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bad_uses_say_so() -> None:
    with pytest.raises(TypeError, match="takes a function, got int"):
        graphed(3)
    with pytest.raises(ValueError, match="keep=0"):
        graphed(len, keep=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens off CUDA")
def test_off_cuda_the_function_is_called() -> None:
    net, x = Net(), torch.randn(5, 3)
    fast = kernelevo.graphed(net.run)
    for _ in range(3):
        agree(fast, net, x)
    assert Wrapped.forward.__name__ == "run"
