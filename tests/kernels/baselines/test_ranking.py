"""Which baseline a program has to beat, by its precision class, and what changes when a better one comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Evaluation
from kernelevo.kernels.baselines.baseline import WAYS, Baseline, ways
from kernelevo.kernels.baselines.ranking import CLASSES, RANK, admits, changes, leaders, opponent
from kernelevo.store.rows import Rebase as Recorded

LIVE = object()


def named(name, slowdown, precision=None, session=LIVE, **how):
    return Baseline(name, "ready", session=session, slowdown=slowdown, precision=precision, **how)


def known(*baselines):
    return {b.name: b for b in baselines}


classes = st.sampled_from([None, *CLASSES])
others = st.lists(
    st.tuples(st.sampled_from([n for n in WAYS if n != "eager"]), st.floats(0.01, 10), classes),
    max_size=6,
    unique_by=lambda b: b[0],
)


@given(others, classes, st.sampled_from(CLASSES))
def test_the_opponent_is_the_fastest_that_is_precise_enough(rest, own, precision):
    everyone = known(named("eager", 1.0, own), *(named(*b) for b in rest))
    found = opponent(everyone, precision)
    rivals = [b for b in everyone.values() if admits(precision, b)]
    if rivals:
        assert found.best in rivals and all(found.best.slowdown <= b.slowdown for b in rivals)
    else:
        assert found.best.name == "eager"
    assert found.factor == 1.0  # all of them are live


@given(others, classes)
def test_a_coarser_program_never_has_an_easier_opponent(rest, own):
    everyone = known(named("eager", 1.0, own), *(named(*b) for b in rest))
    served = [p for p in CLASSES if any(admits(p, b) for b in everyone.values())]
    slowdowns = [opponent(everyone, p).best.slowdown for p in sorted(served, key=RANK.__getitem__)]
    assert slowdowns == sorted(slowdowns, reverse=True)


def test_a_kept_ratio_is_read_against_eager():
    compiled = named("compile", 0.8)
    kept = named("compile-max-autotune", 0.5, "fp32-accurate", session=None, kept="2026-01-31")
    found = opponent(known(named("eager", 1.0), compiled, kept), "fp32-accurate")
    assert found.best is kept and found.anchor.name == "eager" and found.factor == 0.5


def test_a_failed_or_unmeasured_baseline_is_no_opponent():
    failed = Baseline("compile", "failed", slowdown=0.1, session=LIVE)
    fresh = Baseline("graphed", "ready", session=LIVE)
    assert opponent(known(named("eager", 1.0), failed, fresh), "lower").best.name == "eager"


@given(others, st.sampled_from(list(WAYS)), st.floats(0.01, 10), classes)
def test_rebased_scores_are_those_against_the_new_leaders(rest, name, slowdown, precision):
    everyone = known(named("eager", 1.0, "tf32"), *(named(*b) for b in rest))
    before = leaders(everyone)
    if name not in everyone:
        everyone[name] = named(name, slowdown, precision)
    after = leaders(everyone)
    events = [
        Recorded(e.old, e.new, e.factor, {"precisions": list(e.precisions)}) for e in changes(before, after)
    ]
    for one in CLASSES:
        old = before[one]
        verdict = Evaluation.ok(3.0 * old[1], baseline=old[0], precision=one)
        for event in events:
            verdict = event.apply(verdict)
        assert verdict.metrics["baseline"] == after[one][0]
        assert verdict.score == pytest.approx(3.0 * after[one][1])


def test_the_cpu_has_the_baselines_that_differ_there():
    assert ways(on_device=False, at_once=True) == ("eager",)
    assert ways(on_device=False, at_once=False) == ("compile", "compile-max-autotune")
    assert {*ways(on_device=True, at_once=True), *ways(on_device=True, at_once=False)} == set(WAYS)
