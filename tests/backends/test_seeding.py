"""Seeding: torch's own values, without the stack that torch keeps of every call for a GPU to come."""

import pytest
import torch

from kernelevo.backends import seeding


@pytest.fixture(autouse=True)
def _fresh():
    seeding._may_use_gpus.cache_clear()
    yield
    seeding._may_use_gpus.cache_clear()


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_values_are_those_of_manual_seed(monkeypatch, seed):
    with seeding.TURN, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        wanted = torch.randn(5), torch.rand(3), torch.randperm(7)
        for there in (True, False):
            monkeypatch.setattr(seeding, "_may_use_gpus", lambda there=there: there)
            seeding.seed_torch(seed)
            found = torch.randn(5), torch.rand(3), torch.randperm(7)
            assert all(map(torch.equal, found, wanted))


@pytest.mark.parametrize(
    ("built", "there", "uses"), [(False, True, False), (True, False, False), (True, True, True)]
)
def test_gpus_are_seeded_where_there_may_be_one(monkeypatch, built, there, uses):
    seeded = []
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: built)
    monkeypatch.setattr(seeding.os.path, "exists", lambda path: there)
    monkeypatch.setattr(torch, "manual_seed", seeded.append)
    with seeding.TURN, torch.random.fork_rng(devices=[]):
        seeding.seed_torch(3)
    assert seeded == [3] * uses
