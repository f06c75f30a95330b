"""The published table's series is ``kernelevo bench`` with fixed settings; its record is kept."""

from pathlib import Path

import pytest

from benchmarks import level3_small


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_it_calls_bench_and_keeps_the_record_of_a_whole_series(tmp_path, monkeypatch, code):
    asked = []

    def run_command(arguments):
        asked.append(arguments)
        folder = Path(arguments[arguments.index("--out") + 1])
        folder.mkdir()
        (folder / "bench.json").write_text("the record")
        return code

    monkeypatch.setattr(level3_small, "run_command", run_command)
    given = ["--folder", str(tmp_path / "mine"), "--results", str(tmp_path / "kept"), "--tasks", "13,3@he"]
    assert level3_small.main(given) == code
    (command,) = asked
    assert command[:2] == ["bench", "kernelbench:3"] and command[-2:] == ["--tasks", "13,3@he"]
    assert [command[command.index(flag) + 1] for flag in ("--size", "--budget", "--seed")] == [
        "small", "90s", "1",
    ]  # fmt: skip
    kept = tmp_path / "kept" / "mine.json"
    assert kept.exists() is (code in (0, 1)) and (not kept.exists() or kept.read_text() == "the record")


def test_bench_knows_every_flag_that_it_passes():
    import typer

    from kernelevo.cli.main import app

    verb = typer.main.get_command(app).commands["bench"]
    known = {name for parameter in verb.params for name in parameter.opts}
    assert {"--device", "--size", "--budget", "--seed", "--out", "--tasks"} <= known
