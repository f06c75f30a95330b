"""A winner's native code is looked at with the sanitizer: overruns refuse it, and nothing else does."""

import math
import os
import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernelevo.core import Artifact, Evaluation, Program, Status
from kernelevo.errors import SandboxError
from kernelevo.kernels import guarded
from kernelevo.kernels.children.supervisor import PRELOAD
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.faults.rules import BOUNDS
from kernelevo.kernels.guarded import METRIC, SWITCH, Guarded, Unavailable
from kernelevo.kernels.judge import KernelJudge
from kernelevo.sandbox.zygote import Zygote
from tests.kernels.conftest import task_of

FOLDER = Path("/there/guarded-0")
REPORT = """before
=================================================================
==16==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x7f1c at pc 0x7f1c bp 0x7ffc sp 0x7ffc
READ of size 4 at 0x7f1c7c93fd84 thread T0
    #0 0x7f1c7c8e832e in total{where}:2
    #1 0x7f1ca1fc8f79  (/lib/libffi.so.8+0x6f79)

0x7f1c7c93fd84 is located 0 bytes to the right of 337284-byte region [0x7f1c7c8ed800,0x7f1c7c93fd84)
allocated by thread T0 here:
    #0 0x7f1ca24b7ffd in posix_memalign {folder}/cache/x
"""


def ended(log):
    return Failed(Status.CRASHED, "the program's process ended (exit 1)", log)


def test_a_report_on_the_programs_own_code_is_a_refusal_in_words():
    log = REPORT.format(where=f" {FOLDER}/cache/scratch/1f/source.cpp", folder=FOLDER)
    found = guarded._judged(ended(log), FOLDER)
    assert isinstance(found, Failed) and found.status is Status.CRASHED
    assert (
        "reads 4 bytes outside of its arrays, 0 bytes to the right of an array of 337284 bytes" in found.saw
    )
    assert "in total source.cpp:2" in found.feedback and str(FOLDER) not in found.feedback
    assert BOUNDS.why in found.feedback and BOUNDS.honest in found.feedback


@pytest.mark.parametrize(
    "log",
    [
        REPORT.format(where=" /lib/torch/libtorch_cpu.so", folder=FOLDER),  # it only allocated the memory
        "AddressSanitizer CHECK failed: real___cxa_throw",
        "MemoryError",
        "",
    ],
)
def test_other_ends_are_told_and_refuse_nobody(log):
    assert isinstance(guarded._judged(ended(log), FOLDER), Unavailable)


@pytest.mark.parametrize("kind", ["missing", "no object"])
def test_a_machine_without_the_library_is_told_so(kind, monkeypatch, tmp_path):
    there = tmp_path / "libasan.so"
    there.write_text("INPUT ( elsewhere )")
    said = "libasan.so" if kind == "missing" else str(there)
    monkeypatch.setattr(guarded.subprocess, "run", lambda *_, **__: type("Done", (), {"stdout": f"{said}\n"}))
    with pytest.raises(Unavailable, match=r"is not installed|is not gcc|no C"):
        guarded._libraries()


def test_what_it_says_stands_in_the_verdict_and_a_failed_one_is_left_alone(monkeypatch):
    watch, artifact = Guarded(None), Artifact(Program.single(""))
    right = Evaluation(Status.OK, 1.5, {"score_low": 1.4}, "correct", {}, "full")
    wrong = Evaluation(Status.WRONG, None, {}, "wrong", {}, "full")
    assert watch.told(wrong, None, artifact) is wrong

    def gone(*_):
        raise Unavailable("gcc's libasan.so is not installed")

    monkeypatch.setenv(SWITCH, "off")
    assert watch.told(right, None, Artifact(Program.single(""), None, FOLDER)).metrics[METRIC].endswith("off")
    monkeypatch.setattr(watch, "examine", gone)
    kept = watch.told(right, None, artifact)
    assert (kept.status, kept.score) == (Status.OK, 1.5)
    assert kept.feedback.endswith("sanitizer: not run: gcc's libasan.so is not installed")
    assert kept.metrics == {"score_low": 1.4, METRIC: "not run: gcc's libasan.so is not installed"}

    def overrun(*_):
        raise Failed(Status.CRASHED, BOUNDS.broken("the program reads 4 bytes outside of its arrays"))

    monkeypatch.setattr(watch, "examine", overrun)
    refused = watch.told(right, None, artifact)
    assert refused.status is Status.CRASHED and refused.score is None and BOUNDS.why in refused.feedback
    assert refused.metrics["score_low"] == 1.4


SUM = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return x * 2.0 + 1.0


def get_inputs():
    return [torch.rand(50, 33)]


def get_init_inputs():
    return []
"""
LINES = "for (int64_t i = 0; i < n; i++) y[i] = x[i] * 2.0f + 1.0f;"
OVERRUN = "float t = 0; for (int64_t i = 0; i <= n; i++) t = x[i] > t ? x[i] : t; if (t < 0) y[0] = 7;"
ODD = "int32_t big = INT32_MAX; big += int32_t(n); if (big == 1) y[0] = 7;"


def own(more=""):
    head = (
        'import kernelevo\nlib = kernelevo.cpp("""\n#include <cstdint>\n'
        f'extern "C" void twice(const float* x, float* y, int64_t n) {{ {LINES} {more} }}\n""")\n'
    )
    body = "y = torch.empty_like(x)\n        lib.twice(x, y, x.numel())\n        return y"
    model = SUM.split("\n\ndef get_inputs", maxsplit=1)[0].replace("class Model(", "class ModelNew(")
    return head + model.replace("return x * 2.0 + 1.0", body)


class Here:
    """A ground whose sanitizer's zygote is never asked for."""

    class setting:
        on_device = False


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import torch\n", "no native code"),
        ("import kernelevo\nK = kernelevo.cpp('')\n", "beside"),
        ("from kernelevo import cpp\nK = cpp('')\n", "beside"),
        ("from torch.utils.cpp_extension import load_inline\n", "beside"),
        ("import kernelevo\nK = kernelevo.cpp('', torch_headers=True)\n", "torch's headers"),
    ],
)
def test_native_code_that_was_built_before_is_looked_at_too(source, says, monkeypatch, tmp_path):
    """The build of a program finds what its proposer has built, and leaves no object of its own."""

    def beside(self, ground):
        raise Unavailable("beside")

    monkeypatch.setattr(Guarded, "_beside", beside)
    monkeypatch.delenv(SWITCH, raising=False)
    artifact = Artifact(Program.single(source), folder=tmp_path)
    try:
        found = Guarded(None).examine(Here, artifact)
    except Unavailable as reason:
        found = str(reason)
    assert says in found


class Builder:
    """Stands for ``Stages``: a build takes a moment, and what is called afterwards fails."""

    def __init__(self, root):
        self.root, self.built = root, []

    def build(self, ground, program, folder, environ, *, last):
        time.sleep(0.2)
        assert last and environ["LD_PRELOAD"] == "" and os.access(environ["CXX"], os.X_OK)
        (folder / "made").write_text(str(len(self.built)))
        self.built.append(folder)

    def enter(self, ground, artifact, environ):
        raise Failed(Status.CRASHED, f"called in {artifact.folder.name}")


@pytest.fixture
def early(monkeypatch, tmp_path):
    """A watch, what builds for it, a ground and an artifact."""
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(
        guarded.toolchain, "compiler", lambda: SimpleNamespace(path="/bin/c++", version="12", arch="x")
    )
    ground = SimpleNamespace(
        setting=Here.setting,
        folder=tmp_path,
        baselines=SimpleNamespace(folder=tmp_path / "a-task"),
        supervisor=SimpleNamespace(threads=2),
    )
    monkeypatch.setattr(Guarded, "_beside", lambda self, ground: ground)
    (tmp_path / "built").mkdir()
    builder = Builder(tmp_path / "cache")
    artifact = Artifact(
        Program.single("import kernelevo\nK = kernelevo.cpp('')\n"), folder=tmp_path / "built"
    )
    return Guarded(builder), builder, ground, artifact


def test_a_build_that_began_early_is_the_one_that_is_examined(early):
    watch, builder, ground, artifact = early
    watch.wait(artifact)  # nothing has begun
    watch.begin(ground, artifact)
    watch.begin(ground, artifact)
    assert builder.built == []
    watch.wait(artifact)
    assert [folder.name for folder in builder.built] == ["guarded-0"]
    with pytest.raises(Unavailable, match="called in guarded-0"):
        watch.examine(ground, artifact)
    assert len(builder.built) == 1 and not builder.built[0].exists()


def test_what_was_built_of_a_program_that_is_wrong_is_removed(early):
    watch, builder, ground, artifact = early
    watch.begin(ground, artifact)
    wrong = Evaluation(Status.WRONG, None, {}, "wrong", {}, "full")
    assert watch.told(wrong, ground, artifact) is wrong
    assert len(builder.built) == 1 and not builder.built[0].exists()


@pytest.mark.parametrize("late", [False, True])
def test_what_is_built_of_a_program_that_is_dismissed_ends_and_is_removed(early, monkeypatch, late):
    watch, builder, ground, artifact = early
    ended, going = threading.Event(), threading.Event()
    whole = builder.build

    def build(*given, **more):
        whole(*given, **more)
        going.set()
        if late and not ended.wait(20.0):
            pytest.fail("nobody ended it")
        if late:
            raise SandboxError("its zygote is gone")

    monkeypatch.setattr(builder, "build", build)
    watch._supervisor = SimpleNamespace(close=ended.set)
    watch.dismiss(artifact)  # nothing has begun
    watch.begin(ground, artifact)
    assert going.wait(20.0)
    if not late:
        watch.wait(artifact)
    watch.dismiss(artifact)
    watch.dismiss(artifact)
    assert ended.is_set() == late and (watch._supervisor is None) == late
    assert len(builder.built) == 1 and not builder.built[0].exists() and not watch._begun


@pytest.mark.parametrize("coarse", [False, True])
def test_values_that_are_wrong_in_the_quick_build_are_asked_for_in_the_authors_own(
    early, monkeypatch, coarse
):
    """The quick build sums in another order than the author's flags let the compiler do."""
    watch, builder, ground, artifact = early
    levels = []

    def enter(ground, artifact, environ):
        levels.append(Path(environ["CXX"]).read_text().split()[-1])
        return nullcontext(SimpleNamespace(child=SimpleNamespace(output=lambda: "")))

    def run(self, ground, session):
        return ("far off" if coarse or levels[-1] == "-O1" else "", 3)

    monkeypatch.setattr(builder, "enter", enter, raising=False)
    monkeypatch.setattr(Guarded, "_run", run)
    if coarse:
        with pytest.raises(Failed, match="far off"):
            watch.examine(ground, artifact)
    else:
        assert (
            watch.examine(ground, artifact) == "address and undefined, 3 cases, no access outside of an array"
        )
    assert levels == ["-O1", "-g1"]
    assert not any(folder.exists() for folder in builder.built)


def test_what_was_built_is_run_again_and_not_built_again(early, monkeypatch):
    watch, builder, ground, artifact = early
    entered = []

    def enter(ground, artifact, environ):
        entered.append((artifact.folder, environ))
        return nullcontext(SimpleNamespace(child=SimpleNamespace(output=lambda: "")))

    monkeypatch.setattr(builder, "enter", enter, raising=False)
    monkeypatch.setattr(Guarded, "_run", lambda *_: ("", 3))
    said = {Guarded(builder).examine(ground, artifact) for _ in range(3)}
    assert said == {"address and undefined, 3 cases, no access outside of an array"}
    (own, first), (kept, second), (again, _) = entered
    assert len(builder.built) == 1 and not own.exists() and kept == again
    assert builder.root in kept.parents and (kept / "made").read_text() == "0"
    assert first["CXX"] == second["CXX"]  # what it said of itself is found again by its path
    assert not Path(second["KERNELEVO_CACHE_SHARED"]).exists()
    other = SimpleNamespace(**{**vars(ground), "baselines": SimpleNamespace(folder=Path("another-task"))})
    assert Guarded(builder).examine(other, artifact) and len(builder.built) == 2
    assert watch.examine(ground, replace(artifact, program=Program.single("kernelevo.cpp('')  # other")))
    assert len(builder.built) == 3


def test_one_that_was_kept_and_does_not_work_is_built_anew_and_replaced(early, monkeypatch):
    _, builder, ground, artifact = early
    entered = []

    def enter(ground, artifact, environ):
        entered.append(artifact.folder)
        if builder.root in artifact.folder.parents and (artifact.folder / "made").read_text() == "0":
            raise Failed(Status.BUILD_FAILED, "it is not built yet")
        return nullcontext(SimpleNamespace(child=SimpleNamespace(output=lambda: "")))

    monkeypatch.setattr(builder, "enter", enter, raising=False)
    monkeypatch.setattr(Guarded, "_run", lambda *_: ("", 3))
    for count in (1, 2, 2):
        assert "no access outside" in Guarded(builder).examine(ground, artifact)
        assert len(builder.built) == count
    own, kept, anew, again = entered
    assert again == kept and (kept / "made").read_text() == "1"
    assert not own.exists() and not anew.exists()


@pytest.mark.parametrize(("seconds", "cases"), [(60.0, guarded.CASES), (0.0, 1)])
def test_slow_code_is_tried_on_as_many_cases_as_time_allows_and_one_at_the_least(monkeypatch, seconds, cases):
    monkeypatch.setattr(guarded, "SECONDS", seconds)
    asked = []

    def case(*given, placed, share):
        asked.append(placed)
        return SimpleNamespace(ok=True)

    pool = SimpleNamespace(
        ensure=lambda _: None, draw=lambda _: [(None, None)] * 9, weights=lambda _: {}, base_seed=1
    )
    ground = SimpleNamespace(pool=pool, rng=lambda *_: None, patience=1.0, checker=SimpleNamespace(case=case))
    session = SimpleNamespace(construct=lambda *_, **__: None, ask=lambda *_, **__: None)
    assert Guarded(None)._run(ground, session) == ("", cases)
    assert asked == [True, *[False] * (cases - 1)]


def test_nothing_is_started_once_the_judge_is_closed(monkeypatch, tmp_path):
    monkeypatch.delenv(SWITCH, raising=False)
    watch = Guarded(None)
    watch.close()
    with pytest.raises(Unavailable, match="the judge is closed"):
        watch.examine(
            Here, Artifact(Program.single("import kernelevo\nK = kernelevo.cpp('')\n"), folder=tmp_path)
        )


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        Zygote(PRELOAD, threads=2) as zygote,
        KernelJudge(
            task_of(SUM), zygote=zygote, cache=tmp_path_factory.mktemp("cache"), compiled=(),
            search_seconds=0.2, final_seconds=0.6,
        ) as made,
    ):  # fmt: skip
        patch.setenv(SWITCH, "on")
        patch.setattr(guarded, "SECONDS", math.inf)  # however busy the machine is
        yield made


@pytest.mark.slow
def test_an_overrun_that_changes_no_value_passes_the_search_and_is_refused_as_a_winner(judge):
    artifact = judge.prepare(Program.single(own(OVERRUN)))
    assert judge.measure(artifact).status is Status.OK
    found = judge.finalize(artifact)
    assert found.status is Status.CRASHED and found.score is None
    assert (
        "reads 4 bytes outside of its arrays, 0 bytes to the right of an array of 6600 bytes"
        in found.feedback
    )
    assert BOUNDS.honest in found.feedback


@pytest.mark.slow
def test_honest_native_code_wins_and_odd_arithmetic_is_told(judge):
    found = judge.finalize(judge.prepare(Program.single(own())))
    assert found.status is Status.OK, found.feedback
    assert found.metrics[METRIC] == "address and undefined, 3 cases, no access outside of an array"
    found = judge.finalize(judge.prepare(Program.single(own(ODD))))
    assert found.status is Status.OK and "signed integer overflow" in found.metrics[METRIC]
    plain = SUM.split("\n\ndef get_inputs", maxsplit=1)[0].replace("class Model(", "class ModelNew(")
    found = judge.finalize(judge.prepare(Program.single(plain)))
    assert found.metrics[METRIC] == "no native code of the program's own"
