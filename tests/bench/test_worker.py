"""Programs are judged by a process that has judged others; one that breaks it costs no other its row."""

import os
import signal
import threading
import time

import pytest

from kernelevo.bench import worker
from kernelevo.bench.job import Job
from kernelevo.bench.runner import ProcessRunner
from kernelevo.config import Settings


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Have a job done whose program is the name of a deed; return its row and who did it."""
    monkeypatch.setenv("DEED", "the job's own")
    with ProcessRunner(tmp_path / "runs", module="tests.bench.misbehaving") as runner:

        def do(deed, task="ops/gemm", patience=60.0, **how):
            monkeypatch.setattr(runner, "_patience", patience)
            job = Job(task, Settings(), program=deed, **how)
            row = runner(job, afresh=True)
            said = (tmp_path / row.folder / "log.txt").read_text()
            assert said.startswith(f"hello from {task}")
            return row, int(said.split()[3])

        yield do


def gone(pid):
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_one_process_does_job_after_job_each_with_its_log_and_row(judge):
    (first, one), (second, two) = judge("work"), judge("work", "ops/softmax")
    assert one == two and (first.score, second.score) == (2.0, 2.0)
    assert (first.name, second.name) == ("ops/gemm", "ops/softmax") and first.folder != second.folder


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("segfault", "ended with SIGSEGV"),
        pytest.param("exit", "ended with exit code 7", marks=pytest.mark.slow),
        pytest.param("hang", "did not end in time", marks=pytest.mark.slow),
        pytest.param("half a row", "ended with exit code 0", marks=pytest.mark.slow),
    ],
)
def test_what_breaks_is_one_jobs_fault(judge, deed, words):
    _, before = judge("work")
    row, broken = judge(deed, patience=4.0 if deed == "hang" else 60.0)
    assert broken == before and row.status is None and words in row.fault["message"]
    after, following = judge("work")
    assert after.score == 2.0 and (following == before) == (deed == "half a row")
    assert deed == "half a row" or gone(before)


@pytest.mark.slow
def test_one_that_was_killed_between_jobs_costs_none(judge):
    _, one = judge("work")
    os.kill(one, signal.SIGKILL)
    time.sleep(0.5)
    row, two = judge("work")
    assert row.score == 2.0 and two != one


def test_a_file_that_is_not_ours_has_a_process_for_its_programs_alone(judge):
    texts = ("import torch", "import torch", "import torch  # another text")
    who = [judge("work", "kernelbench:1/1", source=text)[1] for text in texts]
    assert who[0] == who[1] != who[2] and gone(who[0])


@pytest.mark.slow
def test_nor_does_it_share_one_with_tasks_of_ours_or_other_names(judge):
    jobs = [
        ("ops/gemm", None),
        ("kernelbench:1/1", "import torch"),
        ("kernelbench:1/2", "import torch"),
        ("ops/gemm", None),
    ]
    who = [judge("work", task, source=source)[1] for task, source in jobs]
    assert len(set(who)) == 4 and all(gone(one) for one in who[:3])


@pytest.mark.slow
def test_a_process_lives_for_so_many_jobs(judge, monkeypatch):
    monkeypatch.setattr(worker, "_LIFE", 2)
    who = [judge("work")[1] for _ in range(5)]
    assert who[0] == who[1] != who[2] == who[3] != who[4] and gone(who[0]) and gone(who[2])


def test_the_process_ends_with_its_runner(tmp_path, monkeypatch):
    monkeypatch.setenv("DEED", "work")
    with ProcessRunner(tmp_path / "runs", module="tests.bench.misbehaving") as runner:
        row = runner(Job("ops/gemm", Settings(), program="a"))
        pid = int((tmp_path / row.folder / "log.txt").read_text().split()[3])
        os.kill(pid, 0)
    assert gone(pid)


@pytest.mark.slow
def test_ctrl_c_ends_it_and_is_passed_on(tmp_path, monkeypatch, interruptible):
    monkeypatch.setenv("DEED", "hang")

    def said():
        return [text for log in tmp_path.rglob("log.txt") if "hello" in (text := log.read_text())]

    def interrupt():
        while not said():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    runner = ProcessRunner(tmp_path / "runs", module="tests.bench.misbehaving")
    with pytest.raises(KeyboardInterrupt), runner:
        runner(Job("ops/gemm", Settings(), program="ops_gemm"))
    assert gone(int(said()[0].split()[3]))
