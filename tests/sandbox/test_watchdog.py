"""One thread looks after the children of all zygotes, and only while there are any."""

import gc
import threading
import time

from kernelevo.sandbox.watchdog import Watchdog


class Fake:
    def __init__(self, reason=None):
        self.reason, self.ended, self.killed, self.looks = reason, False, [], 0

    def has_ended(self):
        self.looks += 1
        return self.ended

    def over_limits(self):
        return self.reason

    def kill_now(self, reason):
        self.killed.append(reason)


def until(holds, seconds=10.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_child_past_its_limits_is_killed_once_and_others_are_left_alone():
    dog, well, grown = Watchdog(), Fake(), Fake()
    dog.watch(well)
    dog.watch(grown)
    until(lambda: well.looks > 2)
    grown.reason = "oom"
    until(lambda: grown.killed)
    looks = well.looks
    until(lambda: well.looks > looks + 2)
    assert grown.killed == ["oom"] and not well.killed
    well.ended = True


def test_its_one_thread_ends_with_the_last_child_and_comes_again():
    dog, first, second = Watchdog(), Fake(), Fake()
    dog.watch(first)
    thread = dog._thread
    dog.watch(second)
    assert dog._thread is thread and thread.is_alive()
    first.ended = second.ended = True
    thread.join(10.0)
    assert not thread.is_alive()
    third = Fake("disk")
    dog.watch(third)
    until(lambda: third.killed == ["disk"])


def test_a_child_that_nobody_holds_is_forgotten():
    dog, child = Watchdog(), Fake()
    dog.watch(child)
    thread = dog._thread
    del child
    gc.collect()
    thread.join(10.0)
    assert not thread.is_alive()


def test_two_zygotes_have_one_watchdog(spawn, warm):
    for child in (spawn("wait"), spawn("wait", zygote=warm)):
        child.channel.recv(10.0)
        assert [t.name for t in threading.enumerate()].count("kernelevo-limits") == 1
