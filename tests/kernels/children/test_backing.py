"""Huge pages are asked back for whoever uses them, and for nobody else."""

import pytest

from kernelevo.core import Program
from kernelevo.device import host_memory
from kernelevo.kernels.children import backing
from kernelevo.kernels.children.backing import Backing
from kernelevo.kernels.judge import KernelJudge
from tests.kernels.conftest import task_of


@pytest.fixture
def asked(monkeypatch):
    found = []
    monkeypatch.setattr(host_memory, "ask_back", lambda nbytes: found.append(nbytes) or True)
    return found


def batches(sizes, calls=2, *, taken=True):
    """Run batches after which so many bytes lie on huge pages, and nothing before them."""
    now = [0]
    subject = Backing(7, taken, lambda pid: now[0] if pid == 7 else -1)
    wanted = []
    for size in sizes:
        now[0] = 0
        wanted.append(subject.before(calls))
        now[0] = size
        subject.after(calls)
    return wanted


def test_what_batches_gain_is_asked_for_before_the_next_ones(asked):
    assert batches([8, 8, 8]) == [0, 8, 8] and asked == [8, 8]


def test_the_largest_gain_counts_by_calls_and_only_the_first_batches_are_looked_at(asked):
    grown = batches([8, 2] + [4] * 4 + [800] * 2)
    assert grown == [0] + [8] * 7
    subject = Backing(7, True, lambda _: 0)
    subject._each = 3.0
    assert subject.before(5) == 15
    subject._each = 1e12
    assert subject.before(5) == backing._MOST_BYTES


def test_who_uses_none_or_has_a_machine_of_its_own_is_left_alone(asked):
    assert batches([0, 0, 0]) == [0, 0, 0]
    assert batches([8, 8], taken=False) == [0, 0]
    assert asked == []


def test_a_machine_that_cannot_is_asked_once(monkeypatch):
    monkeypatch.setattr(host_memory, "ask_back", lambda nbytes: False)
    assert batches([8, 8, 8]) == [0, 8, 0]


LARGE = """
import torch
from torch import nn


class Model(nn.Module):
    def forward(self, x):
        return x + 1.0


def get_inputs():
    return [torch.rand(1024, 4096)]


def get_init_inputs():
    return []
"""
ON_HUGE_PAGES = """
import ctypes
import torch
from torch import nn

libc, HUGE, MADV_HUGEPAGE = ctypes.CDLL(None), 2 << 20, 14


class ModelNew(nn.Module):
    def forward(self, x):
        room = torch.empty(x.numel() + HUGE // 4)
        start = -(-room.data_ptr() // HUGE) * HUGE
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(x.numel() * 4), MADV_HUGEPAGE)
        y = room[(start - room.data_ptr()) // 4 :][: x.numel()].view_as(x)
        return torch.add(x, 1.0, out=y)
"""


@pytest.mark.slow
def test_a_sessions_batches_are_looked_at_and_asked_for(asked, monkeypatch, build_cache):
    monkeypatch.setattr(host_memory, "is_taken_back", lambda: True)
    plain = LARGE.split("\n\ndef get_inputs", maxsplit=1)[0].replace("class Model(", "class ModelNew(")
    with KernelJudge(task_of(LARGE), cache=build_cache, compiled=(), search_seconds=0.2) as judge:
        ground = judge.ground
        ground.make_ready()
        for source, huge in ((plain, False), (ON_HUGE_PAGES, True)):
            artifact = judge.prepare(Program.single(source))
            with judge._stages.enter(ground, artifact) as session:
                session.construct(ground.pool.weights(ground.pool.base_seed), ground.pool.base_seed)
                del asked[:]
                for calls in (1, 2, 2):
                    picks = [ground.stream.pick() for _ in range(calls)]
                    session.batch(ground.stream.values(picks), [pick.seed for pick in picks])
            if not huge:
                assert asked == []
        if not asked:
            pytest.skip("this machine gives no huge pages")
        # 16 MiB a call, as the batches before it gained them, but for pages that had been small before
        assert len(asked) == 2 and all(16 << 20 <= n <= 32 << 20 and n % (4 << 20) == 0 for n in asked)
