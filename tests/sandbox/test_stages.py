"""Honest work passes through both stages: build with compilers, then run what was built."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from kernelevo.sandbox import landlock
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.zygote import Zygote


def test_a_library_built_in_one_stage_runs_in_the_other(spawn, warm, tmp_path):
    ninja = shutil.which("ninja", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    build = tmp_path / "scratch0"
    payload = {"cache": str(build), "ninja": ninja}
    builder = spawn("build_library", payload, stage="build", zygote=warm, memory_bytes=1 << 30)
    answer = builder.channel.recv(60.0)
    assert answer == "built", builder.output()
    builder.wait(5.0)
    runner = spawn("run_library", payload, zygote=warm, read_only=(build,), memory_bytes=1 << 30)
    team, rows, lstm, attention = runner.channel.recv(30.0)
    assert team == 2  # the library shares torch's OpenMP and its number of threads
    assert rows == 1 << 18
    assert lstm == [2, 5, 16]
    assert attention == 256.0


@pytest.mark.parametrize("stage", ["build", "run"])
def test_what_is_known_of_a_file_stays_as_it_is(spawn, stage):
    """Linkers ask for modes, copies for times: it seems to work; nothing that outlives the child is left."""
    child = spawn("mark", {}, stage=stage)
    found = child.channel.recv(10.0)
    assert found == {"same": [True] * 3, "xattr": "ENOTSUP", "flags": ["EPERM"] * 2}, child.output()


def test_triton_finds_its_kernels_where_no_process_can_be_started(tmp_path, monkeypatch):
    """The key of a built kernel holds the assembler's version, which is asked of a process."""
    pytest.importorskip("triton")
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(root)]))
    built = tmp_path / "built"
    cache = {"TRITON_CACHE_DIR": str(built / "triton")}

    def use(zygote, stage, scratch):
        read_only = (root / "tests", *([built] if stage == "run" else []))
        limits = Limits(stage, scratch, read_only=read_only, environ=cache)
        with zygote.spawn("misbehaviour:use_triton", {}, limits=limits) as child:
            return child.channel.recv(100.0)

    with Zygote(("torch", "misbehaviour"), threads=1) as zygote:
        made = use(zygote, "build", built)
        assert made.get("cubin", 0) > 1000, made
        assert "PermissionError" in use(zygote, "run", tmp_path / "asks")["error"]
        unknown = zygote.warm_triton(90)
        assert all("library_dirs" in text for text in unknown)  # there may be no driver here
        assert use(zygote, "run", tmp_path / "knows") == made


@pytest.mark.slow
@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
def test_triton_builds_where_nothing_may_be_renamed_into_another_folder(tmp_path, monkeypatch):
    """Linux before 5.19: so says the first Landlock, and Triton's own cache does nothing else."""
    pytest.importorskip("triton")
    (tmp_path / "first_landlock.py").write_text(
        "from kernelevo.sandbox import landlock\nlandlock.abi = lambda: 1\n"
    )
    root = Path(__file__).parents[2]
    paths = (Path(__file__).parent, tmp_path, root)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    with Zygote(("torch", "misbehaviour", "first_landlock"), threads=1) as zygote:
        assert zygote.facts["landlock_abi"] == 1
        limits = Limits("build", tmp_path / "built", read_only=(root / "tests",))
        with zygote.spawn("misbehaviour:use_triton", {}, limits=limits) as child:
            made = child.channel.recv(100.0)
    assert made.get("cubin", 0) > 1000, made
    assert any((tmp_path / "built" / "triton").rglob("*.cubin"))


@pytest.mark.slow
def test_spawning_is_quick(warm, tmp_path):
    """Fork to running entry: 5-10 ms on a quiet machine; the bound leaves room for a busy one."""
    laps = []
    for _ in range(20):
        start = time.monotonic_ns()
        with warm.spawn("misbehaviour:stamp", {}, limits=Limits("run", tmp_path / "s")) as child:
            laps.append(child.channel.recv(10.0) - start)
    assert sorted(laps)[10] < 100e6
