"""Functions and proposers that the executors' tests run in other processes."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from kernelevo.core import Artifact, Brief, Evaluation, Origin, Program, Proposal, Trial
from kernelevo.errors import ToolchainMissing

STATE: dict[str, int] = {}


def add(a: int, b: int) -> int:
    return a + b


def fail(message: str) -> None:
    raise ToolchainMissing(message, why="looked", now="install it")


class Odd(Exception):
    """Pickles, and then cannot be rebuilt."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__("odd")


def fail_oddly() -> None:
    raise Odd(1, 2)


def time_out() -> None:
    raise TimeoutError("mine")


def lock() -> Any:
    return threading.Lock()


def count(name: str) -> int:
    """State that lives as long as its worker."""
    STATE[name] = STATE.get(name, 0) + 1
    return STATE[name]


def pid() -> int:
    return os.getpid()


def span(seconds: float) -> tuple[float, float]:
    began = time.monotonic()
    time.sleep(seconds)
    return began, time.monotonic()


def exit_hard(code: int) -> None:
    os._exit(code)


def start_a_sleeper() -> int:
    """Start a process that holds our sockets and is in no group of ours."""
    links = [Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
    held = [int(p.name) for p in links if p.is_symlink() and os.readlink(p).startswith("socket:")]
    return subprocess.Popen(["sleep", "1000"], pass_fds=held, start_new_session=True).pid


def fork_a_sleeper() -> tuple[int, int]:
    """Return our number and that of a fork of ours."""
    child = os.fork()
    if child == 0:
        os.setsid()
        time.sleep(1000)
        os._exit(0)
    return os.getpid(), child


def segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def imported(name: str) -> bool:
    return name in sys.modules


def shout() -> None:
    print("shouted to stdout", flush=True)


def start_child_and_sleep(note: str, seconds: float) -> None:
    import subprocess

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(note).write_text(str(child.pid))
    time.sleep(seconds)


def leave_note_at_exit(note: str, seconds: float = 0.0) -> None:
    import atexit

    def tidy() -> None:
        time.sleep(seconds)
        Path(note).write_text("tidied")

    atexit.register(tidy)


class Thinker:
    """Proposes its process, what it has observed, and what it was asked."""

    parents = 2

    def __init__(self, name: str = "thinker", mood: str = "calm") -> None:
        self.name, self.mood = name, mood
        self.observed: list[int | str] = []

    def observe(self, trial: Trial) -> None:
        self.observed.append(trial.number)

    def proposed(self, program: Program) -> None:
        self.observed.append(program.source)

    def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
        self.observed.append(f"now {change(Evaluation.ok(8.0, baseline='eager')).score}")

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        goal = brief.task.goal
        if goal == "die":
            os._exit(3)
        if goal == "raise":
            fail("no compiler")
        if goal.startswith("sleep "):
            await asyncio.to_thread(time.sleep, float(goal.split()[1]))
        details = {"pid": os.getpid(), "observed": list(self.observed), "mood": self.mood}
        text = f"{goal} {rng.random()} {len(brief.parents)}"
        return [Proposal(Program.single(text, origin=Origin(self.name, "", details)), {"dollars": 1.0})]


def broken_factory() -> Thinker:
    raise ToolchainMissing("no torch")


def build(folder: str) -> Artifact:
    """Build something that lies with this worker."""
    Path(folder).mkdir()
    return Artifact(Program.single("x"), folder=Path(folder), facts={"pid": os.getpid()})


def measure(artifact: Artifact) -> tuple[int, int]:
    """Return who built it and who measures it."""
    return artifact.facts["pid"], os.getpid()


def hold(folder: str, seconds: float) -> int:
    """Say that it has begun, and stay busy."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(seconds)
    return os.getpid()


def judged_while_told_to_leave() -> Any:
    """A verdict on a program during which somebody ends the worker in good order."""
    from kernelevo.evaluators.function import Function

    def told(program: Program) -> float:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
        return 1.0

    return Function(told)(Program.single("x = 1"))
