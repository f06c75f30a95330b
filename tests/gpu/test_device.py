"""The gpu checks under pytest."""

from collections.abc import Callable

import pytest
import torch

from benchmarks.gpu.checks import CHECKS, launch_overhead

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_on_the_device(check: Callable[[], None]) -> None:
    check()


def test_launch_overhead_is_measured() -> None:
    assert all(0 < figure < 1000 for figure in launch_overhead().values())
