"""Device events: a clear refusal without a device, plausible times with one."""

import pytest

from kernelevo.device.events import EventTimer
from kernelevo.errors import ToolchainMissing


def test_without_a_device_it_says_so():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(ToolchainMissing, match="no CUDA device"):
        EventTimer()


@pytest.mark.gpu
def test_twice_the_work_takes_about_twice_as_long():
    import torch

    timer = EventTimer()
    a = torch.randn(4096, 4096, device="cuda")
    timer.time(lambda: a @ a, repeats=3)
    once = sorted(timer.time(lambda: a @ a, repeats=20))[10]
    twice = sorted(timer.time(lambda: (a @ a, a @ a), repeats=20))[10]
    assert 1.6 < twice / once < 2.4
    with pytest.raises(ValueError, match="positive"):
        timer.time(lambda: None, repeats=0)


@pytest.mark.gpu
def test_launch_latency_is_hidden():
    """A call of almost no work is far below the host's launch time of about 10 us per operation."""
    import torch

    timer = EventTimer()
    x = torch.ones(16, device="cuda")
    timer.time(lambda: x.add_(1), repeats=5)
    assert sorted(timer.time(lambda: x.add_(1), repeats=50))[25] < 0.02
