"""Conduct of programs: what a child said is compared as if it lied, and memory is never shared."""

from types import SimpleNamespace

import pytest
import torch

from kernelevo.core import Status
from kernelevo.kernels import conduct
from kernelevo.kernels.answer import Answer
from kernelevo.kernels.checking import Checker, Sample, _surely
from kernelevo.kernels.correctness import compare
from kernelevo.kernels.failed import Failed
from kernelevo.kernels.oracle import Observed
from kernelevo.kernels.tree import flatten

SESSION = SimpleNamespace(setting=SimpleNamespace(returns_input=(True, True)))
"""Of a task that may hand inputs on, so that only the calls' own memory is looked at."""


def results(*spans):
    return [Answer("", (), tuple(each)) for each in spans]


@pytest.mark.parametrize(
    "spans",
    [
        ([(0, 100)], [(50, 150)]),
        ([(0, 100), (10, 20)], [(30, 40)]),
        ([(0, 100), (0, 5)], [(120, 130), (90, 95)]),
        ([(200, 300)], [(0, 100)], [(110, 250)]),
    ],
)
def test_calls_that_share_memory_are_refused_whatever_lies_between(spans):
    with pytest.raises(Failed, match="share memory") as caught:
        conduct.own_memory(SESSION, results(*spans))
    assert caught.value.status is Status.REJECTED


def test_parts_of_one_result_may_share_memory():
    conduct.own_memory(SESSION, results([(0, 100), (10, 20), (0, 100)], [(100, 110)], [(120, 130)]))


def test_a_structure_that_promises_other_leaves_is_no_answer():
    """A child says both; the comparison of leaf with leaf would break, as if the judge did."""
    one = torch.ones(2)
    truth = Observed("pair", (one, one), {}, False)
    short = Answer("pair", (one,), ())
    assert not _surely(short, truth, (0.0, 0.0))
    report = compare(Observed("pair", (one,), {}, False), truth, truth, (0.0, 0.0), {})
    assert not report.ok and "structure" in report.explain()


def test_inputs_that_the_module_refuses_ask_nothing_of_a_program():
    """Of a kind that it takes, one draw may be out of its range; a program that raises then is right."""

    def evaluate(args, seed):
        if args[0] > 1:
            raise ValueError("values must be from 0 to 1")
        return Observed("*", (torch.ones(2),), {}, False)

    pool = SimpleNamespace(answers=lambda _: evaluate, error_for=lambda *_: (0.0,))
    checker = Checker(pool)
    stream = SimpleNamespace(near=lambda pick: [pick.value])
    good, bad = (SimpleNamespace(value=v, seed=1, distribution="rows") for v in (0.5, 2.0))
    arguments = flatten((0.0,))[0]
    assert checker.takes(stream, arguments, [good], None)
    assert not checker.takes(stream, arguments, [good, bad], None)
    samples = [Sample((pick,), Answer("*", (torch.ones(2),), ()), None) for pick in (bad, good)]
    ((pick, report),) = checker.reports(stream, arguments, samples)
    assert pick is good and report.ok and report.fine


def test_a_program_that_changes_its_parameters_is_refused():
    """A drop-in shares them with its caller's module."""
    kept = {"weight": torch.ones(3), "bias": torch.zeros(2)}
    conduct.parameters_kept(SimpleNamespace(parameters=lambda: dict(kept)), kept)
    changed = {**kept, "bias": torch.full((2,), 1e-30)}
    with pytest.raises(Failed, match="writes to its own parameter 'bias'") as caught:
        conduct.parameters_kept(SimpleNamespace(parameters=lambda: changed), kept)
    assert caught.value.status is Status.REJECTED
