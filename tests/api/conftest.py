"""Small tasks, and a judge that spends little: no torch.compile baselines, short timings."""

from pathlib import Path

import pytest

from kernelevo.evaluators import registry
from tests.api.tiny import MODULE, TOUR


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with the tiny tasks in it; no model from the environment."""
    (tmp_path / "net.py").write_text(MODULE)
    (tmp_path / "tour.py").write_text(TOUR)
    monkeypatch.chdir(tmp_path)
    for name in ("KERNELEVO_MODEL", "KERNELEVO_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def zygote():
    """One warm process for all judges: each would spend seconds on importing torch in its own."""
    from kernelevo.kernels.children.supervisor import PRELOAD
    from kernelevo.sandbox.zygote import Zygote

    with Zygote(PRELOAD, threads=2) as one:
        yield one


@pytest.fixture
def quick_judge(monkeypatch: pytest.MonkeyPatch, build_cache: Path, zygote):
    """Judge kernels quickly in this process (executor ``inline``, and ``check``)."""

    def make(task):
        if task.options["reference"].get("sets", 1) > 1:
            from kernelevo.kernels.sets import SetsJudge

            return SetsJudge(task, one)
        return one(task)

    def one(task):
        from kernelevo.kernels.judge import KernelJudge

        return KernelJudge(
            task,
            zygote=zygote,
            compiled=(),
            cache=build_cache,
            search_seconds=0.15,
            final_seconds=0.3,
            forward_patience=4.0,
        )

    from kernelevo.engine import confirm
    from kernelevo.kernels import ground, judge

    # so short a timing has no interval, which would ask for two processes more and leave no rival far behind;
    # and no bounds, which cost 5 s
    monkeypatch.setattr(confirm, "CANDIDATES", 1)
    monkeypatch.setattr(judge, "MOST_PROCESSES", judge.FRESH_PROCESSES)
    monkeypatch.setattr(ground, "BOUNDS", ())
    monkeypatch.setenv("KERNELEVO_CACHE", str(build_cache))
    monkeypatch.setitem(registry._REGISTERED, "kernel", registry.Entry("kernel", make))
    yield
    from kernelevo.engine import evaluation

    evaluation.close_all()
