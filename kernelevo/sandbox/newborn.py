"""What a forked child does between its first instruction and its entry function; it never returns."""

from __future__ import annotations

import faulthandler
import fcntl
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from kernelevo.sandbox.channel import Channel
from kernelevo.sandbox.identity import Identity
from kernelevo.sandbox.limits import Limits, apply

Entry = Callable[[Channel, dict[str, Any], dict[str, int]], None]
_FIRST_FD = 4  # 0 to 2 are the standard streams, 3 is the channel
_OUT_OF_THE_WAY = 512
_PAST_EVERY_FD = 1 << 16
REFUSED = 97  # exit code of a child whose limits could not be put on
LOST = 98  # exit code of a child whose zygote died before it was ready


def live(order: Mapping[str, Any], fds: list[int], who: Identity, zygote: int) -> NoReturn:
    """Become the child that ``order`` describes and run its entry.

    Args:
        order: the spawn request (entry, payload, limits, fd names, threads).
        fds: channel, output, then the named descriptors, as received by the zygote.
        who: identity for stages that are not trusted.
        zygote: process id of the zygote, to notice its death.
    """
    code = 70
    try:
        os.setsid()
        _reset_signals()
        named = _place_fds(fds, order["fd_names"])
        entry = _load(order["entry"])
        threads = int(order["threads"])
        os.environ["OMP_NUM_THREADS"] = str(threads)
        limits = Limits.from_json(order["limits"])
        try:
            apply(limits, who)
        except OSError as error:
            print(f"the sandbox could not be put on: {error}", file=sys.stderr, flush=True)
            os._exit(REFUSED)
        if os.getppid() != zygote:
            os._exit(LOST)
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(threads)
        entry(Channel(3), dict(order["payload"]), named)
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if code and not isinstance(stop.code, int):
            print(stop.code, file=sys.stderr)  # as Python does
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        _leave(code)


def _reset_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _place_fds(fds: list[int], names: list[str]) -> dict[str, int]:
    """Move the received descriptors to 1, 2, 3, 4 ... and close everything else."""
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, _OUT_OF_THE_WAY) for fd in fds]
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    channel, output, *rest = moved
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(channel, 3, inheritable=False)
    placed = {}
    for target, (name, fd) in enumerate(zip(names, rest, strict=True), _FIRST_FD):
        os.dup2(fd, target, inheritable=False)
        placed[name] = target
    os.closerange(_FIRST_FD + len(rest), _PAST_EVERY_FD)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  lives as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
    faulthandler.enable(sys.stderr)
    return placed


def _load(reference: str) -> Entry:
    module, _, function = reference.partition(":")
    entry: Entry = getattr(importlib.import_module(module), function)
    return entry


def _leave(code: int) -> NoReturn:
    """Flush what the entry printed and end without running any exit handler of the zygote."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the parent closed the pipe, or the candidate closed the stream
    os._exit(code & 0xFF)
