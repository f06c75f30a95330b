"""Inputs that were the same in all judged calls are used as they were; threads take turns; usual results."""

import threading
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from kernelevo.backends.pickled import is_fixed, resemble
from kernelevo.core import Program
from kernelevo.kernels.dropin.fixed import Fixed
from kernelevo.kernels.dropin.optimized import FallbackWarning, Optimized
from kernelevo.kernels.dropin.signature import Signature

HEAD = "import time\n\nimport torch\nfrom torch import nn\n\n\nclass ModelNew(nn.Module):\n"
UNREAD = HEAD + "    def forward(self, x, mask):\n        return x * 2\n"
KEPT = (
    HEAD + "    def forward(self, x):\n        kept = self.__dict__.setdefault('kept', torch.empty_like(x))\n"
    "        kept.copy_(x)\n        time.sleep(0.001)\n        return kept * 2\n"
)
INFERS = (
    HEAD + "    @torch.inference_mode()\n    def forward(self, x):\n        return x * 2, {turn}x * 3{end}\n"
)


class Masked(nn.Module):
    def forward(self, x, mask):
        return x * 2 * mask


class Doubled(nn.Module):
    def forward(self, x):
        return x * 2


class Both(nn.Module):
    def forward(self, x):
        return x * 2, x * 3


values = st.sampled_from([0.0, 1.0, -2.5, float("inf"), float("-inf")])


@given(st.data(), st.sampled_from([torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.complex64]))
def test_an_input_is_fixed_where_all_that_is_drawn_like_it_is_itself(data, dtype):
    drawn = data.draw(st.lists(values, max_size=4))
    if dtype in (torch.int64, torch.bool):
        drawn = [max(-9.0, min(9.0, v)) for v in drawn]
    given_ = torch.tensor(drawn, dtype=torch.float64).to(dtype)
    torch.manual_seed(0)
    alike = all(torch.equal(resemble(given_), given_) for _ in range(60))
    assert is_fixed(given_) == alike


def test_another_mask_goes_to_the_original(tmp_path):
    net, x, ones = Masked(), torch.rand(3, 4), torch.ones(3, 4, dtype=torch.int64)
    fast = Optimized(net, Program.single(UNREAD), [Signature.of(net, (x, ones))], folder=tmp_path)
    padded = ones.clone()
    padded[1, 2:] = 0
    with torch.no_grad():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert torch.equal(fast(x, ones), x * 2)
            assert torch.equal(fast(x, ones.clone()), x * 2)
            assert torch.equal(fast(torch.zeros(3, 4), ones), torch.zeros(3, 4))  # what may vary is free
        with pytest.warns(FallbackWarning, match="input 1 was the same in every call"):
            assert torch.equal(fast(x, padded), net(x, padded))
        ones[0, 0] = 0  # the very tensor that was looked at
        fast._warned.clear()
        with pytest.warns(FallbackWarning, match="input 1 was the same"):
            assert torch.equal(fast(x, ones), net(x, ones))
        ones[0, 0] = 1
        assert torch.equal(fast(x, ones), x * 2)


class OnDevice(torch.Tensor):
    """Says that it lies on a device, where a comparison waits for all that was started there."""

    @property
    def device(self):
        return torch.device("cuda", 0)


def test_memory_that_numpy_writes_to_is_looked_at_in_each_call():
    memory = np.ones(4, np.float32)
    fixed, value = Fixed([(0, torch.ones(4))]), torch.from_numpy(memory)
    assert fixed.differs([value]) == ""
    memory[1] = 0
    assert "input 0 was the same" in fixed.differs([value])


def test_on_a_device_a_tensor_is_compared_once_until_it_is_written_to(monkeypatch):
    compared = []
    equal = torch.equal
    monkeypatch.setattr(torch, "equal", lambda a, b: compared.append(1) or equal(a, b))
    fixed, value = Fixed([(0, torch.ones(4))]), torch.ones(4).as_subclass(OnDevice)
    assert [fixed.differs([value]) for _ in range(3)] == [""] * 3 and len(compared) == 1
    value.add_(0)
    assert fixed.differs([value]) == "" and len(compared) == 2
    other = torch.ones(4).as_subclass(OnDevice)
    assert fixed.differs([other]) == "" and len(compared) == 3
    del other  # its number may be another one's now
    with torch.inference_mode():
        unversioned = torch.ones(4).as_subclass(OnDevice)
    assert [fixed.differs([unversioned]) for _ in range(2)] == [""] * 2 and len(compared) == 5


def test_threads_that_share_it_or_a_copy_take_turns(tmp_path):
    net = Doubled()
    fast = Optimized(net, Program.single(KEPT), [Signature.of(net, (torch.rand(8),))], folder=tmp_path)
    wrong = []

    def call(seed):
        x = torch.full((8,), float(seed))
        x[0] = -1.0
        with torch.no_grad():
            wrong.extend(seed for _ in range(20) if not torch.equal(fast(x), x * 2))

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(("turn", "end"), [("", ""), ("(", ").t().contiguous().t()")])
def test_what_a_program_makes_in_inference_mode_takes_part_in_gradients(tmp_path, turn, end):
    net, x = Both(), torch.rand(4, 6)
    source = INFERS.format(turn=turn, end=end)
    fast = Optimized(net, Program.single(source), [Signature.of(net, (x,))], folder=tmp_path)
    head = nn.Linear(6, 2)
    with torch.no_grad():
        one, other = fast(x)
    assert not one.is_inference() and not other.is_inference()
    assert other.stride() == (6, 1) and torch.equal(other, x * 3)
    head(one + other).sum().backward()
    assert head.weight.grad is not None and bool(head.weight.grad.abs().sum() > 0)
    with torch.inference_mode():
        assert all(v.is_inference() for v in fast(x))
