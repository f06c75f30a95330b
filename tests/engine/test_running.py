"""run_engine: Ctrl-C once ends a run in order, twice at once."""

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from kernelevo.core import CommandObeyed, Event, TrialStarted
from kernelevo.engine import Budget, Engine, run_engine
from kernelevo.executors import InlineExecutor
from kernelevo.store import RunStore
from tests.engine import toys
from tests.few import few

RUN = """
    import sys; sys.path[:] = {path!r}
    from kernelevo.engine import Budget, Engine, run_engine
    from kernelevo.executors import ProcessExecutor
    from kernelevo.store import RunStore
    from tests.engine import toys

    def say(event):
        print(type(event).__name__, flush=True)

    store = RunStore.create({folder!r}, toys.task("staged", seconds={seconds}, final=60.0), {{}})
    executor = ProcessExecutor(cpu=0, build=0)
    try:
        engine = Engine(
            store, [toys.Flip()], executor, Budget.parse("1h"), listeners=[say],
            loader="tests.engine.toys:load",
        )
        print("outcome", run_engine(engine).reason, flush=True)
    finally:
        executor.close()
        store.close()
"""


@pytest.mark.parametrize(
    ("signals", "seconds", "reason"), few([(2, 30.0, "stopped"), (1, 0.05, "stopped")], 1)
)
def test_ctrl_c(tmp_path: Path, signals: int, seconds: float, reason: str) -> None:
    code = textwrap.dedent(RUN.format(path=sys.path, folder=str(tmp_path / "run"), seconds=seconds))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    wanted = "TrialEnded" if seconds < 1 else "TrialStarted"
    while process.stdout.readline().strip() != wanted:
        pass
    time.sleep(0.5)
    began = time.monotonic()
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    rest, _ = process.communicate(timeout=30)
    assert time.monotonic() - began < 15
    assert process.returncode == 0 and f"outcome {reason}" in rest
    with RunStore.open(tmp_path / "run", readonly=True) as reader:
        assert reader.state == "stopped" and reader.events(kind="final") == []
        assert (reader.count() > 0) == (seconds < 1)


@pytest.mark.parametrize("between", ["its own steps", "steps"])
def test_an_abort_leaves_what_follows_the_run_alone(tmp_path: Path, between: str) -> None:
    """Connections are closed and the result is written, however soon the run itself comes to its end."""
    left: list[str] = []

    async def leave() -> None:
        await asyncio.sleep(0.05)
        left.append("closed")

    def abort(event: Event) -> None:
        if isinstance(event, CommandObeyed) and between == "its own steps":  # told by the loop of the run
            engine.abort()
        if isinstance(event, TrialStarted) and event.number == 1 and between == "steps":
            asyncio.get_running_loop().call_later(0.05, engine.abort)

    with RunStore.create(tmp_path / "run", toys.task(), {}) as store:
        store.append_command("ana", "knowledge", {"text": "ones are good"})
        engine = Engine(
            store,
            [toys.Flip(seconds=30.0)],
            InlineExecutor(),
            Budget.parse("3"),
            loader="tests.engine.toys:load",
            device=None,
            listeners=[abort],
        )
        assert run_engine(engine, leave).reason == "aborted"
        assert left == ["closed"] and store.state == "stopped"


def test_in_another_thread_there_are_no_signals_and_it_works(tmp_path: Path) -> None:
    reasons: list[str] = []

    def run() -> None:
        with RunStore.create(tmp_path / "run", toys.task(), {}) as store:
            engine = Engine(
                store,
                [toys.Flip()],
                InlineExecutor(),
                Budget.parse("3"),
                loader="tests.engine.toys:load",
                device=None,
            )
            reasons.append(run_engine(engine).reason)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert reasons == ["the budget of 3 is spent"]


AFTER = """
import os, signal, sys, time
sys.path[:] = {path!r}
from pathlib import Path
from kernelevo.engine.running import finishing, run_engine
from kernelevo.engine import Budget, Engine
from kernelevo.executors import InlineExecutor
from kernelevo.store import RunStore
from tests.engine import toys
with RunStore.create(Path({folder!r}), toys.task(), {{}}) as store:
    places, budget = InlineExecutor(), Budget.parse("3")
    engine = Engine(store, [toys.Flip()], places, budget, loader="tests.engine.toys:load", device=None)
    with finishing():
        print(run_engine(engine).reason)
        os.kill(os.getpid(), {number})
        time.sleep(0.1)
        print("written")
        if {twice}:
            os.kill(os.getpid(), {number})
            time.sleep(5)
            print("too late")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("twice", [False, True])
def test_what_was_found_is_written_though_a_signal_comes_after_the_run(
    tmp_path, number, twice, interruptible
):
    code = AFTER.format(path=sys.path, folder=str(tmp_path / "run"), number=int(number), twice=twice)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "is spent\nwritten\n" in done.stdout and "too late" not in done.stdout, done.stderr
    assert (done.returncode == 0) is not twice and ("KeyboardInterrupt" in done.stderr) is twice, done.stderr
