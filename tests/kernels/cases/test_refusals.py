"""Values that a module does not take: where it would lose the device, and what is said if it has."""

import random
from types import SimpleNamespace

import pytest
import torch

from kernelevo.errors import MachineError
from kernelevo.kernels.cases import pool, refusals
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.cases.refusals import device_kept
from kernelevo.kernels.reference import oracle
from tests.kernels.references import Ref

ASSERTED = "CUDA error: device-side assert triggered"


class Shares(torch.nn.Module):
    """Takes shares alone, as binary_cross_entropy does."""

    def forward(self, x):
        if bool(((x < 0) | (x > 1)).any()):
            raise ValueError("values must be from 0 to 1")
        return torch.log1p(x)


@pytest.fixture
def device(monkeypatch):
    """A device that nobody can use any more once a call has failed there."""
    found = SimpleNamespace(here=False, lost=False)

    def run(where, do):
        if where == "cpu":
            return do()
        if found.lost:
            raise RuntimeError(ASSERTED)
        found.here = True
        try:
            return do()
        except ValueError as error:
            found.lost = True
            raise RuntimeError(ASSERTED) from error
        finally:
            found.here = False

    def answer(build, state, args, seed, device="cpu"):
        return run(device, lambda: oracle.answer32(build, state, args, seed))

    def evaluate(build, state, args, seed, *, twice=False, device="cpu"):
        return run(device, lambda: oracle.evaluate(build, state, args, seed, twice=twice))

    def synchronize(device=None):
        if found.lost:
            raise RuntimeError(ASSERTED)

    monkeypatch.setattr(pool, "answer32", answer)
    monkeypatch.setattr(pool, "evaluate", evaluate)
    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    return found


def test_values_that_a_task_never_draws_meet_the_module_on_the_host_first(device):
    made = Pool(Ref(Shares, lambda: [torch.rand(20)]), random.Random(0), "cuda:0")
    made.fill()
    refused = {g.distribution: g.refused for g in made.groups if g.refused}
    assert {"normal", "signed", "large", "outlier"} <= set(refused) and not device.lost
    assert refused["normal"] == "the module raises ValueError: values must be from 0 to 1"
    assert {"shipped", "small", "sparse"} <= set(made.judgeable())


@pytest.mark.parametrize("reason", ["it does not run there", "it is slow there"])
def test_a_device_that_was_lost_all_the_same_is_a_matter_of_the_machine(device, reason, monkeypatch):
    class Needy(Shares):
        def forward(self, x):
            if not device.here and reason == "it does not run there":
                raise NotImplementedError("no kernel for the host")
            return super().forward(x)

    if reason == "it is slow there":
        monkeypatch.setattr(refusals, "SLOW", 0.0)
    made = Pool(Ref(Needy, lambda: [torch.rand(20)]), random.Random(0), "cuda:0")
    with pytest.raises(MachineError, match="cannot use cuda:0 any more") as caught:
        made.fill()
    assert ASSERTED in caught.value.why and caught.value.now
    x, mine = (torch.rand(20),), made.shipped
    again = made.answers(mine)
    for ask in (lambda: again(x, 1), lambda: made.answer(mine, x, 1), lambda: made.truth(mine, x, 1)):
        with pytest.raises(MachineError, match="cannot use cuda:0"):
            ask()


def test_a_module_that_fails_on_what_it_was_given_for_is_its_authors_matter(device):
    made = Pool(Ref(Shares, lambda: [torch.rand(20) + 2]), random.Random(0), "cuda:0")
    with pytest.raises(RuntimeError, match="device-side assert"):
        made.ensure(1)
    assert device.lost


@pytest.mark.parametrize("where", ["cpu", "cuda:0"])
def test_a_failure_that_the_device_outlives_is_what_it_is(device, where):
    with pytest.raises(KeyError, match="mine"), device_kept(where):
        raise KeyError("mine")


def test_on_the_host_no_device_is_asked(device):
    device.lost = True
    with pytest.raises(KeyError), device_kept("cpu"):
        raise KeyError("mine")
    with pytest.raises(MachineError), device_kept("cuda:0"):
        raise KeyError("mine")
