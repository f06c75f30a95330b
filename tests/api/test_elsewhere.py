"""Programs judged on another machine: a folder checked there, its results taken into the run here."""

import json
import threading
import time
from pathlib import Path

import pytest

from kernelevo.api import batch, check_folder, import_results, load_run, resume, run_task
from kernelevo.cli.main import run_command
from kernelevo.config import Settings, load_settings
from kernelevo.core import Evaluation, Fault, Program, Status, Task
from kernelevo.errors import BadProgram, BadSetting, SandboxError
from kernelevo.evaluators.elsewhere import (
    RESULTS,
    Elsewhere,
    Line,
    append,
    lines_of,
    programs_in,
    write_program,
)
from kernelevo.store import RunStore
from tests.endpoint import completion, endpoint

EVALUATOR = '''
import kernelevo

@kernelevo.evaluator("digits", seed="x = 1\\n")
def digits(source: str):
    """As many ones as possible."""
    if "boom" in source:
        return {"score": None, "feedback": "boom"}
    return float(source.count("1"))
'''


@pytest.fixture
def task(tmp_path):
    (tmp_path / "digits.py").write_text(EVALUATOR)
    return f"{tmp_path / 'digits.py'}:digits"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "programs"
    made.mkdir()
    for name, text in (("a", "x = 11\n"), ("b", "boom\n"), ("c", "x = 111\n")):
        (made / f"{name}.py").write_text(text)
    return made


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_is_checked_a_line_a_program_and_resumed(task, folder, capsys):
    assert run_command(["check", str(folder), task, "--json"]) == 0
    first = capsys.readouterr()
    found = lines(first.out)
    assert [row["status"] for row in found] == ["ok", "wrong", "ok"]
    assert found[0]["verdict"]["score"] == 2 and found[0]["machine"]["by"].startswith("kernelevo")
    results = folder / RESULTS
    kept = results.read_text()
    results.write_text("\n".join(kept.splitlines()[:2]) + '\n{"program": "cut o')
    assert run_command(["check", str(folder), task, "--json"]) == 0
    again = capsys.readouterr()
    assert [row["status"] for row in lines(again.out)] == ["ok", "wrong", "ok"]
    assert "2 judged already" in again.err and "line 3" in again.err and "1 of 1" in again.err
    rows = results.read_text().splitlines()
    assert len(rows) == 4 and json.loads(rows[-1])["verdict"]["score"] == 3


def test_another_task_or_file_is_another_result(task, folder, tmp_path):
    settings = load_settings({})
    assert check_folder(folder, task, settings).judged == 3
    assert check_folder(folder, task, settings).judged == 0
    assert check_folder(folder, task, settings, results=tmp_path / "other.jsonl").judged == 3


def test_nothing_correct_and_nothing_there(task, folder, tmp_path, capsys):
    for name in "ac":
        (folder / f"{name}.py").unlink()
    assert run_command(["check", str(folder), task]) == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run_command(["check", str(empty), task]) == 2
    assert "holds no programs" in capsys.readouterr().err


def test_a_machine_that_judged_nothing_is_the_machines_fault(task, folder, monkeypatch, capsys):
    """Not the programs': exit code 3, and what went wrong is on record."""
    (folder / "c.py").unlink()
    broken = [True, True]

    def judge(evaluator, program, say):
        if broken.pop():
            raise SandboxError("no device")
        return Evaluation.ok(1.0)

    monkeypatch.setattr(batch, "judge", judge)
    assert run_command(["check", str(folder), task]) == 3
    assert "no device" in capsys.readouterr().err
    assert [row["fault"]["message"] for row in lines((folder / RESULTS).read_text())] == ["no device"] * 2
    broken = [False, True]  # one of two was judged: the folder has a result
    assert run_command(["check", str(folder), task]) == 0


def test_programs_of_several_files_and_odd_ones(tmp_path):
    tmp_path = tmp_path / "own"
    tmp_path.mkdir()
    tree = Program({"program.py": "import k\r\n", "src/k.cpp": "int f();\n"})
    single = Program.single("x = 'é'\r\n")
    for program in (tree, single):
        write_program(tmp_path, program)
        write_program(tmp_path, program)
    assert {p.id for _, p in programs_in(tmp_path)} == {tree.id, single.id}
    marked = Program.single("\ufeffx = 2\n")
    write_program(tmp_path, marked)
    (tmp_path / "mine.py").write_text("\ufeffx = 3\n")
    # a mark of byte order is cut off as `check FILE` does, unless a run left the program so
    assert {p.id for _, p in programs_in(tmp_path)} == {
        tree.id, single.id, marked.id, Program.single("x = 3\n").id,
    }  # fmt: skip
    (tmp_path / "bad.py").write_bytes(b"\xff\xfe")
    with pytest.raises(BadProgram, match="bad"):
        programs_in(tmp_path)


def test_a_line_whose_program_is_another_one_is_damaged(tmp_path):
    line = Line(Program.single("x = 1\n"), "t", "d", Evaluation.ok(1.0))
    data = line.to_json()
    file = tmp_path / RESULTS
    odd = [{**data, "files": {"program.py": "x = 2\n"}}, {**data, "verdict": None}, [1], {}]
    file.write_text("\n".join(json.dumps(d) for d in [data, *odd]))
    told = []
    assert [found.program.id for found in lines_of(file, lambda n, why: told.append(n))] == [line.program.id]
    assert told == [2, 3, 4, 5]


def test_it_waits_for_the_line_of_its_task(tmp_path):
    task = Task("t", "goal")
    program = Program.single("x = 1\n")
    judge = Elsewhere(tmp_path, task)
    got = []
    thread = threading.Thread(target=lambda: got.append(judge(program)))
    thread.start()
    file = tmp_path / RESULTS
    append(file, Line(program, "t", "another digest", Evaluation.ok(1.0)))
    time.sleep(0.7)
    assert not got and (tmp_path / f"{program.id[:16]}.py").read_text() == "x = 1\n"
    append(file, Line(program, "t", task.digest, Evaluation.ok(2.0), None, {"on": "H100"}))
    thread.join(5)
    assert got[0].score == 2 and got[0].metrics["judged_on"] == "H100"
    append(file, Line(program, "t", task.digest, None, Fault("MachineError", "no device")))
    with pytest.raises(SandboxError, match="no device"):
        judge(program)


def start(task, tmp_path, mock, **more):
    flags = {
        "budget": "3",
        "out": str(tmp_path / "run"),
        "model": "m",
        "proposers": ["llm"],
        "base_url": mock.url,
    }
    settings = load_settings({**flags, "elsewhere": str(tmp_path / "exchange"), "workers": 3, **more})
    return run_task(task, settings)


def test_generation_here_evaluation_there_and_back(task, tmp_path, monkeypatch, capsys):
    """The whole way: a run without the device, a batch on the machine that has it, results imported."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    exchange, there = tmp_path / "exchange", tmp_path / "there"
    with endpoint(lambda request, n: completion(f"```python\nx = {'1' * (n + 2)}\n```")) as mock:
        start(task, tmp_path, mock, budget="2s")
        waiting = load_run(tmp_path / "run")
        assert waiting.trials == ()  # nobody has judged anything yet, and nothing is lost
        assert run_command(["resume", str(tmp_path / "run"), "--budget", "1s"]) in (0, 1)
        there.mkdir()
        for path, program in programs_in(exchange):
            assert path.name == f"{program.id[:16]}.py"
            write_program(there, program)
        (there / "mine.py").write_text(f"x = {'1' * 50}\n")
        assert run_command(["check", str(there), task]) == 0
        results = there / RESULTS
        assert import_results(str(tmp_path / "run"), results) == len(programs_in(there))
        assert import_results(str(tmp_path / "run"), results) == 0
        with RunStore.open(tmp_path / "run", readonly=True) as opened:
            (order,) = opened.commands()  # mine.py waits for its turn like a program that a person sends
            waits = {draft.proposal.program.id for draft in opened.drafts()}
        assert order.verb == "submit" and order.args["files"] == {"program.py": f"x = {'1' * 50}\n"}
        result = resume(str(tmp_path / "run"), budget="3s")
    assert len(result.trials) >= 3 and {t.program.id for t in result.trials} <= waits
    for trial in result.trials:
        assert trial.evaluation.metrics["judged_by"].startswith("kernelevo")
        assert trial.evaluation.status is Status.OK


def test_import_says_what_does_not_fit(task, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    other = tmp_path / "r.jsonl"
    with endpoint(lambda request, n: completion("```python\nx = 11\n```")) as mock:
        start(task, tmp_path, mock, budget="1s")
        with pytest.raises(BadSetting, match="no file"):
            import_results(str(tmp_path / "run"), other)
        append(other, Line(Program.single("x\n"), "ops/gemm", "d", Evaluation.ok(1.0)))
        with pytest.raises(BadSetting, match=r"no result for.*\n.*ops/gemm"):
            import_results(str(tmp_path / "run"), other)
        flags = {"budget": "1", "out": str(tmp_path / "own"), "model": "m", "proposers": ["llm"]}
        run_task(task, load_settings({**flags, "base_url": mock.url, "executor": "inline"}))
    with pytest.raises(BadSetting, match="judges its programs on this machine"):
        import_results(str(tmp_path / "own"), other)


def test_a_folder_is_checked_against_a_named_evaluator(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.py").write_text("this is no program\n")
    found = []
    batch = check_folder(folder, "heilbronn_triangle", Settings(), ended=found.append)
    assert (batch.programs, batch.judged, batch.correct) == (1, 1, 0)
    assert found[0].evaluation.status is not None and found[0].evaluation.score is None


def test_a_program_of_several_files_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    program = Program({"program.py": "import other\n", "other.py": "x = 1\n"})
    shown, write, left = [], Path.write_text, tmp_path / "left"
    left.mkdir()

    def watched(path, *given, **more):
        shown.extend(entry.name for entry in left.iterdir() if not entry.name.startswith("."))
        return write(path, *given, **more)

    monkeypatch.setattr(Path, "write_text", watched)
    place = write_program(left, program)
    assert shown == [] and programs_in(left) == [(place, program)]
    assert write_program(left, program) == place


def test_programs_in_other_languages_are_found_as_they_were_left(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    native = Program({"program.cpp": "int main() { return 0; }\n"}, "cpp")
    rust = Program({"program.rs": "fn main() {}\n"}, "rs")
    parts = Program({"program.cc": '#include "k.h"\n', "k.h": "int f();\n"}, "cpp")
    named_alike = Program.single("int main() {}\n", language="cpp")
    left = {program.id: write_program(own, program) for program in (native, rust, parts, named_alike)}
    (own / "0123456789abcdef").mkdir()
    notes = own / "fedcba9876543210"
    notes.mkdir()
    (notes / "notes.txt").write_text("no program of anybody's")
    assert {program.id: path for path, program in programs_in(own)} == left


def test_a_cpp_program_that_a_run_left_is_judged(tmp_path):
    (tmp_path / "plus.py").write_text(
        "import kernelevo\n\n\n@kernelevo.evaluator('plus', seed='int main() {}', language='cpp')\n"
        "def plus(program):\n    return float(program.language == 'cpp')\n"
    )
    task = f"{tmp_path / 'plus.py'}:plus"
    program = Program({"program.cpp": "int main() { return 1; }\n"}, "cpp")
    left = tmp_path / "left"
    left.mkdir()
    write_program(left, program)
    batch = check_folder(left, task, load_settings({}))
    assert (batch.programs, batch.judged, batch.correct) == (1, 1, 1)
    (line,) = lines_of(batch.results, lambda n, why: pytest.fail(why))
    assert line.program == program and line.evaluation.score == 1.0
