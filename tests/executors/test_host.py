"""GenerationHost: proposers in a process of their own."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from kernelevo.core import Brief, Evaluation, Program, Proposal, Proposer, Task, Trial
from kernelevo.errors import ToolchainMissing, WorkerDied
from kernelevo.executors import GenerationHost, HostedProposer
from kernelevo.executors.host import AT_ONCE
from kernelevo.store import Rebase
from tests.executors.test_process import gone, until

THINKER = "tests.executors.toys:Thinker"


@pytest.fixture
def host() -> Iterator[GenerationHost]:
    made = GenerationHost()
    yield made
    made.close()


def brief(goal: str) -> Brief:
    return Brief(Task("toy", goal), 0)


def ask(proposer: HostedProposer, goal: str = "go", seed: int = 1) -> tuple[str, dict[str, object]]:
    (proposal,) = asyncio.run(proposer.propose(brief(goal), Random(seed)))
    assert proposal.cost == {"dollars": 1.0}
    return proposal.program.source, dict(proposal.program.origin.details)


def trial(number: int) -> Trial:
    return Trial(number, Program.single(str(number)), Evaluation.wrong(""))


def test_it_thinks_elsewhere_with_the_same_randomness(host: GenerationHost) -> None:
    thinker = host.proposer("thinker", THINKER, {"mood": "bold"}, parents=2)
    assert isinstance(thinker, Proposer) and (thinker.name, thinker.parents) == ("thinker", 2)
    assert host.pgid is None  # nothing is started before it is needed
    text, details = ask(thinker)
    assert text == f"go {Random(1).random()} 0"
    assert details["mood"] == "bold"
    assert details["pid"] == host.pgid != os.getpid()
    assert os.getpgid(host.pgid) == os.getsid(host.pgid) == host.pgid  # it can be stopped as a group


def test_a_name_is_given_once(host: GenerationHost) -> None:
    host.proposer("thinker", THINKER)
    with pytest.raises(ValueError, match="'thinker' already"):
        host.proposer("thinker", THINKER)


def test_long_thoughts_do_not_hold_up_others(host: GenerationHost) -> None:
    slow, quick = host.proposer("slow", THINKER), host.proposer("quick", THINKER)

    async def both() -> tuple[float, float]:
        await quick.propose(brief("warm"), Random(0))
        began = time.monotonic()
        task = asyncio.create_task(slow.propose(brief("sleep 1.0"), Random(0)))
        await asyncio.sleep(0)
        await quick.propose(brief("go"), Random(0))
        first = time.monotonic() - began
        await task
        return first, time.monotonic() - began

    first, second = asyncio.run(both())
    assert first < 0.9 < second


def test_observations_arrive_in_order_before_the_next_request(host: GenerationHost) -> None:
    thinker, other = host.proposer("thinker", THINKER), host.proposer("other", THINKER)
    for number in range(3):
        thinker.observe(trial(number))
    assert ask(thinker)[1]["observed"] == [0, 1, 2]
    thinker.observe(trial(3))
    assert ask(thinker)[1]["observed"] == [0, 1, 2, 3]
    assert ask(other)[1]["observed"] == []


def test_a_death_fails_what_was_asked_and_the_next_process_knows_the_past(host: GenerationHost) -> None:
    started: list[int] = []
    host = GenerationHost(on_start=started.append)
    try:
        thinker = host.proposer("thinker", THINKER)
        thinker.observe(trial(0))
        ask(thinker)
        with pytest.raises(WorkerDied, match="exit code 3"):
            ask(thinker, "die")
        thinker.observe(trial(1))
        assert ask(thinker)[1]["observed"] == [0, 1]
        assert len(set(started)) == 2 and started[-1] == host.pgid
    finally:
        host.close()


def test_a_host_at_rest_has_no_process_and_the_next_one_knows_the_past(host: GenerationHost) -> None:
    thinker = host.proposer("thinker", THINKER)
    host.rest()  # before anything was started
    thinker.observe(trial(0))
    ask(thinker)
    before = host.pgid
    assert before is not None
    host.rest()
    assert host.pgid is None and gone(before)
    details = ask(thinker)[1]
    assert details["observed"] == [0] and details["pid"] == host.pgid != before


def test_what_a_proposer_or_its_factory_raises_comes_back(host: GenerationHost) -> None:
    with pytest.raises(ToolchainMissing, match="no compiler"):
        ask(host.proposer("thinker", THINKER), "raise")
    broken = host.proposer("broken", "tests.executors.toys:broken_factory")
    for _ in range(2):
        with pytest.raises(ToolchainMissing, match="no torch"):
            ask(broken)
    with pytest.raises(ModuleNotFoundError):
        ask(host.proposer("absent", "tests.executors.nowhere:Thinker"))


def test_cancelling_returns_at_once(host: GenerationHost) -> None:
    thinker = host.proposer("thinker", THINKER)

    async def cancel() -> float:
        await thinker.propose(brief("warm"), Random(0))
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(thinker.propose(brief("sleep 30"), Random(0)), 0.1)
        await thinker.propose(brief("go"), Random(0))
        return time.monotonic() - began

    assert asyncio.run(cancel()) < 5


def test_a_stopped_host_goes_on_where_it_was(host: GenerationHost) -> None:
    """A measurement on the same cores stops the group for a moment."""
    thinker = host.proposer("thinker", THINKER)
    ask(thinker)
    assert host.pgid is not None
    os.killpg(host.pgid, signal.SIGSTOP)

    async def while_stopped() -> bool:
        task = asyncio.create_task(thinker.propose(brief("go"), Random(0)))
        await asyncio.sleep(0.2)
        stuck = not task.done()
        assert host.pgid is not None
        os.killpg(host.pgid, signal.SIGCONT)
        await task
        return stuck

    assert asyncio.run(while_stopped())


def test_close_ends_it_whatever_it_does(tmp_path: Path) -> None:
    host = GenerationHost(log=tmp_path / "log")
    thinker = host.proposer("thinker", THINKER)
    host.start()

    async def close_meanwhile() -> None:
        task = asyncio.create_task(thinker.propose(brief("sleep 60"), Random(0)))
        await asyncio.sleep(0.3)
        host.close()
        with pytest.raises(WorkerDied):
            await task

    began = time.monotonic()
    asyncio.run(close_meanwhile())
    assert time.monotonic() - began < 8 and host.pgid is None
    with pytest.raises(WorkerDied, match="was closed"):
        ask(thinker)


def test_a_proposer_is_reminded_of_its_programs_in_their_place_among_trials(host: GenerationHost) -> None:
    thinker = host.proposer("thinker", THINKER)
    thinker.observe(trial(0))
    thinker.proposed(Program.single("mine"))
    thinker.observe(trial(1))
    assert ask(thinker)[1]["observed"] == [0, "mine", 1]


def test_a_rebase_arrives_in_its_place_and_reaches_the_next_process_too(host: GenerationHost) -> None:
    thinker = host.proposer("thinker", THINKER)
    thinker.observe(trial(0))
    thinker.reread(Rebase("eager", "compile", 0.5).apply)
    thinker.observe(trial(1))
    assert ask(thinker)[1]["observed"] == [0, "now 4.0", 1]
    with pytest.raises(WorkerDied):
        ask(thinker, "die")
    assert ask(thinker)[1]["observed"] == [0, "now 4.0", 1]


def test_a_long_history_arrives_whole_and_in_order(host: GenerationHost) -> None:
    thinker = host.proposer("thinker", THINKER)
    count = 2 * AT_ONCE + 5
    for number in range(count):
        thinker.observe(trial(number))

    async def two() -> list[Sequence[Proposal]]:
        return list(await asyncio.gather(*(thinker.propose(brief("go"), Random(0)) for _ in range(2))))

    asyncio.run(two())
    thinker.observe(trial(count))
    assert ask(thinker)[1]["observed"] == list(range(count + 1))


def test_it_does_not_outlive_a_killed_engine_in_the_middle_of_a_thought(tmp_path: Path) -> None:
    code = f"""
        import sys; sys.path[:] = {sys.path!r}
        import asyncio
        from random import Random
        from kernelevo.executors import GenerationHost
        from tests.executors.test_host import THINKER, brief
        host = GenerationHost(on_start=lambda pgid: print(pgid, flush=True))
        asyncio.run(host.proposer("thinker", THINKER).propose(brief("sleep 60"), Random(0)))
        """
    engine = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert engine.stdout is not None
    pid = int(engine.stdout.readline())
    time.sleep(1.5)  # until it thinks
    engine.kill()
    engine.wait()
    engine.stdout.close()
    until(lambda: gone(pid))


def test_a_factory_that_fails_is_the_cause_also_with_a_long_history(host: GenerationHost) -> None:
    broken = host.proposer("broken", "tests.executors.toys:broken_factory")
    for number in range(AT_ONCE + 1):
        broken.observe(trial(number))
    with pytest.raises(ToolchainMissing, match="no torch"):
        ask(broken)
