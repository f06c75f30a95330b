"""What a judge prepares once: whoever waits for it is told when it will never be there."""

import threading
import time
from types import SimpleNamespace

import pytest

from kernelevo.errors import BadProgram, MachineError
from kernelevo.kernels import ground as room
from kernelevo.kernels.ground import Ground
from kernelevo.kernels.judge import KernelJudge
from kernelevo.sandbox.zygote import Zygote
from tests.kernels.conftest import MODEL, task_of


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


def test_a_task_that_does_not_run_leaves_no_process(tmp_path, monkeypatch):
    begun = []

    def started(*_):
        begun.append(Zygote((), threads=1))
        return begun[0]

    monkeypatch.setattr(room, "started", started)
    broken = task_of(MODEL.replace("return [torch.rand(64, 128)]", "return [torch.rand(64, 7)]"))
    with (
        pytest.raises(BadProgram, match="cannot be run on its own inputs"),
        KernelJudge(broken, cache=tmp_path, compiled=()) as made,
    ):
        made.warm()
    end = time.monotonic() + 10
    while not begun or (begun[0].alive() and time.monotonic() < end):
        time.sleep(0.01)
    assert not begun[0].alive()
