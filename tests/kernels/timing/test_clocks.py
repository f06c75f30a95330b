"""The clocks beside the score: what a child said becomes a number or a null with its reason."""

import math

import pytest

from kernelevo.core import Status
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.timing.clocks import NAMES, asked, launch_bound, named, seen, told, words
from kernelevo.kernels.timing.series import Tally
from kernelevo.kernels.verdict import NAMES as ALL


class Talker:
    """A session that answers what it was given, or breaks."""

    def __init__(self, spans, profile, batch=None):
        self.answers, self._batch = {False: spans, True: profile}, batch

    def batch(self, write, seeds):
        if self._batch is not None:
            raise self._batch

    def ask(self, do, *, profile, timeout):
        assert do == "spans" and timeout > 0
        answer = self.answers[profile]
        if isinstance(answer, Failed):
            raise answer
        return answer


class OneValue:
    def pick(self):
        return type("Pick", (), {"seed": 1})()

    def values(self, picks):
        return picks


BROKE = Failed(Status.CRASHED, "it broke")
SPANS = {"held_ns": 5e4, "graph_replay_ns": 4e4, "missing": {}}


def test_every_verdict_has_them():
    assert set(NAMES) <= set(ALL)


def test_all_three():
    tally = Tally(own=[1e-4, 3e-4, 2e-4], clocks=[1500.0, None, 1530.0])
    found = told(Talker(SPANS, {"profiled_ns": 6e4}), tally, OneValue(), full=True, profile=True)
    assert found["stream_ms"] == pytest.approx(0.2) and found["graph_replay_ms"] == 0.04
    assert (found["device_span_ms"], found["device_span_by"]) == (0.06, "CUPTI")
    assert found["sm_clock_mhz"] == 1515.0 and found["sm_clock_spread"] == pytest.approx(30 / 1515)
    assert found["launch_bound"] is True and not any(k.endswith("span_missing") for k in found)


def test_without_a_profiler_the_held_stream_stands_in_and_says_so():
    found = asked(Talker(SPANS, BROKE), OneValue(), profile=True)
    assert found["device_span_ms"] == 0.05 and "held" in found["device_span_by"]
    assert "it broke" in found["device_span_missing"]


def test_who_is_not_to_be_profiled_is_not():
    found = asked(Talker(SPANS, BROKE), OneValue(), profile=False)
    assert found["device_span_ms"] == 0.05 and found["graph_replay_ms"] == 0.04
    assert "a winner alone" in found["device_span_missing"]


@pytest.mark.parametrize("talker", [Talker(BROKE, BROKE), Talker(SPANS, SPANS, BROKE)])
def test_a_process_that_breaks_costs_nothing_but_its_numbers(talker):
    found = asked(talker, OneValue(), profile=True)
    assert found["device_span_ms"] is None and found["graph_replay_ms"] is None
    assert "it broke" in found["graph_replay_missing"] and found["device_span_missing"]


@pytest.mark.parametrize("value", [None, "5", True, -1.0, 0, math.nan, math.inf, [5]])
def test_words_that_are_no_time_are_none(value):
    found = named({"held_ns": value, "graph_replay_ns": value, "missing": 3}, {"profiled_ns": value})
    assert found["device_span_ms"] is None and found["graph_replay_ms"] is None
    assert found["graph_replay_missing"] and found["device_span_missing"]


def test_a_rough_verdict_asks_nothing():
    found = told(Talker(BROKE, BROKE, BROKE), Tally(), OneValue(), full=False, profile=True)
    assert found["stream_ms"] is None and found["launch_bound"] is None
    assert seen(Tally(missing={"spin": "no"}))["instruments_missing"] == "spin: no"


def test_launches_decide_where_the_stream_is_slower_than_the_device():
    assert launch_bound({"stream_ms": 1.0, "device_span_ms": 0.99}) is False
    assert launch_bound({"stream_ms": 1.0, "device_span_ms": 0.5}) is True
    assert launch_bound({"stream_ms": 1.0, "device_span_ms": None}) is None
    assert words({}) is None and words({"b": "2", "a": "1"}) == "a: 1; b: 2"
