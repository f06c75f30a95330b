"""Compilers: a zygote at the first use, cold where its tools do not work, ended while it is being warmed."""

import os
import signal
import threading
import time

import pytest

from kernelevo.errors import SandboxError
from kernelevo.kernels.children import compilers as room
from kernelevo.kernels.children.compilers import Compilers
from kernelevo.sandbox.stock import Stock


def test_one_whose_tools_do_not_work_is_cold_and_goes_on(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(room, "stock", Stock())  # of its own: nothing is kept there
    caplog.set_level("INFO")
    compilers = Compilers((), 1, tmp_path / "kept")  # without torch there is nobody to ask
    try:
        zygote = compilers.zygote()
        assert zygote.alive() and compilers.zygote() is zygote
        assert "starts cold" in caplog.text and "torch is not loaded" in caplog.text
    finally:
        compilers.close()
    assert not zygote.alive()
    with pytest.raises(SandboxError, match="closed"):
        compilers.zygote()
    compilers.close()


def test_one_that_was_killed_is_started_anew(tmp_path):
    compilers = Compilers((), 1, tmp_path / "kept")
    try:
        first = compilers.zygote()
        os.kill(first.pid, signal.SIGKILL)
        while first.alive():
            time.sleep(0.01)
        second = compilers.zygote()
        assert second.alive() and second.pid != first.pid
    finally:
        compilers.close()


def test_closing_does_not_wait_for_the_tools(tmp_path, monkeypatch):
    asking = threading.Event()

    def ask(zygote, kept, *, on_device):
        asking.set()
        while zygote.alive():  # as a compiler that takes for ever
            time.sleep(0.01)
        raise SandboxError("the zygote does not answer")

    monkeypatch.setattr(room, "let_zygote_ask", ask)
    compilers, ends = Compilers((), 1, tmp_path / "kept"), []

    def use():
        try:
            compilers.zygote()
        except SandboxError as error:
            ends.append(error.what)

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    assert asking.wait(60)
    compilers.close()
    thread.join(60)
    assert ends == ["the judge was closed"]
