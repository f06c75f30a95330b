"""The Chrome trace: every span is there, in the right pool, and no two of one lane overlap."""

import itertools
import json
from collections import defaultdict
from typing import Any

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


def of(trace: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [event for event in trace["traceEvents"] if event["ph"] == kind]


@given(st.lists(st.tuples(spans, spans, spans), max_size=25))
def test_lanes_hold_one_span_at_a_time_and_are_as_few_as_possible(rows: list[Any]) -> None:
    timeline = Timeline(
        [trial(n) for n in range(len(rows))],
        {n: row[0] for n, row in enumerate(rows)},
        {n: {"build": row[1], "measure": row[2]} for n, row in enumerate(rows)},
    )
    trace = json.loads(json.dumps(chrome_trace(timeline, name="r")))
    found = of(trace, "X")
    assert len(found) == 3 * len(rows)
    assert sum(e["pid"] == GENERATION for e in found) == len(rows)
    by_lane = defaultdict(list)
    for event in found:
        by_lane[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for lane in by_lane.values():
        lane.sort()
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(lane))
    at_once = max(
        (sum(a <= b[0] < e for a, e in (row[0] for row in rows)) for b in (row[0] for row in rows)), default=0
    )
    lanes = {tid for pid, tid in by_lane if pid == GENERATION}
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


def test_an_empty_run_is_an_empty_timeline() -> None:
    assert of(chrome_trace(Timeline([]), name="r"), "X") == []
