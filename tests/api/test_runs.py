"""Runs through the door: whatever programs come in, the run goes on, and everything is recorded."""

from pathlib import Path

import pytest

import kernelevo
from kernelevo import api
from kernelevo.api import parts, run_folder
from kernelevo.config import load_settings
from kernelevo.core import Origin, Program, Proposal, Status, Task, TrialEnded
from kernelevo.errors import BadProgram, BadSetting, NotEnoughMemory, RunNotFound, StoreError, TaskNotFound
from kernelevo.store import RunStore
from tests.api.tiny import MODULE, program

QUICK = {"executor": "inline", "proposers": ["rewrite"], "seed": 1, "out": "out"}


def settings(**more):
    return load_settings({**QUICK, **more}, environ={})


class Submits:
    """Sends programs into the run the moment its seed was judged, as a person would from elsewhere."""

    def __init__(self, programs):
        self.programs, self.events = programs, []

    def __call__(self, event):
        self.events.append(event)
        if isinstance(event, TrialEnded) and event.trial.number == 0:
            with RunStore.open("out", readonly=True) as store:
                for source in self.programs:
                    store.append_command("ana", "submit", {"source": source})


BAD = {
    "a syntax error": ("def (", Status.BUILD_FAILED, "not valid Python"),
    "no compiler or no C++": (
        "import kernelevo\nkernelevo.cpp('int f( {')\n" + program(),
        Status.BUILD_FAILED,
        "",
    ),
    "segfault": (program("import ctypes\nctypes.string_at(0)"), Status.CRASHED, "SIGSEGV"),
    "endless": (program("while True: pass"), Status.TIMED_OUT, "did not finish"),
    "nan": (program("return RESULT * float('nan')"), Status.WRONG, "non-finite"),
    "shape": (program("return RESULT[:1]"), Status.WRONG, "float32[16, 32]"),
    "dtype": (program("return RESULT.double()"), Status.WRONG, "float64"),
    "device": (program("return RESULT.to('meta')"), Status.WRONG, "meta"),
    "exit": (program("import os\nos._exit(0)"), Status.CRASHED, "exit 0"),
    "not a module": ("ModelNew = 3", Status.BUILD_FAILED, "ModelNew"),
}


def assert_survived(result, proposer):
    """Every bad program has its verdict and no score; the run went on to its end."""
    assert result.state == "done"
    judged = {t.program.source: t for t in result.trials}
    for name, (source, status, words) in BAD.items():
        trial = judged[source]
        assert trial.fault is None, (name, trial.fault)
        assert trial.evaluation.status is status, (name, trial.evaluation)
        assert words in trial.evaluation.feedback, (name, trial.evaluation.feedback)
        assert trial.score is None and trial.program.origin.proposer == proposer
    assert result.best is not None and result.best.program.source not in {s for s, _, _ in BAD.values()}


class InTurn:
    """A proposer that hands out programs one after the other, and raises where there is an exception."""

    name, parents = "in turn", 1

    def __init__(self, texts):
        self.texts = list(texts)

    def observe(self, trial):
        pass

    async def propose(self, brief, rng):
        text = self.texts.pop(0) if self.texts else None
        if isinstance(text, Exception):
            raise text
        origin = Origin(self.name, "the next one")
        return [Proposal(Program.single(text, origin=origin))] if text is not None else []


@pytest.mark.slow
def test_a_proposer_of_bad_programs_does_not_end_the_run(quick_judge, elsewhere, monkeypatch):
    good = program("y = torch.relu(self.linear(x))\nreturn torch.softmax(y, dim=1)")
    texts = [source for source, _, _ in BAD.values()]
    texts[3:3] = [RuntimeError("no reply"), "\x00", "# " + "x" * 100_000]
    proposer = InTurn([*texts, good])
    monkeypatch.setattr(parts, "_proposers", lambda task, settings, host: iter([proposer]))
    result = api.run_task("net.py", settings(budget=f"{len(texts)}"))  # one of them was no program
    assert_survived(result, "in turn")
    assert proposer.texts == []
    last = result.trials[-1]
    assert last.program.source == good and last.score is not None, last.evaluation
    others = [t for t in result.trials if t.program.source in ("\x00", "# " + "x" * 100_000)]
    assert [t.evaluation.status for t in others] == [Status.BUILD_FAILED] * 2


@pytest.mark.slow
def test_a_run_survives_every_bad_program(quick_judge, elsewhere):
    person = Submits([source for source, _, _ in BAD.values()])
    result = api.run_task("net.py", settings(budget=f"{len(BAD) + 1}"), listener=person)
    assert_survived(result, "person")
    assert result.best_path.read_text() == result.program.source
    assert len(result.trials) == len(BAD) + 2  # the seed, those, and one of the proposer
    assert [t.number for t in result.trials] == list(range(len(result.trials)))

    again = kernelevo.load_run("out")
    assert again.to_json() == result.to_json()
    assert "net.py" in result.title() and "done" in result.title()
    assert all(api.explain(t).startswith(f"#{t.number}") for t in result.trials)


@pytest.mark.slow
def test_a_module_that_cannot_be_captured_still_has_a_run(quick_judge, elsewhere):
    branch = "        if x.sum() < 0:\n            x = -x\n        return torch"
    (elsewhere / "branches.py").write_text(MODULE.replace("        return torch", branch, 1))
    events = []
    result = api.run_task("branches.py", settings(budget="3"), listener=events.append)
    assert result.state == "done" and len(result.trials) == 1  # the seed; nothing to rewrite
    assert result.best is not None, result.trials[0].evaluation
    assert result.best.program.origin.proposer == "seed"
    assert "Model cannot be captured as one graph" in result.summary()
    assert any("exhausted" in getattr(e, "reason", "") for e in events)


def test_a_plain_evaluator_runs_from_its_seed(elsewhere):
    chosen = load_settings({"budget": "1s", "proposers": ["mailbox"], "mailbox": "box", "out": "out"})
    result = api.run_task("tour.py:tour", chosen)
    assert [t.score for t in result.trials] == [3.0] and result.speedup == 3.0
    assert list((elsewhere / "box").glob("prompt-*.md"))
    assert result.best_path.read_text() == "ANSWER = 3\n"
    assert result.summary().startswith("nothing better than what the search began with was found")
    with pytest.raises(BadSetting, match="none of the proposers can work"):
        api.run_task("tour.py:tour", settings(budget="3", out="other", proposers=("rewrite",)))
    assert not (elsewhere / "other").exists()


@pytest.mark.parametrize(
    ("task", "more", "kind", "words"),
    [
        ("nope.py", {}, TaskNotFound, "no file"),
        ("net.py:Modle", {}, TaskNotFound, "'Modle'"),
        ("kernelbench:3/999", {}, TaskNotFound, "999"),
        ("net.py", {"budget": "0"}, BadSetting, "not above zero"),
        ("net.py", {"budget": "abc"}, BadSetting, "'abc'"),
        ("net.py", {"size": "small"}, BadSetting, "small"),
        ("net.py", {"budget": "$5"}, BadSetting, "never be spent"),
        ("net.py", {"budget": "tokens:9k,$5"}, BadSetting, "no language model"),
        ("tour.py:tour", {"device": "cuda"}, BadSetting, "--device cuda would do nothing for"),
        ("tour.py:tour", {"size": "full"}, BadSetting, "--size full would do nothing for"),
        ("tour.py:tour", {"policy": "no-aten"}, BadSetting, "--policy no-aten would do nothing for"),
        ("net.py", {"budget": "tokens:9k", "judge_model": "m"}, BadSetting, "never be spent"),
        ("net.py", {"budget": "tokens:9k", "summary_model": "m"}, BadSetting, "asked for programs"),
        (
            "net.py",
            {"budget": "$5", "proposers": ("mailbox",), "mailbox": "box"},
            BadSetting,
            "never be spent",
        ),
        ("", {}, TaskNotFound, "not an empty one"),
        (None, {}, BadSetting, "None is no task"),
        (lambda source: 1.0, {}, BadSetting, "no task"),
        (Path("nope.py:Model"), {}, TaskNotFound, "no file"),
        ("net.py", {"islands": 10**6}, BadSetting, "at most 10000"),
        ("net.py", {"out": "net.py"}, StoreError, "net.py"),
        ("net.py", {"out": "net.py/run"}, StoreError, "net.py"),
    ],
)
def test_bad_input_is_refused_with_what_why_and_now(elsewhere, task, more, kind, words):
    with pytest.raises(kind, match=words) as caught:
        api.run_task(task, settings(**{"budget": "3", **more}))
    assert caught.value.exit_code == 2 and caught.value.why + caught.value.now
    assert not (elsewhere / "out").exists()


@pytest.mark.parametrize(
    ("name", "text", "kind", "words"),
    [
        ("raises", MODULE.replace("return torch", "raise OSError('no, not today')\n        return torch"),
         BadProgram, "not today"),
        ("imports", "import not_there\n" + MODULE, BadProgram, "not_there"),
        ("huge", MODULE.replace("rand(16,", "rand(1 << 40,"), NotEnoughMemory, "GB are free"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_run_is_reported_once_and_clearly(
    quick_judge, elsewhere, name, text, kind, words
):
    (elsewhere / f"{name}.py").write_text(text)
    with pytest.raises(kind, match=words):
        api.run_task(f"{name}.py", settings(budget="3"))
    assert not (elsewhere / "out").exists()  # a run of which nothing is there is no run


def test_a_refused_run_leaves_what_is_not_its_own(elsewhere):
    text = MODULE.replace("return torch", "raise OSError('no')\n        return torch")
    (elsewhere / "raises.py").write_text(text)
    (elsewhere / "out").mkdir()
    (elsewhere / "out" / "mine.txt").write_text("kept")
    (elsewhere / "out" / "config.toml").write_text("# kept")
    with pytest.raises(BadProgram, match="no"):
        api.run_task("raises.py", settings(budget="3"))
    assert {path.name for path in (elsewhere / "out").iterdir()} == {"mine.txt", "config.toml"}
    assert (elsewhere / "out" / "mine.txt").read_text() == "kept"


def test_a_run_that_has_recorded_something_is_never_given_up(elsewhere):
    task = Task("x", "y")
    for number, record in enumerate((lambda s: None, lambda s: s.append_command("somebody", "pause", {}))):
        folder = elsewhere / str(number)
        with pytest.raises(BadProgram), run_folder.given_up(folder):
            with RunStore.create(folder, task, {}) as store:
                store.append_command(run_folder.STARTER, "submit", {})
                record(store)
            raise BadProgram("no")
        assert folder.exists() == (number == 1)
    other = elsewhere / "other"
    writing = RunStore.create(other, task, {})
    with pytest.raises(StoreError), run_folder.given_up(other):  # somebody else is quicker
        RunStore.create(other, task, {})
    writing.close()
    assert (other / "run.db").exists()


def test_a_bundled_task_that_is_too_large_is_refused_by_its_manifest(elsewhere, monkeypatch):
    from kernelevo.api import loading

    monkeypatch.setattr(loading, "cpu_facts", lambda: {"memory_available_bytes": 1 << 20})
    for judge in (
        lambda: api.run_task("kernelbench:3/13", settings(budget="3")),
        lambda: api.check(elsewhere / "net.py", "kernelbench:3/13", settings()),
    ):
        with pytest.raises(NotEnoughMemory, match="GB are free") as caught:
            judge()
        assert caught.value.exit_code == 3
    assert not (elsewhere / "out").exists()


def test_runs_that_cannot_be_read_are_listed_and_refused(elsewhere):
    assert api.list_runs(elsewhere / "runs") == []
    broken = elsewhere / "runs" / "broken"
    broken.mkdir(parents=True)
    (broken / "run.db").write_bytes(b"\x07" * 5000)
    (row,) = api.list_runs(elsewhere / "runs")
    assert row["run"] == "broken" and "damaged" in row["state"] and row["best"] is None
    for read in (api.load_run, api.resume):
        with pytest.raises(StoreError, match="damaged"):
            read("broken")
        with pytest.raises(RunNotFound, match="known: broken"):
            read("nope")


def test_a_live_module_leaves_a_run_that_is_there_as_it_is(elsewhere):
    import torch

    RunStore.create("out", Task("t", "g", (Program.single("s"),)), {}).close()
    (elsewhere / "out" / "module.pkl").write_bytes(b"of the run that is there")
    with pytest.raises(StoreError, match="already holds a run"):
        api.optimize(torch.nn.Linear(2, 2), torch.ones(1, 2), budget="1", out="out", progress=False)
    assert (elsewhere / "out" / "module.pkl").read_bytes() == b"of the run that is there"
