"""A series over tasks that are not ours: read from a folder, broken ones named, blind ones repaired."""

import json
from dataclasses import replace

import pytest
import torch

from kernelevo import api
from kernelevo.backends.reference import load_reference
from kernelevo.bench import Order, child, run_series
from kernelevo.bench.given import form_of, grade_given, place
from kernelevo.bench.job import Job
from kernelevo.bench.suite import Suite
from kernelevo.config import Settings
from kernelevo.core import Evaluation, Program
from kernelevo.errors import BadProgram, BadSetting, InputError, LeaseTimeout, Unwritable
from kernelevo.kernels.upstream import NOTHING
from kernelevo.tasks import load_task
from tests.bench.rows import row
from tests.tasks.foreign import TODAY, V0, checkout, lines

TEXTS = {"1_A": TODAY, "2_B": V0, "3_Broken": "def ("}


class Runner:
    """Finds every task solved; the second one is blind as shipped."""

    def __init__(self):
        self.jobs = []

    def __call__(self, job, *, afresh=False):
        self.jobs.append(job)
        return row(job.task, grade="blind" if job.task.endswith("/2") else "judgeable", program=job.program)


def order(tmp_path, **more):
    settings = Settings(budget="1", out=str(tmp_path / "series"), **more.pop("settings", {}))
    where = checkout(tmp_path / "up", more.pop("texts", TEXTS))
    return Order("kernelbench:1", settings, where=str(where), **more)


def test_broken_tasks_are_named_blind_ones_repaired_and_all_of_it_once(tmp_path):
    runner, said, ended = Runner(), [], []
    (tmp_path / "up" / "KernelBench" / "level1").mkdir(parents=True)
    (tmp_path / "up" / "KernelBench" / "level1" / "notes.py").write_text("x = 1")
    series = run_series(order(tmp_path), runner=runner, say=said.append, ended=ended.append)
    assert [job.task for job in runner.jobs] == ["kernelbench:1/1", "kernelbench:1/2", "kernelbench:1/2@he"]
    assert [job.source for job in runner.jobs] == [TODAY, V0, V0]
    found = {task.name: task for task in series.record.rows}
    assert found["kernelbench:1/3"].status == "broken_task" and "not valid Python" in ended[-1]
    assert any("notes.py: not named" in words for words in said)
    data = series.record.to_json()
    assert data["bench"]["unread"] and data["summary"]["graded"] == ["kernelbench:1/1", "kernelbench:1/2@he"]
    assert data["summary"]["excluded"]["not_judgeable"] == {
        "kernelbench:1/2": "blind",
        "kernelbench:1/3": "broken",
    }
    again = Runner()
    run_series(order(tmp_path), runner=again)
    assert again.jobs == []


def test_a_cut_before_the_repaired_one_is_gone_on_with(tmp_path):
    class Cut(Runner):
        def __call__(self, job, *, afresh=False):
            if job.task.endswith("@he"):
                raise KeyboardInterrupt
            return super().__call__(job)

    series = run_series(order(tmp_path), runner=Cut())
    assert series.interrupted
    assert "kernelbench:1/2@he" in series.record.to_json()["summary"]["excluded"]["missing"]
    again = Runner()
    assert not run_series(order(tmp_path), runner=again).interrupted
    assert [job.task for job in again.jobs] == ["kernelbench:1/2@he"]


def test_tasks_of_a_folder_are_chosen_like_bundled_ones_and_changed_ones_are_another_series(tmp_path):
    runner = Runner()
    run_series(order(tmp_path, tasks="1-2"), runner=runner)
    assert [job.task for job in runner.jobs][:2] == ["kernelbench:1/1", "kernelbench:1/2"]
    with pytest.raises(InputError, match="text of the task files"):
        run_series(order(tmp_path, texts={"1_A": V0}), runner=Runner())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tasks": "9"}, "has no task '9'"),
        ({"tasks": "1@batchfirst"}, "has no task"),
        ({"settings": {"size": "small"}}, "have no size 'small'"),
        ({"solutions": "."}, "holds no program"),
    ],
)
def test_wrong_orders(tmp_path, more, words):
    with pytest.raises(BadSetting) as caught:
        order(tmp_path, **more).jobs()
    assert words in str(caught.value)


def test_suites_that_cannot_come_from_a_folder(tmp_path):
    with pytest.raises(BadSetting, match="cannot be read from a folder"):
        Suite.find("ops", str(tmp_path))
    with pytest.raises(BadSetting, match="--from CHECKOUT"):
        Suite.find("kernelbench:1")


def test_programs_for_given_tasks_lie_where_those_of_bundled_ones_do(tmp_path):
    mine = tmp_path / "mine" / "kernelbench_1_2"
    mine.mkdir(parents=True)
    (mine / "one.py").write_text("class ModelNew: pass")
    (job,) = order(tmp_path, solutions=str(tmp_path / "mine")).jobs()
    assert (job.task, job.program, job.source) == ("kernelbench:1/2", "kernelbench_1_2/one.py", V0)


def test_a_given_task_without_a_program_is_a_failure_once_lint_lets_it_count(tmp_path, monkeypatch):
    mine = tmp_path / "mine" / "kernelbench_1_2"
    mine.mkdir(parents=True)
    (mine / "one.py").write_text("class ModelNew: pass")

    def judge(job, *, afresh=False):
        folder = tmp_path / job.slug
        folder.mkdir()
        monkeypatch.chdir(folder)
        return child.tried(job, folder, api.Keeper())

    monkeypatch.setattr(child, "judged", lambda job, name, *_: row(job.task, program=job.program))
    monkeypatch.setattr(child, "searched", lambda *_: pytest.fail("nothing was to be searched"))
    monkeypatch.setattr(child, "grade_given", lambda *_: "judgeable")
    data = run_series(
        order(tmp_path, solutions=str(tmp_path / "mine"), tasks="1-3"), runner=judge
    ).record.to_json()
    assert [(r["status"], r["grade"]) for r in data["tasks"]] == [
        ("no_program", "judgeable"), ("ok", "judgeable"), ("broken_task", "broken"),
    ]  # fmt: skip
    assert data["summary"]["baselines"]["best"]["fast_p"]["0"] == 0.5


def test_the_repaired_variant_has_he_weights_and_takes_the_same_programs(tmp_path):
    (tmp_path / "he").mkdir()
    plain, he = place(TODAY, "kernelbench:1/1", tmp_path), place(TODAY, "kernelbench:1/1@he", tmp_path / "he")
    tasks = load_task(plain, folder=tmp_path), load_task(he, folder=tmp_path / "he")
    one, two = (load_reference(task.options["reference"]).build(3) for task in tasks)
    assert list(one.state_dict()) == list(two.state_dict())
    assert one.linear.weight.detach().abs().max() <= 8**-0.5  # as nn.Linear draws
    with torch.random.fork_rng():
        large = type(two)(256).linear.weight.detach()
    assert float(large.std()) == pytest.approx((2 / 256) ** 0.5, rel=0.05)


def test_lints_word_is_found_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name, asked = place(TODAY, "kernelbench:1/1", tmp_path), []

    class Finding:
        blind, unjudgeable = ("zeros",), ""

    def lint(*given):
        asked.append(given)
        return type("Linted", (), {"finding": Finding()})

    settings = Settings()
    assert [grade_given(name, settings, tmp_path, lint) for _ in range(2)] == ["blind", "blind"]
    assert len(asked) == 1
    kept = json.loads(next(tmp_path.glob("lint-*.json")).read_text())
    assert kept == {"grade": "blind", "passes": ["zeros"]}
    Finding.blind, Finding.unjudgeable = (), "too noisy"
    (tmp_path / "task.py").write_text(V0)
    assert grade_given(name, settings, tmp_path, lint) == "unjudgeable"


def test_a_repaired_task_is_judged_in_a_folder_whose_name_has_a_mark_in_it(tmp_path, monkeypatch):
    """Names of tasks have ``@`` and ``:`` in them; those of folders must not be read as such."""
    monkeypatch.chdir(tmp_path)
    job = Job("kernelbench:1/1@he", Settings(), "a/b.py", tmp_path / "b.py", None, TODAY)
    folder, seen = tmp_path / "x@y:z", []
    folder.mkdir()
    monkeypatch.setattr(
        child, "judged", lambda job, name, at, _: seen.append(load_task(name)) or job.row(status="wrong")
    )
    monkeypatch.setattr(child, "grade_given", lambda *_: "judgeable")
    assert child.tried(job, folder, api.Keeper()).grade == "judgeable"
    assert seen[0].options["reference"]["entry"] == "RepairedModel"


@pytest.mark.parametrize(
    ("error", "broken"),
    [
        (BadSetting("there is no key"), False),
        (Unwritable("the disk is full"), False),
        (BadProgram("it holds no class Model"), True),
    ],
)
def test_only_what_is_wrong_with_a_given_task_breaks_it(tmp_path, monkeypatch, error, broken):
    def search(job, name, folder, keeper):
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "searched", search)
    found = child.tried(Job("kernelbench:1/1", Settings(), source=TODAY), tmp_path, api.Keeper())
    assert (found.status == "broken_task") is broken and (found.fault is None) is broken


def test_a_verdict_outlives_the_steps_after_it(tmp_path, monkeypatch, capsys):
    def breaks(*given, **more):
        raise LeaseTimeout("the device stayed busy")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "grade_given", breaks)
    monkeypatch.setattr("kernelevo.kernels.upstream.judge_as_upstream", breaks)

    def judge(job, name, folder, keeper):
        theirs = child.by_their_rule(job, name, folder, Program.single("class ModelNew: pass"))
        return row(job.task, program=job.program, grade="unknown", upstream=theirs)

    monkeypatch.setattr(child, "judged", judge)
    found = child.tried(Job("kernelbench:1/1", Settings(), "a/b.py", source=TODAY), tmp_path, api.Keeper())
    assert (found.score, found.upstream, found.grade) == (2.0, None, "unknown")
    said = capsys.readouterr().err
    assert "upstream's rule" in said and "grade is not known: the device stayed busy" in said


SHAPED = """import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        self.linear = nn.Linear(sizes[0], 2)

    def forward(self, *x):
        return self.linear(x[0])


def get_inputs():
    return {inputs}


def get_init_inputs():
    return {init}
"""
MLP = {"inputs": "[torch.randn(1, 1000)]", "init": "[1000, [400, 800], 500]"}
TODAYS_MLP = {"inputs": "[torch.rand(128, 16384)]", "init": "[16384, [16384, 16384], 8192]"}
LSTM = {"inputs": "[torch.randn(10, 512, 128)]", "init": "[128, 256, 6, 10, 0.0]"}
INCEPTION = {"inputs": "[torch.rand(10, 480, 224, 224)]", "init": "[480, 192, 96, 208, 16, 48, 64]"}


@pytest.mark.parametrize(
    ("task", "parts", "form"),
    [
        ("kernelbench:3/1", MLP, "v0"),
        ("kernelbench:3/1@he", MLP, "v0"),
        ("kernelbench:3/1", TODAYS_MLP, "full"),
        ("kernelbench:3/1", {**MLP, "inputs": "[torch.tensor(torch.rand(1, 1000).tolist())]"}, "v0"),
        ("kernelbench:3/1", {**MLP, "inputs": "[torch.randn(2, 1000)]"}, "other"),
        ("kernelbench:3/1", {**MLP, "inputs": "[torch.randn(1, 1000).half()]"}, "other"),
        ("kernelbench:3/1", {**MLP, "init": "[1000, (400, 801), 500]"}, "other"),
        ("kernelbench:3/36", LSTM, "v0"),
        ("kernelbench:3/36", {**LSTM, "inputs": LSTM["inputs"] + " + 2 * [torch.rand(6, 10, 256)]"}, "full"),
        ("kernelbench:3/6", INCEPTION, "full"),
        ("kernelbench:1/1", MLP, None),
    ],
)
def test_the_shapes_of_a_given_task_say_its_form(tmp_path, monkeypatch, task, parts, form):
    monkeypatch.chdir(tmp_path)
    name = place(SHAPED.format(**parts), task, tmp_path)
    assert form_of(name, task, Settings()) == form


def test_a_rows_form_is_that_of_its_task_and_costs_no_verdict(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "judged", lambda job, name, at, _: row(job.task, program=job.program))
    monkeypatch.setattr(child, "grade_given", lambda *_: "judgeable")
    job = Job("kernelbench:3/1", Settings(), "a/b.py", source=SHAPED.format(**MLP))
    assert child.tried(job, tmp_path, api.Keeper()).form == "v0"
    assert child.tried(replace(job, source=None), tmp_path, api.Keeper()).form is None  # a bundled one
    broken = SHAPED.format(**{**MLP, "inputs": "1 / 0"})
    found = child.tried(replace(job, source=broken), tmp_path, api.Keeper())
    assert (found.score, found.form) == (2.0, "unknown")
    assert "form is not known" in capsys.readouterr().err


def test_a_model_without_a_key_is_refused_before_anything_is_started(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(BadSetting, match="key"):
        order(tmp_path, settings={"model": "some-model", "proposers": ("llm",)}).jobs()


def test_a_row_of_the_dataset_that_no_file_can_hold_is_a_broken_task(tmp_path):
    codes = (TODAY, TODAY + "# \ud83d")
    rows = [{"level": 1, "problem_id": n, "name": "A", "code": code} for n, code in enumerate(codes, 1)]
    lines(tmp_path / "up" / "train.jsonl", rows)
    settings = Settings(budget="1", out=str(tmp_path / "out"))
    order = Order("kernelbench:1", settings, where=str(tmp_path / "up"))
    rows = run_series(order, runner=Runner()).record.rows
    assert [(r.name, r.word) for r in rows] == [
        ("kernelbench:1/1", "ok"), ("kernelbench:1/2", "broken_task"),
    ]  # fmt: skip
    assert "surrogates not allowed" in rows[1].feedback


def test_a_given_file_is_judged_as_it_stands_whatever_sizes_it_has(tmp_path, monkeypatch):
    sizes = []

    def judge(job, name, folder, keeper):
        task = load_task(name, size=job.settings.size, device=job.settings.device)
        sizes.append(task.options["size"])
        return job.row(status="wrong")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "judged", judge)
    monkeypatch.setattr(child, "grade_given", lambda *_: "judgeable")
    source = TODAY + '\n\nSIZES = {"small": {"batch_size": 2}}\n'  # as a copy of one of ours has
    found = child.tried(Job("kernelbench:1/1", Settings(), "a/b.py", source=source), tmp_path, api.Keeper())
    assert sizes == ["full"] and found.size == "full"


def test_a_byte_order_mark_counts_by_their_rule_as_little_as_by_ours(tmp_path, monkeypatch):
    asked = []

    def theirs(spec, program, *given, **more):
        asked.append(program.source)
        return dict(NOTHING)

    monkeypatch.setattr("kernelevo.api.check", lambda *given, **more: Evaluation.wrong("off"))
    monkeypatch.setattr("kernelevo.kernels.upstream.judge_as_upstream", theirs)
    (tmp_path / "b.py").write_bytes(b"\xef\xbb\xbfclass ModelNew: pass\r\n")
    job = Job("ops/softmax", Settings(), "a/b.py", tmp_path / "b.py")
    assert child.judged(job, "ops/softmax", tmp_path, api.Keeper()).upstream == NOTHING
    assert asked == ["class ModelNew: pass\n"]
