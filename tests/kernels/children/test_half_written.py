"""Half written shared objects are removed, whole ones stay."""

import ctypes
import subprocess

import pytest

from kernelevo.kernels.children.half_written import remove_half_written


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    (folder / "one.cpp").write_text('extern "C" int one() { return 1; }\n')
    command = ["g++", "-shared", "-fPIC", "-o", str(folder / "one.so"), str(folder / "one.cpp")]
    subprocess.run(command, check=True, timeout=60)
    return (folder / "one.so").read_bytes()


@pytest.mark.parametrize("left", ["nothing", "the magic", "half", "all but one", "all with an empty head"])
def test_one_that_was_broken_off_goes_and_whole_ones_stay(tmp_path, whole, left):
    sizes = {"nothing": 0, "the magic": 4, "half": len(whole) // 2, "all but one": len(whole) - 1}
    text = bytes(64) + whole[64:] if left == "all with an empty head" else whole[: sizes[left]]
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "broken.main.so").write_bytes(text)
    (tmp_path / "ab" / "kept.main.so").write_bytes(whole)
    (tmp_path / "ab" / "text.cpp").write_text("")
    assert remove_half_written(tmp_path) == 1
    assert sorted(p.name for p in (tmp_path / "ab").iterdir()) == ["kept.main.so", "text.cpp"]
    assert ctypes.CDLL(str(tmp_path / "ab" / "kept.main.so")).one() == 1
    assert remove_half_written(tmp_path) == 0 and remove_half_written(tmp_path / "none") == 0
