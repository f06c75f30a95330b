"""Competitions of an installed mlebench: names, validation rows, the grader, the sealed test."""

import csv
import json
import math
from statistics import mean

import pytest

from kernelevo.cli.main import run_command
from kernelevo.core import Program, Task
from kernelevo.errors import BadSetting, MachineError, SandboxError
from kernelevo.evaluators import load, peeking, secret, task_of
from kernelevo.evaluators.audit.attacks import ATTACKS
from kernelevo.evaluators.audit.auditor import audit
from kernelevo.evaluators.ml.submission import Invalid
from kernelevo.evaluators.mlebench import competition, evaluator
from kernelevo.evaluators.mlebench.competition import read_competition
from kernelevo.evaluators.mlebench.evaluator import CompetitionEvaluator, Grade, gain_error
from kernelevo.evaluators.mlebench.tables import read_data, read_submission
from tests.evaluators.mlebench.fake import install, rmse

PRICES = "mlebench:tiny-prices"
LINEAR = """
import csv
def main():
    rows = list(csv.DictReader(open('test.csv')))
    with open('submission.csv', 'w') as f:
        f.write('id,price\\n')
        for r in rows:
            f.write(f"{r['id']},{SLOPE * float(r['area']) + SHIFT}\\n")
"""


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv(secret.FOLDER, str(tmp_path / "state"))
    monkeypatch.setattr(evaluator, "PRELOAD", ("numpy",))
    monkeypatch.chdir(tmp_path)
    return install(tmp_path, monkeypatch)


def linear(slope=3.0, shift=50.0):
    return Program.single(f"SLOPE, SHIFT = {slope}, {shift}\n{LINEAR}")


def judge_of(name=PRICES, key=b"a secret"):
    return CompetitionEvaluator(read_competition(name, competition.data_folder()), key)


def test_without_mlebench_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(competition, "find_spec", lambda name: None)
    assert run_command(["run", "mlebench:spooky-author-identification", "--budget", "1"]) == 3
    said = capsys.readouterr().err
    assert "not installed" in said and "pip install -e" in said
    assert "mlebench prepare -c spooky-author-identification" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("mlebench", 2, "names no competition"),
        ("mlebench:", 2, "names no competition"),
        ("mlebench:../../etc", 2, "names no competition"),
        ("mlebench:tiny-prices@up", 2, "names no competition"),
        ("mlebench:tiny-price", 2, "did you mean 'tiny-prices'"),
        ("mlebench:not-here", 3, "mlebench prepare -c not-here"),
        ("mlebench:tiny-prices@max", 2, "leave out @max"),
    ],
)
def test_names_that_cannot_be_used(data, capsys, name, code, words):
    assert run_command(["run", name, "--budget", "1"]) == code
    assert words in capsys.readouterr().err and not (data.parent / "runs").exists()


@pytest.mark.parametrize("text", ["version https://git-lfs.github.com/spec/v1\n", "team,score\na,1\nb,1\n"])
def test_a_leaderboard_that_cannot_tell_the_direction(data, text):
    place = data.parent / "site/mlebench/competitions/tiny-prices"
    (place / "leaderboard.csv").write_text(text)
    with pytest.raises(BadSetting, match=r"@min or .*@max"):
        task_of(PRICES)
    assert read_competition(f"{PRICES}@max", str(data)).direction == "max"


def test_a_broken_mlebench_is_the_machines(data):
    (data.parent / "site/mlebench/registry.py").write_text("import a_package_that_is_not_there")
    with pytest.raises(MachineError, match="cannot be used"):
        task_of(PRICES)
    (data.parent / "site/mlebench/registry.py").write_text("import os\nos._exit(7)")
    with pytest.raises(MachineError, match="no answer: exit 7"):
        task_of(PRICES)


def test_the_task(data):
    (data / "tiny-prices/prepared/public/photos").mkdir()
    task = task_of(PRICES)
    assert Task.from_json(task.to_json()) == task
    options = {"data": str(data), "secret_fingerprint": secret.fingerprint(secret.machine_secret())}
    assert (task.name, task.evaluator, task.options) == (PRICES, PRICES, options)
    for words in ("submission.csv", "id,price", "less is better", "Predict well.", "not there: photos."):
        assert words in task.goal
    assert "ID, LABELS, CLASSES = 'id', ['price'], None" in task.seeds[0].source
    assert "'author'" in task_of("mlebench:tiny-authors").seeds[0].source


def test_validation_rows_come_from_the_training_table(data):
    whole = read_data(read_competition(PRICES, str(data)))
    carved, answers = whole.validation(7)
    assert whole.validation(7) == (carved, answers) and whole.validation(8)[1] != answers
    hidden, seen = set(carved.ids), set(carved.train.column("id"))
    assert len(hidden) == 40 and not hidden & seen and hidden | seen == set(whole.train.column("id"))
    assert not hidden & set(whole.ids) and "price" not in carved.test.columns
    truth = dict(zip(whole.train.column("id"), whole.train.column("price"), strict=True))
    assert answers.columns == ("id", "price")
    assert all(truth[ident] == price for ident, price in answers.rows)
    assert set(carved.sample.column("price")) == {"100.5"}


def test_answers_with_a_column_for_each_class(data):
    whole = read_data(read_competition("mlebench:tiny-authors", str(data)))
    assert whole.classes == "author"
    answers = whole.validation(7)[1]
    truth = dict(zip(whole.train.column("id"), whole.train.column("author"), strict=True))
    expected = {"Ann": ("1", "0"), "Bob": ("0", "1")}
    assert all(tuple(chances) == expected[truth[ident]] for ident, *chances in answers.rows)


def change(path, edit):
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    header, rows = edit(header, rows)
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.mark.parametrize(
    ("file", "edit", "words"),
    [
        ("private/test.csv", lambda h, r: ([*h, "Usage"], r), "has not: Usage"),
        ("public/train.csv", lambda h, r: (h, r[:30]), "30 rows"),
        ("public/train.csv", lambda h, r: (h, [r[0], *r]), "one for each row"),
        ("public/train.csv", lambda h, r: (h[:3], [x[:3] for x in r]), "no labels"),
        ("public/train.csv", lambda h, r: (["x", *h[1:]], r), "column of ids"),
        ("public/train.csv", lambda h, r: (h, [*r, ["1"]]), "line 202"),
        ("public/test.csv", lambda h, r: (h[:1], [x[:1] for x in r]), "no features"),
        ("public/sample_submission.csv", lambda h, r: (h, r[1:]), "one for each row"),
    ],
)
def test_competitions_that_are_refused(data, file, edit, words):
    change(data / "tiny-prices/prepared" / file, edit)
    with pytest.raises(BadSetting, match=words):
        task_of(PRICES)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda lines: [], "the header is ''"),
        (lambda lines: ["id,cost", *lines[1:]], "expected 'id,price'"),
        (lambda lines: lines[:-1], "39 rows, expected 40"),
        (lambda lines: [*lines, lines[-1]], "more than once"),
        (lambda lines: [*lines[:-1], "7,1.0"], "1 ids are missing"),
        (lambda lines: [*lines[:-1], "7,nan"], "'nan' is not a finite number"),
        (lambda lines: [*lines[:-1], "7,much"], "'much' is not a finite number"),
        (lambda lines: [*lines[:-1], "7,1,1"], "line 41 has 3 fields"),
    ],
)
def test_submissions_that_are_not_valid(data, edit, words):
    carved, answers = read_data(read_competition(PRICES, str(data))).validation(7)
    lines = answers.text().splitlines()
    backwards = "\n".join([lines[0], *reversed(lines[1:])])
    assert read_submission({"submission.csv": backwards.encode()}, carved) == answers
    with pytest.raises(Invalid, match=words):
        read_submission({"submission.csv": "\n".join(edit(lines)).encode()}, carved)
    with pytest.raises(Invalid, match="was not written"):
        read_submission({}, carved)


def test_fitness_is_the_competitions_metric_on_hidden_rows(data):
    judge = judge_of()
    rows = zip(judge.carved.test.column("area"), judge._answers.column("price"), strict=True)
    pairs = [(3.0 * float(area) + 50, float(price)) for area, price in rows]
    verdict = judge(linear())
    assert verdict.status == "ok" and verdict.fidelity == "full"
    assert verdict.score == pytest.approx(-rmse(pairs)) and verdict.metrics["value"] == -verdict.score
    assert verdict.metrics["test_feedback_used"] is False and verdict.metrics["rows"] == 40
    without = [rmse([p for i, p in enumerate(pairs) if i % 10 != g]) for g in range(10)]
    middle = mean(without)
    error = math.sqrt(0.9 * sum((w - middle) ** 2 for w in without))
    assert verdict.metrics["standard_error"] == pytest.approx(error)
    chance = judge(linear(3.0, 49.9))
    assert chance.fidelity == "rough" and "not accepted" in chance.feedback
    assert judge(linear(1.0)).fidelity == "rough"
    assert judge.finalize(linear(1.0)).fidelity == "full"


def test_a_gain_beyond_its_error_is_accepted(data):
    judge = judge_of()
    assert judge(linear(1.0)).fidelity == "full"
    better = judge(linear(3.0))
    assert better.fidelity == "full" and better.feedback.splitlines()[1].startswith("accepted: better by +")


def test_few_rows_have_no_error_and_any_gain_counts(data):
    judge = judge_of("mlebench:tiny-authors")
    program = """
import csv
def main():
    with open('sample_submission.csv') as f:
        ids = [r['id'] for r in csv.DictReader(f)]
    with open('submission.csv', 'w') as f:
        f.write('id,Ann,Bob\\n' + ''.join(f'{i},{ANN},{1 - ANN}\\n' for i in ids))
"""
    share = judge._answers.column("Ann").count("1") / len(judge.carved.ids)
    first, same, better = (judge(Program.single(f"ANN = {x}\n{program}")) for x in (0.9, "(0.9)", share))
    assert first.metrics["standard_error"] is None and first.metrics["rows"] == 24
    assert (same.fidelity, better.fidelity) == ("rough", "full") and better.score > first.score


def test_the_error_of_a_gain():
    one, two = Grade(1.0, (1.0, 2.0, 3.0)), Grade(2.0, (1.0, 1.0, 1.0))
    assert gain_error(one, two) == pytest.approx(math.sqrt(2 / 3 * 2))
    assert gain_error(one, Grade(2.0, None)) is None


def test_what_the_grader_refuses_is_told_without_answers(data):
    judge = judge_of()
    refused = judge(linear(-3.0, 0.0))
    assert refused.status == "wrong" and "prices are not negative" in refused.feedback
    raised = judge(linear(1e6))
    assert raised.status == "wrong" and raised.feedback.endswith("raises RuntimeError")
    crashed = judge(Program.single("def main():\n    1 / 0"))
    assert crashed.status == "crashed" and "ZeroDivisionError" in crashed.feedback


def test_hidden_labels_are_nowhere_that_a_program_can_read(data):
    judge = judge_of()
    folder = data / "tiny-prices/prepared"
    snoop = Program.single(
        "import os\ndef main():\n    seen = []\n"
        f"    for path in ({str(folder / 'public/train.csv')!r}, {str(folder / 'private/test.csv')!r}):\n"
        "        try: seen.append(open(path).read())\n        except OSError: pass\n"
        "    names = [n for n in os.listdir('.') if n.endswith('.csv')]\n"
        "    assert sorted(names) == ['sample_submission.csv', 'test.csv', 'train.csv'], names\n"
        "    text = ''.join(open(n).read() for n in names) + ''.join(seen)\n"
        f"    assert not [v for v in {judge._answers.column('price')!r} if v in text]\n"
        "    raise SystemError('found nothing')\n"
    )
    assert "found nothing" in judge(snoop).feedback


def test_a_machine_where_programs_could_read_the_answers_is_refused(data, monkeypatch):
    monkeypatch.setattr(peeking, "call", lambda *given, **more: True)
    with pytest.raises(SandboxError, match="could read"):
        judge_of()


def test_the_test_is_sealed_until_it_is_opened(data):
    private = data / "tiny-prices/prepared/private/test.csv"
    before = judge_of()(linear())
    kept = private.read_text()
    change(private, lambda h, r: (h, [[x[0], "1e5"] for x in r]))
    after = judge_of()(linear())
    assert (after.score, after.metrics["value"]) == (before.score, before.metrics["value"])
    private.write_text(kept)
    found = judge_of().unseal(linear(), b"")
    areas = dict(
        row.split(",")[:2] for row in (private.parent.parent / "public/test.csv").read_text().split()
    )
    pairs = [(3.0 * float(areas[i]) + 50, float(p)) for i, p in (row.split(",") for row in kept.split()[1:])]
    assert found["valid"] and found["value"] == pytest.approx(rmse(pairs), abs=1e-5)
    assert found["medal"] is None and found["test_feedback_used"] is False and found["trained_on"] == 200
    broken = judge_of().unseal(Program.single("def main(): pass"), b"")
    assert not broken["valid"] and "was not written" in broken["error"] and broken["medal"] is None


def test_answers_are_limited(data, monkeypatch):
    monkeypatch.setattr(evaluator, "MOST_QUERIES", 1)
    judge = judge_of()
    assert judge(linear()).status == "ok"
    assert judge(linear(2.0)).status == "rejected"


@pytest.mark.slow
def test_no_exploit_gets_through(data):
    """All but the one that hangs, which takes the whole limit."""
    pytest.importorskip("sklearn")
    attacks = [attack for attack in ATTACKS if attack.name != "hang"]
    found = audit(task_of(PRICES), attacks=attacks)
    assert [(f.attack, f.detail) for f in found.through] == [] and len(found.findings) == len(attacks)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny-prices", "tiny-authors"])
def test_from_the_command_line_to_the_sealed_test(data, capsys, name):
    pytest.importorskip("sklearn")
    line = ["run", f"mlebench:{name}", "--budget", "2", "--executor", "inline", "--out", "out", "--json"]
    assert run_command(line) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    seed = trials[0]
    assert (
        seed["status"] == "ok" and seed["metrics"]["value"] < {"tiny-prices": 40, "tiny-authors": 0.6}[name]
    )
    assert load(task_of(f"mlebench:{name}")).seeds()[0].id == seed["program"]["id"]
    assert run_command(["unseal", "out", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["valid"] and found["test_feedback_used"] is False and "medal" in found
