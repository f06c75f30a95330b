"""One serving process, one judge: kept for programs of one task, and for nothing else."""

import json
import os
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kernelevo import api
from kernelevo.bench import Order, child, run_series
from kernelevo.bench.job import Job
from kernelevo.bench.runner import ProcessRunner
from kernelevo.config import Settings
from kernelevo.core import Evaluation
from tests.bench.rows import row
from tests.tasks.foreign import BLIND, TODAY, V0, checkout

RIGHT = TODAY.partition("batch_size")[0].replace("Model", "ModelNew")
WRONG = RIGHT.replace("self.linear(x))", "self.linear(x)) + 1e-3")
SOFTMAX = """import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=-1)
"""


def alive(pid):
    """Whether a process is there and works: what nobody waited for in a container counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid):
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in listed]


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Have programs judged, one after another; return their rows and how many judges each one made."""
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path / "cache"))
    zygotes = set()
    with ProcessRunner(tmp_path / "runs", module="tests.bench.serving") as runner:

        def serve(name, text, task="kernelbench:1/1", source=TODAY, followed=True, **settings):
            settings = Settings(**settings)
            job = Job(task, settings, f"x/{name}.py", source=source, text=text, followed=followed)
            found = runner(job, afresh=True)
            said = (tmp_path / found.folder / "log.txt").read_text()
            zygotes.update(int(line.split()[1]) for line in said.splitlines() if line.startswith("zygote"))
            return found, said.count("a judge is made")

        yield serve
        served = runner._worker._process.pid
        below = [served, *children_of(served), *zygotes]
        assert any(alive(pid) for pid in zygotes)
    end = time.monotonic() + 10
    while any(map(alive, below)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in below if alive(pid)]


@pytest.mark.slow
def test_programs_of_a_given_task_have_one_judge_and_a_wrong_one_costs_the_next_nothing(serve):
    found = [serve("a", WRONG), serve("b", RIGHT)]
    assert [row.status for row, _ in found] == ["wrong", "ok"], found
    assert [count for _, count in found] == [1, 0]
    other, count = serve("a", WRONG, source=V0)  # the same name, another text
    assert (other.status, count) == ("wrong", 1)


@pytest.mark.slow
def test_bundled_tasks_share_by_task_and_settings(serve):
    def judged(name, task, text=SOFTMAX, **settings):
        return serve(name, text, task, None, **settings)

    wrong = SOFTMAX.replace("dim=-1)", "dim=-1) + 1e-3")
    assert judged("last", "ops/softmax", wrong, size="small", followed=False)[1] == 1
    found = [
        judged("a", "ops/softmax", size="small"),
        judged("b", "ops/softmax", size="small"),
        judged("c", "ops/softmax", size="small", policy="no-aten"),
        judged("d", "ops/gemm", size="small"),
        judged("e", "ops/softmax", size="small"),
    ]
    assert [one.status for one, _ in found[:2]] == ["ok", "ok"], found
    assert found[0][1] == 1 and found[1][1] == 0 and found[4][1] == 1


class Kept(api.Keeper):
    """Counts how often it was told to close what it has."""

    def __init__(self):
        super().__init__()
        self.closed = 0

    def close(self):
        self.closed += 1
        super().close()


def left(job, folder, keeper):
    folder.mkdir(exist_ok=True)
    (folder / "job.json").write_text(json.dumps(job.to_json()))
    child.do(folder, keeper)


@pytest.mark.parametrize("faulty", [False, True])
def test_what_a_fault_leaves_is_not_used_again(tmp_path, monkeypatch, faulty):
    def judge(job, name, folder, keeper):
        return (
            job.row(fault={"kind": "SandboxError", "message": "it was killed"})
            if faulty
            else job.row(status="wrong")
        )

    monkeypatch.setattr(child, "judged", judge)
    keeper = Kept()
    left(Job("ops/softmax", Settings(), "a/b.py"), tmp_path / "a", keeper)
    assert keeper.closed == faulty


def test_a_search_and_lint_find_no_judge_open(tmp_path, monkeypatch):
    keeper, seen = Kept(), []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kernelevo.api.run_task", lambda *_, **__: seen.append(keeper.closed) or 1 / 0)
    child.tried(Job("ops/softmax", Settings(budget="1")), tmp_path, keeper)
    assert seen == [1]

    class Finding:
        blind, unjudgeable = (), ""

    def lint(*given):
        seen.append(keeper.closed)
        return type("Linted", (), {"finding": Finding()})

    monkeypatch.setattr("kernelevo.api.lint", lint)
    monkeypatch.setattr(child, "judged", lambda job, *_: row(job.task, program=job.program))
    job = Job("kernelbench:1/1", Settings(), "a/b.py", source=TODAY)
    for _ in range(2):  # lint's word is kept: the second program's judge stays open
        (tmp_path / "one").mkdir(exist_ok=True)
        assert child.tried(job, tmp_path / "one", keeper).grade == "judgeable"
    assert seen == [1, 2] and keeper.closed == 2


def test_nothing_of_the_judges_works_while_upstreams_rule_times(tmp_path, monkeypatch):
    order = []

    class Resting(Kept):
        @contextmanager
        def resting(self):
            order.append("rests")
            yield
            order.append("goes on")

    monkeypatch.setattr("kernelevo.api.check", lambda *given, **more: Evaluation.wrong("off"))
    monkeypatch.setattr(child, "by_their_rule", lambda *_: order.append("timed"))
    (tmp_path / "b.py").write_text(SOFTMAX)
    for followed in (True, False):
        job = Job("ops/softmax", Settings(), "a/b.py", tmp_path / "b.py", followed=followed)
        keeper = Resting()
        child.judged(job, "ops/softmax", tmp_path, keeper)
        assert order == ["rests", "timed", "goes on"] and keeper.closed == (not followed)
        order.clear()


def test_programs_of_one_text_come_one_after_another_repaired_ones_too(tmp_path):
    """A blind task's programs are judged on its repaired variant too, after those on the task as it is."""
    done = []

    def runner(job, *, afresh=False):
        done.append((job.task, job.program[-4:], job.followed))
        blind = job.task == "kernelbench:1/1"
        return replace(row(job.task, grade="blind" if blind else "judgeable"), program=job.program)

    for number in (1, 2):
        mine = tmp_path / "mine" / f"kernelbench_1_{number}"
        mine.mkdir(parents=True)
        for name in "ab":
            (mine / f"{name}.py").write_text(RIGHT)
    where = checkout(tmp_path / "up", {"1_A": BLIND, "2_B": TODAY})
    order = Order(
        "kernelbench:1",
        Settings(out=str(tmp_path / "out")),
        solutions=str(tmp_path / "mine"),
        where=str(where),
    )
    series = run_series(order, runner=runner)
    assert done == [
        ("kernelbench:1/1", "a.py", True), ("kernelbench:1/1", "b.py", False),
        ("kernelbench:1/1@he", "a.py", True), ("kernelbench:1/1@he", "b.py", False),
        ("kernelbench:1/2", "a.py", True), ("kernelbench:1/2", "b.py", False),
    ]  # fmt: skip
    planned = [(row.name, row.program[-4:]) for row in series.record.rows]
    assert planned[:2] == [("kernelbench:1/1", "a.py"), ("kernelbench:1/1@he", "a.py")]  # beside each other


def test_the_cache_of_a_child_is_one_wherever_its_jobs_lie(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERNELEVO_CACHE", "here")
    monkeypatch.setattr("subprocess.Popen", lambda *_, env, **__: seen.update(env))
    ProcessRunner(tmp_path)._start("x", 0, 1, 2)
    assert seen["KERNELEVO_CACHE"] == os.fspath(tmp_path / "here")
