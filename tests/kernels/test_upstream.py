"""KernelBench's own rule: which programs it passes, and in which mode."""

import pytest
import torch

from kernelevo.core import Program
from kernelevo.kernels import upstream
from tests.tasks.foreign import TODAY

NORM = TODAY.replace("self.linear = nn.Linear(n, n)", "self.norm = nn.BatchNorm1d(n)").replace(
    "self.linear(x)", "self.norm(x)"
)


def program(text, **changes):
    text = text.partition("batch_size = ")[0].replace("class Model(", "class ModelNew(")
    text = text.replace("super(Model, self)", "super()")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(upstream, "_SECONDS", 0.0)


def judged(reference, source, tmp_path):
    spec = {"kind": "source", "text": reference, "filename": "task.py"}
    payload = {"reference": spec, "source": source, "beside": {}, "device": "cpu", "folder": str(tmp_path)}
    sent = []

    class Channel:
        send = staticmethod(sent.append)

    upstream.serve(Channel, payload, {})
    return upstream._sane(sent[0])


@pytest.mark.parametrize(
    ("off", "correct", "loose"), [("", True, True), (" + 5e-5", True, True), (" + 5e-3", False, True),
                                  (" + 5e-2", False, False)]
)  # fmt: skip
def test_tolerances(tmp_path, off, correct, loose):
    source = program(TODAY, off=("torch.relu(self.linear(x))", f"torch.relu(self.linear(x)){off}"))
    told = judged(TODAY, source, tmp_path)
    assert (told["correct"], told["correct_loose"]) == (correct, loose) and told["tolerance"] == 1e-4
    assert (told["speedup"] is not None) is loose and told["weights"] == "by seed"
    if loose:
        assert told["speedup"] == pytest.approx(told["eager_ms"] / told["latency_ms"])


def test_half_precision_is_held_to_a_looser_one(tmp_path):
    reference = TODAY.replace("self.linear(x))", "self.linear(x)).half()")
    source = program(reference, off=(".half()", ".half() + 5e-3"))
    told = judged(reference, source, tmp_path)
    assert told["correct"] and told["tolerance"] == 1e-2


def test_a_program_that_folds_a_norm_is_right_in_eval_mode_alone(tmp_path):
    folded = (
        "self.norm(x)",
        "torch.nn.functional.batch_norm(x, self.norm.running_mean, self.norm.running_var)",
    )
    told = judged(NORM, program(NORM, folded=folded), tmp_path)
    assert not told["correct_loose"] and told["correct_eval"] and told["speedup"] is None


def test_a_program_for_training_alone_is_right_there(tmp_path):
    guard = "assert self.training, 'this program is for training mode only'\n        return torch.relu"
    told = judged(NORM, program(NORM, guard=("return torch.relu", guard)), tmp_path)
    assert told["correct"] and told["correct_loose"] and not told["correct_eval"] and not told["problem"]
    assert told["speedup"] > 0


def test_weights_drawn_in_another_order_may_be_loaded(tmp_path):
    other = ("self.linear = nn.Linear(n, n)", "torch.rand(3)\n        self.linear = nn.Linear(n, n)")
    told = judged(TODAY, program(TODAY, other=other), tmp_path)
    assert told["correct"] and told["weights"] == "loaded"


@pytest.mark.parametrize(
    ("source", "words"),
    [("def (", "SyntaxError"), ("x = 1", "ModelNew"), (program(TODAY, a=("(x))", "(y))")), "NameError")],
)
def test_what_fails_says_why(tmp_path, source, words):
    told = judged(TODAY, source, tmp_path)
    assert not told["correct"] and words in str(told["problem"])


@pytest.mark.parametrize(
    "said", [None, [], "yes", {"correct": "yes", "speedup": float("inf"), "more": 1}, {"speedup": 1e305}]
)
def test_answers_are_not_believed_as_they_come(said):
    told = upstream._sane(said)
    assert set(told) == set(upstream.NOTHING) and not told["correct"] and told["speedup"] is None


@pytest.mark.slow
def test_it_runs_in_a_process_of_its_own():
    spec = {"kind": "source", "text": TODAY, "filename": "task.py"}
    told = upstream.judge_as_upstream(spec, Program.single(program(TODAY)), "cpu", threads=1)
    assert told["correct"] and told["speedup"] > 0
    hostile = program(TODAY).replace("return torch", "import os; os._exit(0); return torch")
    told = upstream.judge_as_upstream(spec, Program.single(hostile), "cpu", threads=1)
    assert not told["correct"] and "gave no answer" in told["problem"]
    assert not torch.is_grad_enabled() or told["speedup"] is None


@pytest.mark.slow
def test_what_was_built_before_is_not_compiled_again(tmp_path):
    tmp_path.chmod(0o711)
    lines = "for (int64_t i = 0; i < n; i++) y[i] = y[i] > 0 ? y[i] : 0;"
    head = (
        'import kernelevo\nlib = kernelevo.cpp("""\n#include <cstdint>\n'
        f'extern "C" void relu(float* y, int64_t n) {{ {lines} }}\n""")\n'
    )
    body = "y = self.linear(x)\n        lib.relu(y, y.numel())\n        return y"
    source = head + program(TODAY, native=("return torch.relu(self.linear(x))", body))
    spec, built = {"kind": "source", "text": TODAY, "filename": "task.py"}, tmp_path / "built"
    found = []
    for _ in range(2):
        told = upstream.judge_as_upstream(spec, Program.single(source), "cpu", threads=1, built=built)
        assert told["correct"], told["problem"]
        found.append({path: path.stat().st_mtime_ns for path in (built / "cache").rglob("*.so")})
    assert found[0] and found[0] == found[1]
