"""Scores that are no ratio of times are shown with their digits, and with the value behind them."""

from kernelevo.core import Evaluation, Origin, Program, Trial
from kernelevo.core.events import TrialEnded
from kernelevo.report.live import trial_line
from kernelevo.report.table import interval, is_timed

PACKED = Evaluation.ok(0.9999978413511929, value=2.635977394753258)
TIMED = Evaluation.ok(1.5, latency_ms=2.0)


def test_digits_that_decide_are_shown():
    assert interval(PACKED) == "0.99999784 (value 2.63597739475)"
    assert interval(TIMED) == "1.50x"
    assert interval(Evaluation.ok(12345.678)) == "12345.678"
    assert is_timed(TIMED) and not is_timed(PACKED)


def test_a_line_says_nothing_of_times_that_were_not_taken():
    program = Program.single("x = 1", origin=Origin("tune", "values SEED=3"))
    assert trial_line(TrialEnded(Trial(7, program, PACKED))) == (
        "#7    0.99999784 (value 2.63597739475)  tune: values SEED=3"
    )
    assert "2 ms" in trial_line(TrialEnded(Trial(7, program, TIMED)))
