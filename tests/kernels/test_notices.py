"""KernelJudge.notices: news of the baselines, each told once, as the engine reads them."""

from pathlib import Path
from types import SimpleNamespace

from kernelevo.core import Task
from kernelevo.kernels.baselines.baselines import Baselines
from kernelevo.kernels.baselines.ranking import Rebase
from kernelevo.kernels.judge import KernelJudge


def test_each_piece_of_news_is_told_once() -> None:
    judge = KernelJudge(Task("toy", "goal", options={"reference": {}}))
    assert judge.notices() == []  # nothing standing yet, and nothing is made for the question
    assert judge._ground is None
    zygote, setting = SimpleNamespace(), SimpleNamespace(on_device=False)
    baselines = Baselines(zygote, zygote, setting, {}, Path("nowhere"), lambda *_: None)  # type: ignore[arg-type]
    known = baselines.all
    assert baselines.news() == []
    known["eager"].state, known["eager"].slowdown, known["eager"].latency = "ready", 1.0, 0.002
    known["compile"].state = "ready"  # ready, not timed yet: no news
    known["compile-max-autotune"].state, known["compile-max-autotune"].reason = "failed", "it took over 120 s"
    assert baselines.news() == [
        {"kind": "baseline", "name": "eager", "latency_ms": 2.0, "reason": ""},
        {
            "kind": "baseline",
            "name": "compile-max-autotune",
            "latency_ms": None,
            "reason": "it took over 120 s",
        },
    ]
    known["compile"].slowdown, known["compile"].latency = 0.5, 0.001
    event = Rebase("eager", "compile", 0.5, 0.49, 0.51)
    judge._ground = SimpleNamespace(  # type: ignore[assignment]
        baselines=baselines, make_ready=lambda: None, rebase=lambda seconds: [event], close=lambda: None
    )
    assert judge.rebase() == [event]
    ready, rebased = judge.notices()
    assert ready == {"kind": "baseline", "name": "compile", "latency_ms": 1.0, "reason": ""}
    assert {k: rebased[k] for k in ("kind", "before", "now", "factor", "baseline")} == {
        "kind": "rebase",
        "before": "eager",
        "now": "compile",
        "factor": 0.5,
        "baseline": "compile",
    }
    assert judge.notices() == []
