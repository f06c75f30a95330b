"""Rows as a series would record them, and what it would say of itself."""

from kernelevo.bench.row import Row

FACTS = {
    "suite": "kernelbench:3", "size": "v0", "device": "cpu", "solutions": None, "from": None,
    "sittings": ["2026-11-26T10:00:00Z"], "tasks": "f00d", "settings": {"budget": "1"},
    "kernelevo": {"version": "0.1.0", "commit": None, "sources": "beef"}, "versions": {"torch": "2.13.0"},
    "hardware": {"cpu": {"name": "a <CPU>", "cores": 2, "features": ["avx2"]}},
}  # fmt: skip


def row(name="ops/softmax", score=2.0, grade="judgeable", **more):
    """A row with a score; every speed-up is the score unless it is given."""
    metrics = {
        "latency_ms": 1.0,
        "baseline": "compile",
        "score_low": score and score * 0.9,
        "score_high": score and score * 1.1,
        "speedup_vs_eager": score,
        "speedup_vs_compile": score,
        "speedup_vs_compile_max_autotune": score,
        **more.pop("metrics", {}),
    }
    return Row(name, status="ok", score=score, metrics=metrics, grade=grade, seconds=3.0, **more)


def failed(name="ops/softmax", status="wrong", grade="judgeable", **more):
    """A row of a program that failed."""
    return Row(name, status=status, feedback="off by 3", grade=grade, **more)


def fault(name="ops/softmax", grade="judgeable", **more):
    """A row of a machine that broke."""
    return Row(name, fault={"kind": "ProcessDied", "message": "killed"}, grade=grade, **more)
