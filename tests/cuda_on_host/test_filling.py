"""The kernels that write and compare pieces of memory, run by the emulation, beside the host's own way."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import torch

from kernelevo.device.filling import Filler, Row
from kernelevo.kernels.children.equipment import timing_source
from kernelevo.kernels.children.filling import HostFiller
from tests.cuda_on_host.host import HostCuda


class Emulated:
    """What ``Filler`` asks of a driver and of an image, with host memory for the device's."""

    def __init__(self):
        self.device, self._held = 0, {}
        source = timing_source()
        self._library = HostCuda(source[source.index("// A table's first row") :])

    def enter(self):
        """There is one context."""

    def allocate(self, nbytes):
        block = np.zeros(nbytes, np.uint8)
        self._held[block.ctypes.data] = block
        return block.ctypes.data

    def free(self, address):
        del self._held[address]

    def write(self, address, source, nbytes):
        ctypes.memmove(address, source, nbytes)

    def read(self, address, into, nbytes):
        ctypes.memmove(into, address, nbytes)

    def launch(self, name, grid, block, stream, values, types):
        table = torch.from_numpy(self._held[values[0]]).view(torch.uint64)
        getattr(self._library, name)[grid, block](table, values[1])


@pytest.fixture(scope="module")
def filler():
    device = Emulated()
    return Filler(device, device)


def rows(values, factors, out):
    """Rows that scale some floats, copy others at odd addresses, and write zeros."""
    at, by, to = values.data_ptr(), factors.data_ptr(), out.data_ptr()
    return [
        Row(at + 40, by + 12, to, 1000),
        Row(at, by, to + 4000, 7, 1e-2),
        Row(at + 3, 0, to + 4100, 301),
        Row(at + 16, 0, to + 4416, 99),
        Row(0, 0, to + 4600, 77),
    ]


def test_fill_writes_what_the_host_writes(filler):
    values, factors = torch.randn(2000), torch.rand(2000)
    found, wanted = torch.full((1300,), 7.0), torch.full((1300,), 7.0)
    filler.fill(rows(values, factors, found))
    HostFiller().fill(rows(values, factors, wanted))
    assert torch.equal(found.view(torch.int32), wanted.view(torch.int32))
    torch.testing.assert_close(found[:1000], values[10:1010] * factors[3:1003], rtol=0, atol=0)
    torch.testing.assert_close(found[1000:1007], values[:7] * factors[:7] * 1e-2, rtol=0, atol=0)
    assert found.view(torch.uint8)[4600:4677].eq(0).all() and found[1200:].eq(7).all()
    assert not torch.equal(found, torch.full((1300,), 7.0))


@pytest.mark.parametrize("place", [None, 0, 17, 4007, 8003])
def test_same_finds_one_byte(filler, place):
    one = torch.randint(256, (8004,), dtype=torch.uint8)
    other = one.clone()
    if place is not None:
        other[place] ^= 1
    a, b = one.data_ptr(), other.data_ptr()
    pieces = [(a, b, 4000), (a + 4000, b + 4000, 3), (a + 4003, b + 4003, 4001)]
    assert filler.same(pieces) is (place is None)
    assert filler.same([]) and filler.place == "cuda:0"
