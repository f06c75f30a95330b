"""Run folders: names that never collide, and finding a run by what people type."""

import errno
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from kernelevo.core import Task
from kernelevo.errors import RunNotFound, StoreError, Unwritable
from kernelevo.store import RUN_FILE, RunStore, find_run, list_runs, new_run_folder

DAY = date(2026, 11, 23)


def make(folder: Path, written: float) -> Path:
    RunStore.create(folder, Task("t", "g"), {}).close()
    os.utime(folder / RUN_FILE, (written, written))
    return folder


def test_names_count_up_and_keep_to_plain_characters(tmp_path: Path) -> None:
    names = [new_run_folder("kernelbench:3/28@batchfirst", DAY, root=tmp_path).name for _ in range(3)]
    assert names == [f"kernelbench-3-28@batchfirst-2026-11-23-{n}" for n in (1, 2, 3)]
    assert new_run_folder("../../etc/x", DAY, root=tmp_path).parent == tmp_path
    assert new_run_folder("///", DAY, root=tmp_path).name == "task-2026-11-23-1"


def test_last_is_the_run_written_last(tmp_path: Path) -> None:
    old, new = make(tmp_path / "b-1", 100.0), make(tmp_path / "a-1", 200.0)
    (tmp_path / "no-run").mkdir()
    assert list_runs(tmp_path) == [old, new]
    assert find_run("@last", root=tmp_path) == new
    os.utime(old / RUN_FILE, (300.0, 300.0))
    assert find_run("@last", root=tmp_path) == old


def test_a_run_is_found_by_path_name_and_beginning(tmp_path: Path) -> None:
    run = make(tmp_path / "gemm-2026-11-23-1", 100.0)
    for name in (str(run), str(run / RUN_FILE), run.name, "gemm"):
        assert find_run(name, root=tmp_path) == run
    make(tmp_path / "gemm-2026-11-23-2", 100.0)
    with pytest.raises(RunNotFound, match="several runs begin with 'gemm'"):
        find_run("gemm", root=tmp_path)
    with pytest.raises(RunNotFound, match=r"did you mean 'gemm-2026-11-23-2'"):
        find_run("gem-2026-11-23-2", root=tmp_path)


def test_no_run_at_all(tmp_path: Path) -> None:
    for name in ("@last", "x", ""):
        with pytest.raises(RunNotFound):
            find_run(name, root=tmp_path / "runs")


def test_a_folder_without_a_run_and_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="holds no run"):
        find_run(str(tmp_path), root=tmp_path)
    with pytest.raises(RunNotFound, match="there is no folder"):
        list_runs(tmp_path / "runs")


def test_a_root_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="no run folder can be made"):
        new_run_folder("t", DAY, root=tmp_path / "file")


def test_a_folder_that_is_closed_to_us_hides_no_other_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = make(tmp_path / "mine", 100.0), make(tmp_path / "theirs", 200.0)
    looked, listed = Path.is_file, Path.iterdir

    def is_file(path: Path) -> bool:
        if theirs in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return looked(path)

    def iterdir(path: Path) -> Iterator[Path]:
        if path == tmp_path / "shut":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    monkeypatch.setattr(Path, "iterdir", iterdir)
    (tmp_path / "shut").mkdir()
    assert list_runs(tmp_path) == [mine] and find_run("@last", root=tmp_path) == mine
    with pytest.raises(Unwritable, match=r"cannot be looked into[\s\S]*Permission denied"):
        find_run(str(theirs), root=tmp_path)
    with pytest.raises(Unwritable, match="cannot be listed"):
        list_runs(tmp_path / "shut")
    assert find_run(str(mine), root=tmp_path / "shut") == mine


def test_a_log_that_its_writer_removes_meanwhile_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path / "run", 100.0)
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name.endswith("-wal") or exists(path))
    assert list_runs(tmp_path) == [run]


def test_a_task_in_a_deep_folder_has_a_run_folder_too(tmp_path: Path) -> None:
    folder = new_run_folder(f"/{'deep/' * 80}net.py:Model", DAY, root=tmp_path)
    assert folder.is_dir() and folder.name.endswith("deep-net.py-Model-2026-11-23-1")


def test_who_reads_a_run_does_not_make_it_the_last_one(tmp_path: Path) -> None:
    """Whoever reads leaves an empty log beside the database, which is younger than any other."""
    for name in ("older", "newer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / RUN_FILE).write_bytes(b"x")
    os.utime(tmp_path / "older" / RUN_FILE, (1e9, 1e9))
    (tmp_path / "older" / f"{RUN_FILE}-wal").touch()
    assert find_run("@last", root=tmp_path).name == "newer"
    (tmp_path / "older" / f"{RUN_FILE}-wal").write_bytes(b"a row")
    assert find_run("@last", root=tmp_path).name == "older"
