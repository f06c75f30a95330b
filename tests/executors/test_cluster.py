"""Where a Ray cluster is, told without Ray."""

import socket
from pathlib import Path

import pytest

from kernelevo.executors import cluster


def test_a_noted_cluster_counts_only_while_somebody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert not cluster.noted()
    note = tmp_path / "ray" / "ray_current_cluster"
    note.parent.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        note.write_text(f"127.0.0.1:{server.getsockname()[1]}\n")
        assert cluster.noted()
    assert not cluster.noted()  # killed: its note is still there
    note.write_text("")
    assert not cluster.noted()


@pytest.mark.parametrize("address", ["head", ":6379", "ray://127.0.0.1:1", "127.0.0.1:"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        cluster.knock(address)


class Starting:
    def __init__(self) -> None:
        self.ended: list[dict[str, bool]] = []

    def kill_all_processes(self, **how: bool) -> None:
        self.ended.append(how)

    def fail(self) -> None:
        raise OSError("no room")


def test_what_a_failed_start_left_is_ended() -> None:
    starting = Starting()
    with pytest.raises(OSError, match="no room") as failed:
        starting.fail()
    cluster.clear_away(failed.value)
    (how,) = starting.ended
    assert how["wait"] and not how["check_alive"]
