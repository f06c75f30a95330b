"""The guardian: a tiny process that stops registered groups while a lease is held, and always resumes them.

It runs as a script with the standard library alone, in a session of its own, told by its holder over a
socket; when the holder dies, however it dies, the socket closes and the guardian resumes everything.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

LONGEST_STOP = 2.0  # seconds a group may be stopped at a time
BREATH = 0.05  # seconds it then runs
RESCAN = 0.25  # seconds until a group registered meanwhile is noticed


def start_time(pid: int) -> int | None:
    """Return when a process started, in ticks since boot; with the number it names one process for ever."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def registered(folder: str) -> list[int]:
    """Return the groups registered in a folder; forget those whose leader is gone."""
    found: list[int] = []
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return found
    for name in names:
        if not name.endswith(".json"):
            continue
        path = os.path.join(folder, name)
        try:
            with open(path, encoding="utf-8") as file:
                entry = json.load(file)
            pgid, started = int(entry["pgid"]), int(entry["started"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # written this instant, or not ours
        if start_time(pgid) != started:
            _forget(path)
        elif pgid > 1 and pgid != os.getpgrp():
            found.append(pgid)
    return found


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def signal_group(pgid: int, number: int) -> bool:
    """Signal a group; False if it is gone or not ours."""
    try:
        os.killpg(pgid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def resume_all(folder: str) -> None:
    """Resume every registered group; harmless for one that runs."""
    for pgid in registered(folder):
        signal_group(pgid, signal.SIGCONT)


class Guardian:
    """The duty cycle: stopped for at most two seconds, then a breath, until released.

    Args:
        fd: socket to the holder; bytes ``h`` (hold), ``b`` (breathe now), ``r`` (release), answered by the
            same letter when done; ``B`` is sent unasked for a breath that was forced.
        folder: where groups are registered.
    """

    def __init__(self, fd: int, folder: str) -> None:
        self._fd = fd
        self._folder = folder
        self._stopped: set[int] = set()
        self._since = 0.0
        self._holding = False

    def run(self) -> None:
        """Serve until the holder is gone; resume everything then."""
        try:
            while True:
                ready = select.select([self._fd], [], [], RESCAN if self._holding else None)[0]
                if ready:
                    order = os.read(self._fd, 1)
                    if not order:
                        return
                    self._obey(order)
                elif time.monotonic() - self._since > LONGEST_STOP - RESCAN and self._stopped:
                    self._breathe()
                    os.write(self._fd, b"B")
                else:
                    self._stop()
        except OSError:
            return  # the holder's end broke: it is gone
        finally:
            self._resume()

    def _obey(self, order: bytes) -> None:
        self._holding = order != b"r"
        if order == b"h":
            self._since = time.monotonic()
            self._stop()
        elif order == b"b":
            self._breathe()
        else:
            self._resume()
        os.write(self._fd, order)

    def _stop(self) -> None:
        if not self._stopped:
            self._since = time.monotonic()
        for pgid in registered(self._folder):
            if signal_group(pgid, signal.SIGSTOP):  # again too: the end of another device's lease wakes all
                self._stopped.add(pgid)

    def _resume(self) -> None:
        for pgid in self._stopped:
            signal_group(pgid, signal.SIGCONT)
        self._stopped.clear()

    def _breathe(self) -> None:
        if self._stopped:
            self._resume()
            time.sleep(BREATH)
        self._stop()


def main() -> None:
    """Serve the holder at descriptor ``argv[1]`` for the folder ``argv[2]``."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the end of the holder ends us
    Guardian(int(sys.argv[1]), sys.argv[2]).run()


if __name__ == "__main__":
    main()
