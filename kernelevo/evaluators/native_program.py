"""C++ candidates: compiled once, in the sandbox's build stage, to an object whose ``main`` a child calls.

The run stage may execute nothing, so a program is no executable but a shared object with ``main`` in it.
"""

from __future__ import annotations

import os
from pathlib import Path

from kernelevo.backends.cache import BuildCache, digest
from kernelevo.backends.toolchain import compiler
from kernelevo.core import Program, Status
from kernelevo.evaluators.outcome import Outcome, ProgramFailed
from kernelevo.sandbox import scratch
from kernelevo.sandbox.channel import PeerFault
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.orphans import orphan
from kernelevo.sandbox.plain_zygote import plain_zygote

LANGUAGES = ("cpp", "c++")
LIBRARY = "program.so"
FLAGS = ("-O2", "-std=gnu++20")
_AS_OBJECT = ("-shared", "-fPIC", "-Wl,-z,defs", "-I.")  # what is not defined is missed here, as in a program
_SECONDS = 60.0
_MEMORY = 2 << 30
_LARGEST = 64 << 20
_SUFFIXES = (".cpp", ".cc", ".cxx")
_WHAT = "the program does not compile"


def compiled(program: Program, flags: tuple[str, ...] = ()) -> bytes:
    """Return the shared object of a C++ program, from the build cache if it was built before.

    Args:
        program: its ``.cpp`` files are compiled together, others may be included.
        flags: further compiler flags, after ``-O2 -std=gnu++20``.

    Raises:
        ProgramFailed: with the compiler's words, if it does not compile within 60 s and 2 GiB.
        ToolchainMissing: without a compiler.
    """
    tool = compiler()
    # flags may say -march=native, which means another thing on another machine with the same home
    made_by = [*FLAGS, *flags, *_AS_OBJECT], tool.version, tool.arch
    key = digest("plain program", program.language, dict(program.files), made_by)

    def build(folder: Path) -> None:
        (folder / LIBRARY).write_bytes(_built(program, tool.path, flags))

    return (BuildCache.here().get(key, build, what="the program") / LIBRARY).read_bytes()


def _built(program: Program, tool: str, flags: tuple[str, ...]) -> bytes:
    folder = scratch.temporary("compile")
    try:
        for name, content in program.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8", errors="replace")
        sources = [name for name in program.files if name.endswith(_SUFFIXES)] or list(program.files)
        command = [tool, "-x", "c++", *FLAGS, *flags, *_AS_OBJECT, "-o", LIBRARY, *sources]
        limits = Limits("build", folder, memory_bytes=_MEMORY, cpu_seconds=int(_SECONDS), processes=64)
        order = {"command": command, "seconds": _SECONDS}
        with plain_zygote().spawn("kernelevo.sandbox.guest:compile_native", order, limits=limits) as child:
            try:
                said = dict(child.channel.recv(_SECONDS + 5.0))
            except PeerFault as fault:
                child.kill("timeout")
                if (gone := orphan(child)) is not None:
                    raise gone from fault
                raise _failed(f"{_WHAT}: {fault.what} ({child.exit_reason()})") from None
        if said["code"] != 0:
            raise _failed(f"{_WHAT}\n{said['log']}")
        return _object(folder / LIBRARY)
    finally:
        scratch.remove(folder)


def _object(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        body = file.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise _failed(f"the compiled program is larger than {_LARGEST >> 20} MiB")
    return body


def _failed(error: str) -> ProgramFailed:
    return ProgramFailed(Outcome(Status.BUILD_FAILED, error=error))
