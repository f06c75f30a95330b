"""`kernelevo watch` and `kernelevo steer` as they are typed."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from kernelevo.cli.main import run_command
from kernelevo.cli.watch import picture
from kernelevo.core import Evaluation, Fault, Origin, Program, Trial, TrialEnded
from kernelevo.dashboard.hub import Watched
from kernelevo.errors import StoreError
from kernelevo.report.live import LiveReport
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench
from tests.engine.test_steering import order_at

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path / "runs" / "toy")
    order = ("hint", {"text": "more ones", "asks": 2})
    bench.run(toys.task(), [toys.Flip(), toys.Script(["x"])], "12", meanwhile=order_at(2, order))
    return bench


def test_a_run_that_is_over_is_told_in_lines(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["watch", str(bench.folder)]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) == 13 and lines[0].startswith("#0") and "new best" in lines[0]
    assert sum("wrong" in line for line in lines) == 1 and "done; kernelevo show" in said.err
    assert run_command(["watch", str(bench.folder), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    bests = [row["score"] for row in rows if row["is_best"]]
    assert [row["number"] for row in rows] == [
        t.number for t in sorted(bench.trials(), key=lambda t: t.ended)
    ]
    assert bests == sorted(bests) and bests[-1] == max(row["score"] or 0 for row in rows)


def test_a_best_that_is_banned_was_none(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def bests() -> list[int]:
        assert run_command(["watch", str(bench.folder), "--json"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [row["number"] for row in rows if row["is_best"]]

    before = bests()
    trials = {trial.number: trial for trial in bench.trials()}
    with RunStore.open(bench.folder) as store:
        store.append_event("ban", {"program": trials[before[1]].program.id, "told": 13})
    after, top = bests(), -1.0
    for number in after:  # each is better than all before it that are not banned
        score = trials[number].score
        assert score is not None and score > top and number != before[1]
        top = score
    assert top == max(t.score or 0.0 for t in trials.values() if t.number != before[1])


def test_the_picture_says_how_far_it_is(bench: Bench) -> None:
    watched = Watched("toy", bench.folder)
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(picture(watched))
    watched.digest.close()
    text = console.export_text()
    console.file.close()
    assert "toy ones  toy  done  13 trials  best" in text and "12 of 12" in text
    assert "thinking" in text and "at rest" in text


def test_a_killed_run_is_interrupted_and_says_how_to_go_on(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    with RunStore.open(bench.folder) as store:
        store.set_state("running")
    assert run_command(["watch", str(bench.folder)]) == 0
    assert f"interrupted; go on with: kernelevo resume {bench.folder}" in capsys.readouterr().err
    assert run_command(["runs", "--folder", str(bench.folder.parent), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == "interrupted"


def test_what_programs_and_people_write_is_nothing_that_a_terminal_obeys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, evil = tmp_path / "evil", "\x1b]52;c;aGk=\x07bad\rworse"
    with RunStore.create(folder, toys.task(), {}) as store:
        program = Program.single("x", origin=Origin("llm", evil))
        store.record(Trial(0, program, Evaluation.wrong(f"{evil}\n\tline 2 {evil}")))
        store.record(Trial(1, program, fault=Fault("WorkerDied", evil)))
        store.append_command(evil, "hint", {"text": evil})
    run = str(folder)
    shown = io.StringIO()
    with LiveReport(Console(file=shown, width=200)) as report, RunStore.open(folder, readonly=True) as store:
        for trial in store.trials():
            report(TrialEnded(trial))
    said = [shown.getvalue()]
    for words in (["watch", run], ["show", run], ["show", run, "--trial", "0"],
                  ["show", run, "--trial", "1"], ["steer", run]):  # fmt: skip
        assert run_command(words) == 0
        told = capsys.readouterr()
        said += [told.out, told.err]
    assert all("\x1b]" not in text and "\x07" not in text and "\r" not in text for text in said)
    assert sum("bad" in text for text in said) >= 5 and "        line 2" in said[6]


def test_a_programs_text_is_shown_as_it_is_unless_a_terminal_would_obey_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# \x1b]52;c;aGk=\x07\n\tx = 1\n"
    with RunStore.create(tmp_path / "run", toys.task(), {}) as store:
        store.record(Trial(0, Program.single(text), Evaluation.wrong("no")))
    words = ["show", str(tmp_path / "run"), "--trial", "0"]
    assert run_command(words) == 0
    assert capsys.readouterr().out == f"{text}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run_command(words) == 0
    assert capsys.readouterr().out == "#  ]52;c;aGk= \n        x = 1\n\n"


def test_the_digits_that_decide_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "digits"
    with RunStore.create(folder, toys.task(), {}) as store:
        for number, value in enumerate((0.9999978, 1.0, 12345.678)):
            store.record(Trial(number, Program.single(str(number)), Evaluation.ok(value)))
        store.set_gauge({"limits": {"seconds": 28800.0}, "used": {"seconds": 12345.0}})
    assert run_command(["watch", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "0.999998" in told and "12345.7" in told
    watched, shown = Watched("digits", folder), io.StringIO()
    Console(width=100, file=shown).print(picture(watched))
    watched.digest.close()
    assert "12,345 of 28,800" in shown.getvalue() and "best 12345.7" in shown.getvalue()


def test_a_command_that_is_suggested_can_be_typed_as_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my run"
    with RunStore.create(folder, toys.task(), {}) as store:
        store.set_state("stopped")
    assert run_command(["watch", str(folder)]) == 0
    assert capsys.readouterr().err == f"stopped; go on with: kernelevo resume '{folder}'\n"
    with RunStore.open(folder), pytest.raises(StoreError, match=f"kernelevo watch '{folder}'"):
        RunStore.open(folder)


def test_orders_are_typed_listed_and_refused(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(bench.folder)
    assert run_command(["steer", run, "hint", "try ones", "--asks", "4", "--author", "ben"]) == 0
    assert "order 2 is recorded" in capsys.readouterr().err
    assert run_command(["steer", run, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert len(first["carried"]) == 2 and first["effect"].startswith("in every brief")
    assert second["author"] == "ben" and second["args"] == {"text": "try ones", "asks": 4}
    assert run_command(["steer", run]) == 0
    told = capsys.readouterr().out
    assert "in 2 briefs" in told and "waits for the next ask" in told
    for words in (
        ["hnit", "x"],
        ["hint"],
        ["hint", "two", "words"],
        ["workers", "none"],
        ["thinkers", "0"],
        ["budget", "lots"],
    ):
        assert run_command(["steer", run, *words]) == 2, words
        assert capsys.readouterr().err.startswith("BadSetting")
    assert run_command(["steer", str(bench.folder / "none"), "pause"]) == 2


@pytest.mark.slow
def test_ctrl_c_leaves_the_watch_and_not_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = ["-m", "tests.dashboard.live", str(folder), "--budget", "60"]
    run = subprocess.Popen([sys.executable, *words], env=environment)
    until = time.monotonic() + 60
    while not (folder / "run.db").exists():
        assert run.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    watch = subprocess.Popen(
        [sys.executable, "-m", "kernelevo", "watch", str(folder)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert watch.stdout
    assert watch.stdout.readline().startswith("#0")
    watch.send_signal(signal.SIGINT)
    _, err = watch.communicate(timeout=20)
    assert watch.returncode == 0 and "the run goes on" in err
    assert run.wait(60) == 0
    with RunStore.open(folder, readonly=True) as store:
        assert store.state == "done"
