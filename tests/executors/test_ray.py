"""RayExecutor on a cluster of this machine; one for the whole file, because it takes seconds to start."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from kernelevo.api.baggage import baggage
from kernelevo.api.workplace import workplace
from kernelevo.config import Settings
from kernelevo.core import Brief, Executor, Program, Task
from kernelevo.engine import evaluation
from kernelevo.errors import BadSetting, MachineError, ToolchainMissing, WorkerDied
from kernelevo.executors import GenerationHost, Link
from tests.executors import toys

ray = pytest.importorskip("ray")
ray_executor = pytest.importorskip("kernelevo.executors.ray_executor")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    ray.init(
        address="local",
        num_cpus=2,
        resources={"eval_cpu": 2, "eval_gpu": 1, "generation": 1},
        object_store_memory=80 << 20,
        include_dashboard=False,
        configure_logging=False,
        log_to_driver=False,
    )
    yield
    ray.shutdown(wait_for_processes=True)


@pytest.fixture(scope="module")
def executor(cluster: None) -> Iterator[Executor]:
    """One place, which keeps the contract of all executors."""
    made = ray_executor.RayExecutor(workers=1)
    yield made
    made.close()
    made.close()
    with pytest.raises(RuntimeError, match="closed"):
        made.submit(toys.add, 1, 2)
    assert ray.is_initialized()  # a cluster that somebody else joined is left alone


def test_the_contract_of_executors(executor: Executor) -> None:
    assert isinstance(executor, Executor)
    futures = [executor.submit(toys.add, n, 1, needs=needs) for n in range(4) for needs in ("cpu", "build")]
    assert [f.result(30) for f in futures] == [1, 1, 2, 2, 3, 3, 4, 4]
    error = executor.submit(toys.fail, "no nvcc").exception(30)
    assert type(error) is ToolchainMissing
    assert (error.what, error.why, error.now) == ("no nvcc", "looked", "install it")
    assert "in fail" in str(error.__cause__)
    assert type(executor.submit(toys.time_out).exception(30)) is TimeoutError
    for broken in (toys.lock, lambda: 1):
        failed = executor.submit(broken).exception(30)
        assert failed is not None and "pickle" in str(failed)
    spans = sorted(executor.submit(toys.span, 0.05, needs="device:0").result(30) for _ in range(3))
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    counts = [executor.submit(toys.count, "ray", needs="device:0").result(30) for _ in range(3)]
    assert counts == [1, 2, 3]
    for needs in ("gpu", "", "device:"):
        with pytest.raises(BadSetting, match="no worker offers"):
            executor.submit(toys.add, 1, 2, needs=needs)


def test_ray_is_not_loaded_where_programs_are_judged(executor: Executor) -> None:
    for name in ("ray", "torch", "numpy"):
        assert not executor.submit(toys.imported, name).result(30)


def test_a_crash_of_the_evaluator_fails_its_own_call_only(executor: Executor) -> None:
    first = executor.submit(toys.pid)
    dying = executor.submit(toys.exit_hard, 7)
    after = executor.submit(toys.pid)
    error = dying.exception(30)
    assert isinstance(error, WorkerDied) and "exit code 7" in error.what
    assert after.result(30) != first.result(30)


def test_a_killed_actor_fails_what_it_worked_on_and_is_replaced(executor: Executor, tmp_path: Path) -> None:
    held = executor.submit(toys.hold, str(tmp_path), 60.0)
    while not (busy := list(tmp_path.iterdir())):
        time.sleep(0.05)
    worker = int(busy[0].name)
    os.kill(int(Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
    error = held.exception(30)
    assert isinstance(error, WorkerDied) and "worker of the Ray cluster" in error.what
    assert executor.submit(toys.pid).result(30) != worker


def test_a_program_is_measured_where_it_was_built(cluster: None, tmp_path: Path) -> None:
    """Beside the executor above one place is free; a place that takes no more is not waited for."""
    executor = ray_executor.RayExecutor()
    try:
        assert executor.workers == 2
        built = [executor.submit(toys.build, str(tmp_path / str(n)), needs="build") for n in range(3)]
        measured = [executor.submit(toys.measure, f.result(30), needs="device:0").result(30) for f in built]
        assert all(builder == measurer for builder, measurer in measured)
        executor.resize(1, needs="build")
        for workers in (0, 3):
            with pytest.raises(BadSetting, match=f"cannot be {workers} workers: this run has 2 on"):
                executor.resize(workers)
    finally:
        executor.close()


def test_a_run_uses_every_place_that_the_cluster_offers(cluster: None, tmp_path: Path) -> None:
    made = [
        workplace(Settings(**flags), staged=staged, device="device:0", log=tmp_path / "log")
        for flags in ({"executor": "ray"}, {"executor": "ray", "workers": 3})
        for staged in (True, False)
    ]
    for place in made:
        place.executor.close()
    assert [(p.builders, p.measurers) for p in made] == [(2, 2), (2, 2), (3, 3), (3, 3)]
    assert all(p.generation is not Link for p in made)  # a node offers a place for proposers


def test_generation_moves_to_a_node_that_offers_it(executor: Executor) -> None:
    start = executor.generation()  # type: ignore[attr-defined]
    host = GenerationHost(start=start)
    thinker = host.proposer("thinker", "tests.executors.toys:Thinker", {"mood": "bold"})

    async def ask(goal: str) -> dict[str, object]:
        (proposal,) = await thinker.propose(Brief(Task("toy", goal), 0), Random(1))
        return dict(proposal.program.origin.details)

    async def all_at_once() -> list[dict[str, object]]:
        return await asyncio.gather(*(ask("go") for _ in range(5)))

    try:
        found = asyncio.run(all_at_once())
        assert {details["mood"] for details in found} == {"bold"}
        assert {details["pid"] for details in found} & {os.getpid(), host.pgid} == set()
        with pytest.raises(WorkerDied):
            asyncio.run(ask("die"))
        assert asyncio.run(ask("go"))["pid"] != found[0]["pid"]  # and the new process knows its proposers
    finally:
        host.close()


def test_no_ask_waits_for_ever_for_a_place_to_think(cluster: None) -> None:
    executor = ray_executor.RayExecutor(workers=1, patience=1.0)
    start = executor.generation()
    hosts = [GenerationHost(start=start) for _ in range(2)]
    thinkers = [host.proposer("thinker", "tests.executors.toys:Thinker", {"mood": "bold"}) for host in hosts]

    async def ask(number: int) -> int:
        return len(await thinkers[number].propose(Brief(Task("toy", "go"), 0), Random(1)))

    try:
        assert asyncio.run(ask(0)) == 1  # and it keeps the one place that there is
        with pytest.raises(WorkerDied) as found:
            asyncio.run(asyncio.wait_for(ask(1), 30))
        assert "no node of the Ray cluster has a free place 'generation'" in found.value.why
        hosts[0].close()
        assert asyncio.run(asyncio.wait_for(ask(1), 60)) == 1  # the next request looks for one again
    finally:
        for host in hosts:
            host.close()
        executor.close()


def test_nobody_waits_for_ever_where_no_node_has_a_free_place(cluster: None, tmp_path: Path) -> None:
    first = ray_executor.RayExecutor(workers=3, gpu=True)
    second = ray_executor.RayExecutor(workers=1, gpu=True, patience=1.0)
    try:
        futures = [first.submit(toys.add, n, 1, needs="device:0") for n in range(3)]
        assert [f.result(30) for f in futures] == [1, 2, 3]  # the one place does the work of three
        error = second.submit(toys.add, 1, 2, needs="device:0").exception(30)
        assert isinstance(error, MachineError) and "eval_gpu" in error.what and "ray start" in error.now
    finally:
        second.close()
        first.close()


def test_a_node_without_the_files_of_a_task_gets_them(cluster: None, tmp_path: Path) -> None:
    """The node is this machine, so the files are taken away here; a node that has them uses its own."""
    home = tmp_path / "ana"
    home.mkdir()
    (home / "words.txt").write_text("an ape")
    (home / "count.py").write_text(
        "from pathlib import Path\n"
        "def count(source):\n"
        "    words = (Path(__file__).parent / 'words.txt').read_text()\n"
        "    return {'score': float(source in words), 'feedback': __file__}\n"
    )
    places = []
    for gone in (False, True):
        task = Task("toy", "", (), f"{home / 'count.py'}:count")
        parcel = baggage(task)
        assert len(parcel.files) == 2
        if gone:
            home.rename(tmp_path / "elsewhere")
        executor = ray_executor.RayExecutor(workers=1, files=parcel)
        try:
            call = (evaluation.judge, "kernelevo.evaluators:load", task, Program.single("ape"))
            judged = executor.submit(*call).result(30).evaluation
            assert judged.score == 1.0
            places.append(Path(judged.feedback))
        finally:
            executor.close()
    assert places[0] == home / "count.py" and places[1] != places[0]
    assert not places[1].exists()  # the node keeps nothing


@pytest.mark.parametrize("address", ["127.0.0.1:1", "head", "ray://127.0.0.1:1"])
def test_an_address_without_a_cluster_is_told_at_once(address: str) -> None:
    code = (
        "from kernelevo.executors.ray_executor import RayExecutor;"
        "from kernelevo.errors import MachineError\n"
        f"try: RayExecutor(address={address!r})\n"
        "except MachineError as error: print(error.exit_code, error.what)"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"3 the Ray cluster at {address} cannot be joined.\n"
    assert time.monotonic() - began < 30


def test_without_ray_the_sentence_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from kernelevo.cli.main import main\n"
        "main(['run', 'ops/softmax', '--executor', 'ray', '--out', sys.argv[1]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3 and "pip install 'kernelevo[ray]'" in done.stderr
    assert not (tmp_path / "run").exists()
