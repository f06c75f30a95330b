"""Library calls: which calls of a module are kept, and with which operands."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from kernelevo.errors import CaptureError
from kernelevo.graphs.library import library_calls

CPU = torch.device("cpu")


class Log(TorchDispatchMode):
    """Which operators run, and the shapes of their results."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.calls.append((func.overloadpacket.__name__, tuple(result.shape)))
        return result


def logged(function):
    with Log() as log, torch.no_grad():
        assert function() == ()
    views = ("t", "transpose", "view", "expand", "_unsafe_view", "detach", "permute", "unsqueeze", "squeeze")
    return [call for call in log.calls if call[0] not in views]


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(4, 5)

    def forward(self, x):
        y = torch.relu(self.conv(x)).mean((2, 3))
        return torch.softmax(self.linear(y), -1) @ torch.ones(5, 2)


def test_products_and_convolutions_in_order_and_nothing_else():
    given = (torch.randn(2, 3, 8, 8),)
    assert logged(library_calls(Mixed(), given, CPU)) == [
        ("convolution", (2, 4, 6, 6)), ("addmm", (2, 5)), ("mm", (2, 2))
    ]  # fmt: skip
    products = logged(library_calls(Mixed(), given, CPU, products_only=True))
    assert products == [("addmm", (2, 5)), ("mm", (2, 2))]


def test_attention_counts_as_its_two_products():
    class Attention(nn.Module):
        def forward(self, q, k, v):
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    q, k, v = torch.randn(2, 3, 7, 8), torch.randn(2, 3, 7, 8), torch.randn(2, 3, 7, 4)
    assert logged(library_calls(Attention(), (q, k, v), CPU)) == [("bmm", (6, 7, 7)), ("bmm", (6, 7, 4))]


def test_operands_are_those_of_the_real_call():
    seen = []

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.second(self.first(x).exp())

    class Keep(Log):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            if func.overloadpacket.__name__ == "addmm":
                seen.append(args[1].clone())
            return super().__torch_dispatch__(func, types, args, kwargs)

    module, x = Two(), torch.randn(3, 4)
    call = library_calls(module, (x,), CPU)
    with Keep(), torch.no_grad():
        call()
    torch.testing.assert_close(seen, [x, module.first(x).exp().detach()])


def test_a_module_without_any_is_refused():
    with pytest.raises(CaptureError, match="no call of a vendor's library"):
        library_calls(nn.Sequential(nn.ReLU(), nn.LayerNorm(4)), (torch.randn(2, 4),), CPU)
