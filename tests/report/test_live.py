import io

from rich.console import Console

from kernelevo.core import (
    BaselineReady,
    Evaluation,
    Event,
    Fault,
    Origin,
    Program,
    RunEnded,
    RunStarted,
    ScoresRebased,
    SearchEnded,
    Status,
    Trial,
    TrialEnded,
    TrialStarted,
    WinnerConfirmed,
)
from kernelevo.report.live import LiveReport

SEED = Program.single("seed")
MADE = Program.single("x", origin=Origin("rewrite", "sdpa"))
EVENTS: list[Event] = [
    RunStarted("runs/a", "ops/attention", 3),
    BaselineReady("eager", 12.5),
    BaselineReady("compile", None, "took more than 120 s"),
    TrialStarted(0, "seed"),
    TrialEnded(Trial(0, SEED, Evaluation.ok(1.0, latency_ms=12.5, oracle_error=2e-7)), is_best=True),
    TrialStarted(1, "rewrite"),
    TrialEnded(Trial(1, MADE, Evaluation.wrong("output 0 differs\nat [3]"))),
    TrialEnded(Trial(2, MADE, fault=Fault("SandboxError", "the zygote ended\nx", 3))),
    TrialEnded(Trial(12, MADE, fault=Fault("MemoryError", "", 3))),
    TrialEnded(Trial(3, MADE, Evaluation(Status.OK, 0.7, fidelity="rough"))),
    TrialEnded(Trial(4, MADE, Evaluation.ok(2.0, score_low=1.9, score_high=2.1)), is_best=True),
    ScoresRebased("compile", 0.8),
    SearchEnded("the budget of 90s is spent", True),
    SearchEnded("stopped", False),
    WinnerConfirmed(4, Evaluation.ok(1.6, score_low=1.5, score_high=1.7)),
    RunEnded("budget spent"),
]


def shown(*, terminal: bool) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=terminal, color_system=None)
    with LiveReport(console, budget="90s", now=lambda: 5.0) as report:
        for event in EVENTS:
            report(event)
    return out.getvalue().splitlines()


def test_plain_lines_without_a_terminal() -> None:
    lines = [line.split("s  ", 1)[1] for line in shown(terminal=False) if line]
    assert lines == [
        "ops/attention: run runs/a (resumed after 3 trials)",
        "baseline eager: 12.5 ms",
        "baseline compile: none, took more than 120 s",
        "#0    1.00x  12.5 ms  err 2.0e-07  seed",
        "#1    wrong  rewrite: sdpa  output 0 differs",
        "#2    fault: the zygote ended",
        "#12   fault: MemoryError",
        "#3    0.7 rough  rewrite: sdpa",
        "#4    2.00x [1.90, 2.10]  -  err -  rewrite: sdpa",
        "compile is the faster baseline: scores so far are multiplied by 0.800",
        "the search is over (the budget of 90s is spent); the best is judged again in fresh processes",
        "#4 timed again in fresh processes: 1.60x [1.50, 1.70] (ok)",
        "done: budget spent",
    ]


def test_a_terminal_keeps_only_new_bests_and_counts_the_rest() -> None:
    text = "\n".join(shown(terminal=True))
    assert "#4    2.00x [1.90, 2.10]" in text and "#1    wrong" not in text
    assert "of 90s" in text and "best 2.00x [1.90, 2.10]" in text and "1 wrong" in text
