"""Triton programs: compiled without a GPU, values in the interpreter (a process of its own)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.backends import registry
from kernelevo.backends import triton as ahead
from kernelevo.errors import BadProgram, BuildError, ToolchainMissing

pytestmark = pytest.mark.skipif(registry.BACKENDS[2].missing() is not None, reason="Triton is not installed")

SOURCE = """
import triton
import triton.language as tl

TUNE = {"BLOCK": [128, 64]}
AOT = {"add_one": {"signature": {"x_ptr": "*fp16"}, "constexprs": {"N": 32}, "num_warps": 8}}


@triton.jit
def half(x):
    return x * 0.5


@triton.jit
def scale(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + i, half(tl.load(x_ptr + i, i < n)), i < n)


@triton.jit
def add_one(x_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(x_ptr + i, tl.load(x_ptr + i) + 1)
"""


@pytest.fixture(autouse=True)
def kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)


@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_kernels_of_a_program_compile(arch: str, tmp_path: Path) -> None:
    found = ahead.compile_source(SOURCE, tmp_path, arch=arch)
    assert set(found) == {"scale", "add_one"}
    assert found["scale"].cubin[:4] == b"\x7fELF" and f".target sm_{arch[3:]}" in found["scale"].ptx
    assert (found["scale"].num_warps, found["add_one"].num_warps) == (4, 8)
    assert found["scale"].usage is None or found["scale"].usage.registers > 0
    assert ahead.toolchain.TRITON_FUSION in os.environ


def test_what_is_not_known_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(BadProgram, match="BLOCK has no value"):
        ahead.compile_source(SOURCE.replace('TUNE = {"BLOCK": [128, 64]}', ""), tmp_path)
    given = ahead.compile_source(
        SOURCE.replace('TUNE = {"BLOCK": [128, 64]}', ""), tmp_path, constexprs={"scale": {"BLOCK": 64}}
    )
    assert "scale" in given


def test_bad_kernels_are_build_errors(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="scale does not compile for sm_90") as caught:
        ahead.compile_source(SOURCE.replace("tl.load(x_ptr + i, i < n)", "tl.lod(x_ptr + i)"), tmp_path)
    assert "lod" in caught.value.log
    with pytest.raises(BadProgram, match="AOT"):
        ahead.compile_source(SOURCE.replace('AOT = {"', 'AOT = f() or {"'), tmp_path)


def test_not_where_triton_interprets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    with pytest.raises(ToolchainMissing, match="interprets"):
        ahead.compile_source(SOURCE, tmp_path)


def test_values_in_the_interpreter() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1", "TRITON_DEFAULT_FP_FUSION": "1"}
    script = Path(__file__).with_name("triton_values.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["error"] < 2e-6
