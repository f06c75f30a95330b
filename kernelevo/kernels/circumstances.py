"""Circumstances: a winner is called where others are at work too: with one thread, after another instance."""

from __future__ import annotations

from collections.abc import Sequence

from kernelevo.kernels.cases.case import Case, Group
from kernelevo.kernels.cases.inputs import SHIPPED
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.ground import Ground
from kernelevo.kernels.reference.gaps import Report

_MOST_TWICE = 256 << 20  # bytes of weights of which a second instance, packed too, surely finds room
Cases = Sequence[tuple[Group, Case]]


def look(ground: Ground, session: Session, cases: Cases) -> tuple[Report, str] | None:
    """Call a program that has passed every case in circumstances that no judged call had.

    Args:
        ground: the task's equipment.
        session: the program.
        cases: those that it has passed, one as shipped first.

    Returns:
        The first report that fails, and in which circumstances; None if none does.

    Raises:
        Failed: if the program breaks off or misbehaves.
    """
    return _with_one_thread(ground, session, cases) or _beside_another(ground, session, cases)


def _with_one_thread(ground: Ground, session: Session, cases: Cases) -> tuple[Report, str] | None:
    """Make a call after the number of threads was changed, as where a data loader's worker computes."""
    threads = ground.supervisor.threads
    if ground.device != "cpu" or threads == 1:
        return None
    session.ask("threads", count=1)
    patience = session.patience
    session.patience = threads * patience  # which was measured with all of them
    try:
        report = ground.checker.case(session, *cases[0])
    finally:
        session.patience = patience
    session.ask("threads", count=threads)
    if report.ok:
        return None
    return report, "in a call after torch.set_num_threads(1): the number of threads is asked for in each call"


def _beside_another(ground: Ground, session: Session, cases: Cases) -> tuple[Report, str] | None:
    """Call one instance after another one, whose parameters are others: neither may stand for both."""
    pool, checker = ground.pool, ground.checker
    mine = [pair for pair in cases if pair[1].parameters is pool.timed and pair[1].distribution == SHIPPED]
    theirs = [pair for pair in cases if pair[1].parameters is pool.loaded]
    heavy = ground.setting.weights.nbytes > _MOST_TWICE
    if (
        pool.timed.state is None
        or not mine
        or not theirs
        or heavy
        or ground.setting.stateful
        or session.weights == "by seed"
    ):
        return None
    # both fresh and written to once: whoever goes by version counters takes the one for the other
    weights, seed = pool.weights(pool.base_seed), pool.base_seed
    session.construct(weights, seed)
    reports = [checker.case(session, *mine[0])]
    session.construct(weights, seed, beside=True)
    reports.append(checker.case(session, *theirs[0]))
    session.back()
    reports.append(checker.case(session, mine[0][0], mine[0][1].without_buffers(), placed=True))
    for report in reports:
        if not report.ok:
            return report, "where two instances, whose parameters differ, take turns"
    return None
