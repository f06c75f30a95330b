"""Cubins that are carried to another machine: found there, or it is said why not."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.gpu import carry, checks, rehearsal
from benchmarks.gpu.carry import Carry, TooLarge
from kernelevo.backends import nvrtc, registry, toolchain
from kernelevo.backends.cuda import with_own_features
from kernelevo.errors import InputError

pytestmark = pytest.mark.skipif(
    registry.BACKENDS[1].missing() is not None, reason=f"{registry.BACKENDS[1].missing()}"
)
SOURCE = (checks.SOURCE, checks.NAMES, ())
PLAIN = ('extern "C" __global__ void f(int* x) { x[0] = 1; }', (), ())


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carry") / "filled"
    one = Carry(folder, "sm_90a")
    assert one.build(SOURCE).arch == "sm_90a" and one.build(PLAIN).code[:4] == b"\x7fELF"
    one.seal()
    return folder


@pytest.fixture
def carried(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder at another place, where nothing may be compiled."""
    shutil.copytree(filled, tmp_path / "carried")
    monkeypatch.setattr(nvrtc, "_compile", lambda *a: pytest.fail("compiled again"))
    return tmp_path / "carried"


def test_a_program_finds_its_cubin_built(carried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the judge's children look: their own cache is empty, the shared one is the carried folder."""
    monkeypatch.setenv("KERNELEVO_STAGE", "run")
    monkeypatch.setenv("KERNELEVO_CACHE", str(carried.parent / "empty"))
    monkeypatch.setenv("KERNELEVO_CACHE_SHARED", str(carried))
    cubin = nvrtc.compile_cubin(checks.SOURCE, arch=with_own_features("sm_90"), name_expressions=checks.NAMES)
    assert cubin.code[:4] == b"\x7fELF" and set(cubin.names) >= set(checks.NAMES)


def test_the_place_of_the_headers_does_not_matter_but_their_text_does(
    carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, headers = Carry(carried, "sm_90a"), toolchain.cuda_headers()
    assert headers is not None and one.holds(SOURCE) and one.differences() == []
    moved = tmp_path / "headers"
    shutil.copytree(headers, moved)
    monkeypatch.setattr(toolchain, "cuda_headers", lambda: moved)
    assert one.holds(SOURCE) and one.differences() == []
    other = tmp_path / "other"
    shutil.copytree(headers, other)
    (other / "cuda_fp16.h").write_text((other / "cuda_fp16.h").read_text() + "\n// newer\n")
    monkeypatch.setattr(toolchain, "cuda_headers", lambda: other)
    assert not one.holds(SOURCE) and one.holds(PLAIN)
    assert "CUDA headers" in one.differences()[0]


def test_another_compiler_or_device_finds_nothing(carried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Carry(carried, "sm_100a").holds(PLAIN)
    monkeypatch.setattr(toolchain, "nvrtc", lambda: toolchain.Tool("nvidia-cuda-nvrtc", "", "13.0.1"))
    one = Carry(carried, "sm_90a")
    assert not one.holds(PLAIN) and one.differences()[0].startswith("NVRTC: ")


def test_a_folder_may_hold_so_much(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="MiB, more than"):
        Carry(tmp_path / "small", "sm_90a", limit=100).build(PLAIN)


def test_what_keeps_an_array_in_local_memory_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place that is known only when it runs has no register."""
    turned = "int a[64] = {}; for (int i = 0; i < 64; ++i) a[x[i] & 63] += i; x[0] = a[x[1] & 63];"
    for name, body in (("turned", turned), ("plain", "x[0] = 1;")):
        text = f'import kernelevo\nkernelevo.cuda("extern \\"C\\" __global__ void f(int* x) {{ {body} }}")\n'
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(rehearsal, "OURS", {})
    monkeypatch.setattr(rehearsal, "_snippets", lambda: iter(()))
    assert rehearsal.main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("stack frame of 256 bytes") == said.count("stack frame of 0 bytes") == 1
    assert said.splitlines()[-1] == f"with a stack frame: {tmp_path / 'turned.py'} (cuda 0) 256 bytes"


@pytest.mark.slow
def test_the_command_fills_and_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA only: Triton's kernels are compiled by the tests of their own."""
    monkeypatch.setattr(rehearsal, "_triton", lambda text, arch: "not compiled here")
    folder = tmp_path / "carry"
    assert rehearsal.main(["--carry", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "0 do not compile for sm_90a / sm_90" in said and "found where equal: NVRTC" in said
    assert "with a stack frame: " in said
    assert json.loads((folder / carry.FACTS).read_text())["arch"] == "sm_90a"
    assert rehearsal.main(["--find", str(folder)]) == 0
    assert " 0 would be compiled; differences: none" in capsys.readouterr().out
    assert rehearsal.main(["--find", str(tmp_path / "nothing")]) == 2
    with pytest.raises(InputError):
        Carry(tmp_path / "nothing", "sm_90a").differences()


@pytest.mark.parametrize(("arch", "exact"), [("sm_80", "sm_80"), ("sm_90", "sm_90a"), ("sm_100a", "sm_100a")])
def test_the_exact_name_of_an_architecture(arch: str, exact: str) -> None:
    assert with_own_features(arch) == exact
