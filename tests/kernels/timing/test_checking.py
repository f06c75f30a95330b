"""Conduct of programs: what a child said is compared as if it lied, and memory is never shared."""

from types import SimpleNamespace

import pytest
import torch

from kernelevo.core import Program, Status
from kernelevo.kernels.children.answer import Answer
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.reference.correctness import compare
from kernelevo.kernels.reference.oracle import Observed
from kernelevo.kernels.reference.tree import flatten
from kernelevo.kernels.timing import conduct
from kernelevo.kernels.timing.checking import Checker, Sample, _surely
from tests.kernels.conftest import candidate

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

    pool = SimpleNamespace(answers=lambda _: evaluate, group_for=lambda *_: SimpleNamespace(e_ref=(0.0,)))
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


def test_parameters_that_a_subject_has_already_are_not_written_again(judge):
    """Programs pack weights that were written to; buffers, which calls move, are put back all the same."""
    artifact, ground = judge.prepare(Program.single(candidate("return RESULT"))), judge.ground
    ground.make_ready()
    pool, checker = ground.pool, ground.checker
    pool.fill()
    written = []
    half = next(g.parameters for g in pool.groups if g.parameters.only)
    with judge._stages.enter(ground, artifact) as session:
        load = session.load

        def noted(state, way, only=()):
            written.append((way, set(only) or set(state)))
            load(state, way, only)

        session.load = noted
        checker.place(session, pool.shipped, fresh=True)
        assert written == []  # the constructor has brought them

        def placed(parameters):
            written.clear()
            checker.place(session, parameters)
            has = session.parameters() | session.buffers()[0]
            wanted = pool.state | (parameters.state or {})
            assert all(torch.equal(has[name], value) for name, value in wanted.items())
            checker._call(session, pool.first)
            return list(written)

        buffers = set(pool.state) - pool.parameters
        assert placed(pool.shipped) == [("in place", buffers)]
        assert placed(half) == [("in place", set(half.only))]  # the call before had the module's own
        assert placed(pool.shipped) == [("load", set(pool.state))]
        assert placed(pool.timed) == [("in place", set(pool.state))]
        assert placed(pool.timed) == [("in place", buffers)]
        assert placed(half) == [("in place", set(pool.state)), ("in place", set(half.only))]
        session.load(pool.state, "load")
        assert placed(half)[0] == ("in place", set(pool.state))  # whoever writes beside it is not trusted


def test_what_is_hashed_of_a_batch_is_bounded():
    """A few elements of a huge tensor would fill the judge's memory before any value is compared."""
    read = []
    child = SimpleNamespace(read_many=lambda spans: read.append(spans) or [])
    setting = SimpleNamespace(staged=False, most_bytes=1000)
    session = SimpleNamespace(
        setting=setting, child=child, places=lambda batch: [[(0, 400), (9000, 500)], [(0, 1 << 40)]]
    )
    with pytest.raises(Failed, match="far larger in memory") as caught:
        conduct.digest(session, None)
    assert caught.value.status is Status.REJECTED and len(read) == 1


@pytest.mark.parametrize(
    ("spans", "shapes", "refused"),
    [
        ([(0, 32), (0, 32)], [(8,), (8,)], True),
        ([(0, 32), (28, 60)], [(8,), (8,)], True),
        ([(0, 32), (32, 64)], [(8,), (8,)], False),
        ([(0, 60), (4, 64)], [(8,), (8,)], False),  # each other element: two halves of one product
        ([(0, 0), (0, 32)], [(0,), (8,)], False),
    ],
)
def test_tensors_of_one_result_share_no_memory_unless_the_modules_do(spans, shapes, refused):
    answer = Answer("", tuple(torch.zeros(shape) for shape in shapes), tuple(spans))
    conduct.leaves_apart(SimpleNamespace(setting=SimpleNamespace(shares=True)), answer)
    session = SimpleNamespace(setting=SimpleNamespace(shares=False))
    if refused:
        with pytest.raises(Failed, match="two tensors of one result"):
            conduct.leaves_apart(session, answer)
    else:
        conduct.leaves_apart(session, answer)
