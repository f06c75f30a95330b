"""The benchmarks of this room: a small form of each, so that they keep working."""

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.engine import kernel_ablation, replaying


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
            self.trials, self.best = [0] * 3, None
            policy = next(name for name in scores if f"-{name}-" in folder.name)
            self.speedup = scores[policy]

    def run(command: list[str], **more: Any) -> Any:
        started.append(command)
        folder = Path(command[command.index("--out") + 1] if "run" in command else command[-1])
        (folder / "state").write_text("running" if len(started) == 2 else "done")

        class Ended:
            returncode = 0

        return Ended()

    monkeypatch.setattr(kernel_ablation, "load_run", Done)
    monkeypatch.setattr(kernel_ablation.subprocess, "run", run)
    return started


def test_the_ablation_goes_on_where_it_was_and_counts_failures_as_parity(
    cells: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--folder", str(tmp_path), "--tasks", "ops/gemm", "--policies", "default;refine;random"]
    words += ["--seeds", "0,1", "--evaluations", "5"]
    assert kernel_ablation.main(words) == 0
    assert len(cells) == 6 and all("--budget" in command for command in cells)
    assert cells[1][-2:] == ["--sampler", "refine"]
    assert kernel_ablation.main(words) == 0
    assert len(cells) == 7 and cells[-1][3] == "resume"  # the one that was cut off, nothing else
    said = capsys.readouterr().out
    assert "1.500 [1.500, 1.500]" in said and "1.000 [1.000, 1.000]" in said
    assert "default   1.00" in said and "random    3.00" in said and "ranks over 2 blocks" in said
