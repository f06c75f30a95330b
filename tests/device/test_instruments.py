"""Instruments around a batch: what they do, in which order, and what is left when something fails."""

import itertools
from types import SimpleNamespace
from unittest import mock

import pytest
import torch

from kernelevo.device import instruments as module
from kernelevo.device.instruments import DeviceInstruments, HostInstruments, make
from tests.device.fake_driver import FakeApi

LAUNCHED = ("cuMemsetD8Async", "cuLaunchKernel")


class Device:
    """A device's time in seconds; only ``work`` makes it go on."""

    now = 0.0

    @classmethod
    def work(cls):
        cls.now += 0.002


class Event:
    """A device event."""

    def __init__(self, enable_timing=False):
        assert enable_timing

    def record(self, stream):
        self.at = Device.now

    def elapsed_time(self, other):
        return (other.at - self.at) * 1e3

    def synchronize(self):
        pass


@pytest.fixture
def device(monkeypatch):
    """Stand for torch's view of a device; the driver below it is a fake too."""
    stream = SimpleNamespace(cuda_stream=7, synchronize=lambda: None, device=torch.device("cuda:0"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: stream)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: None)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "memory_snapshot", list)
    return torch.device("cuda:0")


def batch(instruments, calls, work=Device.work):
    instruments.ready(calls)
    instruments.begin()
    for _ in range(calls):
        instruments.before()
        work()
        instruments.after()
    return instruments.end()


def test_a_batch_is_flushed_marked_and_stamped(device):
    api = FakeApi()
    instruments = DeviceInstruments(device, b"cubin", api)
    api.calls.clear()
    told = batch(instruments, 3)
    assert told["missing"] == {} and told["mhz"] == pytest.approx(FakeApi.MHZ, rel=1e-3)
    assert told["ns"] == pytest.approx(3 * 2e6, abs=2)
    # one stamp, a flush before each call, one stamp
    assert [c for c in api.calls if c in LAUNCHED] == [LAUNCHED[1], *[LAUNCHED[0]] * 3, LAUNCHED[1]]
    assert "cuCtxResetPersistingL2Cache" in api.calls and api.limits[6] == 0
    assert batch(instruments, 1)["ns"] == pytest.approx(2e6, abs=2)


def test_free_memory_is_poisoned_before_a_batch(device, monkeypatch):
    api = FakeApi()
    base = api.block(64)
    blocks = [{"size": 32, "state": "active_allocated"}, {"size": 32, "state": "inactive"}]
    segment = {"device": 0, "address": base, "segment_pool_id": (0, 0), "blocks": blocks}
    monkeypatch.setattr(torch.cuda, "memory_snapshot", lambda: [segment, {**segment, "device": 1}])
    DeviceInstruments(device, b"cubin", api).ready(1)
    assert api.values(base).tolist() == [0] * 32 + [0xFF] * 32


BROKEN = {
    "cuMemsetD8Async": {"flush"},
    "cuMemAlloc": {"flush", "sm_clock"},
    "cuMemAllocHost": {"spin"},
    "cuModuleLoadData": {"kernels"},
    "cuLaunchKernel": {"sm_clock"},
    "cuCtxSetLimit": {"persisting"},
    "cuMemcpyDtoH": {"sm_clock"},
    "cuInit": {"driver"},
}


@pytest.mark.parametrize("broken, missing", BROKEN.items(), ids=BROKEN)
def test_what_fails_is_left_out_and_named(device, broken, missing):
    instruments = DeviceInstruments(device, b"cubin", FakeApi(broken=[broken]))
    for _ in range(2):
        told = batch(instruments, 2)
        assert told["ns"] == pytest.approx(2 * 2e6, abs=2)
        assert set(told["missing"]) == missing, told["missing"]
        assert all("it does not work" in why for why in told["missing"].values())
        assert (told["mhz"] is None) == bool(missing & {"driver", "kernels", "sm_clock"})


def test_without_a_cubin_the_rest_works(device):
    told = batch(DeviceInstruments(device, None, FakeApi()), 1)
    assert told["mhz"] is None and told["ns"] > 0


def test_memory_that_cannot_be_shared_is_a_reason(device):
    api = FakeApi(broken=["cuIpcGetMemHandle"])
    instruments = DeviceInstruments(device, b"cubin", api)
    assert instruments.segments([api.block(10)]) is None and "cuIpcGetMemHandle" in instruments.missing["ipc"]
    assert instruments.segments([]) is None
    good = FakeApi()
    base = good.block(10)
    [[start, nbytes, _, handle]] = DeviceInstruments(device, b"cubin", good).segments([base + 3])
    assert (start, nbytes, len(handle)) == (base, 10, 128)


def test_a_held_stream_is_released_even_if_the_call_fails(device):
    api = FakeApi()
    instruments = DeviceInstruments(device, b"cubin", api)

    def call():
        if len(api.holds) == 2:
            raise ValueError("boo")

    told = instruments.spans(call)
    assert told["held_ns"] is None and "boo" in told["missing"]["held"]
    assert told["graph_replay_ns"] is None and told["missing"]["graph_replay"]
    # every hold found the flag below its own ticket, and the one before it released
    assert [(flag, ticket) for flag, ticket, _ in api.holds] == [(0, 1), (1, 2)]
    assert instruments._spin._word.value == 2


def test_the_hosts_instruments_count_the_calls_and_not_the_flushes():
    instruments = make({"kind": "host", "cubin": None}, torch.device("cpu"))
    assert isinstance(instruments, HostInstruments) and make(None, torch.device("cpu")) is None
    ticks = itertools.count()
    with mock.patch.object(module, "time", SimpleNamespace(perf_counter_ns=lambda: next(ticks) * 1000)):
        told = batch(instruments, 3, lambda: [next(ticks) for _ in range(4)])
    assert told["ns"] == 3 * 5000 and told["mhz"] is None and told["missing"]["sm_clock"]
