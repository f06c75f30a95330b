"""The command as a whole: exit codes, errors in three parts, start-up."""

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from kernelevo import __version__
from kernelevo.cli import main
from kernelevo.errors import BuildError, ToolchainMissing

HEAVY = ("torch", "triton", "ray", "openai", "optuna")  # pydantic: the command line library may use it


def python(code: str, *arguments: str, **more) -> subprocess.CompletedProcess:
    code = f"import sys; sys.path[:] = {sys.path!r}\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **more,
    )


def test_importing_the_package_is_quick_and_brings_nothing_heavy():
    code = f"""
import json, time
began = time.process_time()
import kernelevo
seconds = time.process_time() - began
heavy = [name for name in {(*HEAVY, "pydantic", "numpy", "rich", "typer")!r} if name in sys.modules]
dir(kernelevo), kernelevo.Program
print(json.dumps([seconds, heavy]))
"""
    seconds, heavy = json.loads(python(code).stdout)
    print(
        f"import kernelevo: {1000 * seconds:.0f} ms"
    )  # of a processor: the machine may be busy. 150 ms is promised
    assert heavy == [] and seconds < 0.4


@pytest.mark.slow
def test_the_first_line_comes_before_anything_heavy(elsewhere):
    """A run's first line is out while torch is imported nowhere; the engine's process never imports it."""
    code = f"""
import json, time
from kernelevo.cli import main, run
lines = []
said = run.talk
def talk(text):
    lines.append((text, [n for n in {HEAVY!r} if n in sys.modules]))
    said(text)
run.talk = talk
code = main.run_command(sys.argv[1:])
print(json.dumps([code, lines, [n for n in {HEAVY!r} if n in sys.modules]]))
"""
    arguments = ("run", "tour.py:tour", "--budget", "1s", "--proposers", "mailbox", "--mailbox", "box")
    done = python(code, *arguments, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    exit_code, lines, heavy = json.loads(done.stdout.splitlines()[-1])
    assert exit_code == 0 and lines[0] == ["kernelevo: tour.py:tour on cpu, budget 1s", []]
    assert heavy == []


def test_version_and_help_and_no_verb(capsys):
    assert main.run_command(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"
    for arguments in (["--help"], ["run", "--help"], ["doctor", "--help"]):
        assert main.run_command(arguments) == 0
        assert "kernelevo" in capsys.readouterr().out
    main.run_command([])
    said = capsys.readouterr()
    for verb in ("run", "resume", "runs", "show", "export", "check", "doctor"):
        assert verb in said.out + said.err


@pytest.mark.parametrize(
    "arguments", [["frob"], ["run"], ["run", "x.py", "--bogus"], ["run", "x", "--seed", "a"]]
)
def test_a_wrong_command_line_is_the_users_mistake(capsys, arguments):
    assert main.run_command(arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and "Error" in said.err and "Traceback" not in said.err and "bug" not in said.err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ToolchainMissing("no g++", why="no PATH", now="get gcc"), 3, "why  no PATH\n  now  get gcc"),
        (BuildError("never shown raw"), 4, "BuildError"),
        (RuntimeError("boo"), 4, "This is a bug of kernelevo"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 0, ""),  # as a real one has it
    ],
)  # fmt: skip
def test_every_kind_of_error_has_its_exit_code(monkeypatch, capsys, error, code, words):
    from kernelevo import api

    def fail():
        raise error

    monkeypatch.setattr(api, "examine", fail)
    assert main.run_command(["doctor"]) == code
    said = capsys.readouterr()
    assert words in said.err and said.out == ""
    assert ("Traceback" in said.err) == (code == 4 and isinstance(error, RuntimeError))


def test_debug_shows_where_an_error_was_raised(elsewhere, capsys):
    assert main.run_command(["--debug", "show", "nope"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_the_command_as_a_subprocess(elsewhere):
    began = time.monotonic()
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path[:] = {sys.path!r}\nfrom kernelevo.cli.main import main; main()",
    ]
    done = subprocess.run(
        [*command, "run", "nope.py"], capture_output=True, text=True, check=False, timeout=60, cwd=elsewhere
    )
    assert done.returncode == 2 and done.stdout == ""
    first, *rest = done.stderr.splitlines()
    assert first == "kernelevo: nope.py on cpu, budget 5m"
    assert rest[0] == "TaskNotFound: There is no file nope.py." and rest[1].startswith("  why  ")
    assert rest[2].startswith("  now  ")
    print(f"kernelevo run with a wrong name: {time.monotonic() - began:.2f} s")


@pytest.mark.slow
def test_doctor_says_what_a_missing_compiler_means(tmp_path):
    """Without a compiler C++ programs fail with these words; everything else still works, so exit 0."""
    environ = {"PATH": "/nowhere", "HOME": str(tmp_path)}
    done = python("from kernelevo.cli.main import main; main()", "doctor", "--json", env=environ)
    assert done.returncode == 0, done.stderr
    (row,) = [r for r in json.loads(done.stdout)["checks"] if r["name"] == "cpp programs"]
    assert row["ok"] is False and "why  looked for" in row["says"] and "now  install" in row["says"]


MAIN = "from kernelevo.cli.main import main; main()"


def made(path, score=1.0):
    from kernelevo.core import Evaluation, Program, Task, Trial
    from kernelevo.store import RunStore

    with RunStore.create(path, Task("toy", "g", (Program.single("s"),), "none"), {}) as store:
        store.record(Trial(0, Program.single("x = 1\n"), Evaluation.ok(score)))


@pytest.mark.slow
def test_a_run_in_a_folder_whose_name_is_no_text_is_read_like_any_other(elsewhere):
    """A name in Latin-1, and an output that takes UTF-8 alone."""
    name = os.fsdecode(b"runs/l\xe4ufe")
    made(name)
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    shown = (["show", name, *more] for more in ([], ["--csv"], ["--html"]))
    for words in (["runs"], *shown, ["diff", name, name]):
        done = python(MAIN, *words, cwd=elsewhere, env=environ)
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    done = python(MAIN, "show", name, "--json", cwd=elsewhere, env=environ)
    assert json.loads(done.stdout)["run"]["folder"] == name, done.stderr
    (row,) = json.loads(python(MAIN, "runs", "--json", cwd=elsewhere, env=environ).stdout)
    assert row["run"] == name.removeprefix("runs/")


def test_names_that_are_no_text_are_refused_before_anything_is_made(elsewhere):
    bad = os.fsdecode(b"l\xe4ufe")
    run = ["run", "tour.py:tour", "--out", bad]
    for words in (run, ["run", f"{bad}.py"], ["check", "net.py", f"{bad}.py"]):
        done = python(MAIN, *words, cwd=elsewhere)
        assert done.returncode == 2, done.stderr
        said = done.stderr
        assert "no UTF-8 text" in said and "now  rename" in said and "bug" not in said
    assert not (elsewhere / "runs").exists() and not (elsewhere / bad).exists()
