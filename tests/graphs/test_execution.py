import copy
import threading

import torch
from torch import nn

from kernelevo.graphs.capture import capture
from kernelevo.graphs.execution import TURN, Call, Oracle, observe


def test_shuffled_inputs_hold_the_same_values_in_other_places():
    small, large, number = torch.arange(1000.0).view(10, 100), torch.rand(1030, 1025), torch.arange(5)
    call = Call((small, large), {"n": number})
    other = call.shuffled(1)
    for before, after in zip(call.leaves(), other.leaves(), strict=True):
        assert before.shape == after.shape and before.dtype == after.dtype
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
    assert (small != other.args[0]).float().mean() > 0.9
    assert (large != other.args[1]).float().mean() > 0.9
    again = call.shuffled(1)
    assert all(torch.equal(a, b) for a, b in zip(other.leaves(), again.leaves(), strict=True))


class Elsewhere(nn.Module):
    """Adds whether another thread could run a graph, and draw random numbers, meanwhile."""

    def forward(self, x):
        found = []
        thread = threading.Thread(target=lambda: found.append(TURN.acquire(blocking=False)))
        thread.start()
        thread.join()
        return x + found[0]


def test_one_graph_runs_at_a_time():
    outcome = observe(Elsewhere(), [Call((torch.zeros(2),), {})])
    assert outcome.outputs[0][0].tolist() == [0.0, 0.0]


class Shared(nn.Module):
    """One normalisation under two names, used under both."""

    def __init__(self):
        super().__init__()
        self.one = nn.BatchNorm1d(3)
        self.other = self.one

    def forward(self, x):
        return self.other(self.one(x) * 3 + 1)


def test_the_oracle_keeps_one_tensor_one_under_all_its_names():
    module, x = Shared(), torch.randn(5, 3) + 2
    captured = capture(module, (x,))
    oracle, wide = Oracle(captured.gm), copy.deepcopy(module).double()
    (result,) = oracle(x)
    torch.testing.assert_close(result, wide(x.double()))
    left = dict(wide.named_buffers(remove_duplicate=False))
    for name, buffer in oracle.named_buffers(remove_duplicate=False):
        torch.testing.assert_close(buffer, left[name].to(buffer.dtype))
    assert captured.mismatch() == ""
