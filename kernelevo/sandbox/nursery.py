"""The zygote's own process: imports once, stays at one thread, forks a child on request, reaps it.

Run as ``python -m kernelevo.sandbox.nursery FD CONFIG`` by ``Zygote``; never imported by the parent.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from kernelevo.sandbox import freeze, identity, landlock, newborn, seccomp, warming
from kernelevo.sandbox.channel import Channel, PeerClosed
from kernelevo.sandbox.importable import importable
from kernelevo.sandbox.syscalls import PR_SET_CHILD_SUBREAPER, prctl, signal_name

_ORPHAN_PATROL_MS = 1000
_ORPHAN_ROUNDS = 1000
_CLEARING_SECONDS = 20.0


def thread_count() -> int:
    """Return the number of threads of this process, as the kernel counts them."""
    return len(os.listdir("/proc/self/task"))


def prepare(preload: list[str]) -> dict[str, Any]:
    """Import what children will use and warm it up; one thread before, during and after.

    Args:
        preload: modules to import; where one of them brings torch, torch is held at one thread.

    Returns:
        Facts: torch's version or None, seconds, threads.
    """
    start = time.monotonic()
    # torch first: its libgomp must be the one that every later library binds to
    for name in sorted(preload, key=lambda name: name != "torch"):
        importlib.import_module(name)
        _one_thread()
    torch = sys.modules.get("torch")
    if torch is not None:
        warming.operators()
    _freeze()
    return {
        "torch": str(torch.__version__) if torch is not None else None,
        "prepare_seconds": time.monotonic() - start,
        "threads": thread_count(),
    }


def _freeze() -> None:
    gc.collect()
    gc.freeze()  # children then do not dirty the pages of every old object at their first collection


def _one_thread() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


class Nursery:
    """The loop: obey the parent, fork, reap, and end with the parent.

    Args:
        control: channel to the parent.
        parent: its process id.
    """

    def __init__(self, control: Channel, parent: int) -> None:
        self._control = control
        self._parent_fd = os.pidfd_open(parent)
        self._alive: dict[int, int] = {}  # pid -> pidfd
        self._ended: dict[int, dict[str, Any]] = {}
        self._who: identity.Identity = "kept"

    def settle(self) -> dict[str, Any]:
        """Find out who children will be, and return facts about their defences."""
        self._who = identity.choose(identity.needed_paths())
        importable(sys.path)  # looked at once, and not by every child
        return {
            "identity": self._who,
            "landlock_abi": landlock.abi(),
            "seccomp": seccomp.supported() or "x86-64 filter",
        }

    def run(self) -> None:
        """Serve until the parent ends or asks for the end; take all children along."""
        while True:
            poller = select.poll()
            for fd in (self._control.fileno(), self._parent_fd, *self._alive.values()):
                poller.register(fd, select.POLLIN)
            ready = {fd for fd, _ in poller.poll(_ORPHAN_PATROL_MS if self._alive else None)}
            self._reap()
            if self._parent_fd in ready:
                return
            if self._control.fileno() in ready:
                try:
                    order, fds = self._control.recv_fds(10.0)
                except PeerClosed:
                    return
                if order["op"] == "end":
                    return
                self._obey(order, fds)

    def end(self) -> None:
        """Kill every child and its group."""
        for pid, fd in self._alive.items():
            _kill_group(pid)
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)  # a newborn that leads no group yet
        self._kill_orphans()

    def _obey(self, order: dict[str, Any], fds: list[int]) -> None:
        if order["op"] == "spawn":
            self._spawn(order, fds)
        elif order["op"] == "status":
            pid = order["pid"]
            self._control.send({"running": True} if pid in self._alive else self._ended.pop(pid, None))
        elif order["op"] == "warm inductor":
            kept, on_device = order["kept"], order["on_device"]
            self._control.send(self._warm(lambda: warming.inductor(kept, on_device=on_device)))
        elif order["op"] == "warm triton":
            self._control.send(self._warm(lambda: warming.triton(order["arch"])))
        elif order["op"] == "clear":
            self._control.send(self._clear())
        else:
            self._control.send({"error": f"no such order: {order['op']}"})

    def _spawn(self, order: dict[str, Any], fds: list[int]) -> None:
        threads = thread_count()
        if threads != 1:
            self._close(fds)
            self._control.send({"error": f"the zygote has {threads} threads; a fork would hang its children"})
            return
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # too many processes, or no memory: the children that live go on
            self._close(fds)
            self._control.send({"error": f"this system makes no process now: {error}"})
            return
        if pid == 0:
            newborn.live(order, fds, self._who, zygote)
        self._alive[pid] = os.pidfd_open(pid)
        self._close(fds)
        self._control.send({"pid": pid}, [self._alive[pid]])

    def _clear(self) -> dict[str, Any]:
        """End every child and wait until it has ended."""
        self.end()
        deadline = time.monotonic() + _CLEARING_SECONDS
        while self._alive:
            if time.monotonic() > deadline:
                return {"error": f"killed children live after {_CLEARING_SECONDS:g} s: {[*self._alive]}"}
            poller = select.poll()
            for fd in self._alive.values():
                poller.register(fd, select.POLLIN)
            poller.poll(100)
            self._reap()
        self._ended.clear()
        return {"threads": thread_count()}

    @staticmethod
    def _warm(do: Callable[[], Any]) -> dict[str, Any]:
        if "torch" not in sys.modules:
            return {"error": "torch is not loaded in it"}
        try:
            found = do()
        except Exception as error:  # whatever a compiler or Inductor raises: the parent reads it
            return {"error": f"{type(error).__name__}: {error}"[:2000]}
        finally:
            _freeze()
        return {"threads": thread_count(), "found": found}

    @staticmethod
    def _close(fds: list[int]) -> None:
        for fd in fds:
            os.close(fd)

    def _reap(self) -> None:
        """Collect every dead child; its group goes first, while the dead leader still holds the number."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                break
            pid = found.si_pid
            if pid not in self._alive:
                _kill_group(pid)
                os.waitpid(pid, 0)  # an orphan that we took over
                continue
            _kill_group(pid)
            _, status, usage = os.wait4(pid, 0)
            os.close(self._alive.pop(pid))
            code = os.waitstatus_to_exitcode(status)
            self._ended[pid] = {
                "running": False,
                "code": code if code >= 0 else None,
                "signal": signal_name(-code) if code < 0 else None,
                "maxrss_bytes": usage.ru_maxrss * 1024,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
            }
        self._kill_orphans()

    def _kill_orphans(self) -> None:
        """Kill what a child left behind: as sub-reaper we inherit it, whatever session it fled to."""
        for _ in range(_ORPHAN_ROUNDS):  # the death of one hands us those that it had started
            orphans = [pid for pid in freeze.children(os.getpid()) if pid not in self._alive]
            if not orphans:
                return
            for pid in orphans:
                _kill_group(pid)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # it never became a group leader, or only its zombie is left


def main(argv: list[str]) -> int:
    """Serve the parent at the other end of descriptor ``argv[1]``."""
    config = json.loads(argv[2])
    control = Channel(int(argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent; it ends us
    try:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        nursery = Nursery(control, config["parent"])
    except OSError as error:
        control.send({"error": f"this kernel does not offer what children are held by: {error}"})
        return 1
    try:
        facts = prepare(config["preload"])
        facts |= nursery.settle()
        control.send({"ready": facts})
        nursery.run()
    except PeerClosed:
        return 0
    finally:
        nursery.end()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
