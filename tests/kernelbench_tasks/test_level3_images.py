"""The image networks of level 3: forwards at ``small``, what they do not see, and their repaired variants."""

import pytest
import torch

from tests.kernelbench_tasks.tasks_of_level3 import reference, run

CHANGES_STATISTICS = {9: 20, 10: 104, 14: 6, 15: 63, 16: 103, 19: 27, 20: 52, 21: 3, 22: 40, 23: 23, 24: 17}
PLAIN = (2, 5, 7, 11, 12, 18)  # without BatchNorm
HEAVY = (2, 5, 7, 10, 11, 12, 15, 16, 19, 20, 22, 23)  # a second or more each


def check_forward(number):
    """The output moves with the weights, and every BatchNorm uses and updates statistics of its batch."""
    task = reference(number, "small")
    module, (x,) = task.build(0), task.inputs(0)
    x = x[:2]
    tracked = [b for b in module.modules() if isinstance(b, torch.nn.BatchNorm2d)]
    assert len(tracked) == CHANGES_STATISTICS.get(number, 0)
    output = run(module, x)
    assert output.shape[0] == 2 and torch.isfinite(output).all() and output.std() > 0
    assert all(b.num_batches_tracked == 1 and b.running_mean.abs().sum() > 0 for b in tracked)
    again = run(task.build(0), x)
    assert torch.allclose(again, output, atol=1e-5, rtol=1e-4) or number == 24
    assert not torch.allclose(run(task.build(1), x), output, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("number", sorted({*PLAIN, *CHANGES_STATISTICS} - {*HEAVY}))
def test_forward_at_small(number):
    check_forward(number)


@pytest.mark.slow
@pytest.mark.parametrize("number", HEAVY)
def test_forward_of_large_ones_at_small(number):
    check_forward(number)


def moved_by_zeros(number, variant):
    task = reference(number, "small", variant)
    module, x = task.build(0), task.inputs(0)[0][:1]
    return float((run(module, x) - run(module, torch.zeros_like(x))).abs().max())


@pytest.mark.parametrize("number", [7, 18])
def test_blind_as_shipped_and_not_with_other_weights(number):
    assert moved_by_zeros(number, None) < 3e-4
    assert moved_by_zeros(number, "he") > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("number", [11, 12])
def test_vgg_is_blind_as_shipped_and_not_with_other_weights(number):
    assert moved_by_zeros(number, None) < 1e-5
    assert moved_by_zeros(number, "he") > 0.1


def test_24_shrinks_its_maps_to_one_pixel_and_its_variant_does_not():
    for variant, side in ((None, 1), ("excite", 56)):
        task = reference(24, "full", variant)
        with torch.device("meta"):
            module, (x,) = task.build(0), task.inputs(0)
        with torch.no_grad():
            inner = module.mbconv2(module.mbconv1(module.bn1(module.conv1(x))))
        assert inner.shape[-2:] == (side, side)


def test_20_has_no_shortcuts():
    module = reference(20, "small").build(0)
    block = module.features[5]  # 24 channels before and after, stride 1
    block[-1].weight.data.zero_()
    x = torch.rand(2, 24, 8, 8)
    assert torch.equal(run(block, x), torch.zeros_like(x))


def test_dense_layers_read_all_that_came_before():
    task = reference(14, "small")
    module, (x,) = task.build(0), task.inputs(0)
    output = run(module, x[:1, :, :8, :8])
    assert torch.equal(output[:, :32], x[:1, :, :8, :8])
    last = module.layers[-1]
    assert torch.allclose(run(last, output[:, :-32]), output[:, -32:], atol=1e-5)
