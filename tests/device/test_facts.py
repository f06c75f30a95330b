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
