"""A stock lends zygotes, and keeps those that are given back while it is asked to; children never stay."""

import contextlib
import os
import threading
import time
from pathlib import Path

import pytest

from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.stock import Stock

HOW = {"preload": ("misbehaviour",), "threads": 1}


@pytest.fixture
def stock(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    return Stock()


def child(zygote, folder):
    return zygote.spawn("misbehaviour:wait", {}, limits=Limits("trusted", folder))


def gone(pid):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            time.sleep(0.01)
            continue
        return True
    return False


def test_nothing_is_kept_where_nobody_asks(stock):
    zygote = stock.lend(**HOW)
    stock.give_back(zygote)
    assert not zygote.alive() and not stock._kept and not stock._lent


def test_one_is_lent_again_without_the_children_that_it_had(stock, tmp_path):
    with stock.kept():
        first = stock.lend(**HOW)
        left = child(first, tmp_path / "a")
        stock.give_back(first)
        assert first.alive() and gone(left.pid)
        again = stock.lend(**HOW)
        assert again is first
        with child(again, tmp_path / "b") as fresh:
            assert fresh.alive() and not left.alive()
        stock.give_back(again)
        assert again.alive()
    assert not again.alive()


def test_two_users_never_share_one_and_one_of_a_kind_is_kept(stock):
    with stock.kept():
        one, two = stock.lend(**HOW), stock.lend(**HOW)
        assert one is not two
        stock.give_back(one)
        stock.give_back(two)
        assert one.alive() and not two.alive()


@pytest.mark.parametrize("other", [{"threads": 2}, {"purpose": "another"}, {"environ": {"A": "1"}}])
def test_another_kind_is_another_zygote(stock, other):
    with stock.kept():
        first = stock.lend(**HOW)
        stock.give_back(first)
        second = stock.lend(**{**HOW, **other})
        assert second is not first
        stock.give_back(second)
        assert stock.lend(**HOW) is first
        stock.give_back(first)


def test_one_that_is_warm_for_another_folder_is_not_lent(stock, tmp_path):
    with stock.kept():
        first = stock.lend(**HOW)
        first.inductor_tools = tmp_path / "a"  # as ``warm_inductor`` leaves it
        stock.give_back(first)
        assert stock._kept
        second = stock.lend(**HOW, tools=tmp_path / "b")
        assert second is not first
        stock.give_back(second)
        assert not second.alive()  # one of a kind is kept
        assert stock.lend(**HOW, tools=tmp_path / "a") is first
        stock.give_back(first)


def test_what_the_environment_says_is_part_of_the_kind(stock, monkeypatch):
    with stock.kept():
        first = stock.lend(**HOW)
        stock.give_back(first)
        monkeypatch.setenv("KERNELEVO_CACHE", "/elsewhere")
        second = stock.lend(**HOW)
        assert second is not first
        stock.give_back(second)


def test_one_that_was_killed_is_not_lent(stock):
    with stock.kept():
        first = stock.lend(**HOW)
        stock.give_back(first)
        first.kill()
        first._process.wait(10)
        second = stock.lend(**HOW)
        assert second is not first and second.alive()
        second.kill()
        second._process.wait(10)
        stock.give_back(second)
        assert not stock._kept


def test_kept_ends_with_the_outermost(stock):
    with stock.kept():
        with stock.kept():
            zygote = stock.lend(**HOW)
            stock.give_back(zygote)
        assert zygote.alive()
    assert not zygote.alive()


def test_what_is_given_back_after_the_end_ends(stock):
    with stock.kept():
        zygote = stock.lend(**HOW)
    assert zygote.alive()
    stock.give_back(zygote)
    assert not zygote.alive()


def test_threads_that_lend_and_give_back_leave_one_at_most(stock):
    taken, lock = [], threading.Lock()

    def work():
        for _ in range(3):
            zygote = stock.lend(**HOW)
            with lock:
                assert zygote not in taken
                taken.append(zygote)
            time.sleep(0.01)
            with lock:
                taken.remove(zygote)
            stock.give_back(zygote)

    with stock.kept():
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(stock._kept) == 1 and not stock._lent
