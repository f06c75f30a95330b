"""Runs inside a running event loop, as in a notebook's cell."""

import asyncio
import signal
import threading
import time

import pytest

from kernelevo import api
from kernelevo.api.apart import apart
from kernelevo.config import load_settings
from kernelevo.errors import KernelEvoError
from kernelevo.store import RunStore

pytestmark = pytest.mark.usefixtures("elsewhere")


def in_a_cell(work):
    """Do some work as a cell does it: the event loop is running, Ctrl-C is Python's own."""

    async def cell():
        return work()

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(cell())
    finally:
        loop.close()


def tour(budget):
    flags = {"budget": budget, "proposers": ["mailbox"], "mailbox": "box", "out": "run"}
    return api.run_task("tour.py:tour", load_settings(flags))


def test_without_a_loop_it_is_done_here():
    assert apart(threading.get_ident) == threading.get_ident()


@pytest.mark.slow
def test_a_run_in_a_cell_and_its_resumption():
    result = in_a_cell(lambda: tour("1s"))
    assert (result.state, result.best.number, result.evaluation.score) == ("done", 0, 3.0)
    result = in_a_cell(lambda: api.resume("run", budget="1s"))
    assert (result.state, len(result.trials)) == ("done", 1)


def test_what_it_raises_is_raised():
    def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        in_a_cell(lambda: apart(fails))


@pytest.mark.parametrize("thread", ["main", "another"])
def test_an_interrupt_stops_the_run_gently(thread, interruptible):
    def press():
        while True:
            time.sleep(0.2)
            try:
                if any(trial.evaluation for trial in api.load_run("run").trials):
                    break
            except KernelEvoError:  # it is not there yet
                continue
        told = threading.main_thread() if thread == "main" else threading.current_thread()
        signal.pthread_kill(told.ident, signal.SIGINT)

    threading.Thread(target=press).start()
    result = in_a_cell(lambda: tour("60s"))
    assert result.state == "stopped" and result.evaluation.score == 3.0


@pytest.mark.slow
def test_a_new_budget_holds_against_earlier_orders_and_for_those_who_resume_later():
    tour("1s")
    with RunStore.open("run") as store:
        store.append_event("budget", {"limits": {"trials": 1.0}, "text": "1"})
    api.resume("run", budget="2s")
    with RunStore.open("run") as store:
        (_, last) = [event.data for event in store.events(kind="budget")]
    assert last["limits"]["seconds"] >= 3.0 and "trials" not in last["limits"]  # beyond what was used
