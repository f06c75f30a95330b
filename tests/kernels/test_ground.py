"""What a judge prepares once: whoever waits for it is told when it will never be there."""

import threading
from types import SimpleNamespace

import pytest

from kernelevo.errors import MachineError
from kernelevo.kernels.ground import Ground


def test_cases_that_cannot_be_made_end_the_wait():
    """The thread that makes them ends, and a search would wait for a full pool for ever."""

    def work():
        raise MachineError("the reference comes out otherwise each time")

    ground = object.__new__(Ground)
    ground._closing, ground._turn, ground._broken = threading.Event(), threading.RLock(), None
    ground._begun, ground.make_ready = True, lambda: None
    ground._header = SimpleNamespace(wait=lambda seconds: True)
    ground.pool = SimpleNamespace(work=work, full=False)
    ground.roof = SimpleNamespace(ready=lambda: None)
    ground.baselines = SimpleNamespace(begin=lambda: None, wait=lambda seconds: True)
    assert ground.settle(0.0) is False
    ground._work_when_idle()
    with pytest.raises(MachineError, match="comes out otherwise"):
        ground.settle(0.0)
