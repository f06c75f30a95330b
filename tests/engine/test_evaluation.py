"""What runs inside workers: loaded once, closed at the end, optional parts used where they exist."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernelevo.core import Artifact, Evaluation, Program
from kernelevo.engine import evaluation
from tests.engine import toys

LOADER = "tests.engine.toys:load"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    evaluation.close_all()
    yield
    evaluation.close_all()


def test_equal_tasks_share_an_evaluator_and_others_do_not() -> None:
    one = evaluation.evaluator(LOADER, toys.task("staged"))
    assert evaluation.evaluator(LOADER, toys.task("staged", seeds=["1"])) is one  # seeds do not judge
    assert evaluation.evaluator(LOADER, toys.task("staged", seconds=0.0)) is not one
    assert evaluation.evaluator(LOADER, toys.task("ones")) is not one


def test_offers_say_what_there_is() -> None:
    plain = evaluation.offer(LOADER, toys.task())
    assert (plain.staged, plain.final, [s.source for s in plain.seeds]) == (False, False, ["0" * 16])
    staged = evaluation.offer(LOADER, toys.task("staged", seeds=[]))
    assert (staged.staged, staged.final, staged.seeds) == (True, True, ())
    own = evaluation.offer(LOADER, toys.task("baselines", seeds=[]))
    assert [s.source for s in own.seeds] == ["0" * 15 + "1"]
    assert [s.source for s in evaluation.offer(LOADER, toys.task("baselines", seeds=["11"])).seeds] == ["11"]


def test_stages_and_notices() -> None:
    task = toys.task("staged")
    artifact = evaluation.prepare(LOADER, task, Program.single("11"))
    assert isinstance(artifact, Artifact) and artifact.verdict is None
    assert evaluation.measure(LOADER, task, artifact, None).evaluation == Evaluation.ok(2.0)
    assert evaluation.measure(LOADER, task, artifact, 3.0).evaluation.fidelity == "rough"
    assert evaluation.finalize(LOADER, task, Program.single("11")).evaluation.score == 2.5
    assert (
        evaluation.finalize(LOADER, task, Program.single("unbuildable")).evaluation.status == "build_failed"
    )
    told = [evaluation.judge(LOADER, toys.task("baselines"), Program.single("1")).notices for _ in range(3)]
    assert [[notice["kind"] for notice in notices] for notices in told] == [
        ["baseline", "notice"], [], ["baseline", "rebase"]
    ]  # fmt: skip


def test_a_measurement_is_timed() -> None:
    measured = evaluation.judge(LOADER, toys.task(seconds=0.05), Program.single("1"))
    assert 0.05 <= measured.seconds < 5.0


def test_closing_closes_every_evaluator(tmp_path: Path) -> None:
    evaluation.offer(LOADER, toys.task("staged", closed=str(tmp_path / "note")))
    evaluation.offer(LOADER, toys.task("ones"))  # has nothing to close
    evaluation.close_all()
    assert (tmp_path / "note").read_text() == "closed"
