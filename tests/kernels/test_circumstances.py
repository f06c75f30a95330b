"""A winner is called with one thread too, as a data loader's worker calls it."""

from types import SimpleNamespace

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels import circumstances
from kernelevo.kernels.judge import KernelJudge
from tests.kernels.conftest import MODEL, task_of

PARTS = (
    MODEL.partition("def get_inputs")[0]
    .rstrip()
    .replace("class Model(", "{known}\n\n\nclass ModelNew(")
    .replace("return self.out", "y = self.out")
    + """
        parts, threads = {parts}, torch.get_num_threads()
        result = torch.zeros_like(y)
        for i in range(threads):  # one each, as a parallel region does
            rows = slice(len(y) * i // parts, len(y) * (i + 1) // parts)
            result[rows] = y[rows]
        return result
"""
)


def test_one_thread_has_as_much_more_time_as_it_has_less_help():
    """Where 64 threads are usual, 30 times a call of theirs may be less than one call of one."""
    asked, seen = [], []
    report = SimpleNamespace(ok=True)
    session = SimpleNamespace(patience=20.0, ask=lambda name, **how: asked.append((name, how)))
    checker = SimpleNamespace(case=lambda *_: seen.append(session.patience) or report)
    ground = SimpleNamespace(device="cpu", supervisor=SimpleNamespace(threads=64), checker=checker)
    assert circumstances._with_one_thread(ground, session, [(None, None)]) is None
    assert seen == [64 * 20.0] and session.patience == 20.0
    assert asked == [("threads", {"count": 1}), ("threads", {"count": 64})]


@pytest.mark.parametrize(
    ("known", "parts", "words"),
    [
        ("PARTS = torch.get_num_threads()", "PARTS", "in a call after torch.set_num_threads(1)"),
        pytest.param("", "torch.get_num_threads()", "", marks=pytest.mark.slow),
    ],
    ids=["asked once", "asked in each call"],
)
def test_the_number_of_threads_may_change(build_cache, known, parts, words):
    program = Program.single(PARTS.format(known=known, parts=parts))
    with KernelJudge(
        task_of(MODEL), cache=build_cache, compiled=(), search_seconds=0.1, final_seconds=0.3, threads=2
    ) as judge:
        artifact = judge.prepare(program)
        found = judge.measure(artifact)
        assert found.status is Status.OK, found.feedback  # a search does not look at it
        final = judge.finalize(artifact)
    assert words in final.feedback and final.status is (Status.WRONG if words else Status.OK), final.feedback
