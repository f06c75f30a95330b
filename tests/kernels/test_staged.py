"""Inputs and outputs copied to the child's place and back, as on a device; here the place is the CPU."""

import pytest

from kernelevo.core import Program, Status
from kernelevo.device import facts
from kernelevo.kernels.children.shared_outputs import HostReader
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.timing import clocks
from tests.kernels.conftest import AHEAD, MODEL, candidate, stop_batches, task_of


@pytest.fixture(scope="module")
def staged(build_cache):
    with KernelJudge(
        task_of(MODEL),
        cache=build_cache,
        compiled=(),
        search_seconds=0.3,
        final_seconds=0.9,
        forward_patience=4.0,
        staged=True,
    ) as made:
        yield made


def verdict(judge, body):
    return judge.measure(judge.prepare(Program.single(candidate(body))))


def test_a_right_program_is_right(staged):
    found = verdict(staged, "return RESULT")
    assert found.status is Status.OK, found.feedback
    assert found.metrics["max_abs_error"] == 0.0 and found.metrics["latency_ms"] > 0
    assert found.metrics["timed_outputs_verified"] > 0 and found.metrics["precision"] == "fp32-accurate"


KEPT = """
if not hasattr(self, 'kept'):
    self.kept = torch.empty(x.shape[0], 32)
self.kept.copy_(RESULT)
return self.kept
"""
LATE = """
import threading
y = torch.zeros(x.shape[0], 32)
right = RESULT
threading.Timer(0.001, lambda: y.copy_(right)).start()
return y
"""
BAD = {
    "values": ("return RESULT + 1e-3", Status.WRONG, "wrong result"),
    "NaN": ("return RESULT * float('nan')", Status.WRONG, "non-finite"),
    "statistics": ("self.norm.eval()\nreturn RESULT", Status.WRONG, ""),
    "a written input": ("y = RESULT\nx.zero_()\nreturn y", Status.REJECTED, "writes to its input"),
    "an input handed out": ("RESULT\nreturn x[:, :32]", Status.REJECTED, "shares memory with an input"),
    "one buffer for all": (KEPT, Status.REJECTED, "outputs of different calls share memory"),
    "another device": ("return RESULT.to('meta')", Status.WRONG, "'meta'"),
    "another shape": ("return RESULT[:1]", Status.WRONG, "expected float32[64, 32]"),
    "an exception": ("raise ValueError('boo')", Status.CRASHED, "boo"),
}


@pytest.mark.parametrize("body, status, words", BAD.values(), ids=BAD)
def test_bad_programs_get_the_verdict_that_they_get_elsewhere(staged, judge, body, status, words):
    for each in (staged, judge):
        found = verdict(each, body)
        assert found.status is status and words in found.feedback, found.feedback


def test_a_late_write_is_seen(staged):
    assert verdict(staged, LATE).status in (Status.WRONG, Status.REJECTED)


LOOKS_EARLY = """
import kernelevo.kernels.children.worker as w
if not hasattr(w, 'SEEN'):
    w.SEEN, plain = [], w.Worker.do_stage
    def do_stage(own, order):
        said = plain(own, order)
        w.SEEN[:] = [args[0].clone() for args, _ in own._armed]
        return said
    w.Worker.do_stage = do_stage
if any(torch.equal(x, seen) for seen in w.SEEN):
    return RESULT + 1
return RESULT
"""


@pytest.mark.slow
def test_who_takes_the_staging_over_sees_none_of_the_inputs_before_the_clock_runs(staged):
    found = verdict(staged, LOOKS_EARLY)
    assert found.status is Status.OK and found.metrics["timed_outputs_verified"] > 0, found.feedback


@pytest.mark.slow
def test_the_other_clocks_and_the_defences_are_named(staged, judge):
    found = verdict(staged, "return RESULT").metrics
    assert found["stream_ms"] > 0 and "a winner alone" in found["device_span_missing"]
    for name in ("device_span_ms", "graph_replay_ms", "sm_clock_mhz", "sm_clock_spread"):
        assert found[name] is None
    assert "no device" in found["graph_replay_missing"] and "no device" in found["instruments_missing"]
    assert "the parent's own read" in found["defences"]
    plain = verdict(judge, "return RESULT").metrics
    assert all(plain[name] is None for name in clocks.NAMES) and "defences" not in plain
    assert (plain["core_clock_mhz"] is None) == (facts.core_clock() is None)


@pytest.mark.slow
def test_the_flush_is_taken_off_and_measured_again(staged):
    """What the empty program costs holds a flush; it is asked again beside every block."""
    ring = staged.ground.ring
    before = ring.overhead
    assert before.flushed and before.per_call > 0 and before.own_per_call < before.per_call
    verdict(staged, "return RESULT")
    assert ring.overhead is not before


EARLY = """
if not hasattr(self, 'right'):
    import kernelevo.device.instruments as instruments
    self.right = []
    end = instruments.HostInstruments.end
    def early(own):
        import threading
        todo, self.right = self.right, []
        def work():
            import time
            time.sleep(0.02)
            for y, value in todo:
                y.copy_(value)
        threading.Thread(target=work).start()
        return end(own)
    instruments.HostInstruments.end = early
y = torch.zeros(x.shape[0], 32)
self.right.append((y, RESULT))
return y
"""


def test_a_program_that_says_done_too_early_is_seen(staged):
    found = verdict(staged, EARLY)
    assert found.status in (Status.WRONG, Status.REJECTED), found.feedback


@pytest.mark.slow
def test_a_program_that_is_one_call_ahead_is_seen_and_an_honest_one_is_not(staged):
    assert stop_batches(staged, candidate("return RESULT")) > 0
    with pytest.raises(Failed, match="before its turn") as failed:
        for _ in range(4):  # it is met in every other batch
            stop_batches(staged, candidate(AHEAD))
    assert failed.value.status is Status.WRONG


def refuse(self, *_):
    raise RuntimeError("no such call")


def test_a_program_whose_inputs_cannot_be_changed_any_more_is_refused(staged, monkeypatch):
    monkeypatch.setattr(HostReader, "write", refuse)
    with pytest.raises(Failed, match="no such call") as failed:
        stop_batches(staged, candidate(AHEAD))
    assert failed.value.status is Status.REJECTED


@pytest.mark.parametrize("call", ["gather", "fill", "read"])
def test_a_program_whose_memory_cannot_be_reached_any_more_is_refused(staged, monkeypatch, call):
    """It would be told its inputs before the clock from then on."""
    monkeypatch.setattr(HostReader, call, refuse)
    found = verdict(staged, "return RESULT")
    assert found.status is Status.REJECTED and "no such call" in found.feedback


HIDES = """
import kernelevo.device.instruments as instruments
instruments.HostInstruments.segments = lambda *_: None
return RESULT
"""


def test_a_program_that_hides_its_memory_is_refused(staged):
    found = verdict(staged, HIDES)
    assert found.status is Status.REJECTED and "cannot be reached" in found.feedback


@pytest.mark.parametrize("call", ["gather", "fill"])
def test_a_baseline_goes_on_with_copies(staged, monkeypatch, call):
    """Also where it fails in the midst of a batch, whose blank memory was staged by then."""
    import torch

    from kernelevo.kernels.reference.tree import unflatten

    ground = staged.ground
    ground.make_ready()
    with ground.baselines.start(ground.baselines.subject("eager"), "copies") as session:
        ground._make_ready(session, 60.0)
        monkeypatch.setattr(HostReader, call, refuse)
        picks = [ground.stream.pick() for _ in range(3)]
        ground.checker.place(session, ground.pool.groups[0].parameters)
        batch = session.batch(ground.stream.values(picks), [pick.seed for pick in picks])
        answer = session.answer(batch.said, 1, 3)
        assert session.outputs.why == "no such call"
    args = tuple(unflatten(ground.setting.structure, ground.stream.leaves(picks[1])))
    right = ground.pool.answer(ground.pool.groups[0].parameters, args, picks[1].seed)
    torch.testing.assert_close(answer.leaves[0], right.leaves[0])


def test_a_device_that_is_not_here_is_the_machines_fault():
    import torch

    from kernelevo.errors import MachineError

    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with (
        KernelJudge(task_of(MODEL, device="cuda"), compiled=()) as judge,
        pytest.raises(MachineError, match="no device cuda"),
    ):
        judge.warm()
