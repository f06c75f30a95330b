"""Lengths: batches that are long enough, and no more of them before the first that counts than it takes."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

from kernelevo.kernels.timing import lengths as room
from kernelevo.kernels.timing.lengths import SHARE, SHORTEST, Lengths
from kernelevo.kernels.timing.overhead import Overhead
from kernelevo.kernels.timing.series import Tally

TRIP = 2e-4


class Process:
    """A subject whose calls take some seconds each, and whose calls of each further batch fault so often."""

    def __init__(self, seconds: float, faults: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
        self.session: Any = SimpleNamespace(
            child=SimpleNamespace(pid=1), setting=SimpleNamespace(capacity=1000)
        )
        self.seconds, self.faults, self.total = seconds, faults, 0.0
        self.ran: list[int] = []
        monkeypatch.setattr(room, "page_faults", lambda pid: self.total)

    def run(self, session: Any, calls: int) -> Any:
        self.ran.append(calls)
        self.total += calls * self.faults[min(len(self.ran), len(self.faults)) - 1]
        return SimpleNamespace(calls=calls, seconds=TRIP + calls * self.seconds)

    def sized(self) -> tuple[Tally, int]:
        """Return the tally, and how many batches there were before settling."""
        made, tally = Lengths(Overhead(TRIP, 0.0), 0.5, self.run), Tally()
        made.size(self.session, tally)
        before = len(self.ran)
        made.settle(self.session, tally)
        return tally, before


@pytest.mark.parametrize("seconds", [1e-6, 3e-5, 1e-3, 0.2, 3.0])
def test_the_trip_is_a_small_share_of_a_batch(seconds, monkeypatch):
    tally, _ = Process(seconds, [0.0], monkeypatch).sized()
    wanted = max(TRIP / SHARE, SHORTEST)
    assert tally.calls == min(1000, max(1, math.ceil(wanted / seconds - 1e-9)))


@pytest.mark.parametrize(
    ("faults", "further"),
    [
        ([9000.0, 0.0], 0),  # the first call alone wanted memory
        ([9000.0, 1.0], 0),
        ([9000.0, 500.0, 0.0], 1),
        ([9000.0, 500.0, 100.0, 3.0, 2.9], 3),
        ([9000.0, 500.0, 499.0], 1),  # one that asks for memory in each call never settles
        ([9000.0, 500.0, 700.0], 1),
        ([9000.0, 500.0, 300.0, 290.0], 2),
    ],
)
def test_batches_run_until_the_process_no_longer_wants_less_memory(faults, further, monkeypatch):
    process = Process(0.2, faults, monkeypatch)
    tally, before = process.sized()
    assert (tally.calls, before, len(process.ran) - before) == (1, 2, further)


def test_a_batch_that_was_shorter_than_those_to_come_says_nothing_of_their_memory(monkeypatch):
    process = Process(1.2e-2, [0.0], monkeypatch)
    tally, before = process.sized()
    assert (tally.calls, process.ran[:before], process.ran[before:]) == (2, [1, 1], [2])
