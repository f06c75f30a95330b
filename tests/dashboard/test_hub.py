"""Hub: how many runs are held open, and what is read of those that nobody opened."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernelevo.core import Evaluation, Program, Task, Trial
from kernelevo.dashboard import hub as hubs
from kernelevo.dashboard.hub import Hub
from kernelevo.errors import StoreError
from kernelevo.store import Digest, RunStore, glance

SURROGATE = "l\udce4ufe"  # as Python reads a byte of a path that is not UTF-8


def made(folder: Path, name: str = "toy", **settings: object) -> Path:
    with RunStore.create(folder, Task(name, "", (Program.single("s"),), "none"), settings) as store:
        store.record(Trial(0, Program.single("v0"), Evaluation.ok(1.0)))
        store.set_state("done")
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(hubs, "MOST", 3)
    for n in range(8):
        made(tmp_path / "runs" / f"run-{n}")
    hub = Hub(tmp_path / "runs")
    yield hub
    hub.close()


def held(folder: Path) -> set[str]:
    """Runs whose database this process has open."""
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue  # the one that listed them
    return {Path(link).parent.name for link in links if link.startswith(str(folder)) and "run.db" in link}


def test_a_script_that_asks_for_every_run_leaves_few_of_them_open(hub: Hub, tmp_path: Path) -> None:
    first = hub.get("run-0")
    for n in range(8):
        assert hub.get(f"run-{n}").digest.lines
    assert held(tmp_path) == {"run-5", "run-6", "run-7"}
    assert first.gone  # a page that still has it opens it anew
    assert hub.get("run-0") is not first and hub.get("run-7").digest.lines
    hub.get("run-1")
    assert held(tmp_path) == {"run-0", "run-1", "run-7"}  # those that were asked for last


def test_runs_that_are_looked_at_stay_open(hub: Hub, tmp_path: Path) -> None:
    with hub.get("run-0").listen() as heard:
        shown = hub.get("run-1")
        shown.seen = hubs.time.monotonic()
        for n in range(2, 8):
            hub.get(f"run-{n}")
        assert {"run-0", "run-1"} <= held(tmp_path) and len(held(tmp_path)) == 3
        assert not heard.is_set() and not shown.gone
        shown.seen -= hubs.SEEN
        hub.get("run-2")
        assert "run-1" not in held(tmp_path) and shown.gone


def test_a_run_that_is_gone_or_damaged_frees_its_files(hub: Hub, tmp_path: Path) -> None:
    watched = hub.get("run-0")
    (tmp_path / "runs" / "run-0" / "run.db").unlink()
    hub.look()
    assert watched.gone and not held(tmp_path)
    with sqlite3.connect(tmp_path / "runs" / "run-1" / "run.db") as db:
        db.execute("UPDATE trials SET origin = '{'")
    db.close()
    for _ in range(3):
        with pytest.raises(StoreError, match="damaged"):
            hub.get("run-1")
        assert not held(tmp_path)


def test_a_list_of_runs_reads_again_only_those_that_changed(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(folder: Path) -> dict[str, object]:
        read.append(folder.name)
        return glance(folder)

    monkeypatch.setattr(hubs, "glance", counted)
    assert [row["trials"] for row in hub.glances()] == [1] * 8 and len(read) == 8
    assert {row["run"] for row in hub.glances()} == {f"run-{n}" for n in range(8)} and len(read) == 8
    with RunStore.open(tmp_path / "runs" / "run-3") as store:
        store.record(Trial(1, Program.single("v1"), Evaluation.ok(2.0)))
        rows = {row["run"]: row for row in hub.glances()}
        assert (rows["run-3"]["trials"], rows["run-3"]["best"], rows["run-3"]["live"]) == (2, 2.0, True)
        assert read[8:] == ["run-3"]
    assert not {row["run"]: row["live"] for row in hub.glances()}["run-3"] and read[8:] == ["run-3"] * 2


def test_a_digest_shows_names_whose_bytes_are_no_text(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", f"{SURROGATE}/net.py:Net", out=SURROGATE, programs=[SURROGATE])
    digest = Digest(folder)
    digest.refresh()
    assert digest.task.name == "l?ufe/net.py:Net" == glance(folder)["task"]
    assert digest.settings == {"out": "l?ufe", "programs": ["l?ufe"]}
    digest.close()
