"""One process a job: whatever becomes of it is a row, and nothing of it is left running."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kernelevo.bench.child import row_of
from kernelevo.bench.job import Job
from kernelevo.bench.runner import ProcessRunner, _word
from kernelevo.config import Settings
from tests.few import few

JOB = Job("ops/gemm", Settings(budget="3"))


@pytest.fixture
def runs(tmp_path, monkeypatch):
    def run(deed, job=JOB, *, afresh=False, patience=60.0):
        monkeypatch.setenv("DEED", deed)
        runner = ProcessRunner(tmp_path / "runs", module="tests.bench.misbehaving", patience=patience)
        return runner(job, afresh=afresh)

    return run


DEATHS = [
    ("segfault", "its process ended with SIGSEGV and left no verdict"),
    ("half a row", "exit code 0 and left no verdict"),
    ("exit", "its process ended with exit code 7"),
    ("another's row", "exit code 0 and left no verdict"),
]


@pytest.mark.parametrize(("deed", "words"), few(DEATHS, 1))
def test_a_process_that_dies_is_a_fault(runs, deed, words, tmp_path):
    row = runs(deed)
    assert row.status is None and row.fault["kind"] == "ProcessDied" and words in row.fault["message"]
    assert row.folder == "runs/ops_gemm" and row.grade == "judgeable" and row.seconds > 0
    assert "hello from ops/gemm" in (tmp_path / row.folder / "log.txt").read_text()


def test_a_process_that_hangs_is_ended(runs):
    began = time.monotonic()
    job = Job("ops/gemm", Settings(budget="0.1s"))
    row = runs("hang", job, patience=1.5)
    assert "did not end in time" in row.fault["message"] and time.monotonic() - began < 20
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(["pgrep", "-f", f"misbehaving.*{row.folder}"], check=True)


@pytest.mark.slow
def test_a_second_try_has_a_folder_of_its_own_and_a_cut_one_does_not(runs, tmp_path):
    assert runs("exit").folder == "runs/ops_gemm"
    assert runs("work").folder == "runs/ops_gemm"
    row = runs("work", afresh=True)
    assert (row.folder, row.score) == ("runs/ops_gemm-2", 2.0)
    assert runs("work").folder == "runs/ops_gemm-2"
    assert runs("work", afresh=True).folder == "runs/ops_gemm-3"


def test_ctrl_c_ends_the_child_and_is_passed_on(runs, tmp_path, interruptible):
    def interrupt():
        log = tmp_path / "runs" / "ops_gemm" / "log.txt"
        while not (log.exists() and "hello" in log.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        runs("hang")
    assert not (tmp_path / "runs" / "ops_gemm" / "row.json").exists()
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(["pgrep", "-f", f"misbehaving {tmp_path}"], check=True)


@pytest.mark.slow
def test_the_child_of_a_series_that_is_killed_ends_too(tmp_path):
    text = (
        "import sys; from pathlib import Path\n"
        "from kernelevo.bench.job import Job; from kernelevo.bench.runner import ProcessRunner\n"
        "from kernelevo.config import Settings\n"
        "runner = ProcessRunner(Path(sys.argv[1]), module='tests.bench.misbehaving')\n"
        "runner(Job('ops/gemm', Settings(budget='3')))\n"
    )
    environment = {**os.environ, "DEED": "hang", "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", text, str(tmp_path)], env=environment) as series:
        log, deadline = tmp_path / "ops_gemm" / "log.txt", time.monotonic() + 60
        while not (log.exists() and "hello" in log.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        series.kill()
    gone, deadline = False, time.monotonic() + 10
    while not gone and time.monotonic() < deadline:
        time.sleep(0.05)
        found = subprocess.run(["pgrep", "-f", f"misbehaving {tmp_path}"], check=False, capture_output=True)
        gone = found.returncode == 1
    assert "hello" in log.read_text() and gone


def test_signals_have_names():
    assert (_word(-9), _word(3)) == ("SIGKILL", "exit code 3") and _word(-99) == "signal 99"


@pytest.mark.slow
def test_a_run_that_found_nothing_says_why(tmp_path, monkeypatch):
    """A real run, with an evaluator of its own: nothing correct, then something, then nothing judged."""
    from kernelevo import api
    from tests.api.tiny import TOUR

    monkeypatch.chdir(tmp_path)
    job = Job("tour.py:tour", Settings())
    (tmp_path / "tour.py").write_text(TOUR.replace("ANSWER = 3", "ANSWER = None"))
    more = {"budget": "1s", "proposers": ("mailbox",), "mailbox": "box", "executor": "inline"}
    row = row_of(job, api.run_task("tour.py:tour", Settings(**more, out="a")))
    assert (row.status, row.score, row.trials) == ("nothing_correct", None, {"crashed": 1})
    assert "TypeError" in row.feedback and row.first_verdict_seconds >= 0
    (tmp_path / "good.py").write_text(TOUR)
    row = row_of(job, api.run_task("good.py:tour", Settings(**more, out="b")))
    assert (row.status, row.score, row.made_by) == ("ok", 3.0, "seed")
    assert row.program_id and row.searched_seconds > 0


def test_any_name_of_a_program_has_a_folder_and_no_two_the_same(tmp_path, monkeypatch):
    names = ["level3/13_a.py", "level3_13_a.py", "a-2.py", "a.py", "x/" * 200 + "a.py", "\u00e9", "\u00ea"]
    jobs = [Job("ops/gemm", Settings(), name) for name in names]
    assert len({job.slug for job in jobs}) == len(names)
    assert max(len(job.slug.encode()) for job in jobs) < 200
    assert Job("ops/gemm", Settings(), "ops_gemm/mine.py").slug == "ops_gemm-mine"
    monkeypatch.setenv("DEED", "work")
    with ProcessRunner(tmp_path / "runs", module="tests.bench.misbehaving") as runner:
        found = [runner(job) for job in (*jobs[2:5], jobs[3])]
    assert [row.score for row in found] == [2.0] * 4
    assert found[1].folder == found[3].folder != found[0].folder
