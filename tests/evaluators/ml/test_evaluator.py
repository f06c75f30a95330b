"""The evaluator: seeds, noise-aware acceptance, leak probes, the sealed test."""

import dataclasses

import numpy as np
import pytest

from kernelevo.core import Program
from kernelevo.errors import BadSetting, MachineError, SandboxError
from kernelevo.evaluators import load, peeking, secret
from kernelevo.evaluators.ml import evaluator, pool
from kernelevo.evaluators.ml.evaluator import MLEvaluator
from kernelevo.evaluators.ml.tasks import TASKS
from kernelevo.evaluators.ml.validate import main as validate
from kernelevo.evaluators.registry import task_of
from tests.few import few

pytest.importorskip("sklearn")
WRITE = "import csv\nrows = list(csv.DictReader(open('test.csv')))\n"
CONSTANT = (
    WRITE
    + """
def main():
    with open('submission.csv', 'w') as f:
        f.write('id,demand\\n')
        for r in rows:
            f.write(f"{r['id']},{LEVEL}\\n")
"""
)


@pytest.fixture(autouse=True)
def own_secret(tmp_path, monkeypatch):
    monkeypatch.setenv(secret.FOLDER, str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def light(monkeypatch):
    """Most programs here need numpy alone; what the real ones need is loaded in the tests of the seeds."""
    monkeypatch.setattr(evaluator, "PRELOAD", ("numpy",))


def constant(level):
    return Program.single(f"LEVEL = {level}\n" + CONSTANT)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_seed_beats_the_trivial_prediction(name, monkeypatch):
    task = task_of(name)
    assert "train.csv" in task.goal
    judge = MLEvaluator(TASKS[name], b"a secret")
    verdict = judge(judge.seeds()[0])
    assert verdict.status == "ok" and 0.02 < verdict.score < 1
    assert verdict.metrics["test_feedback_used"] is False
    assert verdict.metrics["limits"]


def test_a_gain_within_its_error_is_not_accepted():
    judge = MLEvaluator(TASKS["ml_demand"], b"a secret")
    first = judge(constant(40.0))
    assert first.status == "ok" and first.fidelity == "full"
    noisy = constant(40.0).source.replace("{LEVEL}", "{LEVEL + int(r['id'][1:]) % 7 / 10 - 0.3}")
    chance = judge(Program.single(noisy))
    assert chance.fidelity == "rough" and "not accepted" in chance.feedback
    assert judge(constant(400.0)).fidelity == "rough"
    truth = float(np.median(judge.part("validation").truth))
    better = judge(constant(truth))
    assert better.score >= first.score
    assert judge(constant(truth)).fidelity == "full"  # the accepted one itself


def test_shuffled_labels_leave_nothing_to_learn():
    """A leak between the files and the truth would show as skill on labels that are pure chance."""
    real = TASKS["ml_features"]

    def shuffled(seed, which):
        part = real.part(seed, which)
        rng = np.random.default_rng(3)
        return dataclasses.replace(
            part, labels=list(rng.permutation(part.labels)), truth=list(rng.permutation(part.truth))
        )

    judge = MLEvaluator(dataclasses.replace(real, part=shuffled), b"a secret")
    assert judge(judge.seeds()[0]).score < 0.02


SNOOPING = {
    "walks the file system": """
def main():
    import os
    hits = []
    given = os.environ.get('KERNELEVO_SECRETS', '/x')
    for root in (os.path.expanduser('~'), '/tmp', '/var', '/etc', '/root', given):
        for folder, _, names in os.walk(root):
            for name in names:
                if name == 'secret' or 'truth' in name or name.endswith('.labels'):
                    try: hits.append(open(os.path.join(folder, name)).read(100))
                    except OSError: pass
            if folder.count('/') > 6: _[:] = []
    assert not hits, hits
    raise SystemError('found nothing')
""",
    "reads the parent's memory": """
def main():
    import os
    found = []
    for pid in [os.getppid(), 1]:
        for name in ('mem', 'environ', 'maps', 'cmdline', 'fd/3'):
            try:
                open(f'/proc/{pid}/{name}', 'rb').read(10); found.append(name)
            except OSError: pass
    assert not found, found
    raise SystemError('found nothing')
""",
    "imports the task and makes the data": """
def main():
    from kernelevo.evaluators import secret
    try: s = secret.machine_secret()
    except BaseException as e: raise SystemError('found nothing') from e
    import os
    raise SystemError('found nothing' if os.environ['HOME'] in str(secret.folder()) else 'THE SECRET')
""",
}


@pytest.mark.parametrize("how", few(sorted(SNOOPING), 1))
def test_labels_cannot_be_found(how):
    secret.machine_secret()
    verdict = MLEvaluator(TASKS["ml_demand"])(Program.single(SNOOPING[how]))
    assert verdict.status == "crashed"
    assert "found nothing" in verdict.feedback, verdict.feedback


def test_canaries_stay_where_they_are(tmp_path):
    """Nothing of the hidden labels is among the bytes that a program can reach in its folder."""
    judge = MLEvaluator(TASKS["ml_demand"], b"a secret")
    part = judge.part("validation")
    canary = 123456.789
    part.truth[0] = canary
    program = Program.single(
        "import os\ndef main():\n    names = [n for n in os.listdir('.') if os.path.isfile(n)]\n"
        "    text = ''.join(open(n).read() for n in names if n != 'program.py')\n"
        "    raise SystemError('canary' if '123456.789' in text else 'clean')\n"
    )
    assert "clean" in judge(program).feedback


def test_sleeping_past_the_limit_costs_the_limit():
    judge = MLEvaluator(dataclasses.replace(TASKS["ml_demand"], seconds=1.0), b"a secret")
    verdict = judge(Program.single("import time\ndef main():\n    time.sleep(99)"))
    assert verdict.status == "timed_out" and "1 s" in verdict.feedback


def test_what_is_not_valid_is_told_without_a_score():
    judge = MLEvaluator(TASKS["ml_demand"], b"a secret")
    verdict = judge(Program.single("def main():\n    open('submission.csv', 'w').write('id,demand\\n')"))
    assert verdict.status == "wrong" and "0 rows, expected 700" in verdict.feedback
    assert judge(Program.single("def main():\n    return 1.0")).feedback.endswith("was written")


def test_absolute_paths_are_shown():
    verdict = MLEvaluator(TASKS["ml_demand"], b"a secret")(
        Program.single("PATH = '/etc/passwd'\nLEVEL = 40\n" + CONSTANT)
    )
    assert verdict.metrics["absolute_paths"] == "/etc/passwd"


def test_answers_are_limited(monkeypatch):
    monkeypatch.setattr(evaluator, "MOST_QUERIES", 1)
    judge = MLEvaluator(TASKS["ml_demand"], b"a secret")
    assert judge(constant(40)).status == "ok"
    assert judge(constant(41)).status == "rejected"


def test_the_sealed_test_gives_a_medal_of_the_reference_pool():
    judge = MLEvaluator(TASKS["ml_demand"], b"a secret")
    found = judge.unseal(constant(40.0), b"")
    assert found["valid"] and found["entries"] >= 29 and found["rank"] > 5
    assert found["test_feedback_used"] is False and found["pool"]["digest"]
    assert judge.unseal(constant(40.0), b"")["pool"] == found["pool"]
    broken = judge.unseal(Program.single("def main(): pass"), b"")
    assert not broken["valid"] and broken["medal_vs_reference_pool"] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_pool_is_a_board(name):
    task = TASKS[name]
    board = pool.board(task, task.part(5, "sealed"), 5)
    assert len(board.scores) >= 29 and len(set(board.names)) == len(board.names)
    assert all(np.isfinite(board.scores))
    assert len({round(s, 6) for s in board.scores}) > 15


def test_a_submission_is_validated_without_a_score(tmp_path, capsys):
    judge = MLEvaluator(TASKS["ml_demand"])
    file = tmp_path / "submission.csv"
    file.write_text("id,demand\n" + "".join(f"{i},1.5\n" for i in judge.part("validation").ids))
    assert validate(["ml_demand", str(file)]) == 0
    assert capsys.readouterr().out == "valid\n"
    file.write_text("id,demand\n")
    assert validate(["ml_demand", str(file)]) == 1
    assert "0 rows, expected 700" in capsys.readouterr().out
    assert validate(["ml_demand", str(tmp_path / "none.csv")]) == 2
    assert validate(["ml_deman", str(file)]) == 2
    assert validate([]) == 2


def test_a_task_is_judged_on_the_data_that_it_was_made_of(tmp_path, monkeypatch):
    task = task_of("ml_demand")
    assert load(task)(constant(40.0)).metrics["data"] == task.options["secret_fingerprint"]
    monkeypatch.setenv(secret.FOLDER, str(tmp_path / "another machine"))
    with pytest.raises(MachineError, match="secret of another machine"):
        load(task)
    assert task_of("ml_demand").digest != task.digest


def test_a_run_does_not_go_on_with_another_version_of_its_data():
    task = task_of("ml_demand")
    assert task.options["version"] == TASKS["ml_demand"].version
    before = dataclasses.replace(task, options={**task.options, "version": 1})
    with pytest.raises(BadSetting, match="made with version 1 of ml_demand; here it is version 2"):
        load(before)


def test_a_machine_where_programs_could_read_the_secret_is_refused(monkeypatch):
    monkeypatch.setattr(peeking, "call", lambda *given, **more: True)
    with pytest.raises(SandboxError, match=r"could read .*secret"):
        load(task_of("ml_demand"))
