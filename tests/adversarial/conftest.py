"""One judge for each task of the adversarial tests; they share the process that forks children."""

from types import SimpleNamespace

import pytest

from kernelevo.kernels.judge import KernelJudge
from tests.adversarial.corpus import Evil
from tests.adversarial.references import DROPPED, NORMED
from tests.kernels.conftest import task_of

# rows of the catalogue that every run tries; the others are tried with the slow tests
QUICK = {7, 13, 16, 24, 38}
SHORT = {"compiled": (), "search_seconds": 0.12, "final_seconds": 0.6, "forward_patience": 4.0}


def pytest_collection_modifyitems(items):
    for item in items:
        for value in getattr(item, "callspec", SimpleNamespace(params={})).params.values():
            if isinstance(value, Evil) and value.row not in QUICK:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def normed_judge(build_cache):
    with KernelJudge(task_of(NORMED), cache=build_cache, **SHORT) as made:
        made.warm()
        made.ground.patience = 6.0  # a hang is to be seen soon
        made.ground.pool.fill()
        yield made


def _beside(judge, task):
    """A judge that shares another one's zygote and what is known of the machine."""
    cache = judge.ground.baselines.folder.parents[1]
    return KernelJudge(task, cache=cache, zygote=judge.ground.zygote, **SHORT)


@pytest.fixture(scope="session")
def dropped_judge(normed_judge):
    with _beside(normed_judge, task_of(DROPPED)) as made:
        made.ground.pool.fill()
        yield made


@pytest.fixture(scope="session")
def own_judge(normed_judge):
    """The judge of a task that asks for kernels of one's own."""
    with _beside(normed_judge, task_of(NORMED, policy="no-aten")) as made:
        yield made
