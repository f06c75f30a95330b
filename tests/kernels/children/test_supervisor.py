"""Supervisor: a zygote that was killed is started anew, and what it took along is no program's fault."""

import os
import signal
import time

import pytest

from kernelevo.core import Program, Status
from kernelevo.errors import SandboxError
from kernelevo.kernels.children.supervisor import Supervisor
from kernelevo.kernels.judge import KernelJudge
from kernelevo.sandbox.zygote import Zygote
from tests.kernels.conftest import task_of

MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 32)

    def forward(self, x):
        return torch.relu(self.linear(x))


def get_inputs():
    return [torch.rand(32, 64)]


def get_init_inputs():
    return []
"""


def small() -> Zygote:
    return Zygote((), threads=1)


def kill(zygote: Zygote) -> None:
    os.kill(zygote.pid, signal.SIGKILL)
    while zygote.alive():
        time.sleep(0.01)


def test_one_that_was_killed_is_started_anew():
    supervisor = Supervisor(small)
    try:
        first = supervisor.zygote()
        assert supervisor.zygote() is first
        kill(first)
        second = supervisor.zygote()
        assert second.alive() and second.pid != first.pid
    finally:
        supervisor.close()
    assert not second.alive()
    with pytest.raises(SandboxError, match="closed"):
        supervisor.zygote()


def test_one_that_was_given_is_its_owners_and_the_next_one_ours():
    with small() as given:
        Supervisor(small, given).close()
        assert given.alive()
        supervisor = Supervisor(small, given)
        assert supervisor.zygote() is given
        kill(given)
        own = supervisor.zygote()
        assert own.alive()
        supervisor.close()
        assert not own.alive()


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with KernelJudge(task_of(MODEL), cache=cache, compiled=(), search_seconds=0.1, threads=1) as made:
        yield made


@pytest.fixture(scope="module")
def artifact(judge):
    source = MODEL.replace("class Model(", "class ModelNew(").partition("def get_inputs")[0]
    made = judge.prepare(Program.single(source))
    found = judge.measure(made)
    assert found.status is Status.OK, found.feedback
    return made


def test_a_judge_goes_on_after_its_zygote_was_killed(judge, artifact):
    kill(judge.ground.zygote)
    found = judge.measure(artifact)
    assert found.status is Status.OK, found.feedback


@pytest.mark.slow
def test_whoever_is_judged_meanwhile_is_a_fault_and_not_wrong(judge, artifact, monkeypatch):
    enter = judge._stages.enter

    def orphaned(*given):
        session = enter(*given)
        kill(judge.ground.zygote)
        return session

    with monkeypatch.context() as patch:
        patch.setattr(judge._stages, "enter", orphaned)
        with pytest.raises(SandboxError, match="was killed"):
            judge.measure(artifact)
    found = judge.measure(artifact)
    assert found.status is Status.OK, found.feedback
