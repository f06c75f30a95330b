"""KeptBuilds: what a program's process wrote is copied as it is, and nothing that it points to."""

import os

import pytest

from kernelevo.backends.cache import BuildCache, digest
from kernelevo.kernels.programs import kept_builds
from kernelevo.kernels.programs.kept_builds import KeptBuilds

KEY = digest("a build")


@pytest.fixture
def kept(tmp_path):
    return KeptBuilds(BuildCache(tmp_path / "cache"))


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "built"
    (folder / "cache" / "ab").mkdir(parents=True)
    (folder / "cache" / "ab" / "kernel.so").write_bytes(b"\x7fELF")
    (folder / "tool").write_text("#!/bin/sh\n")
    (folder / "tool").chmod(0o700)
    return folder


def test_a_folder_is_found_again_as_it_was_and_everybody_may_read_it(kept, built):
    assert kept.find(KEY) is None
    assert kept.keep(KEY, built)
    found = kept.find(KEY)
    assert (found / "cache" / "ab" / "kernel.so").read_bytes() == b"\x7fELF"
    assert (found / "tool").stat().st_mode & 0o777 == 0o755
    assert (found / "cache" / "ab" / "kernel.so").stat().st_mode & 0o777 == 0o644
    (built / "tool").write_text("other")
    assert kept.keep(KEY, built)  # the first one stays
    assert (kept.find(KEY) / "tool").read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize("kind", ["link", "linked folder", "dangling link", "pipe", "large", "many"])
def test_what_is_no_plain_small_folder_is_not_kept(kept, built, kind, monkeypatch, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "text").write_text("secret")
    odd = built / "cache" / "odd"
    if kind == "link":
        odd.symlink_to(tmp_path / "secret" / "text")
    elif kind == "linked folder":
        odd.symlink_to(tmp_path / "secret")
    elif kind == "dangling link":
        odd.symlink_to(tmp_path / "nowhere")
    elif kind == "pipe":
        os.mkfifo(odd)
    elif kind == "large":
        monkeypatch.setattr(kept_builds, "MOST_BYTES", 5)
    else:
        monkeypatch.setattr(kept_builds, "MOST_FILES", 1)
    assert not kept.keep(KEY, built)
    assert kept.find(KEY) is None
    assert "secret" not in {p.name for p in (tmp_path / "cache").rglob("*")}


def test_where_the_cache_cannot_be_written_nothing_is_kept(built, tmp_path):
    (tmp_path / "file").write_text("")
    kept = KeptBuilds(BuildCache(tmp_path / "file"))
    assert not kept.keep(KEY, built) and kept.find(KEY) is None
