"""The sentence about a driver: each way in which a device can be missing, and that asking starts nothing."""

import ctypes
import dataclasses
import subprocess
import sys

import pytest
import torch

from kernelevo.device import driver_state as driver
from kernelevo.device.driver_state import DriverState, driver_state, outdated_build

GOOD = DriverState("13.0", "2.13.0+cu130", True, (13, 0), "580.65.06", True, None)


@pytest.mark.parametrize(
    "change, words",
    [
        ({}, ""),
        ({"supports": None}, ""),  # a driver that does not say: torch decides
        ({"runtime": "13.2"}, ""),  # within a major version an older driver serves
        ({"visible": "0,1"}, ""),
        ({"runtime": None}, "is a CPU build (a driver is here)"),
        ({"runtime": None, "library": False}, "is a CPU build: install a CUDA build"),
        ({"library": False}, "lacks libcuda.so.1"),
        ({"library": False, "module": None}, "no NVIDIA driver is installed"),
        ({"supports": (12, 4)}, "too old: 580.65.06 knows CUDA 12.4, and torch 2.13.0+cu130 needs CUDA 13"),
        ({"devices": False}, "there is no device"),
        ({"visible": ""}, "CUDA_VISIBLE_DEVICES is ''"),
        ({"visible": "-1"}, "hides every device"),
    ],
)
def test_each_trouble_has_its_sentence(change, words):
    trouble = dataclasses.replace(GOOD, **change).trouble
    assert words in trouble and bool(words) == bool(trouble)


def test_the_version_is_read_from_the_driver(tmp_path, monkeypatch):
    """A library in place of libcuda that answers as a driver of 2024 does, through the same call."""
    source = tmp_path / "driver.c"
    source.write_text("int cuDriverGetVersion(int *v) { *v = 12040; return 0; }")
    library = tmp_path / "libcuda.so.1"
    made = subprocess.run(
        ["g++", "-x", "c", "-shared", "-fPIC", str(source), "-o", str(library)], check=False
    )
    if made.returncode:
        pytest.skip("no compiler")
    monkeypatch.setattr(driver, "_LIBRARIES", (str(tmp_path / "not there"), str(library)))
    state = driver_state()
    assert state.library and state.supports == (12, 4)
    assert driver._supports(ctypes.CDLL(None)) is None  # a library without that function


def test_asking_starts_no_cuda():
    text = (
        "from kernelevo.device.driver_state import driver_state; import torch\n"
        "driver_state(); assert not torch.cuda.is_initialized()"
    )
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


def test_here_torch_and_the_sentence_agree():
    state = driver_state()
    assert (state.runtime, state.torch) == (torch.version.cuda, torch.__version__)
    assert torch.cuda.is_available() == (state.trouble == "")


@pytest.mark.parametrize(
    "capability, built, fine",
    [
        ((9, 0), ["sm_80", "sm_90"], True),
        ((8, 9), ["sm_80", "sm_90"], True),
        ((12, 0), ["sm_90", "compute_90"], True),
        ((10, 0), ["sm_90a"], False),
        ((7, 0), ["sm_75", "sm_80", "compute_90"], False),
        ((7, 0), [], True),  # a build that does not say
    ],
)
def test_a_card_that_torch_has_no_kernels_for(capability, built, fine):
    assert (outdated_build(capability, built) == "") is fine
