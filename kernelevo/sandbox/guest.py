"""What a plain candidate's process does: load a program and call a function, run a script, run native code.

These entries run in children of the torch-free zygote, after the limits are on. What they say is the
candidate's own word: the parent takes the answer as data and measures time itself.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib.util
import json
import os
import runpy
import subprocess
import sys
import traceback
from typing import Any, NoReturn

from kernelevo.sandbox import plain_data
from kernelevo.sandbox.channel import Channel

MODULE = "program"
_TRACE = 6_000
_LOG = 12_000


def call(channel: Channel, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Load the program in the working folder, call one function, send its answer.

    Args:
        channel: gets one message, ``{"value": ...}`` or ``{"failed": stage, "kind": ..., "text": ...}``.
        payload: ``entry`` (file name), ``function``, ``most`` (bytes of the answer).
        fds: ``order``: memory with the arguments.
    """
    order = plain_data.decode(json.loads(_everything(fds["order"])))
    stage = "import"
    try:
        module = _load(payload["entry"])
        stage = "missing"
        function = getattr(module, payload["function"])
        stage = "call"
        value = function(*order["args"], **order["kwargs"])
        stage = "answer"
        body = {"value": plain_data.encode(value, "what it returns")}
        size = len(json.dumps(body, separators=(",", ":")))
        if size > payload["most"]:
            raise plain_data.NotPlain(f"the answer has {size} bytes, more than {payload['most']}")
    except BaseException as error:
        text = "".join(_own_lines(error))[-_TRACE:]
        said = f"{type(error).__name__}: {error}"[:2000]
        body = {"failed": stage, "kind": type(error).__name__, "said": _clean(said), "text": _clean(text)}
    _flush()
    channel.send(body)


def script(channel: Channel, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Run the program as a script between two descriptors, ``stdin`` and ``stdout``."""
    _connect(fds)
    sys.argv = [payload["entry"]]
    sys.path.insert(0, os.getcwd())
    try:
        runpy.run_path(os.path.abspath(payload["entry"]), run_name="__main__")
    except SystemExit:
        raise
    except BaseException as error:
        print("".join(_own_lines(error)), end="", file=sys.stderr)
        sys.exit(1)
    finally:
        _flush()


def native(channel: Channel, payload: dict[str, Any], fds: dict[str, int]) -> NoReturn:
    """Run ``main`` of a shared object between two descriptors; nothing can be executed here, but loaded."""
    _connect(fds)
    faulthandler.disable()  # it would tell where Python was, as if that had failed
    library = ctypes.CDLL(payload["library"])
    if not hasattr(library, "main"):
        sys.exit("the program defines no main")
    libc = ctypes.CDLL(None)
    code = int(library.main(1, (ctypes.c_char_p * 2)(b"program", None)))
    libc.exit(code)  # C++ streams are written out by it
    os._exit(code & 0xFF)


def compile_native(channel: Channel, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Run one compiler command in the working folder and say how it ended."""
    try:
        done = subprocess.run(
            payload["command"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False, timeout=payload["seconds"],
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        channel.send({"code": None, "log": f"the compiler took longer than {payload['seconds']:g} s"})
        return
    channel.send({"code": done.returncode, "log": _clean(done.stderr[:_LOG])})


def _own_lines(error: BaseException) -> list[str]:
    """Return the traceback of the program's own lines; the folder's name, which changes, is left out."""
    here = os.getcwd() + os.sep
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(here)]
    for frame in frames:
        frame.filename = frame.filename.removeprefix(here)
    if isinstance(error, SyntaxError) and isinstance(error.filename, str):  # of a file that does not parse
        error.filename = error.filename.removeprefix(here)
    return [*traceback.format_list(frames), *traceback.format_exception_only(error)]


def _load(entry: str) -> Any:
    sys.path.insert(0, os.getcwd())
    spec = importlib.util.spec_from_file_location(MODULE, os.path.abspath(entry))
    assert spec is not None and spec.loader is not None  # the entry is a .py file
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module


def _connect(fds: dict[str, int]) -> None:
    for name, number in (("stdin", 0), ("stdout", 1)):
        os.dup2(fds[name], number)
        os.close(fds[name])
    sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115  the process's own
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115


def _everything(fd: int) -> bytes:
    parts = []
    while part := os.read(fd, 1 << 20):
        parts.append(part)
    os.close(fd)
    return b"".join(parts)


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # the program closed or replaced it
