"""Keeper: who judges the next program is the same only where nothing could tell it from a new one."""

from importlib import import_module

import pytest

from kernelevo import api
from kernelevo.api.loading import find_task
from kernelevo.config import Settings
from kernelevo.core import Artifact, Evaluation, Status
from kernelevo.errors import BadSetting, SandboxError
from tests.api.tiny import MODULE


class Judge:
    """Finds every program right; what a test sets, it is or does."""

    def __init__(self, task):
        self.task, self.as_new, self.error, self.closed, self.gone = task, True, None, 0, []

    def prepare(self, program):
        return Artifact(program)

    def measure(self, artifact, floor=None):
        if self.error is not None:
            raise self.error
        return Evaluation.ok(2.0)

    def dismiss(self, artifact):
        self.gone.append(artifact.program.id)

    def close(self):
        self.closed += 1


@pytest.fixture
def made(monkeypatch):
    """Every judge that was made."""
    judges = []

    def load(task):
        assert all(judge.closed for judge in judges)  # there is one at the most
        judges.append(Judge(task))
        return judges[-1]

    monkeypatch.setattr(import_module("kernelevo.api.keeper"), "load_evaluator", load)
    return judges


@pytest.fixture
def check(elsewhere, made):
    """Judge a program; the text of the task is in a folder of its own each time."""
    (elsewhere / "mine.py").write_text("x = 1\n")
    with api.Keeper() as keeper:
        count = 0

        def check(text=MODULE, name="net.py", **settings):
            nonlocal count
            count += 1
            folder = elsewhere / str(count)
            folder.mkdir()
            (folder / "net.py").write_text(text)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                return api.check(elsewhere / "mine.py", name, Settings(**settings), keeper=keeper)

        check.keeper = keeper
        yield check
    assert all(judge.closed == 1 for judge in made)


def test_a_task_is_its_text_wherever_its_file_lies(check, made):
    assert [check().score for _ in range(3)] == [2.0] * 3
    assert len(made) == 1 and not made[0].closed and len(made[0].gone) == 3


def test_another_text_name_class_size_device_or_policy_has_a_judge_of_its_own(check, made):
    check()
    check(MODULE.replace("return [64]", "return [65]"))
    check(MODULE + "\n\nclass Other(Model):\n    pass\n", "net.py:Other")
    check(MODULE + "\n\nclass Other(Model):\n    pass\n")
    sizes = 'WIDTH = 3\nSIZES = {"small": {"WIDTH": 2}}\n'
    check(MODULE + sizes, size="small")
    check(MODULE + sizes, size="full")
    check(MODULE + sizes, size="full", policy="no-aten")
    check("", "ops/gemm", size="small")
    check("", "ops/softmax", size="small")
    assert len(made) == 9 and [judge.closed for judge in made] == [1] * 8 + [0]
    check()
    assert len(made) == 10  # the first one's task again: only the last one is kept


@pytest.mark.parametrize("error", [SandboxError("it was killed"), ValueError("a bug"), KeyboardInterrupt()])
def test_after_a_call_that_broke_there_is_a_new_one(check, made, error):
    check()
    made[0].error = error
    with pytest.raises(type(error)):
        check()
    assert made[0].closed == 1
    assert check().status is Status.OK and len(made) == 2


def test_one_that_lacks_something_is_closed_at_once_or_before_the_next(check, made):
    check()
    made[0].as_new = False  # a baseline that was compiled meanwhile has failed, say
    check()
    assert len(made) == 2 and made[0].closed == 1
    del made[1].as_new  # who says nothing of it is used once
    check()
    assert [judge.closed for judge in made] == [1, 1, 0]


def test_a_task_whose_evaluator_lies_in_files_has_a_new_one_each_time(elsewhere, check, made):
    for _ in range(2):
        with check.keeper.lent(find_task(f"{elsewhere}/tour.py:tour", Settings())):
            pass
    assert [judge.closed for judge in made] == [1, 1]


def test_a_program_that_cannot_be_profiled_closes_it_too(elsewhere, check, made):
    (elsewhere / "mine.py").write_text("x = 1\n")
    with pytest.raises(BadSetting, match="cannot be profiled"):
        api.check(elsewhere / "mine.py", "net.py", Settings(), profile=True, keeper=check.keeper)
    assert made[0].closed == 1


@pytest.mark.slow
def test_a_real_judge_goes_on_as_if_nobody_had_been_there(quick_judge, elsewhere):
    """A wrong program, one that does not load, and an equal one before it change nothing for a right one."""
    from kernelevo.kernels import ground
    from tests.api.tiny import program

    grounds = []
    whole = ground.Ground.__init__

    def counted(self, *given, **more):
        grounds.append(self)
        whole(self, *given, **more)

    texts = {
        "wrong": program("return RESULT + 1e-3"),
        "broken": program().replace("self.linear =", "self.linear = 1 / 0 or"),
        "right": program(),
        "again": program(),
    }
    with pytest.MonkeyPatch.context() as patch, api.Keeper() as keeper:
        patch.setattr(ground.Ground, "__init__", counted)
        found = {}
        for name, text in texts.items():
            (elsewhere / f"{name}.py").write_text(text)
            built = elsewhere / f"built-{name}"
            found[name] = api.check(
                elsewhere / f"{name}.py", "net.py", Settings(), built=built, keeper=keeper
            )
            (one,) = grounds
            assert {path.name for path in one.folder.iterdir()} <= {"ceilings"}  # nothing of a program
            eager = one.baselines.all["eager"].session
            assert built.is_dir() == (found[name].status is Status.OK)
            with keeper.resting():
                pass
        assert {name: str(verdict.status) for name, verdict in found.items()} == {
            "wrong": "wrong", "broken": "build_failed", "right": "ok", "again": "ok",
        }  # fmt: skip
        first, second = found["right"].metrics, found["again"].metrics
        assert first.keys() == second.keys()
        assert first["cases"] == second["cases"] and first["processes"] == second["processes"] >= 3
        assert eager.child.alive()
    assert not eager.child.alive() and not grounds[0].folder.exists()
