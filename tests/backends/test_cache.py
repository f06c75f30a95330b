"""The build cache under concurrent use, crashes and damage."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.backends.cache import MANIFEST, BuildCache, default_root, digest
from kernelevo.errors import BuildRefused
from kernelevo.sandbox import landlock


class Write:
    """Builds an entry of one file and counts how often it was asked to."""

    def __init__(self, text: str) -> None:
        self.text, self.calls = text, 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "file").write_text(self.text)


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    cache, build = BuildCache(tmp_path), Write("x")
    for _ in range(3):
        folder = cache.get("k" * 40, build)
    assert (folder / "file").read_text() == "x" and build.calls == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kk", "locks"]
    assert not list((tmp_path / "locks").iterdir()) and list((tmp_path / "kk").iterdir()) == [folder]


def test_its_size_is_that_of_all_its_files(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "cache")
    assert cache.size() == 0
    folder = cache.get(digest("a"), Write("x" * 1000))
    (tmp_path / "outside").write_text("y" * 5000)
    (folder / "link").symlink_to(tmp_path / "outside")
    assert cache.size() == 1000 + (folder / MANIFEST).stat().st_size + len(str(tmp_path / "outside"))


def test_what_build_raises_passes_and_leaves_nothing(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    with pytest.raises(ZeroDivisionError):
        cache.get("ab", lambda f: 1 / 0)
    assert cache.find("ab") is None and not list((tmp_path / "ab").iterdir())
    assert (cache.get("ab", Write("good")) / "file").read_text() == "good"


@pytest.mark.parametrize("damage", ["file", "inner/file", MANIFEST])
def test_a_damaged_entry_is_built_again(tmp_path: Path, damage: str) -> None:
    def nested(text: str) -> Callable[[Path], None]:
        def build(folder: Path) -> None:
            (folder / "inner").mkdir()
            (folder / "inner" / "file").write_text(text)
            (folder / "file").write_text(text)

        return build

    cache = BuildCache(tmp_path)
    folder = cache.get("ab", nested("good"))
    (folder / damage).write_text("")
    assert cache.find("ab") is None
    assert (cache.get("ab", nested("again")) / "file").read_text() == "again"
    assert list((tmp_path / "ab").iterdir()) == [folder]


UNDER_THE_FIRST_LANDLOCK = """
import sys
from pathlib import Path
from kernelevo.backends.cache import BuildCache
from kernelevo.sandbox import landlock
root = Path(sys.argv[1])
landlock.abi = lambda: 1
assert landlock.Ruleset([landlock.Rule("/", landlock.EVERYTHING)]).enforce()
(root / "one").mkdir()
(root / "two").mkdir()
(root / "one" / "file").touch()
try:
    (root / "one" / "file").rename(root / "two" / "file")
except OSError as error:
    print(error.errno)
print((BuildCache(root / "cache").get("ab", lambda folder: (folder / "f").write_text("x")) / "f").read_text())
"""


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
def test_an_entry_that_is_dropped_is_built_again(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    cache.drop("aa")  # nothing is there
    assert (cache.get("aa", Write("old")) / "file").read_text() == "old"
    cache.drop("aa")
    assert cache.find("aa") is None
    assert (cache.get("aa", Write("new")) / "file").read_text() == "new"
    assert [path.name for path in (tmp_path / "aa").iterdir()] == ["aa"]


def test_it_works_where_nothing_may_be_renamed_into_another_folder(tmp_path: Path) -> None:
    """Linux before 5.19: Landlock refuses such renames to every process that it binds."""
    command = [sys.executable, "-c", UNDER_THE_FIRST_LANDLOCK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(errno.EXDEV), "x"], done.stderr


def test_threads_build_once(tmp_path: Path) -> None:
    build = Write("x")
    threads = [threading.Thread(target=lambda: BuildCache(tmp_path).get("ab", build)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert build.calls == 1


SCRIPT = """
import os, sys, time
from pathlib import Path
from kernelevo.backends.cache import BuildCache
root, how = Path(sys.argv[1]), sys.argv[2]
def build(folder):
    with open(root / "log", "a") as log:
        log.write("b")
    (folder / "file").write_text("half")
    if how == "die":
        print("building", flush=True)
        time.sleep(60)
    time.sleep(0.1)
    (folder / "file").write_text("whole")
print((BuildCache(root).get("ab", build) / "file").read_text())
"""


def start(root: Path, how: str) -> subprocess.Popen[str]:
    here = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(here)}
    command = [sys.executable, "-c", SCRIPT, str(root), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_processes_build_once(tmp_path: Path) -> None:
    running = [start(tmp_path, "go") for _ in range(5)]
    assert [p.communicate(timeout=60)[0].strip() for p in running] == ["whole"] * 5
    assert (tmp_path / "log").read_text() == "b"


def test_a_builder_that_is_killed_blocks_nobody(tmp_path: Path) -> None:
    victim = start(tmp_path, "die")
    assert victim.stdout is not None and victim.stdout.readline().strip() == "building"
    waiting = start(tmp_path, "go")
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert waiting.communicate(timeout=60)[0].strip() == "whole"
    assert (tmp_path / "log").read_text() == "bb"
    assert [path.name for path in (tmp_path / "ab").iterdir()] == ["ab"]


def test_run_stage_reads_both_places_and_builds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, private = BuildCache(tmp_path / "shared"), tmp_path / "private"
    shared.get("aa", Write("shared"))
    monkeypatch.setenv("KERNELEVO_CACHE", str(private))
    monkeypatch.setenv("KERNELEVO_CACHE_SHARED", str(tmp_path / "shared"))
    monkeypatch.setenv("KERNELEVO_STAGE", "build")
    build = BuildCache.here()
    assert (build.get("aa", Write("new")) / "file").read_text() == "shared"
    build.get("bb", Write("private"))
    assert shared.find("bb") is None
    monkeypatch.setenv("KERNELEVO_STAGE", "run")
    run = BuildCache.here()
    assert run.find("aa") and run.find("bb")
    with pytest.raises(BuildRefused, match="run stage"):
        run.get("cc", Write("x"))
    assert not (private / "cc").exists()


def test_an_unwritable_folder_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildRefused, match="set KERNELEVO_CACHE"):
        BuildCache(tmp_path / "file" / "below").get("ab", Write("x"))


def test_the_folder_of_an_entry_that_cannot_be_made_is_the_machine_s(tmp_path: Path) -> None:
    """The locks' folder may be written, that of the entry belongs to somebody else: here it is a file."""
    (tmp_path / "ab").write_text("")
    with pytest.raises(BuildRefused, match="cannot be written"):
        BuildCache(tmp_path).get("ab", Write("x"))
    assert not list((tmp_path / "locks").iterdir())


def test_default_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERNELEVO_CACHE", "/somewhere")
    assert default_root() == Path("/somewhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERNELEVO_CACHE", "here/below")  # the judge's children work in other folders
    assert default_root() == tmp_path / "here" / "below"
    monkeypatch.setenv("KERNELEVO_CACHE", "~/below")  # of a file of settings, which no shell has read
    assert default_root() == Path.home() / "below"
    monkeypatch.delenv("KERNELEVO_CACHE")
    assert default_root() == Path.home() / ".cache" / "kernelevo"


@given(st.lists(st.one_of(st.text(), st.lists(st.text(max_size=5), max_size=3)), max_size=5))
def test_digest_is_stable_and_tells_apart(parts: list[object]) -> None:
    assert digest(*parts) == digest(*parts)
    assert digest(*parts) != digest(*parts, "more")
