"""Huge pages: asked for under large new tensors, for whole pages of theirs and nothing else."""

from pathlib import Path

import pytest
import torch

import kernelevo
from kernelevo.backends import pages

MIB = 1 << 20


@pytest.fixture
def asked(monkeypatch):
    calls = []
    monkeypatch.setattr(pages, "_madvise", lambda: lambda *given: calls.append(given))
    return calls


@pytest.mark.parametrize("count", [4 * MIB, 4 * MIB + 52, 33 * MIB])
def test_whole_pages_inside_the_tensor_are_asked_for(asked, count):
    tensor = torch.empty(count, dtype=torch.uint8)
    assert kernelevo.huge(tensor) is tensor
    ((start, length, advice),) = asked
    assert advice == 14 and start % (2 * MIB) == 0 and length % (2 * MIB) == 0
    assert tensor.data_ptr() <= start and start + length <= tensor.data_ptr() + count
    assert length > count - 4 * MIB


def test_small_tensors_and_other_devices_are_left_alone(asked):
    assert kernelevo.huge(torch.empty(4 * MIB - 1, dtype=torch.uint8)).numel() == 4 * MIB - 1
    kernelevo.huge(torch.empty(64 * MIB, device="meta"))
    kernelevo.huge(torch.empty(0))
    assert asked == []


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").is_dir(), reason="this kernel has no huge pages"
)
def test_the_kernel_notes_the_wish():
    tensor = kernelevo.huge(torch.empty(64 * MIB, dtype=torch.uint8))
    middle = tensor.data_ptr() + 32 * MIB
    flags = ""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split()[0]
        if "-" in head and not head.endswith(":"):
            first, last = (int(part, 16) for part in head.split("-"))
            inside = first <= middle < last
        elif inside and line.startswith("VmFlags:"):
            flags = line
    assert "hg" in flags.split()
