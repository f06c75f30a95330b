"""Facts are what the kernel says, and None where it says nothing."""

import json
import os
from pathlib import Path

import pytest

from kernelevo.device import facts


def test_cpu_facts_are_plain_and_plausible():
    found = facts.cpu_facts()
    assert json.loads(json.dumps(found)) == found
    assert 1 <= found["cores"] <= os.cpu_count()
    assert found["memory_bytes"] > found["memory_available_bytes"] > 0
    assert found["name"] is None or found["name"].strip()
    flags = Path("/proc/cpuinfo").read_text()
    assert all(name in flags for name in found["features"])
    for level, size in found["caches"].items():
        assert level.startswith("L")
        assert size >= 1024


def test_the_clock_is_that_of_the_cores_this_process_may_use(tmp_path, monkeypatch):
    told = tmp_path / "cpuinfo"
    told.write_text(
        "".join(
            f"processor\t: {i}\nmodel name\t: A: B\ncpu MHz\t\t: {2000 + 100 * i}.500\n\n" for i in range(4)
        )
    )
    monkeypatch.setattr(facts, "_CPUINFO", told)
    monkeypatch.setattr(facts.os, "sched_getaffinity", lambda _: {1, 2, 3})
    assert facts.core_clock() == 2200.5
    assert facts.cpu_facts()["name"] == "A: B"
    for says_nothing in ("BogoMIPS\t: 50.00", "cpu MHz\t\t: Unknown"):
        told.write_text(f"processor\t: 1\n{says_nothing}\n")
        assert facts.core_clock() is None


def test_nothing_is_invented_where_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "_CPUINFO", tmp_path / "none")
    monkeypatch.setattr(facts, "_CPU", tmp_path)
    monkeypatch.setattr(facts.platform, "processor", lambda: "")
    found = facts.cpu_facts()
    assert found["name"] is None
    assert found["features"] == []
    assert found["caches"] == {}
    assert found["governor"] is None
    assert found["max_mhz"] is None
    assert facts.core_clock() is None


def test_no_cuda_is_none():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    assert facts.cuda_facts() is None


@pytest.mark.gpu
def test_cuda_facts():
    found = facts.cuda_facts()
    assert json.loads(json.dumps(found)) == found
    assert found["multiprocessors"] > 0
    assert found["arch"].startswith("sm_")
