"""KernelJudge.notices: news of the baselines, each told once, as the engine reads them."""

from types import SimpleNamespace

from kernelevo.core import Task
from kernelevo.kernels.baselines import Baseline, Rebase
from kernelevo.kernels.judge import KernelJudge


def test_each_piece_of_news_is_told_once() -> None:
    judge = KernelJudge(Task("toy", "goal", options={"reference": {}}))
    assert judge.notices() == []  # nothing standing yet, and nothing is made for the question
    assert judge._ground is None
    known = {"eager": Baseline("eager", "ready", slowdown=1.0), "compile": Baseline("compile")}
    judge._ground = SimpleNamespace(baselines=SimpleNamespace(all=known), close=lambda: None)  # type: ignore[assignment]
    assert judge.notices() == []
    known["compile"].state, known["compile"].slowdown = "ready", 0.5
    known["compile-max-autotune"] = Baseline("compile-max-autotune", "failed", "it took over 120 s")
    judge._events.append(Rebase("eager", "compile", 0.5, 0.49, 0.51))
    assert judge.notices() == [
        {"kind": "notice", "text": "baseline compile: 2.00x the speed of eager"},
        {
            "kind": "baseline",
            "name": "compile-max-autotune",
            "latency_ms": None,
            "reason": "it took over 120 s",
        },
        {"kind": "rebase", "before": "eager", "now": "compile", "factor": 0.5, "baseline": "compile"},
    ]
    assert judge.notices() == []
