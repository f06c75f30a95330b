"""Buffers after a batch: what rounding does to them deep in a network, and what is left out."""

import pytest
import torch

from kernelevo.kernels.timing.remembered import gap

NAME = "deep.running_var"
BEFORE = {NAME: torch.full((512,), 0.42)}
EXPECTED = torch.full((512,), 0.379879564)


@pytest.mark.parametrize(("error", "ok"), [(0.0, False), (4e-6, True)])
def test_what_pytorch_itself_is_off_by_counts(error, ok):
    """A ResNet-101's last variances: PyTorch is off by as much, and an honest program by 3.97e-5."""
    own = EXPECTED.clone()
    own[471] -= 3.97e-5
    found = gap(NAME, {NAME: own}, BEFORE, EXPECTED, error, wide=False)
    assert found.ok is ok


@pytest.mark.parametrize(
    "own", [BEFORE[NAME], EXPECTED * 1.001, EXPECTED + torch.eye(1, 512)[0] * 1e-3, EXPECTED[:-1]]
)
def test_what_is_left_out_is_seen_all_the_same(own):
    assert not gap(NAME, {NAME: own}, BEFORE, EXPECTED, 4e-6, wide=False).ok
    assert not gap(NAME, {}, BEFORE, EXPECTED, 4e-6, wide=False).ok
