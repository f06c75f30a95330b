"""The Chrome trace: every span is there, in the right pool, and the file is what its viewers ask for."""

import json
import math
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Evaluation, Fault, Origin, Program, Trial
from kernelevo.report.trace import EVALUATION, GENERATION, Timeline, chrome_trace

moments = st.integers(0, 1000).map(lambda n: n / 10)
spans = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))


def trial(number: int, score: float | None = 1.0, **more: Any) -> Trial:
    program = Program.single(f"x = {number}", origin=Origin("toy", "idea"))
    evaluation = Evaluation.wrong("no") if score is None else Evaluation.ok(score)
    return Trial(number, program, evaluation, ended=100.0 + number, **more)


# what the Trace Event Format asks of each phase that is used, beside ph, name, pid and tid
NEEDS = {
    "X": {"ts", "dur", "cat", "args"},
    "i": {"ts", "s", "cat", "args"},
    "C": {"ts", "args"},
    "M": {"args"},
}


def whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def checked(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """Read a trace as its viewers do, and fail on whatever one of them drops or draws wrongly."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    found = json.loads(json.dumps(trace), parse_constant=refuse)
    assert set(found) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert found["displayTimeUnit"] in ("ms", "ns") and type(found["otherData"]) is dict
    processes: dict[int, str] = {}
    threads: dict[int, tuple[int, str]] = {}
    slices: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in found["traceEvents"]:
        assert set(event) == {"ph", "name", "pid", "tid"} | NEEDS[event["ph"]]
        assert type(event["name"]) is str and event["name"] and type(event["args"]) is dict
        assert whole(event["pid"]) and event["pid"] and whole(event["tid"]) and event["tid"]
        assert whole(event.get("ts", 0)) and whole(event.get("dur", 0))
        assert type(event.get("cat", "")) is str
        if event["ph"] == "M":
            name = event["args"]["name"]
            assert set(event["args"]) == {"name"} and type(name) is str and name
            if event["name"] == "process_name":
                assert event["pid"] not in processes
                processes[event["pid"]] = name
            else:
                assert event["name"] == "thread_name" and event["tid"] not in threads  # named by tid alone
                threads[event["tid"]] = (event["pid"], name)
        elif event["ph"] == "X":
            slices[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
        elif event["ph"] == "i":
            assert event["s"] in ("g", "p", "t")
        else:
            series = event["args"].values()
            assert series and all(type(v) in (int, float) and math.isfinite(v) for v in series)
    assert all(event["pid"] in processes for event in found["traceEvents"])
    assert not set(threads) & set(processes)  # a thread with its process's number is its main thread
    assert len(set(threads.values())) == len(threads)
    for (pid, tid), rows in slices.items():
        assert threads[tid][0] == pid
        end = 0
        for began, ended in sorted(rows):  # they may come in any order, but one thread's never overlap
            assert end <= began
            end = ended
    return found["traceEvents"]


def of(trace: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [event for event in trace["traceEvents"] if event["ph"] == kind]


@given(st.lists(st.tuples(spans, spans, spans), max_size=25))
def test_lanes_hold_one_span_at_a_time_and_are_as_few_as_possible(rows: list[Any]) -> None:
    timeline = Timeline(
        [trial(n) for n in range(len(rows))],
        {n: row[0] for n, row in enumerate(rows)},
        {n: {"build": row[1], "measure": row[2]} for n, row in enumerate(rows)},
    )
    trace = chrome_trace(timeline, name="r")
    checked(trace)
    found = of(trace, "X")
    assert len(found) == 3 * len(rows)
    assert sum(e["pid"] == GENERATION for e in found) == len(rows)
    at_once = max(
        (sum(a <= b[0] < e for a, e in (row[0] for row in rows)) for b in (row[0] for row in rows)), default=0
    )
    lanes = {e["tid"] for e in found if e["pid"] == GENERATION}
    instant = sum(row[0][0] == row[0][1] for row in rows)  # a span without length meets nobody
    assert at_once <= len(lanes) <= at_once + instant


def test_times_are_microseconds_since_the_first_event_and_facts_are_kept() -> None:
    faulty = Trial(1, Program.single("y"), None, Fault("WorkerDied", "gone"), ended=60.0)
    timeline = Timeline(
        [trial(0, 2.0), faulty, trial(2, None)],
        {0: (10.0, 10.5)},
        {0: {"build": (11.0, 12.0), "measure": (12.0, 12.25)}, 1: {"measure": (13.0, 14.0)}},
        [("sitting", 9.0, {}), ("order hint", 20.0, {"text": "a"}), ("unknown", 30.0, {})],
    )
    trace = chrome_trace(timeline, name="run-1")
    ask, build, measure, broken = sorted(of(trace, "X"), key=lambda e: e["ts"])
    assert (ask["pid"], ask["name"], ask["ts"], ask["dur"]) == (GENERATION, "#0 toy", 1_000_000, 500_000)
    assert (build["pid"], build["dur"], measure["dur"]) == (EVALUATION, 1_000_000, 250_000)
    assert measure["args"]["score"] == 2.0 and broken["args"]["outcome"] == "fault: WorkerDied"
    names = {e["args"]["name"] for e in of(trace, "M")}
    assert {"run-1: generation", "run-1: evaluation", "ask 0", "builder 0", "measurer 0"} <= names
    instants = [(e["name"], e["ts"]) for e in of(trace, "i")]
    assert instants == [("sitting", 0), ("order hint", 11_000_000)]
    assert [e["args"]["score"] for e in of(trace, "C")] == [2.0]


ticks = st.integers(0, 40).map(lambda n: 1_795_000_000 + n * 2.5e-7)  # a clock's floats are this coarse
close = st.tuples(ticks, ticks).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(close, min_size=1, max_size=12))
def test_slices_that_touch_do_not_overlap_once_they_are_whole_microseconds(rows: list[Any]) -> None:
    trials = [trial(n) for n in range(len(rows))]
    checked(chrome_trace(Timeline(trials, dict(enumerate(rows))), name="r"))


def test_a_rounded_length_does_not_reach_into_the_next_slice() -> None:
    spans = {0: (0.0, 0.6e-6), 1: (0.6e-6, 2.4e-6), 2: (2.4e-6, 4e-6)}
    found = of(chrome_trace(Timeline([trial(n) for n in spans], spans), name="r"), "X")
    assert [(e["ts"], e["dur"]) for e in found] == [(0, 1), (1, 1), (2, 2)]
    assert len({e["tid"] for e in found}) == 1


def test_the_best_so_far_leaves_out_what_was_refuted() -> None:
    trials = [trial(0, 1.0), trial(1, 9.0), trial(2, 2.0)]
    found = chrome_trace(Timeline(trials, out={trials[1].program.id}), name="r")
    assert [e["args"]["score"] for e in of(found, "C")] == [1.0, 2.0]


def test_facts_that_json_does_not_have_become_words() -> None:
    told = {"seconds": math.inf, "rows": ({"x": math.nan},), "score": 1.0, "none": None}
    trace = chrome_trace(Timeline([], events=[("prepared", 5.0, told)]), name="r")
    checked(trace)
    assert of(trace, "i")[0]["args"] == {"seconds": "inf", "rows": [{"x": "nan"}], "score": 1.0, "none": None}


def test_a_run_whose_times_were_not_recorded_begins_at_its_first_trial() -> None:
    found = chrome_trace(Timeline([trial(3, 1.0), trial(5, 2.0)]), name="r")
    assert [(e["ts"], e["args"]) for e in of(found, "C")] == [
        (0, {"score": 1.0}),
        (2_000_000, {"score": 2.0}),
    ]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"ph": "X", "name": "a", "cat": "x", "pid": 1, "tid": 101, "ts": 4, "dur": 4, "args": {}},
        {"ph": "X", "name": "a", "cat": "x", "pid": 1, "tid": 999, "ts": 90, "dur": 4, "args": {}},
        {"ph": "X", "name": "a", "cat": "x", "pid": 1, "tid": 101, "ts": 90, "args": {}},
        {"ph": "X", "name": "a", "cat": "x", "pid": 1, "tid": 101, "ts": 90.5, "dur": 4, "args": {}},
        {"ph": "M", "name": "thread_name", "pid": 2, "tid": 101, "args": {"name": "again"}},
        {"ph": "M", "name": "thread_name", "pid": 1, "tid": 2, "args": {"name": "a process's number"}},
        {"ph": "C", "name": "best", "pid": 3, "tid": 3, "ts": 1, "args": {"score": None}},
        {"ph": "i", "name": "b", "cat": "x", "s": "all", "pid": 3, "tid": 3, "ts": 1, "args": {}},
        {"ph": "i", "name": "b", "cat": "x", "s": "g", "pid": 9, "tid": 3, "ts": 1, "args": {}},
        {"ph": "i", "name": "b", "cat": "x", "s": "g", "pid": 3, "tid": 3, "ts": 1, "args": {"x": math.nan}},
    ],
)
def test_the_check_of_these_tests_sees_what_is_wrong(spoilt: dict[str, Any]) -> None:
    trace = chrome_trace(Timeline([trial(0)], {0: (10.0, 10.00001)}), name="r")
    checked(trace)
    trace["traceEvents"].append(spoilt)
    with pytest.raises((AssertionError, KeyError)):
        checked(trace)


def test_an_empty_run_is_an_empty_timeline() -> None:
    trace = chrome_trace(Timeline([]), name="r")
    checked(trace)
    assert of(trace, "X") == []
