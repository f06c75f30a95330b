"""A child that fills the disk is ended, whatever its files are called, and its folder goes, however deep."""

import os
import subprocess
import sys

import pytest

from kernelevo.errors import MachineError
from kernelevo.sandbox import scratch
from kernelevo.sandbox.scratch import Scratch, ensure_room, owned, remove, remove_left


@pytest.mark.parametrize("unnamed", [False, True])
def test_a_child_that_fills_the_disk_is_ended(spawn, unnamed):
    child = spawn("fill_disk", {"unnamed": unnamed}, scratch_bytes=256 << 20)
    assert child.channel.recv(10.0) == "ready"
    assert child.wait(20.0)
    assert child.exit_reason() == "disk", child.output()


def write(path, size):
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def test_others_on_the_same_disk_are_not_the_childs_fault(tmp_path):
    folder = tmp_path / "scratch"
    (folder / "inner").mkdir(parents=True)
    watch = Scratch(folder, 16 << 20)
    write(tmp_path / "of_another", 64 << 20)
    write(folder / "inner" / "own", 4 << 20)
    assert not watch.overfull([])
    write(folder / "inner" / "more", 16 << 20)
    assert watch.overfull([])


def test_an_open_file_without_a_name_counts(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    watch = Scratch(folder, 16 << 20)
    with open(folder / "gone", "wb") as file:
        os.unlink(folder / "gone")
        os.posix_fallocate(file.fileno(), 0, 32 << 20)
        assert watch.overfull([os.getpid()]) and not watch.overfull([])


def test_many_small_files_count_too(tmp_path, monkeypatch):
    monkeypatch.setattr("kernelevo.sandbox.scratch.MOST_FILES", 50)
    watch = Scratch(tmp_path, 1 << 30)
    for number in range(200):
        (tmp_path / str(number)).touch()
    assert watch.overfull([])


def test_a_folder_is_removed_however_deep_it_is(tmp_path):
    before, top = os.getcwd(), tmp_path / "top"
    top.mkdir()
    try:
        os.chdir(top)
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(before)
    remove(top)
    assert not top.exists()
    remove(top)  # a second time does no harm


def test_files_and_closed_folders_go_too(tmp_path):
    top = tmp_path / "top"
    for path in ("a/b/c", "a/d", "e"):
        (top / path).mkdir(parents=True)
        (top / path / "file").write_text("x")
    os.mkfifo(top / "a" / "pipe")
    (top / "a" / "b").chmod(0o000)
    remove(top)
    assert not top.exists() and list(tmp_path.iterdir()) == []


def test_a_removal_ends_in_time(tmp_path):
    (tmp_path / "top" / "inner").mkdir(parents=True)
    remove(tmp_path / "top", seconds=0.0)
    assert (tmp_path / "top" / "inner").exists()


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    kept, top = tmp_path / "kept", tmp_path / "top"
    kept.mkdir(), top.mkdir()
    (kept / "file").touch()
    (top / "link").symlink_to(kept)
    remove(top)
    assert (kept / "file").exists() and not top.exists()


def test_a_disk_without_room_is_refused(tmp_path, monkeypatch):
    ensure_room(tmp_path)
    monkeypatch.setattr(scratch, "_room", lambda folder: (scratch.LEAST_FREE - 1, 10))
    with pytest.raises(MachineError, match="511 MiB are free") as caught:
        ensure_room(tmp_path)
    assert caught.value.exit_code == 3 and "remov" in caught.value.now
    ensure_room(tmp_path / "not there yet")


def test_what_dead_processes_left_is_removed(tmp_path):
    alive, dead = owned("eager"), owned("compile-max-autotune").replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    elsewhere = dead.replace(scratch._place(), "0" * 12)  # its process may live, on another machine
    for name in (alive, dead, elsewhere, "eager-x-1", "other"):
        (tmp_path / name / "inside").mkdir(parents=True)
    remove_left(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([alive, elsewhere, "eager-x-1", "other"])
    remove_left(tmp_path / "nowhere")


def test_folders_of_killed_processes_go_with_the_next_ones_first(tmp_path):
    script = (
        "import os\nfrom kernelevo.sandbox.scratch import temporary\n"
        "folder = temporary('judge')\n(folder / 'kept').write_text('x')\nprint(folder, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )

    def run():
        environ = {**os.environ, "TMPDIR": str(tmp_path)}
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout.strip()

    (tmp_path / "kernelevo-of-somebody-else").mkdir()
    first, second = run(), run()
    left = sorted(str(path) for path in tmp_path.iterdir())
    assert left == [second, f"{tmp_path}/kernelevo-of-somebody-else"]
    assert first != second and "kernelevo-judge-" in second
