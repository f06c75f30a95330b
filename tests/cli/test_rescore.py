"""``kernelevo rescore`` as it is typed: wrong input, programs for a GPU, and a real set of three."""

import json

import pytest

from kernelevo.cli.main import run_command
from tests.tasks.foreign import TODAY, lines

SAME = (
    TODAY.partition("batch_size = ")[0]
    .replace("class Model(", "class ModelNew(")
    .replace("super(Model, self)", "super()")
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--from"),
        (["--from", "nowhere"], "there is no folder nowhere"),
        (["--from", "."], "no solution that can be read"),
        (["--from", ".", "--device", "tpu"], "tpu"),
        (["--from", "set", "--tasks-from", "nowhere"], "there is no folder nowhere"),
    ],
)
def test_bad_input(elsewhere, capsys, arguments, words):
    if "set" in arguments:
        lines(elsewhere / "set" / "a.jsonl", [{"level_id": 1, "task_id": 1, "custom_code": SAME}])
    assert run_command(["rescore", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err and said.out == "" and "Traceback" not in said.err, said.err
    assert not (elsewhere / "runs").exists()


def test_programs_for_a_gpu_are_named_and_not_judged_on_a_cpu(elsewhere, capsys):
    text = SAME + "\nSOURCE = '__global__ void f() {}'\n"
    lines(
        elsewhere / "set" / "a.jsonl", [{"level_id": 1, "task_id": 1, "ref_code": TODAY, "custom_code": text}]
    )
    assert run_command(["rescore", "--from", "set", "--out", "out", "--json"]) == 1
    said = capsys.readouterr()
    (task,) = json.loads(said.out)["tasks"]
    assert task["status"] == "needs_cuda" and "1 program is for a GPU" in said.err
    assert "--device cuda" in said.err and (elsewhere / "out" / "bench.html").is_file()


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_real_set(elsewhere, capsys):
    loose = SAME.replace("torch.relu(self.linear(x))", "torch.relu(self.linear(x)) + 1e-3")
    row = {"level_id": 1, "task_id": 1, "ref_code": TODAY}
    rows = [{**row, "custom_code": code} for code in (SAME, loose, "class ModelNew(:")]
    lines(elsewhere / "set" / "a.jsonl", rows)
    run_command(["rescore", "--from", "set", "--out", "out", "--json"])
    data = json.loads(capsys.readouterr().out)
    each = data["summary"]["fates"]["each"]
    assert list(each.values())[1:] == ["lost to tolerance", "broken"]
    first, second, _ = data["tasks"]
    assert first["status"] == "ok" and first["grade"] == "judgeable" and first["upstream"]["correct"]
    assert second["status"] == "wrong" and second["upstream"]["correct_loose"]
    assert not second["upstream"]["correct"]
    assert data["bench"]["tasks"] and (elsewhere / "out" / first["folder"] / "program.py").read_text() == SAME
