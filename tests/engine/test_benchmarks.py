"""The benchmarks of this room: a small form of each, so that they keep working."""

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.engine import kernel_ablation, replaying, tabled
from kernelevo.api.parts import Plan
from kernelevo.core import Artifact, Evaluation, Origin, Program, Status, Task, Trial
from kernelevo.errors import MachineError


@pytest.mark.slow
def test_runs_of_one_and_eight_workers_are_replayed_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    rows = replaying.measure(tmp_path, (1, 8), ["all on"])
    assert [row["exact"] for row in rows] == [True, True]
    assert all(row["trials"] == 201 and row["sittings"] == 2 for row in rows)
    assert all(100 <= row["killed_after"] < 201 for row in rows)
    assert rows[0]["lineage_sha256"] != rows[1]["lineage_sha256"]  # other runs: only replays are alike


def test_free_runs_of_one_two_and_eight_workers_are_replayed_exactly(tmp_path: Path) -> None:
    from kernelevo.engine import Schedule
    from tests.engine.test_replay import record, replay

    for workers in (1, 2, 8):
        folder = tmp_path / str(workers)
        schedule = Schedule(thinkers=workers, builders=workers, measurers=workers)
        record(folder, 50, stop_at=20, schedule=schedule)
        record(folder, 50, schedule=schedule)
        found = replay(folder)
        assert found.deviation is None and found.trials >= 50 and found.sittings == 2


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Runs that are made up: the score depends on the policy."""
    started: list[Any] = []
    scores = {"default": 1.5, "refine": 1.2, "random": None}

    class Done:
        def __init__(self, folder: Path) -> None:
            if not (folder / "state").exists():
                raise kernel_ablation.RunNotFound("no run", why="", now="")
            self.state = (folder / "state").read_text()
            policy = next(name for name in scores if f"-{name}-" in folder.name)
            self.speedup, self.best = scores[policy], None
            way = [0.9, None, 1.2, self.speedup]
            self.trials = [
                Trial(
                    number,
                    Program.single("x", origin=Origin("tune" if number else "seed")),
                    Evaluation.ok(score) if score else Evaluation.wrong("no"),
                )
                for number, score in enumerate(way)
            ]

    def search(plan: Plan) -> None:
        folder = plan.store.folder
        started.append((folder, plan.settings, plan.store.task.options[tabled.OPTION]))
        (folder / "state").write_text("running" if len(started) == 2 else "done")

    monkeypatch.setattr(kernel_ablation, "load_run", Done)
    monkeypatch.setattr(kernel_ablation, "carry_out", search)
    return started


def test_the_ablation_goes_on_where_it_was_and_counts_failures_as_parity(
    cells: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--folder", str(tmp_path), "--tasks", "ops/gemm", "--policies", "default;refine;random"]
    words += ["--seeds", "0,1", "--evaluations", "5"]
    with pytest.raises(SystemExit, match="refine, seed 0: stopped; the same command goes on"):
        kernel_ablation.main(words)
    assert len(cells) == 2 and cells[1][1].sampler == "refine"
    assert kernel_ablation.main(words) == 0
    assert len(cells) == 7  # the one that was cut off goes on, the one that was done stays
    assert {settings.budget for _, settings, _ in cells} == {"5"}
    assert len({table for _, _, table in cells}) == 1 and cells[2][0] == cells[1][0]
    said = capsys.readouterr().out
    assert "1.500 [1.500, 1.500]" in said and "1.000 [1.000, 1.000]" in said
    assert "default   1.00" in said and "ranks over 2 blocks" in said
    assert "refine    2.50" in said and "random    2.50" in said  # equals share their places
    way = said.splitlines()[-3].split()  # the best known is 1.5; 1.2 after two, the failure included
    assert way[0] == "default" and way[1] == "0.800" and way[4] == "1.000" and way[-3] == "1.000"


class Counting:
    """A judge that says how often it was asked; a program without a text cannot be built."""

    def __init__(self) -> None:
        self.built: list[str] = []
        self.measured = 0
        self.news: list[dict[str, Any]] = [{"kind": "rebase"}]
        self.waits = 2

    def warm(self) -> None:
        pass

    def settle(self) -> bool:
        self.waits -= 1
        return self.waits <= 0

    def notices(self) -> list[dict[str, Any]]:
        news, self.news = self.news, []
        return news

    def prepare(self, program: Program) -> Artifact:
        assert self.waits <= 0
        self.built.append(program.source)
        failed = None if program.source != "bad" else Evaluation(Status.BUILD_FAILED, feedback="no")
        return Artifact(program, failed, Path())

    def measure(self, artifact: Artifact, floor: float | None = None) -> Evaluation:
        assert floor is None  # a floor belongs to one search
        self.measured += 1
        return Evaluation.ok(1.0 + self.measured, kind="measured")


def verdict_of(table: tabled.Tabled, text: str) -> Evaluation:
    artifact = table.prepare(Program.single(text))
    return artifact.verdict or table.measure(artifact, 3.0)


def test_a_table_of_verdicts_judges_each_program_once_in_all_searches(tmp_path: Path) -> None:
    task = Task("t", "g", (), "kernel", options={tabled.OPTION: str(tmp_path / "verdicts.jsonl")})
    judge = Counting()
    first = tabled.Tabled(task, judge)
    assert [verdict_of(first, text).score for text in ("a", "b", "a")] == [2.0, 3.0, 2.0]
    assert verdict_of(first, "bad").status is Status.BUILD_FAILED
    assert judge.built == ["a", "b", "bad"] and judge.measured == 2
    other = Counting()
    second = tabled.Tabled(task, other)
    assert verdict_of(second, "b") == verdict_of(first, "b")
    assert verdict_of(second, "bad").feedback == "no" and other.built == []
    assert verdict_of(second, "c").score == 2.0 and other.built == ["c"]


def test_scores_against_two_baselines_do_not_come_into_one_table(tmp_path: Path) -> None:
    task = Task("t", "g", (), "kernel", options={tabled.OPTION: str(tmp_path / "verdicts.jsonl")})
    judge = Counting()
    table = tabled.Tabled(task, judge)
    verdict_of(table, "a")
    judge.news = [{"kind": "rebase"}]
    for _ in range(2):  # the engine tries a machine's fault again
        with pytest.raises(MachineError, match="a baseline changed"):
            verdict_of(table, "b")
    assert len((tmp_path / "verdicts.jsonl").read_text().splitlines()) == 1
