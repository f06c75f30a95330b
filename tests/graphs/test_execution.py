import threading

import torch
from torch import nn

from kernelevo.graphs.execution import TURN, Call, observe


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
