"""The population that settings ask for."""

from dataclasses import replace

import pytest

from kernelevo.api.parts import population
from kernelevo.config import SAMPLERS, SWITCHES, load_settings
from kernelevo.core import Task
from kernelevo.population import DEFAULT, GENERAL, KERNELS
from kernelevo.population import SAMPLERS as KNOWN

KERNEL, OTHER = Task("k", "fast", evaluator="kernel"), Task("o", "good", evaluator="toy")
MODEL = {"model": "m", "proposers": ["llm"]}


def made(flags: dict[str, object], task: Task = KERNEL):  # type: ignore[no-untyped-def]
    return population(task, load_settings(flags, environ={}))


def test_who_can_be_steered_gets_islands_and_a_cold_start() -> None:
    free, model = made({}), made(MODEL)
    assert len(free.islands) == 1 and not free.cold
    assert model.cold and made({**MODEL, "no_cold_start": True}).cold is False
    assert len(made({**MODEL, "no_cold_start": True}).islands) == 1
    assert len(made({"islands": 3, "no_cold_start": True}).islands) == 3
    assert made({"islands": 3}).cold
    assert len(made({"islands": 3, "no_islands": True, "no_cold_start": True}).islands) == 1


def test_directions_fit_the_task() -> None:
    from random import Random

    for task, known in ((KERNEL, KERNELS), (OTHER, GENERAL)):
        assert made(MODEL, task).ask(Random(0), turn=0).direction == known[0]


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_reaches_the_policy(name: str) -> None:
    field = name.removeprefix("no_")
    flags = {**MODEL, "islands": 4}
    usual = name not in ("no_clusters", "no_elites")  # these did not pay: off unless asked for
    assert getattr(made(flags).policy, field) is usual
    assert getattr(made({**flags, name: False}).policy, field) is True
    assert getattr(made({**flags, name: True}).policy, field) is False


def test_the_default_is_the_policy_that_was_measured_best() -> None:
    policy = made({**MODEL}).policy
    assert policy == replace(DEFAULT, islands=False)
    assert (policy.clusters, policy.elites, policy.coldest) == (False, False, 0.05)


def test_samplers_are_those_of_the_population() -> None:
    assert SAMPLERS == KNOWN
    assert [made({"sampler": name}).policy.sampler for name in KNOWN] == list(KNOWN)
