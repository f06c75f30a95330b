"""A child is stopped for certain, read while stopped, and ends when we say, whatever it does."""

import ctypes
import os
import time

import numpy as np
import pytest

from kernelevo.sandbox.channel import PeerClosed, PeerMalformed, PeerTimeout
from kernelevo.sandbox.child import OUTPUT_BYTES, BadAddress, ChildDied


def test_threads_that_go_on_after_the_answer_are_frozen(spawn):
    child = spawn("threads", {"count": 4})
    address = child.channel.recv(10.0)["address"]
    for _ in range(5):
        before = time.monotonic_ns()
        stamp = child.stop()
        assert before < stamp <= time.monotonic_ns()
        first = child.read(address, 8).view(np.int64)[0]
        time.sleep(0.02)
        assert child.read(address, 8).view(np.int64)[0] == first
        child.resume()
        time.sleep(0.02)
    child.stop()
    assert child.read(address, 8).view(np.int64)[0] > first


def test_a_breeder_of_threads_is_stopped(spawn):
    child = spawn("breed")
    child.channel.recv(10.0)
    for _ in range(20):
        child.stop()
        states = set()
        for tid in os.listdir(f"/proc/{child.pid}/task"):
            with open(f"/proc/{child.pid}/task/{tid}/stat") as file:
                states.add(file.read().rpartition(")")[2].split()[0])
        assert states <= {"T", "t", "Z", "X"}
        child.resume()


def test_reading_many_pieces_and_addresses_that_are_not_there(spawn):
    child = spawn("threads", {"count": 0})
    address = child.channel.recv(10.0)["address"]
    child.stop()
    pieces = child.read_many([(address, 8), (address, 0), (address, 4)])
    assert [p.nbytes for p in pieces] == [8, 0, 4]
    for bad in (0, 8, -1, 1 << 47, 1 << 63, 1 << 70):
        with pytest.raises(BadAddress):
            child.read(bad, 8)
    with pytest.raises(BadAddress):
        child.read(address, -1)
    with pytest.raises(BadAddress):
        child.read(address, 1 << 62)
    with pytest.raises(ValueError, match="contiguous"):
        child.read_into([(address, 8)], [np.empty(4, np.uint8)])


def test_what_is_written_is_read_back_and_addresses_that_are_not_there_are_refused(spawn):
    child = spawn("threads", {"count": 0})
    address = child.channel.recv(10.0)["address"]
    child.stop()
    child.write(address, np.arange(8, dtype=np.uint8))
    assert np.array_equal(child.read(address, 8), np.arange(8))
    for bad in (0, 8, 1 << 47, 1 << 63):
        with pytest.raises(BadAddress):
            child.write(bad, np.zeros(8, np.uint8))


def test_an_endless_loop_is_killed_and_named(spawn):
    child = spawn("loop")
    child.channel.recv(10.0)
    with pytest.raises(PeerTimeout):
        child.channel.recv(0.05)
    assert child.alive()
    assert child.exit_reason() is None
    child.kill("timeout")
    assert child.exit_reason() == "timeout"
    child.kill("again")
    assert child.exit_reason() == "timeout"


def test_the_processor_limit_ends_a_loop(spawn):
    child = spawn("loop", cpu_seconds=1)
    assert child.wait(20.0)
    assert child.exit_reason() in ("SIGXCPU", "SIGKILL")


def test_stop_and_resume_of_a_dead_child(spawn):
    child = spawn("leave", {"code": 0})
    child.wait(5.0)
    for act in (child.stop, child.resume):
        with pytest.raises(ChildDied):
            act()
    with pytest.raises(ChildDied):
        child.read(4096, 8)
    assert child.rss() == 0


def test_a_stopped_child_can_be_killed(spawn):
    child = spawn("wait")
    child.channel.recv(10.0)
    child.stop()
    child.kill()
    assert child.exit_reason() == "SIGKILL"


def test_flooding_the_output_keeps_the_tail_only(spawn):
    child = spawn("flood_output")
    child.channel.recv(10.0)
    with pytest.raises(PeerTimeout):
        child.channel.recv(0.3)
    child.kill("timeout")
    text = child.output()
    assert len(text) <= OUTPUT_BYTES + 100
    assert "left out" in text


def test_output_without_end_keeps_nobody_from_looking_at_the_clock(spawn, monkeypatch):
    """Writers in several threads may fill the pipe again before we have looked whether it is empty."""
    child = spawn("wait")
    child.channel.recv(10.0)
    plain, reads = os.read, []

    def read(fd, size):
        if fd != child._output_fd:
            return plain(fd, size)
        reads.append(size)
        if len(reads) > 5000:
            pytest.fail("it reads for ever")
        return b"x" * size

    monkeypatch.setattr(os, "read", read)
    assert "left out" in child.output()
    with pytest.raises(PeerTimeout):
        child.channel.recv(0.01)
    monkeypatch.undo()


def test_a_closed_output_is_not_looked_at_again(spawn, monkeypatch):
    """A pipe without writers is always ready: to wait for its reader would take a core."""
    child = spawn("close_output")
    child.channel.recv(10.0)
    drain, looks = child._drain, []
    monkeypatch.setattr(child, "_drain", lambda: looks.append(1) or drain())
    assert not child.wait(0.1)
    assert len(looks) == 1


def test_flooding_the_channel_is_malformed(spawn):
    child = spawn("flood_channel")
    with pytest.raises(PeerMalformed):
        child.channel.recv(10.0)
    child.kill()


def test_closing_the_channel_is_noticed(spawn):
    child = spawn("close_channel")
    with pytest.raises(PeerClosed):
        child.channel.recv(10.0)
    child.kill()


@pytest.mark.parametrize("entry", ["eat_memory", "eat_shared_memory"])
def test_a_child_that_takes_too_much_memory_ends(spawn, entry):
    child = spawn(entry, memory_bytes=200 << 20)
    child.channel.recv(10.0)
    assert child.wait(30.0)
    # private memory hits RLIMIT_DATA (a MemoryError); shared memory is seen by the watchdog
    assert child.exit_reason() == ("exit 1" if entry == "eat_memory" else "oom")
    if entry == "eat_memory":
        assert "MemoryError" in child.output()


def test_defences_are_read_from_the_kernel(spawn):
    child = spawn("wait")
    child.channel.recv(10.0)
    found = child.defences()
    assert found["no_new_privs"] == "1"
    assert found["seccomp"] == "2"
    if os.getuid() == 0:
        assert found["capabilities"] in ("0000000000000000", "0000000000000004")


def test_reading_our_own_pointer_back(spawn):
    """The addresses are the child's, not ours."""
    ours = ctypes.create_string_buffer(b"parent only")
    child = spawn("wait")
    child.channel.recv(10.0)
    child.stop()
    try:
        assert child.read(ctypes.addressof(ours), 11).tobytes() != b"parent only"
    except BadAddress:
        assert child.alive()


def test_a_thread_bomb_is_killed(spawn):
    child = spawn("thread_bomb", processes=100)
    child.channel.recv(10.0)
    assert child.wait(20.0)
    assert child.exit_reason() == "too many threads"


def test_a_fork_bomb_fails_at_its_first_fork_in_the_run_stage(spawn):
    child = spawn("fork_bomb")
    assert child.wait(10.0)
    assert child.exit_reason() == "exit 1"
    assert "PermissionError" in child.output()


def test_a_fork_bomb_in_the_build_stage_is_killed_to_the_last_process(spawn):
    child = spawn("fork_bomb", stage="build", processes=40)
    assert child.wait(20.0)
    assert child.exit_reason() == "too many processes"
    # a later child of the same zygote still works, and nothing of the bomb is left beside it
    after = spawn("wait")
    assert after.channel.recv(10.0) == "ready"
    scratch = str(child.limits.scratch)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and in_folder(scratch):
        time.sleep(0.05)
    assert not in_folder(scratch)


def in_folder(folder):
    """Return the processes that work in a folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd") == folder:
                found.append(pid)
        except OSError:
            continue  # it ended, or is not ours to see
    return found
