"""ProcessExecutor: what happens when workers die, hang, or are left alone."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kernelevo.errors import BadSetting, WorkerDied
from kernelevo.executors import ProcessExecutor
from kernelevo.executors.worker import GRACE_SECONDS
from tests.executors import toys


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


@pytest.fixture
def executor():
    made = ProcessExecutor(cpu=1, build=0, devices=("device:0", "device:1"))
    yield made
    made.close()


def test_workers_are_other_processes_and_load_nothing_heavy(executor: ProcessExecutor) -> None:
    pids = {
        needs: executor.submit(toys.pid, needs=needs).result(30) for needs in ("cpu", "device:0", "device:1")
    }
    assert len({os.getpid(), *pids.values()}) == 4
    assert (
        executor.submit(toys.pid, needs="build").result(30) == pids["device:0"]
    )  # no build worker of its own
    assert os.getpgid(pids["device:1"]) == pids["device:1"]  # it can be stopped as a group
    for name in ("torch", "numpy", "triton"):
        assert not executor.submit(toys.imported, name).result(30)


@pytest.mark.parametrize("death", [(toys.exit_hard, 0), (toys.exit_hard, 7), (toys.segfault,)])
def test_a_death_costs_only_its_own_call(executor: ProcessExecutor, death: tuple[object, ...]) -> None:
    first = executor.submit(toys.pid)
    dying = executor.submit(*death)  # type: ignore[arg-type]
    after = executor.submit(toys.pid)
    other = executor.submit(toys.pid, needs="device:0")
    error = dying.exception(30)
    assert isinstance(error, WorkerDied)
    assert str(first.result(30)) in error.what
    assert ("SIGSEGV" if death[0] is toys.segfault else f"exit code {death[1]}") in error.what
    assert after.result(30) != first.result(30)
    assert other.result(30)


def test_a_killed_idle_worker_is_replaced(executor: ProcessExecutor) -> None:
    pid = executor.submit(toys.pid).result(30)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not executor._pools["cpu"]._links[0].alive)
    assert executor.submit(toys.pid).result(30) != pid


def test_a_call_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    executor = ProcessExecutor(timeouts={"cpu": 1.5})
    try:
        note = tmp_path / "child"
        error = executor.submit(toys.start_child_and_sleep, str(note), 60.0).exception(30)
        assert isinstance(error, WorkerDied) and "longer than 1.5 s" in error.what
        assert "start_child_and_sleep" in error.why
        until(lambda: gone(int(note.read_text())))
        assert executor.submit(toys.add, 1, 2).result(30) == 3
    finally:
        executor.close()


def test_close_ends_busy_and_idle_workers_and_lets_them_tidy_up(tmp_path: Path) -> None:
    executor = ProcessExecutor(cpu=1, build=1)
    idle = executor.submit(toys.pid, needs="build").result(30)
    executor.submit(toys.leave_note_at_exit, str(tmp_path / "idle"), needs="build").result(30)
    busy = executor.submit(toys.pid).result(30)
    executor.submit(toys.leave_note_at_exit, str(tmp_path / "busy")).result(30)
    running = executor.submit(toys.span, 60.0)
    waiting = executor.submit(toys.add, 1, 2)
    time.sleep(0.1)
    began = time.monotonic()
    executor.close()
    assert time.monotonic() - began < 8
    assert waiting.cancelled()
    assert isinstance(running.exception(5), WorkerDied)
    assert gone(idle) and gone(busy)
    assert (tmp_path / "idle").read_text() == (tmp_path / "busy").read_text() == "tidied"


def test_an_idle_worker_has_the_time_that_its_duties_take(tmp_path: Path) -> None:
    """Longer than a call that is under way may still take."""
    executor = ProcessExecutor(cpu=1, build=0, devices=())
    executor.submit(toys.leave_note_at_exit, str(tmp_path / "note"), GRACE_SECONDS / 5 + 1.0).result(30)
    executor.close()
    assert (tmp_path / "note").read_text() == "tidied"


def test_workers_do_not_outlive_a_killed_engine(tmp_path: Path) -> None:
    code = f"""
        import sys; sys.path[:] = {sys.path!r}
        import time
        from kernelevo.executors import ProcessExecutor
        from tests.executors import toys
        executor = ProcessExecutor()
        pids = [executor.submit(toys.pid, needs=needs).result() for needs in ("cpu", "build")]
        print(*pids, flush=True)
        executor.submit(toys.start_child_and_sleep, {str(tmp_path / "child")!r}, 60.0)
        time.sleep(60)
        """
    engine = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert engine.stdout is not None
    pids = [int(pid) for pid in engine.stdout.readline().split()]
    assert len(pids) == 2
    until((tmp_path / "child").exists)
    engine.kill()
    engine.wait()
    engine.stdout.close()
    pids.append(int((tmp_path / "child").read_text()))
    until(lambda: all(gone(pid) for pid in pids))


def test_output_of_workers_never_reaches_our_stdout(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for log in (None, tmp_path / "workers.log"):
        executor = ProcessExecutor(log=log)
        executor.submit(toys.shout).result(30)
        executor.close()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "shouted to stdout\n")
    assert (tmp_path / "workers.log").read_text() == "shouted to stdout\n"


def test_starts_are_announced() -> None:
    started: list[tuple[str, int]] = []
    executor = ProcessExecutor(on_start=lambda needs, pgid: started.append((needs, pgid)))
    pid = executor.submit(toys.pid, needs="build").result(30)
    executor.close()
    assert started == [("build", pid)]


def test_bad_sizes_are_refused() -> None:
    for options in ({"cpu": -1}, {"devices": ("device:0", "device:0")}, {"devices": ("gpu",)}):
        with pytest.raises(BadSetting):
            ProcessExecutor(**options)  # type: ignore[arg-type]


def test_a_worker_that_is_told_to_leave_gives_no_verdict(executor: ProcessExecutor) -> None:
    error = executor.submit(toys.judged_while_told_to_leave).exception(30)
    assert isinstance(error, WorkerDied)
    assert executor.submit(toys.add, 1, 2).result(30) == 3


def test_a_file_of_the_working_folder_is_not_taken_for_a_module_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("queue", "socket", "pickle"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a file of the user')\n")
    monkeypatch.chdir(tmp_path)
    executor = ProcessExecutor(cpu=1, build=0, devices=())
    try:
        assert executor.submit(toys.pid).result(30) != os.getpid()
    finally:
        executor.close()


def test_a_death_is_seen_though_what_the_worker_started_lives_on(executor: ProcessExecutor) -> None:
    """It holds the worker's end of the line, and leads a session of its own, which nobody ends."""
    child = executor.submit(toys.start_a_sleeper).result(30)
    try:
        dying = executor.submit(toys.exit_hard, 3)
        assert isinstance(dying.exception(15), WorkerDied)
    finally:
        os.kill(child, signal.SIGKILL)


def test_what_a_worker_started_does_not_hold_its_line(executor: ProcessExecutor) -> None:
    worker, child = executor.submit(toys.fork_a_sleeper).result(30)
    try:

        def sockets(pid: int) -> set[str]:
            links = (os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir())
            return {link for link in links if link.startswith("socket:")}

        assert sockets(worker)
        until(lambda: not sockets(child))
    finally:
        os.kill(child, signal.SIGKILL)
