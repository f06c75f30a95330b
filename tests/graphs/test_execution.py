import torch

from kernelevo.graphs.execution import Call


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
