"""The state of a device, from answers in the tool's own form."""

import os
import stat
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.device import smi

ROW = "580.159.04, Disabled, Enabled, Default, Enabled, P0, 1980, 1980, 2619, 2619, 412.35, 700.00, 47\n"


def tool(row: str = ROW, reasons: str = "0x0000000000000024\n", old: bool = False):
    asked = []

    def run(arguments):
        asked.append(list(arguments))
        if arguments[0] == "--query-gpu=clocks_event_reasons.active":
            return None if old else reasons
        if arguments[0] == "--query-gpu=clocks_throttle_reasons.active":
            return reasons
        return "4711\n4712\n" if arguments[0] == "--query-compute-apps=pid" else row

    run.asked = asked
    return run


@pytest.mark.parametrize("old", [False, True])
def test_every_fact_is_read(old, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    run = tool(old=old)
    assert smi.state(0, run) == {
        "driver": "580.159.04", "mig": False, "ecc": True, "compute_mode": "Default", "persistence": True,
        "performance_state": "P0", "sm_mhz": 1980.0, "sm_max_mhz": 1980.0, "memory_mhz": 2619.0,
        "memory_max_mhz": 2619.0, "power_watts": 412.35, "power_limit_watts": 700.0, "celsius": 47.0,
        "slowed_by": ["power limit", "thermal limit (software)"], "processes": 2,
    }  # fmt: skip
    assert all(arguments[-1] == "--id=0" for arguments in run.asked)


def test_what_a_device_does_not_tell_is_none():
    found = smi.state(
        0, tool("580.1, [N/A], [Not Supported], Default, Disabled, P8, 345, , x, 1, 2, 3, 4", "?")
    )
    assert [found[k] for k in ("mig", "ecc", "sm_max_mhz", "memory_mhz", "slowed_by")] == [None] * 5
    assert found["sm_mhz"] == 345.0 and found["persistence"] is False


@given(st.none() | st.text(max_size=60))
def test_any_other_answer_is_no_answer(text):
    found = smi.state(0, tool(text if text is None or text.count(",") != 12 else "a"))
    assert found == {}


def test_the_device_that_this_process_sees_is_asked(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, MIG-0f5a")
    assert [smi.visible_device(i) for i in range(3)] == ["3", "MIG-0f5a", "2"]


def test_a_tool_that_fails_or_is_missing_is_no_answer(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert smi.run([]) is None
    fake = tmp_path / "nvidia-smi"
    fake.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\nsys.exit(len(sys.argv) > 2)\n")
    os.chmod(fake, fake.stat().st_mode | stat.S_IXUSR)
    assert smi.run(["one"]) == "['one']\n" and smi.run(["one", "two"]) is None


def test_a_device_is_named():
    assert smi.named(lambda arguments: "NVIDIA H100, 9.0, 81559\n") == (
        "NVIDIA H100, compute capability 9.0, 81559 MiB"
    )
    assert smi.named(lambda arguments: None) is None
