"""Baselines on disk: processes that ended leave nothing, and none is left out for want of room."""

import os
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kernelevo.core import Status
from kernelevo.errors import MachineError
from kernelevo.kernels.baselines import baselines as room
from kernelevo.kernels.baselines.baselines import Baselines
from kernelevo.kernels.faults.failed import Failed
from kernelevo.sandbox.scratch import owned


def test_what_ended_baselines_wrote_is_gone(judge):
    judge.warm()
    baselines = judge.ground.baselines
    scratch = baselines.folder / "scratch"
    # as of a judge that was killed: no process has such a number
    left = scratch / owned("eager").replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    left.mkdir()
    (left / "headers").write_text("x")
    baselines._swept = False
    for _ in range(2):
        baselines.renew("fp32-accurate")
    live = {b.session.child.limits.scratch for b in baselines.all.values() if b.session is not None}
    assert set(scratch.iterdir()) == live


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Baselines:
    """Baselines of which the compiled one fails."""
    setting = SimpleNamespace(on_device=False)
    nobody: Any = SimpleNamespace(close=lambda: None)
    found = Baselines(nobody, nobody, setting, {}, tmp_path, lambda *_: None, ("compile",))  # type: ignore[arg-type]
    found.all["eager"].state, found.all["eager"].slowdown = "ready", 1.0

    def start(*_: object) -> None:
        raise Failed(Status.BUILD_FAILED, "g++ says: No space left on device")

    monkeypatch.setattr(found, "start", start)
    return found


def test_a_baseline_that_finds_no_room_is_not_left_out(failing, monkeypatch):
    def full(folder: Path) -> None:
        raise MachineError(f"the disk of {folder} is almost full")

    monkeypatch.setattr(room, "ensure_room", full)
    assert failing.wait(10)
    assert "almost full" in failing.all["compile"].reason and not os.listdir(failing.folder)
    with pytest.raises(MachineError, match="almost full"):
        failing.opponent("fp32-accurate")


@pytest.mark.parametrize("started", [False, True])
def test_nor_is_one_that_meets_an_error_of_the_machine_before_or_after_its_start(
    failing, monkeypatch, started
):
    closed: list[bool] = []
    session = SimpleNamespace(child=SimpleNamespace(pid=0), close=lambda: closed.append(True))

    def full(*_: object) -> None:
        raise MachineError("the disk is almost full")

    monkeypatch.setattr(failing, "start", (lambda *_: session) if started else full)
    monkeypatch.setattr(failing, "place", full)
    monkeypatch.setattr(room, "resting", lambda *_: nullcontext())
    assert failing.wait(10) and failing.all["compile"].state == "failed" and closed == [True] * started
    with pytest.raises(MachineError, match="almost full"):
        failing.opponent("fp32-accurate")


def test_one_that_fails_for_another_reason_is_left_out_and_remembered(failing):
    assert failing.wait(10)
    assert failing.all["compile"].reason == "g++ says: No space left on device"
    assert os.listdir(failing.folder) == ["failures.json"]
    assert failing.opponent("fp32-accurate").anchor.name == "eager"


@pytest.mark.parametrize("second", ["ready", "failed"])
def test_one_that_takes_too_long_is_tried_again_once_another_is_ready(tmp_path, monkeypatch, second):
    names = ("compile", "compile-max-autotune")
    nobody: Any = SimpleNamespace(close=lambda: None)
    setting: Any = SimpleNamespace(on_device=False)
    found = Baselines(nobody, nobody, setting, {}, tmp_path, lambda *_: None, names)
    tried: list[str] = []
    session: Any = SimpleNamespace(
        child=None, stop=lambda: None, close=lambda: None, ask=lambda _: {"digest": None}
    )

    def start(subject: object, name: str) -> Any:
        tried.append(name)
        if len(tried) == 1 or second == "failed":
            raise Failed(Status.TIMED_OUT, f"{name} did not finish within 120 s")
        return session

    monkeypatch.setattr(found, "start", start)
    monkeypatch.setattr(room, "resting", lambda *_: nullcontext())
    assert found.wait(10)
    states = {name: found.all[name].state for name in names}
    if second == "ready":
        assert (tried, states) == ([*names, "compile"], dict.fromkeys(names, "ready"))
        assert not os.listdir(tmp_path)  # nothing is remembered of the first try
    else:
        assert (tried, states) == ([*names], dict.fromkeys(names, "failed"))
        assert found.all["compile"].reason == "compile did not finish within 120 s"


@pytest.mark.parametrize("on_device", [False, True])
def test_only_what_compiles_on_the_cpu_comes_from_the_zygote_of_compilers(tmp_path, monkeypatch, on_device):
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        room, "Session", lambda zygote, setting, subject, *_: asked.append((subject["kind"], zygote))
    )
    compilers: Any = SimpleNamespace(zygote=lambda: "compilers'")
    setting: Any = SimpleNamespace(on_device=on_device)
    programs: Any = SimpleNamespace(zygote=lambda: "programs'")
    found = Baselines(programs, compilers, setting, {}, tmp_path, lambda *_: None)
    for name in ("eager", "compile", "compile-max-autotune"):
        found.start(found.subject(name), name)
    found.start({"kind": "empty"}, "empty")
    theirs = "programs'" if on_device else "compilers'"
    assert asked == [
        ("eager", "programs'"),
        ("compiled", theirs),
        ("compiled", theirs),
        ("empty", "programs'"),
    ]


def test_one_whose_process_has_ended_is_started_anew(failing, monkeypatch):
    ended: list[str] = []

    def process(name: str, alive: bool) -> Any:
        return SimpleNamespace(
            child=SimpleNamespace(alive=lambda: alive), close=lambda: ended.append(name), stop=lambda: None
        )

    eager, compiled = failing.all["eager"], failing.all["compile"]
    live = compiled.session = process("live", True)
    eager.session, fresh = process("dead", False), process("fresh", True)
    monkeypatch.setattr(failing, "start", lambda *_: fresh)
    failing.revive()
    assert (eager.session, compiled.session, ended) == (fresh, live, ["dead"])


def test_of_one_that_does_not_come_up_again_its_ratio_is_left(failing):
    ended: list[str] = []
    dead: Any = SimpleNamespace(
        child=SimpleNamespace(alive=lambda: False), close=lambda: ended.append("compile")
    )
    eager, compiled = failing.all["eager"], failing.all["compile"]
    compiled.session, compiled.state, compiled.slowdown = dead, "ready", 0.5
    failing.revive()
    found = failing.opponent("fp32-accurate")
    assert (found.best, found.anchor, found.factor, ended) == (compiled, eager, 0.5, ["compile"])
    eager.session = dead
    with pytest.raises(Failed):  # nothing can be timed without it
        failing.revive()


def test_what_another_judge_would_try_again_is_missing_here(failing):
    compiled, eager = failing.all["compile"], failing.all["eager"]
    eager.session = SimpleNamespace()  # type: ignore[assignment]
    assert failing.whole  # the other one is still to come
    failing.wait(10)
    assert compiled.state == "failed" and failing.whole  # remembered: another judge is told of it
    compiled.name = "graphed"  # one that nobody remembers
    assert not failing.whole
    compiled.state, compiled.slowdown = "ready", 0.5  # the best, and its process is gone
    assert not failing.whole
    compiled.kept = "2026-01-01"
    assert failing.whole
    failing._broken = MachineError("the disk is almost full")
    assert not failing.whole


def test_one_that_fails_over_a_half_written_object_is_tried_again(tmp_path, monkeypatch):
    """A compiler that was killed leaves one, and whoever finds it takes it for whole."""
    setting = SimpleNamespace(on_device=False)
    nobody: Any = SimpleNamespace(close=lambda: None)
    names = ("compile", "compile-max-autotune")
    found = Baselines(nobody, nobody, setting, {}, tmp_path, lambda *_: None, names)  # type: ignore[arg-type]
    left = tmp_path / "cache" / "inductor" / "ab" / "kernel.main.so"
    left.parent.mkdir(parents=True)
    left.touch()
    found._failures.remember("compile", Failed(Status.BUILD_FAILED, "ImportError: file too short"))
    ended = SimpleNamespace(close=lambda: None, stop=lambda: None, child=None, ask=lambda _: {"digest": None})
    monkeypatch.setattr(room, "Session", lambda *_: ended)
    monkeypatch.setattr(room, "resting", lambda *_: nullcontext())
    for compilers in (found.supervisor, found.compilers):
        compilers.zygote = lambda: None
    found.start({"kind": "eager"}, "eager")  # whoever begins first, looks
    assert not left.exists() and found._failures.reason("compile") == ""
    left.touch()  # and one that is left while this judge works
    tried = []

    def place(session: object, patience: float) -> None:
        tried.append(left.exists())
        if left.exists():
            raise Failed(Status.CRASHED, "ImportError: file too short")

    found.place = place
    assert found.wait(10)
    assert tried == [True, False, False] and all(found.all[name].state == "ready" for name in names)
