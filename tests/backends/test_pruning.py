"""The build cache keeps to a size, and what was used lately stays."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.backends.cache import MANIFEST, BuildCache, digest
from kernelevo.backends.pruning import VARIABLE, limit, prune
from kernelevo.errors import BadSetting

DAY = 86400.0


def entry(root: Path, place: str, days: float, size: int) -> Path:
    """An entry of so many bytes, last read so many days ago and written a day before."""
    folder = root / place / "inner"
    folder.mkdir(parents=True)
    (folder / "object").write_bytes(b"x" * size)
    now = time.time()
    os.utime(folder / "object", (now - days * DAY, now - (days + 1) * DAY))
    return root / place


@given(
    ages=st.lists(st.integers(0, 30), min_size=1, max_size=8),
    sizes=st.lists(st.integers(1, 50), min_size=8, max_size=8),
    most=st.integers(0, 200),
)
def test_the_oldest_go_until_the_rest_fits(ages: list[int], sizes: list[int], most: int) -> None:
    root = Path(tempfile.mkdtemp())
    try:
        made = []
        for number, (age, size) in enumerate(zip(ages, sizes, strict=False)):
            kinds = (f"a{number}/{digest(number)}", f"baselines/{number}", f"inductor/2.{number}.0")
            place = kinds[number % len(kinds)]
            made.append((age + number / 100, size, entry(root, place, age + number / 100, size)))
        freed = prune(root, most, idle=7.5 * DAY)
        left = [row for row in made if row[2].exists()]
        gone = [row for row in made if not row[2].exists()]
        assert freed == sum(size for _, size, _ in gone)
        assert sum(size for _, size, _ in left) <= most or all(age < 7.5 for age, _, _ in left)
        assert all(age > 7.5 for age, _, _ in gone)
        old_left = [age for age, _, _ in left if age > 7.5]
        assert not old_left or not gone or max(old_left) < min(age for age, _, _ in gone)
        if gone:  # and no more than that: the last one that went was one too many
            last = min(gone)
            assert sum(size for _, size, _ in left) + last[1] > most
        assert not list(root.glob("scratch/*"))
    finally:
        shutil.rmtree(root)


def test_other_folders_stay_and_what_is_gone_is_built_again(tmp_path: Path) -> None:
    cache, key = BuildCache(tmp_path), digest("it")
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "it.so").write_text("0" * 100)

    folder = cache.get(key, build)
    for path in folder.iterdir():
        os.utime(path, (1.0, 1.0))
    ceiling = entry(tmp_path, "ceilings", 99, 1000)
    leftover = entry(tmp_path, "scratch/pruned-1-x", 99, 10)
    assert prune(tmp_path, 10_000) == 0 and folder.exists()
    assert prune(tmp_path, 0) > 100
    assert not folder.exists() and not leftover.exists() and ceiling.exists()
    assert cache.get(key, build) == folder and len(built) == 2
    assert prune(tmp_path, 0) == 0 and folder.exists()  # it was made just now


def test_what_a_killed_process_left_half_made_goes_and_what_is_being_made_stays(tmp_path: Path) -> None:
    left = entry(tmp_path, f"ab/{digest('killed')}.making", 99, 1000)
    begun = tmp_path / "cd" / f"{digest('begun')}.making"
    (begun / "torch").mkdir(parents=True)  # its compiler has written nothing yet
    assert prune(tmp_path, 0) == 1000
    assert not left.exists() and (begun / "torch").exists()


def test_what_is_found_counts_as_used_though_the_disk_keeps_no_times_of_access(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    folder = cache.get(digest("a"), lambda scratch: (scratch / "file").write_text("x"))
    manifest = folder / MANIFEST
    for read_only in (True, False):
        os.utime(manifest, (1.0, 1.0))
        assert BuildCache(tmp_path, read_only=read_only).find(digest("a")) == folder
        assert (manifest.stat().st_mtime == 1.0) is read_only
    once = manifest.stat().st_mtime_ns
    assert cache.find(digest("a")) == folder and manifest.stat().st_mtime_ns == once


def test_a_cache_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert prune(tmp_path / "none", 0) == 0
    assert not (tmp_path / "none").exists()


def test_the_limit_is_a_number_of_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert limit() == 10_000_000_000
    monkeypatch.setenv(VARIABLE, "0.5")
    assert limit() == 500_000_000
    for text in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv(VARIABLE, text)
        with pytest.raises(BadSetting, match=f"{VARIABLE} is '{text}'"):
            limit()
