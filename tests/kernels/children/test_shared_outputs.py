"""Outputs read by the parent: windows of every call inside the clock, one whole call after it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Status
from kernelevo.device.driver import Driver, Image
from kernelevo.device.ipc import Exports, Imports
from kernelevo.kernels.children.equipment import Equipment, equip, read_back
from kernelevo.kernels.children.results import describe
from kernelevo.kernels.children.shared_outputs import WINDOW, SharedOutputs
from kernelevo.kernels.faults.failed import Failed
from tests.device.fake_driver import FakeApi


class Memory:
    """A reader of this very process, which counts what it reads."""

    def __init__(self, tensors):
        self.arrays = {t.data_ptr(): t.numpy().reshape(-1).view(np.uint8) for t in tensors}
        self.gathered, self.broken = 0, False

    def take(self, segments):
        if segments != []:
            raise ValueError("no list")

    def read(self, address, nbytes):
        if self.broken:
            raise RuntimeError("it does not work")
        for start, values in self.arrays.items():
            if start <= address and address + nbytes <= start + values.nbytes:
                return values[address - start : address - start + nbytes].copy()
        raise LookupError(f"nothing at {address}")

    def gather(self, pieces):
        self.gathered += sum(n for _, n in pieces)
        return b"".join(self.read(a, n).tobytes() for a, n in pieces)

    def close(self):
        self.broken = True


def results(calls, size):
    tensors = [torch.rand(size) for _ in range(calls)]
    return tensors, {**describe(tensors), "segments": []}


def pieces(tensors):
    return [(t.data_ptr(), t.numel() * 4) for t in tensors]


@given(st.integers(1, 12), st.integers(1, 2000), st.integers(0, 2**32))
def test_a_window_of_every_call_is_taken_and_whole_outputs_hold_it(calls, size, seed):
    tensors, said = results(calls, size)
    memory = Memory(tensors)
    outputs = SharedOutputs(memory, seed)
    outputs.secure(said)
    assert outputs.usable and memory.gathered == calls * min(WINDOW, 4 * size)
    assert outputs.unchanged()
    for tensor, values in zip(tensors, outputs.read(pieces(tensors)), strict=True):
        assert np.array_equal(values, tensor.numpy().view(np.uint8))


@given(st.integers(1, 6), st.integers(1, WINDOW // 4), st.integers(0, 5), st.integers(0, 2**32))
def test_an_output_that_was_late_is_rejected(calls, size, late, seed):
    tensors, said = results(calls, size)
    outputs = SharedOutputs(Memory(tensors), seed)
    outputs.secure(said)
    tensors[late % calls].add_(1.0)  # small outputs are taken whole: every late write shows
    assert not outputs.unchanged()
    with pytest.raises(Failed) as failed:
        outputs.read(pieces(tensors))
    assert failed.value.status is Status.REJECTED and "deferred write" in failed.value.feedback
    others = [p for i, p in enumerate(pieces(tensors)) if i != late % calls]
    assert len(outputs.read(others)) == calls - 1


def test_windows_are_not_where_they_were_before():
    tensors, said = results(1, 100_000)
    outputs = SharedOutputs(Memory(tensors))
    places = set()
    for _ in range(20):
        outputs.secure(said)
        places.add(outputs._windows[0])
    assert len(places) > 15


def test_a_reader_that_fails_is_given_up_and_says_why():
    tensors, said = results(2, 10)
    memory = Memory(tensors)
    outputs = SharedOutputs(memory)
    memory.broken = True
    assert outputs.secure(said) > 0
    assert not outputs.usable and outputs.why == "it does not work"
    silent = SharedOutputs(Memory(tensors))
    silent.secure({**said, "segments": None, "missing": {"ipc": "no such call"}})
    assert not silent.usable and "no such call" in silent.why


def test_of_a_program_nothing_is_given_up():
    tensors, said = results(2, 10)
    memory = Memory(tensors)
    memory.broken = True
    for outputs, words in (
        (SharedOutputs(memory, strict=True), said),
        (SharedOutputs(Memory(tensors), strict=True), {**said, "segments": None}),
    ):
        with pytest.raises(Failed, match="cannot be reached") as failed:
            outputs.secure(words)
        assert failed.value.status is Status.REJECTED


BAD = {
    "no kinds": {"kinds": None},
    "a kind that is not there": {"results": [[0, [[5, 4096]]]]},
    "a negative address": {"results": [[0, [[0, -4096]]]]},
    "an address that is none": {"results": [[0, [[0, "x"]]]]},
    "a negative size": {"kinds": [{"dtype": "float32", "shape": [-1], "stride": [1]}]},
    "no dtype": {"kinds": [{"dtype": "number", "shape": [1], "stride": [1]}]},
    "segments that are none": {"segments": 5},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_a_description_that_is_none_is_rejected(change):
    tensors, said = results(1, 10)
    with pytest.raises(Failed) as failed:
        SharedOutputs(Memory(tensors)).secure({**said, **change})
    assert failed.value.status is Status.REJECTED


def test_over_the_driver_the_same_values_come():
    api = FakeApi()
    driver = Driver(0, api)
    base = api.block(8000)
    api.values(base)[:] = np.arange(8000) % 251
    kinds = [{"dtype": "float32", "shape": [1000], "stride": [1]}]
    said = {"kinds": kinds, "results": [[0, [[0, base]]], [0, [[0, base + 4000]]]]}
    said["segments"] = Exports(driver).of([base, base + 4000])
    outputs = SharedOutputs(Imports(driver, Image(driver, b"")))
    outputs.secure(said)
    [found] = outputs.read([(base + 4000, 4000)])
    assert outputs.usable and np.array_equal(found, api.values(base)[4000:]) and outputs.unchanged()
    api.values(base)[:] = 0
    assert not outputs.unchanged()
    outputs.close()
    assert list(api.blocks) == [base]


def test_the_probe_tells_a_read_that_works_from_one_that_does_not():
    api = FakeApi()
    driver = Driver(0, api)
    base = api.block(20_000)
    wanted = bytes(range(250)) * 40
    api.values(base)[100 : 100 + len(wanted)] = np.frombuffer(wanted, np.uint8)
    said = {"address": base + 100, "segments": Exports(driver).of([base])}
    assert read_back(Imports(driver, Image(driver, b"")), said, wanted) == ""
    assert "not what the child wrote" in read_back(Imports(driver, Image(driver, b"")), said, wanted[::-1])


def test_what_is_in_force_is_named():
    reads = Equipment("device", 0, b"cubin", True)
    assert "the parent's own read" in reads.words() and "copied" not in reads.words()
    assert "copied by the program's own process" in reads.words("no such call")
    assert "no such call" in reads.words("no such call")
    copies = Equipment("device", 0, None, False, {"ipc": "refused", "kernels": "no NVRTC"})
    assert "refused" in copies.words() and "no NVRTC" in copies.words()
    assert copies.outputs(None, strict=True) is None


def test_a_device_that_grants_nothing_is_judged_without(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    found = equip(None, "cuda:0", tmp_path, ("trusted",), staged=True)
    assert found.cubin is None and not found.reads and set(found.missing) == {"kernels", "ipc"}
    assert found.payload() == {"kind": "device", "cubin": None}


def test_the_cpu_needs_no_equipment(tmp_path):
    assert equip(None, "cpu", tmp_path, (), staged=False) is None
