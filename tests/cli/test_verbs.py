"""Each verb, in process: what is data goes to stdout, what is talk to stderr."""

import contextlib
import csv
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from kernelevo import api
from kernelevo.cli.main import run_command
from kernelevo.errors import InputError
from kernelevo.kernels.verdict import NAMES
from kernelevo.store import RunStore
from tests.api.tiny import program

TOUR = ["run", "tour.py:tour", "--proposers", "mailbox", "--mailbox", "box"]
PROMISED = (
    "latency_ms", "speedup_vs_eager", "speedup_vs_compile", "speedup_vs_cublas", "max_abs_error",
    "max_rel_error", "oracle_error", "reference_oracle_error", "meets_1e-5", "precision",
    "roofline_fraction", "peak_memory_mb", "build_seconds",
)  # fmt: skip
TRIAL = ("number", "program", "status", "score", "metrics", "feedback", "fidelity", "fault", "island")


@pytest.fixture
def command(capsys):
    """Run one command line; return its exit code, stdout and stderr."""

    def run(*arguments):
        code = run_command([str(a) for a in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_size_of_the_build_cache_that_is_none_is_refused_first(elsewhere, command, monkeypatch):
    monkeypatch.setenv("KERNELEVO_CACHE_GB", "plenty")
    code, out, err = command(*TOUR, "--budget", "1s", "--out", "here")
    assert code == 2 and out == "" and "KERNELEVO_CACHE_GB is 'plenty'" in err and "e.g. 20" in err
    assert not os.path.exists("here")


def test_run_show_runs_export_resume(elsewhere, command):
    code, out, err = command(*TOUR, "--budget", "1s", "--json")
    assert code == 0 and err.startswith("kernelevo: tour.py:tour")
    data = json.loads(out)
    assert set(data) == {"run", "trials"}
    assert data["run"]["state"] == "done" and data["run"]["best"] == 0
    assert data["run"]["settings"]["budget"] == "1s"
    (trial,) = data["trials"]
    assert set(TRIAL) <= set(trial) and (trial["status"], trial["score"]) == ("ok", 3.0)
    name = data["run"]["folder"].rpartition("/")[2]

    code, out, _ = command("runs", "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert (row["run"], row["state"], row["trials"], row["best"]) == (name, "done", 1, 3.0)
    assert name in command("runs")[1]

    for run in ("@last", name, data["run"]["folder"]):
        code, out, err = command("show", run, "--json")
        assert code == 0 and err == "" and json.loads(out) == data
    code, out, _ = command("show", "--csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["number"], row["status"], row["score"], row["latency_ms"]) == ("0", "ok", "3.0", "")
    code, out, err = command("show", "--trial", 0)
    assert (code, out) == (0, "ANSWER = 3\n\n") and "ok" in err
    assert command("show", "--trial", 7)[0] == 2
    code, out, err = command("show")
    assert code == 0 and "#0" in out and "best.py" in err

    code, _, err = command("export", "--out", "mine.py")
    assert code == 0 and (elsewhere / "mine.py").read_text() == "ANSWER = 3\n" and "mine.py" in err
    assert command("export", "--out", "mine.py")[0] == 2
    assert command("export", "--out", "mine.py", "--force")[0] == 0
    assert command("export", "--out", "no/such/folder.py")[0] == 2

    code, out, err = command("resume", "--json")
    assert code == 0 and json.loads(out)["trials"] == data["trials"] and "resuming" in err
    assert "the run has ended" in err and "--budget" in err  # nobody judges its winner once more
    command("steer", "@last", "submit", "mine.py")
    code, out, err = command("resume", "--json")
    assert code == 0 and "the run has ended" not in err  # an order waited
    code, out, _ = command("show", "--html")
    report = (elsewhere / data["run"]["folder"] / "report.html").read_text()
    assert code == 0 and out == report and "<svg" in out and "ANSWER = 3" in out
    for file in ("run.db", "config.toml", "best.py"):
        assert (elsewhere / data["run"]["folder"] / file).is_file()


@pytest.mark.slow
def test_the_settings_that_a_run_leaves_can_be_given_to_another_one(elsewhere, command):
    assert command(*TOUR, "--budget", "1s", "--out", "here")[0] == 0
    code, out, err = command("run", "tour.py:tour", "--config", "here/config.toml", "--json")
    assert code == 0, err
    run = json.loads(out)["run"]
    assert run["folder"].startswith("runs/") and run["settings"]["mailbox"] == str(elsewhere / "box")


def test_a_small_score_is_listed_as_it_is_and_none_as_a_dash(elsewhere, command):
    from kernelevo.core import Evaluation, Program, Task, Trial

    for name, scores in (("tiny", [1.5e-7]), ("nothing", [])):
        with RunStore.create(elsewhere / "runs" / name, Task(name, "g", evaluator="none"), {}) as store:
            for score in scores:
                store.record(Trial(0, Program.single("x"), Evaluation.ok(score)))
    best = {row["run"]: row["best"] for row in json.loads(command("runs", "--json")[1])}
    assert best == {"tiny": 1.5e-7, "nothing": None}
    code, out, _ = command("runs")
    assert code == 0 and "1.5e-07" in out and "None" not in out


def test_no_runs_yet(elsewhere, command):
    assert command("runs") == (
        0,
        "",
        "no runs in runs; start one with: kernelevo run kernelbench:3/13 --budget 90s\n",
    )
    assert json.loads(command("runs", "--json")[1]) == []
    code, out, err = command("show")
    assert code == 2 and out == "" and "there is no run yet" in err and "kernelevo run TASK" in err


def test_a_run_that_finds_nothing_ends_with_1(elsewhere, command):
    text = (elsewhere / "tour.py").read_text().replace("ANSWER = 3", "ANSWER = None")
    (elsewhere / "tour.py").write_text(text)
    code, out, err = command(*TOUR, "--budget", "1s", "--out", "none")
    assert code == 1 and "nothing correct was found" in out + err
    data = json.loads(command("show", "none", "--json")[1])
    assert data["trials"][0]["status"] == "crashed" and data["trials"][0]["score"] is None
    assert data["run"]["best"] is None and data["run"]["verdict"] is None
    assert command("export", "none")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "nope.py"], 2, "There is no file nope.py."),
        (["run", "net.py:Modle"], 2, "did you mean 'Model'?"),
        (["run", "net.py", "--budget", "0"], 2, "'0' is not above zero"),
        (["run", "net.py", "--budget", "abc"], 2, "write it like 90s"),
        (["run", "net.py", "--device", "tpu"], 2, "tpu"),
        (["run", "net.py", "--proposers", "magic"], 2, "magic"),
        (["run", "net.py", "--proposers", "llm"], 2, "--model NAME"),
        (["run", "net.py", "--config", "nope.toml"], 2, "nope.toml does not exist"),
        (["run", "net.py", "--out", "net.py"], 2, "cannot be made"),
        (["run", "tour.py:tour", "--proposers", "compiler"], 2, "none of the proposers"),
        (["check", "nope.py", "net.py"], 2, "there is no file nope.py"),
        (["check", "ops/gemm:x", "net.py"], 2, "now  kernelevo check net.py ops/gemm:x"),
        (["check", "net.py", "nope.py"], 2, "There is no file nope.py"),
        (["show", "nope"], 2, "no run is called 'nope'"),
        (["show", "broken"], 2, "damaged"),
        (["resume", "broken"], 2, "damaged"),
        (["export", "broken"], 2, "damaged"),
    ],
)
def test_bad_input(elsewhere, command, arguments, code, words):
    (elsewhere / "broken").mkdir()
    (elsewhere / "broken" / "run.db").write_bytes(bytes(range(256)) * 20)
    found, out, err = command(*arguments)
    assert found == code and words in err
    assert out == "" and "Traceback" not in err and "bug" not in err


def test_a_device_that_is_not_here_is_refused_before_a_folder_is_made(elsewhere, command, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, out, err = command("run", "net.py", "--device", "cuda", "--out", "never")
    assert code == 3 and "there is no device cuda" in err and "kernelevo doctor" in err
    assert out == "" and not (elsewhere / "never").exists()


@pytest.mark.slow
def test_check_says_pass_or_fail_by_its_exit_code(quick_judge, elsewhere, command):
    (elsewhere / "right.py").write_text(program())
    code, out, _ = command("check", "right.py", "net.py", "--json")
    verdict = json.loads(out)
    assert code == 0 and verdict["status"] == "ok" and verdict["score"] > 0
    assert set(PROMISED) <= set(verdict["metrics"]) and set(PROMISED) <= {*NAMES, "build_seconds"}
    assert verdict["metrics"]["speedup_vs_compile"] is None  # not measured here: null, never 0
    (elsewhere / "wrong.py").write_text(program("return RESULT[:1]"))
    code, out, err = command("check", "wrong.py", "net.py")
    assert code == 1 and "wrong" in out and "float32[16, 32]" in err


def test_results_that_cannot_be_written_are_refused_before_anything_is_judged(
    elsewhere, command, monkeypatch
):
    from kernelevo.api import batch

    (elsewhere / "programs").mkdir()
    (elsewhere / "programs" / "a.py").write_text("ANSWER = 4\n")
    judged, check = [], ["check", "programs", "tour.py:tour"]
    monkeypatch.setattr(batch, "judge", lambda *given, real=batch.judge: judged.append(1) or real(*given))
    code, out, err = command(*check, "--results", "nowhere/r.jsonl")
    assert code == 2 and out == "" and judged == [] and "nowhere/r.jsonl cannot be written" in err
    assert "--results" in err and "Traceback" not in err

    def full(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(batch, "append", full)
        code, _, err = command(*check)
    assert code == 3 and "why  No space left on device" in err and "Traceback" not in err
    code, out, _ = command(*check)
    assert code == 0 and "ok  4" in out


def test_a_run_with_settings_of_another_version_is_read_and_not_gone_on_with(elsewhere, command):
    from kernelevo.core import Evaluation, Program, Task, Trial

    settings = {"budget": "9", "holograms": 3}
    with RunStore.create("later", Task("t", "g", evaluator="none"), settings) as store:
        store.record(Trial(0, Program.single("x"), Evaluation.ok(1.0)))
    for words in (["resume", "later"], ["replay", "later"]):
        code, out, err = command(*words)
        assert code == 2 and out == "" and "settings of another version" in err and "'holograms'" in err
        assert "now  go on with it in the version" in err
    assert json.loads(command("show", "later", "--json")[1])["run"]["settings"] == settings


def test_doctor(command):
    code, out, _ = command("doctor", "--json")
    report = json.loads(out)
    assert code == 0 and {"checks", "cpu", "cuda", "sandbox"} <= set(report)
    names = {row["name"]: row for row in report["checks"]}
    assert {"python", "cpu", "gpu", "cpp programs", "torch", "sandbox", "store", "model endpoint"} <= set(
        names
    )
    assert "not used" in names["bubblewrap"]["says"] and "Landlock" in names["bubblewrap"]["says"]
    assert names["python"]["ok"] is True and all(row["says"] for row in report["checks"])


SLOW_TOUR = '''
import time
from kernelevo.evaluators import evaluator


@evaluator("slow", seed="ANSWER = 0\\n")
def slow(source: str) -> float:
    """Raise ANSWER, slowly."""
    time.sleep(0.1)
    scope = {}
    exec(source, scope)
    return float(scope["ANSWER"])
'''


def test_a_killed_run_goes_on_where_it_was(elsewhere, command):
    """SIGKILL in the middle: nothing that was recorded is lost or judged again."""
    (elsewhere / "slow.py").write_text(SLOW_TOUR)
    arguments = [*TOUR, "--budget", "12", "--out", "killed"]
    arguments[1] = "slow.py:slow"
    code = f"import sys; sys.path[:] = {sys.path!r}\nfrom kernelevo.cli.main import main; main()"
    log = (elsewhere / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=elsewhere, stderr=log, stdout=log
    )
    try:
        deadline = time.monotonic() + 60
        recorded = 0
        while recorded < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
            with contextlib.suppress(InputError):  # not there yet
                recorded = submit_more(recorded)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL and recorded >= 4, (elsewhere / "log").read_text()
    finally:
        process.kill()
        log.close()
    before = json.loads(command("show", "killed", "--json")[1])
    assert before["run"]["state"] == "interrupted" and len(before["trials"]) >= 4

    with RunStore.open("killed", readonly=True) as store:
        store.append_command("ana", "stop", {})
    found, out, _ = command("resume", "killed", "--budget", "2s", "--json")  # nobody answers the mailbox
    after = json.loads(out)
    assert found == 0 and after["run"]["state"] == "done"
    assert api.orders("killed")[-1]["effect"].startswith("lapsed")  # nobody was there to stop
    kept = {trial["number"]: trial for trial in after["trials"]}
    assert [kept[trial["number"]] for trial in before["trials"]] == before["trials"]
    ids = [t["program"]["id"] for t in after["trials"]]
    assert len(ids) == len(set(ids))  # every program was judged once


def submit_more(known: int) -> int:
    """Keep one program of a person ahead of the run; return the number of recorded trials."""
    with RunStore.open("killed", readonly=True) as store:
        recorded, waiting = store.count(), len(store.commands())
        if waiting <= recorded:
            store.append_command("ana", "submit", {"source": f"ANSWER = {waiting + 1}\n"})
    return max(known, recorded)


@pytest.mark.slow
def test_without_a_compiler_only_programs_in_cpp_fail(elsewhere, monkeypatch, tmp_path):
    """The words reach the user; a program that needs no compiler is judged as ever."""
    (elsewhere / "plain.py").write_text(program())
    library = "import kernelevo\nlib = kernelevo.cpp('extern \"C\" void f(float* x, long n) {}')\n"
    (elsewhere / "cpp.py").write_text(library + program())
    (tmp_path / "empty").mkdir()
    environment = {
        **os.environ,
        "PATH": str(tmp_path / "empty"),
        "KERNELEVO_CACHE": str(tmp_path / "none-yet"),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    environment.pop("CXX", None)

    def check(file):
        command = [sys.executable, "-m", "kernelevo", "check", file, "net.py", "--json"]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=280, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout)

    code, verdict = check("cpp.py")
    assert code == 1 and verdict["status"] == "build_failed" and verdict["score"] is None
    assert "no C++ compiler is installed" in verdict["feedback"] and "apt install" in verdict["feedback"]
    code, verdict = check("plain.py")
    assert code == 0 and verdict["status"] == "ok" and verdict["score"] > 0


@pytest.mark.slow
def test_a_whole_run_on_a_bundled_task(elsewhere):
    """The real thing: worker processes, every baseline, the winner confirmed; the first line within 2 s."""
    code = f"import sys; sys.path[:] = {sys.path!r}\nfrom kernelevo.cli.main import main; main()"
    began = time.monotonic()
    command = ["run", "ops/softmax", "--budget", "2", "--proposers", "rewrite", "--json", "--out", "whole"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        first = process.stderr.readline()
        seconds = time.monotonic() - began
        out, err = process.communicate(timeout=290)
    print(f"first line after {seconds:.2f} s")
    assert first.startswith("kernelevo: ops/softmax on cpu") and seconds < 20.0  # 2 s on a quiet machine
    assert process.returncode == 0, err
    data = json.loads(out)
    assert data["run"]["confirmed"] is True and data["run"]["verdict"]["metrics"]["processes"] >= 3
    assert {t["status"] for t in data["trials"]} == {"ok"} and len(data["trials"]) <= 3


def test_a_detached_run_outlives_its_command_and_is_read_like_any_other(elsewhere, command):
    code, out, err = command(*TOUR, "--budget", "1s", "--detach")
    assert (code, out) == (0, "")
    (folder,) = (elsewhere / "runs").iterdir()
    assert folder.name in err and f"kernelevo show runs/{folder.name}" in err
    end = time.monotonic() + 60
    while True:
        run = json.loads(command("show", "--json")[1])["run"]
        if run["state"] == "done" or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert (run["state"], run["settings"]["budget"], run["best"]) == ("done", "1s", 0)
    assert "tour.py:tour" in (folder / "run.log").read_text()


def test_a_run_that_cannot_begin_is_refused_before_it_is_detached(elsewhere, command):
    for wrong, code in (("--budget", 2), ("--out", 2)):
        value = "abc" if wrong == "--budget" else str(elsewhere / "tour.py" / "below")
        found, _, err = command(*TOUR, wrong, value, "--detach")
        assert found == code and err.count("process") == 0
    assert not (elsewhere / "runs").exists()


@pytest.mark.parametrize("pair", [("--trial", "0", "--json"), ("--top", "2", "--csv"), ("--html", "--json")])
def test_show_refuses_two_forms_at_once(elsewhere, command, pair):
    code, out, err = command("show", "@last", *pair)
    assert code == 2 and out == "" and "do not go together" in err


def test_a_best_program_in_another_language_keeps_its_suffix(elsewhere, command):
    from kernelevo.api import load_run
    from kernelevo.api.run_folder import lay_down
    from kernelevo.core import Evaluation, Program, Task, Trial

    text = "int main() { return 0; }\n"
    folder = elsewhere / "run"
    (folder / "best").mkdir(parents=True)
    (folder / "best.py").write_text("of an earlier best")
    mine = {"best.pt": "weights of mine", "best/notes.txt": "words of mine"}
    for name, words in mine.items():
        (folder / name).write_text(words)
    with RunStore.create(folder, Task("t", "g", evaluator="none"), {}) as store:
        store.record(Trial(0, Program.single("of an earlier best"), Evaluation.ok(0.5)))
        program = Program({"program.cpp": text}, "cpp")
        store.record(Trial(1, program, Evaluation.ok(1.0)))
    lay_down(load_run(folder))
    assert not (folder / "best.py").exists() and (folder / "best.cpp").read_text() == text
    code, _, err = command("export", "run")
    assert code == 0 and "wrote best.cpp" in err and (elsewhere / "best.cpp").read_text() == text
    with RunStore.open(folder) as store:  # nothing is left that may be used
        for banned in (program, Program.single("of an earlier best")):
            store.append_event("ban", {"program": banned.id, "told": 2})
    lay_down(load_run(folder))
    assert not (folder / "best.cpp").exists()
    assert {name: (folder / name).read_text() for name in mine} == mine


def test_a_best_program_that_was_edited_is_kept_beside_the_next(elsewhere):
    from kernelevo.api import load_run
    from kernelevo.api.run_folder import lay_down
    from kernelevo.core import Evaluation, Program, Task, Trial

    folder = elsewhere / "run"
    with RunStore.create(folder, Task("t", "g", evaluator="none"), {}) as store:
        store.record(Trial(0, Program.single("found = 1"), Evaluation.ok(1.0)))
    assert lay_down(load_run(folder)) is None and (folder / "best.py").read_text() == "found = 1"
    for text, name in (("mine = 1", "best.edited.py"), ("mine = 2", "best.edited2.py")):
        (folder / "best.py").write_text(text)
        assert lay_down(load_run(folder)) == folder / name
        assert (folder / name).read_text() == text and (folder / "best.py").read_text() == "found = 1"
    assert lay_down(load_run(folder)) is None
    assert [path.name for path in folder.glob(".*")] == []


@pytest.mark.slow
def test_what_is_exported_of_a_problem_that_is_no_kernel_says_so(elsewhere, command):
    from kernelevo.core import Evaluation, Program, Task, Trial

    assert command(*TOUR, "--budget", "1s", "--out", "tour")[0] == 0
    assert command("export", "tour", "--standalone", "--out", "alone.py")[0] == 0
    text = (elsewhere / "alone.py").read_text()
    assert text.startswith("# tour.py:tour: 3\n") and "ANSWER = 3" in text and "ModelNew" not in text
    with RunStore.create(elsewhere / "cpp", Task("t", "g", evaluator="none"), {}) as store:
        program = Program({"program.cpp": "int main() {}\n"}, "cpp")
        store.record(Trial(0, program, Evaluation.ok(1.0)))
    code, _, err = command("export", "cpp", "--standalone")
    assert code == 2 and "a program in cpp" in err and "without --standalone" in err


def test_a_full_disk_is_the_machines_fault_where_something_is_exported(elsewhere, command, monkeypatch):
    assert command(*TOUR, "--budget", "1s", "--out", "tour")[0] == 0

    def full(*given, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    for words in (["export", "tour"], ["show", "tour", "--trace", "t.json"]):
        code, out, err = command(*words)
        assert code == 3 and out == "" and "why  No space left on device" in err and "Traceback" not in err


@pytest.mark.parametrize("patience", ["0", "-1", "nan", "inf"])
def test_a_patience_that_is_none_is_refused(elsewhere, command, patience):
    code, out, err = command("audit", "tour.py:tour", "--patience", patience)
    assert code == 2 and out == "" and "the patience for a verdict cannot be" in err


def test_a_path_with_a_comma_is_one_program(elsewhere, command):
    (elsewhere / "a,b.py").write_text("ANSWER = 4\n")
    code, out, _ = command(*TOUR, "--programs", "a,b.py", "--budget", "1", "--json")
    assert code == 0 and json.loads(out)["run"]["settings"]["programs"] == [str(elsewhere / "a,b.py")]
