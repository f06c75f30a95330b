"""The scripts for a GPU machine, as far as they go without one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import autotune, ceilings, checks, child, first_launch, machine, rehearsal, suite
from benchmarks.gpu.carry import Carry
from benchmarks.gpu.report import Record
from benchmarks.gpu.sizes import meant_for
from kernelevo.core import Task
from kernelevo.kernels.baselines.kept import KeptRatios
from kernelevo.tasks import load_task

FACTS = {"date": "2026-11-26T10:00:00Z", "device": "H100", "commit": "abc"}
NO_TIME = {"status": None, "why": "no time left"}


class Jobs:
    """Rows that take a known time on a clock of their own, and take down what was done."""

    def __init__(self, **seconds: float) -> None:
        self.now, self.done = 100.0, list[tuple[str, float]]()
        self.jobs = [suite.Job(name, self._run(name, s), {"task": "t"}) for name, s in seconds.items()]

    def _run(self, name: str, seconds: float) -> Any:
        def run(left: float) -> dict[str, Any]:
            self.done.append((name, left))
            self.now += seconds
            return {"status": "ok", "figures": {"value": seconds}}

        return run

    def clock(self) -> float:
        return self.now


@pytest.fixture
def on_a_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A machine whose facts are known and whose processes answer at once."""
    monkeypatch.setattr(machine, "facts", lambda: dict(FACTS))
    monkeypatch.setattr(machine, "device", lambda: {"name": "H100"})
    monkeypatch.setattr(suite, "ask", lambda arguments, seconds: {"status": "ok", "asked": arguments})
    monkeypatch.setattr(suite, "ask_ours", lambda arguments, seconds: {"status": "ok", "asked": arguments})
    yield monkeypatch


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["rows"]
    return found


def test_every_solution_names_a_task() -> None:
    found = suite.solutions()
    assert found
    for path, task in found:
        assert path.is_file() and load_task(task, device="cuda").evaluator == "kernel"
    assert suite.solutions("no such task") == []


def test_parts_choose_their_solutions() -> None:
    ops, level3 = ([job.name for job in suite.plan(part, "full")] for part in ("ops", "level3"))
    folder = "kernelbench_tasks/solutions/cuda"
    assert f"{folder}/ops_gemm/three_tf32_products.py" in ops
    assert f"{folder}/kernelbench_3_13/statistics_then_one_pass.py" in level3
    assert all(name.startswith(f"{folder}/ops_") for name in ops)
    assert all(name.startswith(f"{folder}/kernelbench_3_") for name in level3)
    # no solution is left out, none is judged twice
    here = [path for path, _ in suite.solutions() if meant_for(path, "full")]
    assert sorted(ops + level3) == sorted(str(p.relative_to(suite.ROOT)) for p in here)
    assert [job.about["task"] for job in suite.plan("ops", "full", "ops_gemm")] == ["ops/gemm"]
    assert [job.name for job in suite.plan("baselines", "full")] == sorted({t for _, t in suite.solutions()})
    assert [job.name for job in suite.plan("baselines", "full", "ops_gemm")] == ["ops/gemm"]
    assert [job.name for job in suite.plan("tests", "full")] == [c.__name__ for c in checks.CHECKS]
    assert [job.name for job in suite.plan("doctor", "full")] == [
        "doctor", "device", "launch overhead", "a program against itself",
        "copy bandwidth", "L2 copy bandwidth", "fp32 matmul", "tf32 matmul", "bf16 matmul",
        *first_launch.FIRST_LAUNCHES,
    ]  # fmt: skip


def test_a_solution_for_one_size_is_judged_at_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "SOLUTIONS", tmp_path / "cuda")
    for name in (
        "kernelbench_3_4/any",
        "kernelbench_3_4/one_v0",
        "kernelbench_3_5/one_full",
        "ops_gemm/one_v0",
    ):
        path = tmp_path / "cuda" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def stems(part: str, size: str) -> list[str]:
        return [Path(job.name).stem for job in suite.plan(part, size)]

    assert stems("level3", "full") == ["any", "one_full"] and stems("level3", "v0") == ["any", "one_v0"]
    assert stems("level3", "small") == ["any"]
    assert stems("ops", "full") == [] and stems("ops", "v0") == ["one_v0"]


def test_the_time_limit_writes_the_rest_as_not_done(tmp_path: Path) -> None:
    some = Jobs(a=60, b=35, c=1)
    record = Record(tmp_path / "r.json", FACTS)
    suite.work(record, some.jobs, 100, some.clock)
    assert some.done == [("a", 100.0), ("b", 40.0)]  # 5 s are left: too few for a third
    assert rows(record.path) == [
        {"name": "a", "task": "t", "status": "ok", "figures": {"value": 60}},
        {"name": "b", "task": "t", "status": "ok", "figures": {"value": 35}},
        {"name": "c", "task": "t", **NO_TIME},
    ]
    assert not record.good
    again = Record.resume(record.path, FACTS)
    suite.work(again, some.jobs, 100, some.clock)
    assert [name for name, _ in some.done] == ["a", "b", "c"] and again.good


def test_a_cut_amid_the_rows_is_resumed(tmp_path: Path) -> None:
    some = Jobs(a=1, b=1, c=1)

    def cut(_: float) -> dict[str, Any]:
        raise KeyboardInterrupt

    record = Record(tmp_path / "r.json", FACTS)
    with pytest.raises(KeyboardInterrupt):
        suite.work(record, [some.jobs[0], suite.Job("b", cut), some.jobs[2]], 100, some.clock)
    assert [row["status"] for row in rows(record.path)] == ["ok", None, None]
    suite.work(Record.resume(record.path, FACTS), some.jobs, 100, some.clock)
    assert [name for name, _ in some.done] == ["a", "b", "c"]
    assert [row["status"] for row in rows(record.path)] == ["ok", "ok", "ok"]


def test_a_fault_of_ours_costs_its_own_row(tmp_path: Path) -> None:
    some = Jobs(b=1)
    record = Record(tmp_path / "r.json", FACTS)
    suite.work(record, [suite.Job("a", lambda _: {}["x"]), *some.jobs], 100, some.clock)
    first, second = rows(record.path)
    assert first["status"] == "failed" and first["why"].endswith("KeyError: 'x'\n")
    assert second["status"] == "ok"


def test_all_parts_in_order_each_with_a_record(tmp_path: Path, on_a_device: pytest.MonkeyPatch) -> None:
    assert suite.main(["--out", str(tmp_path)]) == 0
    names = [f"gpu-{part}-2026-11-26T100000Z" for part in suite.PARTS]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        n + e for n in names for e in (".json", ".md")
    )
    tests = rows(tmp_path / f"{names[1]}.json")
    assert tests[0]["asked"] == ["benchmarks.gpu.checks", "cuda_values"]
    ops = rows(tmp_path / f"{names[3]}.json")
    path = str(suite.SOLUTIONS / "ops_gemm" / "three_tf32_products.py")
    command = ["kernelevo", "check", path, "ops/gemm", "--json", "--device", "cuda", "--size", "full"]
    assert ops[0]["asked"] == command and ops[0]["task"] == "ops/gemm"


def test_a_part_that_fails_is_one_and_is_resumed(
    tmp_path: Path, on_a_device: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def broken(arguments: list[str], seconds: float) -> dict[str, Any]:
        asked.append(arguments[3])
        return {"status": "ok" if len(asked) > 1 else None, "why": "machine"}

    on_a_device.setattr(suite, "ask", broken)
    given = ["--part", "ops", "--size", "small"]
    assert suite.main([*given, "--out", str(tmp_path)]) == 1
    path = tmp_path / "gpu-ops-2026-11-26T100000Z.json"
    assert json.loads(path.read_text())["facts"]["size"] == "small"
    assert suite.main(["--resume", str(path)]) == 0  # part and size are the file's
    assert asked == ["ops/gemm", "ops/layernorm", "ops/softmax", "ops/gemm"]
    assert suite.main(["--resume", str(path), "--part", "level3"]) == 2
    assert suite.main(["--resume", str(path), "--size", "full"]) == 2
    capsys.readouterr()
    on_a_device.setattr(machine, "facts", lambda: {**FACTS, "commit": "def"})
    assert suite.main(["--resume", str(path)]) == 2
    said = capsys.readouterr().err
    assert "another commit" in said and "'abc'" in said and "'def'" in said and "now" in said
    path.write_text(path.read_text()[:50])
    assert suite.main(["--resume", str(path)]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_nothing_to_do_is_bad_input(
    on_a_device: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert suite.main(["--only", "no such row"]) == 2
    assert "'no such row'" in capsys.readouterr().err


def test_baselines_are_the_module_judged_as_a_program(on_a_device: pytest.MonkeyPatch) -> None:
    seen = []

    def told(arguments: list[str], seconds: float) -> dict[str, Any]:
        seen.append((arguments[3:], seconds, Path(arguments[2]).read_text()))
        metrics = {"latency_ms": 2.0, "speedup_vs_eager": 1.01, "speedup_vs_compile": 0.5}
        return {"status": "ok", "metrics": metrics}

    on_a_device.setattr(suite, "ask", told)
    (job,) = suite.plan("baselines", "small", "ops/gemm")
    row = job.run(77.0)
    assert row["status"] == "ok"
    figures = {name: value for name, value in row["figures"].items() if value is not None}
    assert figures == {"module_ms": 2.0, "eager_ms": 2.02, "compile_ms": 1.0}
    assert {"graphed_ms", "compile-max-autotune_ms"} <= {*row["figures"]} - {*figures}
    ((command, seconds, text),) = seen
    assert command == ["ops/gemm", "--json", "--device", "cuda", "--size", "small"] and seconds == 77.0
    assert "ModelNew = Model" in text and "N = 4096" not in text  # the constants of the size asked for


def test_autotune_leaves_time_for_the_rest_of_a_row(on_a_device: pytest.MonkeyPatch) -> None:
    seen = []
    on_a_device.setattr(suite, "ask_ours", lambda arguments, seconds: seen.append((arguments, seconds)) or {})
    (job,) = suite.plan("autotune", "small", "ops/gemm")
    job.run(480.0)
    job.run(100.0)
    asked = ["benchmarks.gpu.autotune", "ops/gemm", "small"]
    assert seen == [([*asked, "420"], 480.0), ([*asked, "50"], 100.0)]


@pytest.mark.slow
def test_max_autotune_is_measured_once_and_kept(tmp_path: Path) -> None:
    text = "import torch\nfrom torch import nn\n\nclass Model(nn.Module):\n    def forward(self, x):\n"
    text += "        return torch.relu(x + 1)\n\ndef get_inputs():\n    return [torch.rand(64, 64)]\n"
    text += "\ndef get_init_inputs():\n    return []\n"
    reference = {"kind": "source", "text": text, "filename": "task.py", "size": "full", "entry": "Model"}
    task = Task("relu", "faster", options={"reference": reference})
    kept = KeptRatios(tmp_path / "here.json")
    row = autotune.measure(task, kept, 200.0)
    figures = row["figures"]
    assert row["status"] == "ok" and figures["slowdown_vs_eager"] > 0
    assert figures["low"] is None or figures["low"] <= figures["slowdown_vs_eager"] <= figures["high"]
    first = kept.path.read_bytes()
    began = time.monotonic()
    assert autotune.measure(task, KeptRatios(kept.path), 200.0) == row
    assert kept.path.read_bytes() == first and time.monotonic() - began < 20


def test_a_verdict_that_is_missing_has_no_figures(on_a_device: pytest.MonkeyPatch) -> None:
    on_a_device.setattr(suite, "ask", lambda arguments, seconds: {"status": None, "why": "late"})
    row = suite.plan("baselines", "small", "ops/gemm")[0].run(20.0)
    assert row["status"] is None and row["why"] == "late" and set(row["figures"].values()) == {None}


def test_doctor_names_what_is_missing(on_a_device: pytest.MonkeyPatch) -> None:
    said = {"checks": [{"name": "gpu", "ok": True}, {"name": "openai", "ok": False}], "cuda": 1}
    on_a_device.setattr(suite, "ask", lambda arguments, seconds: {**said, "seconds": 1.0, "exit": 0})
    assert suite.doctor(20.0) == {
        "status": "ok", "remark": "not there: openai", "seconds": 1.0, "exit": 0, "doctor": said
    }  # fmt: skip


def test_a_process_answers_breaks_or_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "mod_rows.py").write_text(
        "import os, sys, time\n"
        "from benchmarks.gpu.child import tell\n"
        "known = {'good': lambda: {'value': 3}, 'none': lambda: None, 'bad': lambda: 1 / 0,\n"
        "         'dead': lambda: os.abort(), 'slow': lambda: time.sleep(60)}\n"
        "sys.exit(tell(known, sys.argv[1:]))\n"
    )
    good, none, bad, dead = (child.ask_ours(["mod_rows", n], 60) for n in ("good", "none", "bad", "dead"))
    assert (good["status"], good["figures"], good["exit"]) == ("ok", {"value": 3}, 0)
    assert none["status"] == "ok" and "figures" not in none
    assert (bad["status"], bad["exit"]) == ("failed", 1) and "ZeroDivisionError" in bad["why"]
    assert (dead["status"], dead["exit"]) == ("failed", -6)
    assert child.ask_ours(["mod_rows", "slow"], 1.0) == {"status": None, "why": "no verdict within 1 s"}
    # of kernelevo itself a process without a verdict says nothing about the program
    assert child.ask(["mod_rows", "dead"], 60)["status"] is None


def test_ceilings_are_medians_of_known_work() -> None:
    def timer(call: Any, calls: int) -> list[float]:
        call()
        assert calls == ceilings.CALLS
        return [4.0, 1.0, 2.0]

    # 4096 bytes read and 4096 written in 2 ms
    assert ceilings.copy(4096, device="cpu", timer=timer) == pytest.approx(
        {"value": 0.004096, "unit": "GB/s", "least": 0.002048, "most": 0.008192}
    )
    seen = []
    for tf32 in (False, True):

        def noting(call: Any, calls: int) -> list[float]:
            seen.append(torch.get_float32_matmul_precision())
            return timer(call, calls)

        found = ceilings.matmul(torch.float32, tf32=tf32, side=100, device="cpu", timer=noting)
        assert found["value"] == pytest.approx(1e-3) and found["unit"] == "TFLOP/s"  # 2e6 in 2 ms
    assert seen == ["highest", "high"] and torch.get_float32_matmul_precision() == "highest"


def test_a_copy_that_copies_nothing_is_no_ceiling() -> None:
    with pytest.raises(AssertionError, match="differs"):
        ceilings.copy(4096, device="cpu", timer=lambda call, calls: [1.0])


def test_the_state_of_the_sources_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "kernelevo").mkdir()
    source = tmp_path / "kernelevo" / "a.py"
    source.write_text("x = 1\n")
    first = machine.digest(tmp_path)
    (tmp_path / "kernelevo" / "a.pyc").write_text("not a source")
    assert machine.digest(tmp_path) == first
    source.write_text("x = 2\n")
    assert machine.digest(tmp_path) != first


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_bare_machine_without_a_device_is_three(tmp_path: Path) -> None:
    absent = ("pydantic", "openai", "ray", "pytest", "libcst", "cloudpickle", "optuna")
    text = f"import sys\nsys.modules.update(dict.fromkeys({absent!r}))\nfrom benchmarks.gpu import suite\n"
    text += f"sys.exit(suite.main(['--out', {str(tmp_path)!r}]))\n"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=suite.ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 3 and "no CUDA device" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("carried", "ordered", "used"),
    [
        (True, "", "carry"),
        (True, "/tmp/mine", "/tmp/mine"),
        (False, "/tmp/mine", "/tmp/mine"),
        (False, "", ""),
    ],
)
def test_the_cache_that_is_ordered_counts(carried: bool, ordered: str, used: str, tmp_path: Path) -> None:
    carry, python = tmp_path / "carry", tmp_path / "python"
    if carried:
        carry.mkdir()
    python.write_text('#!/bin/sh\nprintf %s "$KERNELEVO_CACHE"\n')
    python.chmod(0o755)
    command = ["make", "--silent", "gpu", f"CARRY={carry}", f"GPU_PYTHON={python}"]
    environment = {**os.environ, "KERNELEVO_CACHE": ordered}
    done = subprocess.run(
        command, cwd=suite.ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == (str(carry) if used == "carry" else used)


def test_sources_are_found_without_building() -> None:
    text = "import kernelevo\nlib = kernelevo.cuda('__global__ void f(int* x) {}', options=('-DA=1',))\n"
    assert rehearsal._cuda_sources(text) == [("__global__ void f(int* x) {}", (), ("-DA=1",))]
    assert rehearsal._cuda_sources("S = '__global__ void f(int* x) {}'\n") == [
        ("__global__ void f(int* x) {}", (), ())
    ]


def test_a_source_that_does_not_compile_is_a_row(tmp_path: Path) -> None:
    carry = Carry(tmp_path, "sm_90a")
    name, _, error = rehearsal._tried("x", lambda: carry.build(("__global__ void f() { y = 1; }", (), ())))
    assert name == "x" and error is not None and "undefined" in error
