"""One judge for the room's tests: its zygote and baselines are started once."""

import random

import pytest

from kernelevo.core import Program, Task
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.timing import order
from kernelevo.kernels.timing.series import Tally
from tests.judges import LIVE

MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.linear = nn.Linear(width, 96)
        self.out = nn.Linear(96, 32)

    def forward(self, x):
        return self.out(torch.relu(self.linear(torch.relu(self.norm(x)))))


def get_inputs():
    return [torch.rand(64, 128)]


def get_init_inputs():
    return [128]
"""
RESULT = "self.out(torch.relu(self.linear(torch.relu(self.norm(x)))))"


def candidate(body: str) -> str:
    """A program for the model above whose forward has the given body; RESULT stands for the right answer."""
    source = MODEL.replace("class Model(", "class ModelNew(").split("def get_inputs")[0]
    body = body.replace("RESULT", RESULT)
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return source.replace(f"        return {RESULT}\n", lines)


def task_of(text: str, **options) -> Task:
    reference = {"kind": "source", "text": text, "filename": "task.py", "size": "full", "entry": "Model"}
    return Task("test", "make it faster", options={"reference": reference, **options})


AHEAD = """
import sys
frame = sys._getframe()
while not hasattr(frame.f_locals.get('self'), '_armed'):
    frame = frame.f_back
worker = frame.f_locals['self']
k = len(worker._kept)
if k % 2 == 0:
    self.ready = [RESULT for (x,), _ in worker._armed[k:k + 2]]
return self.ready[k % 2]
"""
"""Body of a program that computes two calls in the turn of the first."""


def stop_batches(judge: KernelJudge, source: str, calls: int = 200) -> int:
    """Stop batches of a program in their midst and verify what it answers, without any duel.

    Returns:
        How many were stopped; raises what the judge finds.
    """
    artifact, ground = judge.prepare(Program.single(source)), judge.ground
    ground.make_ready()
    rng, tally = random.Random(1), Tally(calls=calls)
    with judge._stages.enter(ground, artifact) as session:
        session.construct(ground.pool.weights(ground.pool.base_seed), ground.pool.base_seed)
        ground.checker.place(session, ground.checker.timed(session))
        tally.pace = min(ground.ring.run(session, calls)[0].seconds for _ in range(3)) / calls
        for _ in range(40):
            found = order.stopped(session, ground.checker, ground.stream, tally, rng)
            if found is not None:
                tally.stops.append(found)
                order.verify(session, ground.checker, ground.stream, [found], 1.0)
            if len(tally.stops) == order.ENOUGH:
                break
    return len(tally.stops)


@pytest.fixture(scope="session")
def judge(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with KernelJudge(
        task_of(MODEL), cache=cache, compiled=(), search_seconds=0.3, final_seconds=0.45, forward_patience=4.0
    ) as made:
        LIVE.append(made)
        yield made
        LIVE.remove(made)
