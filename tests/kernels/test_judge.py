"""The judge on good and bad programs: right status, feedback to act on, and it lives on."""

import math
import threading

import pytest
import torch

from kernelevo.core import Evaluation, Program, StagedEvaluator, Status
from kernelevo.kernels import judge as judging
from kernelevo.kernels.baselines.baseline import Baseline
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.timing.duel import Ring
from kernelevo.kernels.verdict import NAMES
from tests.kernels.conftest import MODEL, RESULT, candidate, task_of


def verdict(judge, source, **more):
    return judge.measure(judge.prepare(Program.single(source)), **more)


def test_a_right_program_is_ok_with_all_metrics(judge):
    assert isinstance(judge, StagedEvaluator)
    artifact = judge.prepare(Program.single(candidate("return RESULT")))
    assert artifact.verdict is None and artifact.folder.is_dir()
    assert artifact.facts["build_seconds"] > 0 and artifact.facts["form"] == "declared"
    found = judge.measure(artifact)
    assert found.status is Status.OK and found.fidelity == "full", found.feedback
    assert 0.05 < found.score < 20  # parity, on a machine that may be busy
    m = found.metrics
    assert set(NAMES) <= set(m)
    if m["score_low"] is not None:  # a machine too busy for six half-blocks gives no interval
        assert m["score_low"] <= found.score <= m["score_high"]
    assert m["speedup_vs_eager"] == pytest.approx(found.score)
    assert m["speedup_vs_compile"] is None
    assert m["max_abs_error"] == 0.0 and 0 < m["oracle_error"] <= m["reference_oracle_error"]
    assert m["meets_1e-5"] is True and m["precision"] == "fp32-accurate" and m["weights"] == "strict"
    assert m["latency_ms"] > 0 and m["peak_memory_mb"] > 10 and m["timed_outputs_verified"] > 0
    assert all(v is None or not isinstance(v, float) or math.isfinite(v) for v in m.values())


@pytest.mark.slow
def test_proving_tells_what_is_wrong_and_times_nothing(judge, monkeypatch):
    verdict(judge, candidate("return RESULT"))  # whatever is timed once for a judge has been

    def fight(*_, **__):
        raise AssertionError("it was timed")

    monkeypatch.setattr(Ring, "fight", fight)
    assert judge.prove(judge.prepare(Program.single(candidate("return RESULT")))) is None
    for body, status in (
        ("return RESULT * 1.0001", Status.WRONG),
        ("raise ValueError('boo')", Status.CRASHED),
    ):
        found = judge.prove(judge.prepare(Program.single(candidate(body))))
        assert found.status is status and found.score is None and found.feedback
    broken = judge.prepare(Program.single("def ("))
    assert judge.prove(broken) is broken.verdict


BAD = {
    "a syntax error": ("def (", "build_failed", "not valid Python"),
    "no ModelNew": ("x = 1", "build_failed", "no class ModelNew"),
    "an import that raises": ("import not_there\n" + candidate("return RESULT"), "build_failed", "not_there"),
    "a constructor that raises": (
        candidate("return RESULT").replace("super().__init__()", "raise KeyError('boo')"),
        "build_failed",
        "boo",
    ),
    "other weights": (
        candidate("return RESULT").replace("nn.Linear(width, 96)", "nn.Linear(width, 96, bias=False)"),
        "build_failed",
        "weights",
    ),
    "an exception in forward": (candidate("raise ValueError('boo')"), "crashed", "boo"),
    "a segmentation fault": (candidate("import ctypes\nctypes.string_at(0)"), "crashed", "SIGSEGV"),
    "exit(0)": (candidate("import os\nos._exit(0)"), "crashed", "exit 0"),
    "sys.exit in forward": (candidate("raise SystemExit(0)"), "crashed", "exit 0"),
    "an endless loop": (candidate("while True: pass"), "timed_out", "did not finish within 4 s"),
    "NaN": (candidate("return RESULT * float('nan')"), "wrong", "non-finite"),
    "the wrong shape": (candidate("return RESULT[:1]"), "wrong", "expected float32[64, 32]"),
    "the wrong dtype": (candidate("return RESULT.double()"), "wrong", "got float64"),
    "the wrong device": (candidate("return RESULT.to('meta')"), "wrong", "'meta'"),
    "another structure": (candidate("return RESULT, 1"), "wrong", "structure"),
    "no tensor": (candidate("return None"), "wrong", "expected a tensor"),
    "wrong values": (candidate("return RESULT * 1.0001"), "wrong", "worst at"),
    "bf16 inside": (candidate("return RESULT.bfloat16().float()"), "wrong", "worst at"),
    "statistics not updated": (
        candidate("m = self.norm.running_mean\nk = m.clone()\ny = RESULT\nm.copy_(k)\nreturn y"),
        "wrong",
        "norm.running_mean",
    ),
    "eval mode left behind": (candidate("y = RESULT\nself.eval()\nreturn y"), "wrong", "train mode"),
    "inputs changed": (candidate("y = RESULT\nx.zero_()\nreturn y"), "rejected", "input number 0"),
    "an output cached": (
        candidate("if not hasattr(self, 'kept'): self.kept = RESULT\nreturn self.kept.clone()"),
        "wrong",
        "values",
    ),
    "one output buffer for all calls": (
        candidate("y = RESULT\nif not hasattr(self, 'b'): self.b = y.clone()\nreturn self.b.copy_(y)"),
        "rejected",
        "share memory",
    ),
    "a deferred write": (
        candidate(
            "import threading, time\ny = RESULT\nz = torch.zeros_like(y)\n"
            "threading.Thread(target=lambda: (time.sleep(0.0007), z.copy_(y))).start()\nreturn z"
        ),
        ("rejected", "wrong"),
        "",
    ),
    "a tensor subclass": (
        candidate("return RESULT.as_subclass(type('Lazy', (torch.Tensor,), {}))"),
        "rejected",
        "subclass",
    ),
    "weights packed once and for all": (
        candidate("if not hasattr(self, 'w'): self.w = self.out.weight.clone()\n"
                  "y = torch.relu(self.linear(torch.relu(self.norm(x))))\n"
                  "return torch.nn.functional.linear(y, self.w, self.out.bias)"),
        "wrong",
        "parameters were changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_program_ends_in_the_right_status(judge, name):
    source, status, words = BAD[name]
    found = verdict(judge, source)
    assert str(found.status) in (status if isinstance(status, tuple) else (status,)), found.feedback
    assert words in found.feedback
    assert found.score is None and found.metrics.get("speedup_vs_eager") is None


@pytest.mark.slow
def test_prints_do_no_harm_and_the_judge_lives_on(judge):
    noisy = "print('x' * 200_000)\nimport sys\nsys.stderr.write('y' * 200_000)\nreturn RESULT"
    assert verdict(judge, candidate(noisy)).status is Status.OK


@pytest.mark.slow
def test_a_floor_stops_a_slow_program_early(judge):
    slow = candidate("for _ in range(40): y = torch.relu(self.linear(x))\nreturn RESULT")
    found = verdict(judge, slow, floor=50.0)
    assert found.status is Status.OK and found.fidelity == "rough"
    assert found.score < 50 and found.metrics["timed_outputs_verified"] > 0
    assert verdict(judge, slow, floor=1e-9).fidelity == "full"


def test_renamed_parameters_pass_by_seed(judge):
    renamed = candidate("return self.last(torch.relu(self.linear(torch.relu(self.norm(x)))))")
    renamed = renamed.replace("self.out = ", "self.last = ")
    found = verdict(judge, renamed)
    assert found.status is Status.OK, found.feedback
    assert found.metrics["weights"] == "by seed"


def test_the_no_aten_policy_refuses_before_building(judge):
    from kernelevo.kernels.programs import guard

    assert guard.read(candidate("return RESULT"), policy="no-aten").problem
    assert not guard.read(MODEL.replace("Model", "ModelNew")).problem
    assert guard.read("import os\n" + candidate("return RESULT")).form == "free-form"
    assert guard.read(candidate("try:\n    return RESULT\nexcept Exception: pass")).form == "free-form"


def test_files_beside_the_entry_are_read_built_and_run(judge):
    entry = "from part_of_it import last\n" + candidate("return last(self, x)")
    right = f"import torch\n\ndef last(self, x):\n    return {RESULT}\n"
    found = judge.measure(judge.prepare(Program({"program.py": entry, "part_of_it.py": right})))
    assert found.status is Status.OK and found.metrics["form"] == "free-form", found.feedback
    wrong = Program({"program.py": entry, "part_of_it.py": right.replace("return ", "return 1.0001 * ")})
    assert judge.measure(judge.prepare(wrong)).status is Status.WRONG  # no twin of the one before
    faulty = Program({"program.py": entry, "part_of_it.py": right.replace("import torch", "import torch()")})
    refused = judge.prepare(faulty).verdict
    assert refused.status is Status.BUILD_FAILED and "part_of_it.py: the program" in refused.feedback
    unnamed = judge.prepare(Program({"a.py": entry, "part_of_it.py": right})).verdict
    assert unnamed.status is Status.BUILD_FAILED and "no program.py" in unnamed.feedback


def test_the_no_aten_policy_reads_every_python_file():
    from kernelevo.kernels.programs import guard

    entry = "from part import last\n" + candidate("return last(self, x)")
    files = {"program.py": entry, "part.py": "import torch\n\ndef last(self, x):\n    return torch.relu(x)\n"}
    assert not guard.read_program(Program(files)).problem
    reading = guard.read_program(Program(files), policy="no-aten")
    assert reading.against_policy and "part.py: the policy is no-aten" in reading.problem
    assert not guard.read_program(Program({**files, "part.py": "", "note.txt": "torch.relu("})).problem


def test_a_winner_is_judged_in_three_fresh_processes(judge, monkeypatch):
    monkeypatch.setattr(judging, "MOST_PROCESSES", judging.FRESH_PROCESSES)  # so short a timing is never calm
    verdict(judge, candidate("return RESULT"))
    artifact = judge.prepare(Program.single(candidate("return RESULT  # the same machine code")))
    judge.warm()
    before = judge.ground.baselines.all["eager"].session.child.pid
    with monkeypatch.context() as patch:
        parts: list = []
        whole = judge._measure
        patch.setattr(
            judge, "_measure", lambda *a, **how: parts.append((whole(*a, **how), how)) or parts[-1][0]
        )
        found = judge.finalize(artifact)
    assert found.status is Status.OK and found.metrics["processes"] == 3
    (first, told), *others = parts
    assert told["again"] is None and found.metrics["cases"] == first.metrics["cases"]
    for part, how in others:  # a secret half of the late cases, and no finer class than the first one's
        assert how["again"] == first.metrics["precision"]
        assert 3 < part.metrics["cases"] < first.metrics["cases"]
    assert judge.ground.baselines.all["eager"].session.child.pid != before  # and so is the baseline's process
    assert "same_machine_code_as" not in found.metrics and found.metrics["kernels"] == []
    assert 0 <= found.metrics["own_share"] <= 1, found.metrics.get("own_share_missing")
    low, high = found.metrics["score_low"], found.metrics["score_high"]
    assert low is None or low <= found.score <= high
    # products alone take a share of it at the most; there is no cuBLAS on a CPU
    bound = judge.ground.bounds
    assert 0 < bound.slowdown["library"] < 3 and bound.missing == []
    assert found.metrics["speedup_vs_library"] > 0 and found.metrics["speedup_vs_cublas"] is None


def test_no_two_processes_of_winners_meet_one_process_of_a_baseline(judge, monkeypatch):
    """The first program of a judge gains nothing by it, and the second one loses nothing."""
    met: list[int] = []
    told = {"precision": "fp32-accurate", "score_low": 1.0, "score_high": 3.0}

    def measure(*given, **how):
        met.append(judge.ground.baselines.opponent("fp32-accurate").anchor.session.child.pid)
        return Evaluation.ok(2.0, **told)

    monkeypatch.setattr(judge, "_measure", measure)
    judge.finalize(judge.prepare(Program.single(candidate("return RESULT  # whoever was here before"))))
    met.clear()
    for number in range(2):
        artifact = judge.prepare(Program.single(candidate(f"return RESULT  # winner {number}")))
        assert judge.finalize(artifact).metrics["processes"] == 3
        judge.dismiss(artifact)
        assert not artifact.folder.exists() and artifact.program.id not in judge._shares._known
    assert len(met) == len(set(met)) == 6 and judge.as_new


def test_a_judge_that_rests_makes_no_cases(judge):
    idle = KernelJudge(judge.task)
    with idle.resting():  # nothing is made for it
        assert idle._ground is None and idle.as_new
    assert judge.ground._turn.acquire(timeout=10.0)
    judge.ground._turn.release()
    with judge.resting():
        one = threading.Thread(target=lambda: seen.append(judge.ground._turn.acquire(blocking=False)))
        seen: list[bool] = []
        one.start()
        one.join()
    assert seen == [False]


def test_a_later_process_has_no_finer_class_than_the_first(judge):
    artifact = judge.prepare(Program.single(candidate("return RESULT  # as exact as fp32")))
    found = judge._measure(artifact, None, 0.2, final=True, again="tf32")
    assert found.status is Status.OK and found.metrics["precision"] == "tf32", found.feedback


@pytest.mark.slow
def test_a_program_meets_the_baselines_of_its_precision(judge):
    judge.warm()
    baselines = judge.ground.baselines
    kept = Baseline("eager-tf32", "ready", slowdown=0.25, precision="tf32", kept="2026-01-31")
    baselines.all["eager-tf32"] = kept
    try:
        fine = verdict(judge, candidate("return RESULT"))
        coarse = verdict(judge, candidate("return RESULT + 4e-6"))
    finally:
        del baselines.all["eager-tf32"]
    assert fine.metrics["precision"] == "fp32-accurate" and fine.metrics["baseline"] == "eager"
    assert fine.score == pytest.approx(fine.metrics["speedup_vs_eager"])
    assert coarse.status is Status.OK and coarse.metrics["precision"] == "tf32", coarse.feedback
    assert coarse.metrics["baseline"] == "eager-tf32" and "2026-01-31" in coarse.metrics["baseline_kept"]
    assert coarse.score == pytest.approx(0.25 * coarse.metrics["speedup_vs_eager"])
    assert coarse.score == pytest.approx(coarse.metrics["speedup_vs_eager_tf32"])
    eager = baselines.all["eager"]
    assert kept.latency == pytest.approx(0.25 * eager.latency)


def test_the_class_of_a_baseline_is_measured(judge):
    judge.warm()
    eager = judge.ground.baselines.all["eager"]
    judge.ground._classify(eager)
    try:
        assert eager.precision == "fp32-accurate"
    finally:
        eager.precision = None


def test_a_bound_is_measured_once_for_a_task_and_machine(judge):
    from kernelevo.kernels.baselines.bounds import Bounds

    judge.ground.make_ready()
    judge.ground.measure_bounds()

    def start(subject, label):
        raise AssertionError("it is known")

    folder = judge.ground.baselines.folder
    again = Bounds(("library",), {}, folder, start, lambda session, seconds: None)
    assert again.slowdown == judge.ground.bounds.slowdown and again.missing == []
    again.measure(judge.ground.ring, judge.ground.baselines.all["eager"])
    (folder / "bounds.json").write_text("[1")
    assert Bounds(("library",), {}, folder, start, lambda session, seconds: None).missing == ["library"]


@pytest.mark.slow
def test_a_module_without_products_has_no_bound_and_says_why(judge):
    text = MODEL.replace(RESULT, "x.sin()")
    known = judge.ground.baselines.folder.parents[1]  # the device's ceilings among it
    with KernelJudge(task_of(text), cache=known, compiled=(), final_seconds=0.6) as made:
        artifact = made.prepare(Program.single(text.replace("class Model(", "class ModelNew(")))
        found = made.finalize(artifact)
    assert found.status is Status.OK, found.feedback
    assert found.metrics["speedup_vs_library"] is None
    assert "no call of a vendor's library" in found.metrics["library_missing"]


def test_bytes_are_compared_to_the_last():
    from kernelevo.kernels.timing.conduct import same

    for count in (0, 1, 7, 8, 9, 1001):
        value = torch.arange(count, dtype=torch.uint8)
        assert same(value, value.clone())
        for place in {0, count // 2, count - 1} & set(range(count)):
            other = value.clone()
            other[place] += 1
            assert not same(value, other)
    nan = torch.full((3,), math.nan)
    assert same(nan, nan.clone()) and not same(nan, nan.double())


def test_lint_and_baselines(judge):
    assert judge.lint().fair
    (eager,) = judge.baselines()
    assert eager["name"] == "eager" and eager["state"] == "ready" and eager["slowdown_vs_eager"] == 1.0
    assert judge.rebase() == []


def test_seeds_and_news(judge):
    (seed,) = judge.seeds()
    found = verdict(judge, seed.source)
    assert found.status is Status.OK and found.metrics["baseline"] == "eager"
    news = judge.notices()
    assert any(n["kind"] == "baseline" and n["name"] == "eager" and n["latency_ms"] > 0 for n in news)
    assert judge.notices() == []
