"""What is found on this machine, and what is said of what is not."""

import importlib.metadata
import os
from pathlib import Path

import pytest

from kernelevo.backends import source_tree, toolchain
from kernelevo.errors import ToolchainMissing


def test_the_compiler_spells_out_native(private_cache: Path) -> None:
    found = toolchain.compiler()
    assert found.kind in ("gcc", "clang") and os.access(found.path, os.X_OK)
    assert "native" not in found.arch and found.arch
    assert found.has("sse2") and not found.has("no-such-feature")


def test_the_description_is_kept(private_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = toolchain.compiler()
    toolchain.compiler.cache_clear()
    monkeypatch.setattr(toolchain, "_words", lambda command: pytest.fail("asked again"))
    assert toolchain.compiler() == first


def test_another_processor_is_asked_anew(private_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolchain.compiler()
    toolchain.compiler.cache_clear()
    asked = []
    monkeypatch.setattr(toolchain, "_processor", lambda: "another")
    words = toolchain._words
    monkeypatch.setattr(toolchain, "_words", lambda command: asked.append(1) or words(command))
    toolchain.compiler()
    assert asked


def test_facts_name_every_tool() -> None:
    told = toolchain.facts()
    assert set(told) == {"c++", "nvcc", "nvrtc", "triton", "ninja", "cuda-core", "cupy", "cuda headers"}
    assert all(value is None or value for value in told.values())
    assert toolchain.package("no-such-package", "no_such_module") is None


def test_header_is_found() -> None:
    assert (source_tree.include() / "kernelevo.h").is_file()
    assert len(source_tree.headers_digest()) == 64


def test_without_a_compiler_it_says_where_it_looked(
    private_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    toolchain.compiler.cache_clear()
    with pytest.raises(ToolchainMissing, match="no C\\+\\+ compiler") as caught:
        toolchain.compiler()
    assert caught.value.exit_code == 3 and "$CXX, g++" in caught.value.why and "apt" in caught.value.now


def test_a_wrapper_on_the_path_is_passed_over(
    private_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ccache is put before the compilers as links to itself; where they lead is no compiler."""
    real, wrapper = toolchain.compiler(), tmp_path / "ccache"
    wrapper.write_text("#!/bin/sh\necho 'ccache: invalid option'\n")
    wrapper.chmod(0o755)
    (tmp_path / "links").mkdir()
    for name in ("g++", "c++", "clang++"):
        (tmp_path / "links" / name).symlink_to(wrapper)
    monkeypatch.setenv("PATH", f"{tmp_path / 'links'}:{os.environ['PATH']}")
    toolchain.compiler.cache_clear()
    assert toolchain.compiler() == real


FAKE = """#!/bin/sh
case "$1" in
  --version) echo "g++ (Fake) 13.1" ;;
  *) echo 'COLLECT_GCC={folder}/g++' >&2
     echo ' {folder}/libexec/cc1plus -E -quiet -iprefix {folder}/lib /dev/null "-march=alderlake" -mavx2 \
-mno-amx-tile --param "l1-cache-size=48" --param=l2-cache-size=1280 -mtune=alderlake' >&2 ;;
esac
"""


def test_a_folder_whose_name_looks_like_a_flag_is_none(
    private_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "team-models"
    folder.mkdir()
    (folder / "g++").write_text(FAKE.format(folder=folder))
    (folder / "g++").chmod(0o755)
    monkeypatch.setenv("CXX", str(folder / "g++"))
    toolchain.compiler.cache_clear()
    found = toolchain.compiler()
    assert found.arch_flags == (
        "-march=alderlake", "-mavx2", "-mno-amx-tile", "--param=l1-cache-size=48",
        "--param=l2-cache-size=1280", "-mtune=alderlake",
    )  # fmt: skip
    assert found.has("avx2") and not found.has("amx-tile")


def test_a_compiler_that_says_nothing_is_none(
    private_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "silent").write_text("#!/bin/sh\n")
    (tmp_path / "silent").chmod(0o755)
    monkeypatch.setenv("CXX", str(tmp_path / "silent"))
    toolchain.compiler.cache_clear()
    with pytest.raises(ToolchainMissing, match="does not say its version"):
        toolchain.compiler()
    assert toolchain.facts()["c++"] is None


def test_a_toolkits_runtime_compiler_is_known_by_its_whole_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    (tmp_path / "libnvrtc.so.12.4.127").touch()
    for link in ("libnvrtc.so", "libnvrtc.so.12"):
        (tmp_path / link).symlink_to(tmp_path / "libnvrtc.so.12.4.127")
    monkeypatch.setattr(importlib.metadata, "version", none)
    monkeypatch.setattr(toolchain, "Path", lambda path: tmp_path)
    found = toolchain.nvrtc()
    assert found is not None and found.version == "12.4.127"
