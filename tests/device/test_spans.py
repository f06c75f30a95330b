"""A call whose capture breaks off leaves the process as it was."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from kernelevo.device import spans


class Generator:
    """A device's generator, waiting for a capture's end or not."""

    def __init__(self):
        self.waits = False

    def clone_state(self):
        return Generator()

    def graphsafe_set_state(self, state):
        self.waits = state.waits


@pytest.fixture
def device(monkeypatch):
    """Torch's view of a device, as it is after a capture: left halfway where the call raises."""
    found = SimpleNamespace(current="main", generator=Generator())

    @contextmanager
    def graph(made):
        found.current, found.generator.waits = "capture", True
        yield  # what raises inside goes past the lines that would put both back
        found.current, found.generator.waits = "main", False

    @contextmanager
    def stream(other):
        yield

    side = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: side)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: SimpleNamespace(replay=lambda: None))
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: found.current)
    monkeypatch.setattr(torch.cuda, "set_stream", lambda stream: setattr(found, "current", stream))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "default_generators", (found.generator,))
    clock = iter(range(100))
    event = SimpleNamespace(record=lambda stream: None, elapsed_time=lambda end: float(next(clock)))
    monkeypatch.setattr(torch.cuda, "Event", lambda **_: event)
    return found


STREAM = SimpleNamespace(device="cuda:0", wait_stream=lambda other: None, synchronize=lambda: None)


def test_a_capture_that_breaks_off_is_undone(device):
    def call():
        if device.current == "capture":
            raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="not permitted"):
        spans.replay_ns(call, lambda: None, STREAM)
    assert device.current == "main" and not device.generator.waits


def test_replays_are_timed_where_it_ends(device):
    assert spans.replay_ns(lambda: None, lambda: None, STREAM) == 4e6  # the median of 0 to 8 ms
    assert device.current == "main" and not device.generator.waits
