"""Slots: who gets which work, with workers that live in this process."""

import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from kernelevo.core import Artifact, Evaluation, Program
from kernelevo.errors import MachineError, WorkerDied
from kernelevo.executors.slots import Slots


class Here:
    """Answers in a thread; dies when told."""

    made: list["Here"]

    def __init__(self) -> None:
        self.alive, self.calls = True, 0
        self.pending: list[Future[Any]] = []

    def ready(self, seconds: float) -> bool:
        return True

    def call(self, body: bytes) -> Future[Any]:
        function, arguments = pickle.loads(body)
        self.calls += 1
        future: Future[Any] = Future()
        self.pending.append(future)

        def work() -> None:
            value = function(self, *arguments)
            if not future.done():
                future.set_result(value)

        threading.Thread(target=work, daemon=True).start()
        return future

    def answers(self, seconds: float) -> bool:
        return self.alive

    def kill(self) -> None:
        self.alive = False
        for future in self.pending:
            if not future.done():
                future.set_exception(WorkerDied("killed"))


def build(worker: Here, folder: str) -> Artifact:
    return Artifact(Program.single(folder), folder=Path(folder), facts={"worker": id(worker)})


def measure(worker: Here, artifact: Artifact) -> tuple[int, int]:
    return artifact.facts["worker"], id(worker)


def nap(worker: Here, seconds: float) -> int:
    time.sleep(seconds)
    return id(worker)


def die(worker: Here) -> None:
    worker.kill()


@pytest.fixture
def slots():
    made: list[Slots] = []

    def make(size: int, start: Callable[[], Any], **options: Any) -> Slots:
        options = {"absent": lambda why: MachineError("nobody is there", why=why), **options}
        made.append(Slots("cpu", size, start, **options))
        return made[-1]

    yield make
    for each in made:
        for worker in each.dismiss():
            worker.kill()
        each.join()


def test_an_artifact_is_measured_where_it_lies_even_if_others_are_idle(slots) -> None:
    pool = slots(3, Here)
    built = [pool.submit(build, (str(n),)).result(5) for n in range(6)]
    for artifact in built:
        builder, measurer = pool.submit(measure, (artifact,)).result(5)
        assert builder == measurer


def test_work_whose_home_died_goes_elsewhere(slots) -> None:
    workers: list[Here] = []

    def start() -> Here:
        workers.append(Here())
        return workers[-1]

    pool = slots(1, start)
    artifact = pool.submit(build, ("x",)).result(5)
    assert isinstance(pool.submit(die, ()).exception(5), WorkerDied)
    builder, measurer = pool.submit(measure, (artifact,)).result(5)
    assert (builder, measurer) == (id(workers[0]), id(workers[1]))


def test_a_verdict_that_failed_early_has_no_home(slots) -> None:
    pool = slots(1, Here)
    failed = Artifact(Program.single("x"), Evaluation.wrong("no"), Path("x"))
    assert pool.submit(hand_back, (failed,)).result(5) == failed
    assert pool._homes == {}


def hand_back(worker: Here, artifact: Artifact) -> Artifact:
    return artifact


def test_a_call_that_takes_too_long_ends_its_worker_and_a_late_answer_is_not_heard(slots) -> None:
    pool = slots(1, Here, timeout=0.2)
    late = pool.submit(nap, (0.6,))
    error = late.exception(5)
    assert isinstance(error, WorkerDied) and "longer than 0.2 s" in error.what and "nap" in error.why
    first = pool.submit(nap, (0.0,)).result(5)
    time.sleep(0.6)  # the first answer comes now, to nobody
    assert late.exception() is error and pool.submit(nap, (0.0,)).result(5) == first


def test_work_without_any_worker_is_given_up_with_the_reason(slots) -> None:
    def start() -> Here:
        raise MachineError("no place on any node")

    pool = slots(2, start, patience=0.1)
    error = pool.submit(nap, (0.0,)).exception(10)
    assert isinstance(error, MachineError) and error.why == "no place on any node"


def test_a_worker_whose_node_went_while_it_was_idle_takes_no_work_along(slots) -> None:
    """Nothing tells that a node is gone until somebody asks: its worker still counts as alive."""

    class OnNode(Here):
        gone = False

        def answers(self, seconds: float) -> bool:
            return not self.gone

        def call(self, body: bytes) -> Future[Any]:
            if not self.gone:
                return super().call(body)
            future: Future[Any] = Future()
            future.set_exception(WorkerDied("its node is gone"))
            return future

    workers: list[OnNode] = []

    def start() -> OnNode:
        workers.append(OnNode())
        return workers[-1]

    pool = slots(3, start, idle=0.05)
    first = pool.submit(nap, (0.0,)).result(5)
    assert pool.submit(nap, (0.0,)).result(5) in map(id, workers)
    lost = list(workers)
    for worker in lost:
        worker.gone = True
    time.sleep(0.1)
    answers = [pool.submit(nap, (0.0,)).result(5) for _ in range(6)]
    assert first in map(id, lost) and not {*answers} & {*map(id, lost)}


def test_work_that_cannot_be_sent_fails_and_holds_up_nothing(slots) -> None:
    class Deaf(Here):
        def call(self, body: bytes) -> Future[Any]:
            raise MemoryError("no room for the request")

    workers = iter([Deaf(), Here(), Here()])
    pool = slots(1, workers.__next__)
    assert isinstance(pool.submit(nap, (0.0,)).exception(5), MemoryError)
    assert pool.submit(nap, (0.0,)).result(5)
