"""What control groups grant, as containers of both versions show it, and nothing where they set no limit."""

from pathlib import Path

import pytest

from kernelevo.device import allowance


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Lay out a tree of control groups; returns what writes one file of it."""
    monkeypatch.setattr(allowance, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(allowance, "_ROOT", tmp_path / "fs")
    monkeypatch.setattr(allowance.os, "sched_getaffinity", lambda _: set(range(8)))

    def put(own: str, **files: str) -> None:
        (tmp_path / "cgroup").write_text(own)
        for name, text in files.items():
            path = tmp_path / "fs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return put


def test_without_a_limit_there_is_what_affinity_leaves(groups):
    assert (allowance.cores(), allowance.cpu_quota(), allowance.memory_left()) == (8, None, None)
    groups("0::/\n", **{"cpu.max": "max 100000\n", "memory.max": "max\n", "memory.current": "5\n"})
    assert (allowance.cores(), allowance.cpu_quota(), allowance.memory_left()) == (8, None, None)
    huge = {"memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/memory.usage_in_bytes": "5\n"}
    groups("4:memory:/\n1:cpu:/\n", **huge, **{"cpu/cpu.cfs_quota_us": "-1\n"})
    assert (allowance.cores(), allowance.cpu_quota(), allowance.memory_left()) == (8, None, None)


@pytest.mark.parametrize(
    ("limit", "quota", "cores"),
    [("250000 100000", 2.5, 2), ("50000 100000", 0.5, 1), ("200000 100000", 2.0, 2), ("9000 1000", 9.0, 8)],
)
def test_a_quota_is_used_in_whole_cores(groups, limit, quota, cores):
    groups("0::/\n", **{"cpu.max": f"{limit}\n"})
    assert (allowance.cpu_quota(), allowance.cores()) == (quota, cores)
    limit, period = limit.split()
    groups(
        "1:cpu,cpuacct:/docker/x\n",
        **{"cpu.max": "max 100000\n", "cpu/cpu.cfs_quota_us": limit, "cpu/cpu.cfs_period_us": period},
    )
    # from inside, the folder of its own group is the root
    assert (allowance.cpu_quota(), allowance.cores()) == (quota, cores)
    groups(
        "1:cpu:/docker/x\n0::/\n",
        **{"cpu/docker/x/cpu.cfs_quota_us": limit, "cpu/docker/x/cpu.cfs_period_us": period},
    )
    assert (allowance.cpu_quota(), allowance.cores()) == (quota, cores)


def test_the_strictest_group_around_a_process_counts(groups):
    files = {
        "a/b/cpu.max": "400000 100000", "a/cpu.max": "300000 100000", "cpu.max": "600000 100000",
        "a/b/memory.max": "1000", "a/b/memory.current": "400",
        "a/b/memory.stat": "anon 300\ninactive_file 50\n",
        "a/memory.max": "900", "a/memory.current": "800", "memory.max": "max", "memory.current": "10000",
        "c/cpu.max": "100000 100000",
    }  # fmt: skip
    groups("0::/a/b\n", **files)
    assert (allowance.cpu_quota(), allowance.cores()) == (3.0, 3)
    assert allowance.memory_left() == 100  # of a: 900 - 800, less than the 1000 - 400 + 50 of a/b
    groups("0::/../other\n")  # a path outside what is mounted here
    assert allowance.cpu_quota() == 6.0


def test_what_is_used_beyond_a_limit_leaves_nothing(groups):
    groups("0::/\n", **{"memory.max": "100", "memory.current": "120", "memory.stat": "inactive_file 5\n"})
    assert allowance.memory_left() == 0
