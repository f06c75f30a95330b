"""The roof of a task: fractions in verdicts, ceilings kept, and the gate for impossible times."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Program, Status
from kernelevo.device.ceilings import Ceilings
from kernelevo.device.roofline import Floor
from kernelevo.kernels.baselines.roof import Roof, fastest
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.reference.work import Work
from kernelevo.kernels.timing.series import Tally
from tests.kernels.conftest import candidate

NOW = datetime.now(UTC).isoformat(timespec="seconds")
CPU = Ceilings("cpu", 2, 20.0, 400.0, {"fp32": 0.2, "bf16": 1.0}, 32 << 20, True, NOW)
WORK = Work(10**9, 4 * 10**5, 4 * 10**5, 4 * 10**5, 4 * 10**5, "float32")
LEAST = 8e5 / (2 * 400e9)  # seconds of a call, 1 us


class Still:
    """A zygote that is never asked."""

    threads = 2


def roof(tmp_path, ceilings=CPU, work=WORK, measured=None):
    """A roof with these figures; measuring again finds ``measured``."""
    made = Roof(Still(), None, "cpu", tmp_path, tmp_path / "kept")
    made.work, made.ceilings, made.missing = work, ceilings, ""
    made.again = 0

    def measure():
        made.again += 1
        made.ceilings = ceilings.raised(measured or ceilings)

    made.measure = measure
    return made


def tally(*batches, held=4 * 10**5):
    return Tally(batches=list(batches), held=held)


HONEST = tally((10, 20 * LEAST * 10))


def test_a_batch_below_the_floor_is_refused_with_both_figures(tmp_path):
    made = roof(tmp_path)
    with pytest.raises(Failed) as caught:
        made.check(tally((100, 50e-6), (100, 5e-4)), HONEST)
    assert caught.value.status is Status.REJECTED and made.again == 1
    said = caught.value.feedback
    assert "100 calls on fresh inputs took 50 us" in said and "at least 100 us" in said
    assert "faster than this machine can be" in said and "computes every output" in said


@given(st.integers(1, 1024), st.floats(1.0, 1e6))
def test_a_batch_at_the_floor_or_above_passes(tmp_path_factory, calls, slower):
    made = roof(tmp_path_factory.mktemp("r"))
    floor = Floor.of(CPU).seconds(WORK.needed_bytes, WORK.changing_bytes, calls)
    made.check(tally((calls, floor * slower * (1 + 1e-9))), HONEST)
    assert made.again == 0


@given(st.integers(1, 1024), st.floats(1e-6, 0.99))
def test_a_batch_below_it_never_does(tmp_path_factory, calls, share):
    made = roof(tmp_path_factory.mktemp("r"))
    floor = Floor.of(CPU).seconds(WORK.needed_bytes, WORK.changing_bytes, calls)
    with pytest.raises(Failed):
        made.check(tally((calls, 1.0), (calls, floor * share)), HONEST)


def test_ceilings_that_were_too_low_are_measured_again_first(tmp_path):
    quick = Ceilings("cpu", 2, 20.0, 900.0, {}, 32 << 20, True, NOW)
    made = roof(tmp_path, measured=quick)
    made.check(tally((10, 10 * LEAST / 2)), HONEST)
    assert made.again == 1 and made.ceilings.cached_gbs == 900.0


def test_what_the_baseline_reaches_is_possible(tmp_path):
    quick = tally((10, 10 * LEAST / 3))
    roof(tmp_path).check(tally((10, 10 * LEAST / 5)), quick)
    with pytest.raises(Failed):
        roof(tmp_path).check(tally((10, 10 * LEAST / 7)), quick)


def test_calls_on_other_inputs_and_outputs_that_take_no_memory_are_not_demanded(tmp_path):
    made = roof(tmp_path)
    made.check(tally((0, 1e-9)), HONEST)
    made.check(tally((100, 60 * LEAST), held=0), HONEST)  # the inputs alone: half
    with pytest.raises(Failed):
        made.check(tally((100, 40 * LEAST), held=0), HONEST)


def test_nothing_is_refused_where_nothing_is_known(tmp_path):
    fast = tally((1000, 1e-9))
    nothing = Work(0, 10, 10, 0, 0, "float32")
    for made in (roof(tmp_path, work=None), roof(tmp_path, None), roof(tmp_path, work=nothing)):
        made.check(fast, HONEST)
        assert made.again == 0
    uncached = Ceilings("cpu", 2, 20.0, None, {}, None, True, NOW)
    roof(tmp_path, uncached).check(fast, HONEST)


def test_memory_of_outputs_is_counted_once():
    seen = Tally()
    seen.hold([(100, 50), (120, 10), (140, 20), (300, 5)])
    assert seen.held == 65
    seen.hold([(0, 1000)])
    assert seen.held == 65
    seen.hold([])
    assert seen.held == 0


def test_fractions_by_hand(tmp_path):
    made = roof(tmp_path)
    told = made.metrics(10e-3, "fp32-accurate")  # 1e9 operations at 0.2 TFLOP/s are 5 ms
    assert told["roofline_fraction"] == pytest.approx(0.5) and told["roofline_bound"] == "compute"
    assert told["roofline_ms"] == pytest.approx(5.0) and "roofline_missing" not in told
    assert made.metrics(1e-3, "lower")["roofline_fraction"] == pytest.approx(1.0)
    assert made.metrics(4e-4, "lower")["roofline_fraction"] == pytest.approx(2.5)  # it is shown as it is
    double = Work(10**9, 1, 1, 0, 0, "float64")
    told = roof(tmp_path, work=double).metrics(1e-3, "fp32-accurate")
    assert told["roofline_fraction"] is None and "not measured" in told["roofline_missing"]


def test_a_verdict_has_a_fraction_and_the_ceilings_are_kept(judge):
    made = judge.ground.roof
    judge.warm()
    made.ready()
    kept = list((judge.ground.baselines.folder.parents[1] / "ceilings").iterdir())
    assert made.missing == "" and len(kept) == 1
    assert made.work.flops == 2 * 64 * (128 * 96 + 96 * 32)
    written = 4 * 64 * 32
    assert made.work.written_bytes == written >= made.work.changing_bytes > 0.9 * written
    first, stamp = made.ceilings, kept[0].read_bytes()
    made.prepare()
    assert made.ceilings == first or not first.calm
    assert kept[0].read_bytes() == stamp or not first.calm  # measured once
    found = judge.measure(judge.prepare(Program.single(candidate("return RESULT"))))
    assert found.status is Status.OK, found.feedback
    m = found.metrics
    assert 0 < m["roofline_fraction"] < 1.5 and m["roofline_bound"] in ("memory", "compute")
    assert m["roofline_ms"] == pytest.approx(m["roofline_fraction"] * m["latency_ms"])
    assert "of the roofline" in found.feedback
    kept[0].write_text("{")  # a crash in the middle of writing
    made.prepare()
    assert kept[0].read_bytes() != b"{" and made.ceilings.tflops["fp32"] > 0


@pytest.mark.slow
def test_a_program_that_is_faster_than_memory_is_rejected(judge, monkeypatch):
    """The whole way from the clock to the verdict, on a machine whose caches are said to be slow."""
    judge.warm()
    made = judge.ground.roof
    made.ready()
    low = Ceilings("cpu", 1, 1e-9, 1e-9, {}, None, True, NOW)
    monkeypatch.setattr(made, "ceilings", low)
    monkeypatch.setattr("kernelevo.kernels.baselines.roof.fastest", _baseline_at_rest())
    artifact = judge.prepare(Program.single(candidate("return RESULT")))
    found = judge.measure(artifact)
    assert found.status is Status.OK, found.feedback  # they were measured again, and are higher
    assert made.ceilings.cached_gbs > 1.0
    monkeypatch.setattr(made, "ceilings", low)
    monkeypatch.setattr(made, "measure", lambda: None)
    found = judge.measure(artifact)
    assert found.status is Status.REJECTED and "faster than this machine can be" in found.feedback
    assert found.score is None


def _baseline_at_rest():
    """The duel as it is, but for a baseline that stands far away from the floor."""
    calls = []

    def told(floor, read, written, batches):
        calls.append(1)
        return (0.0, 0, 0.0) if len(calls) % 2 else fastest(floor, read, written, batches)

    return told
