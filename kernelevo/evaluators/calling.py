"""Calling candidates in the sandbox: ``call`` a function, ``execute`` a program on a text; plain data only.

Each call is a fresh process of the torch-free zygote (a fork takes milliseconds): no network, no other
process, nothing to read but the interpreter and its packages, nothing to write but its own folder. The
evaluator's process never imports a candidate, and never unpickles what it said.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kernelevo.core import Program, Status
from kernelevo.core.program import ENTRY, path_problem
from kernelevo.evaluators.native_program import LANGUAGES, LIBRARY, compiled
from kernelevo.evaluators.outcome import Outcome, ProgramFailed
from kernelevo.sandbox import plain_data, scratch
from kernelevo.sandbox.channel import PeerClosed, PeerFault, PeerTimeout
from kernelevo.sandbox.child import Child
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.orphans import orphan
from kernelevo.sandbox.plain_zygote import plain_zygote

TIMEOUT = 10.0
MEMORY = 1 << 30
MOST = 8 << 20
HARD_MOST = 12 << 20
_THREADS = 64
_FILES = 64 << 20
_LONGEST = 8_000
_KINDS = {
    "import": (Status.BUILD_FAILED, "the program cannot be imported"),
    "missing": (Status.BUILD_FAILED, "the program has no such function"),
    "call": (Status.CRASHED, "the program raised"),
    "answer": (Status.WRONG, "the answer is not plain data"),
}


def call(
    program: Program,
    function: str = "solve",
    args: Sequence[Any] = (),
    *,
    kwargs: Mapping[str, Any] | None = None,
    timeout: float = TIMEOUT,
    memory_bytes: int = MEMORY,
    output_bytes: int = MOST,
    preload: Sequence[str] = ("numpy",),
    threads: int = 1,
) -> Any:
    """Call one function of a candidate in a sandboxed process and return what it returned.

    A C++ program is compiled and run instead: ``args`` is one text, its standard input, and what it prints
    is returned; so one evaluator serves ``def solve(text): return text`` and ``int main()``.

    Args:
        program: the candidate.
        function: name of a top-level function of its entry file; not used for C++.
        args: plain data (see ``sandbox.plain_data``); numpy arrays are welcome, also in the answer.
        kwargs: the same by name.
        timeout: seconds of wall time, loading the program included.
        memory_bytes: how much memory it may use.
        output_bytes: how large its answer may be (12 MiB at most).
        preload: modules that are imported once, before programs come, so that nobody waits for them.
        threads: OpenMP threads of its process.

    Raises:
        ProgramFailed: if there is no answer; an evaluator may let it pass, it becomes the verdict.
        SandboxError: if this machine cannot run candidates.
    """
    outcome = attempt(
        program, function, args, kwargs=kwargs, timeout=timeout, memory_bytes=memory_bytes,
        output_bytes=output_bytes, preload=preload, threads=threads,
    )  # fmt: skip
    if not outcome.ok:
        raise ProgramFailed(outcome)
    return outcome.value


def attempt(
    program: Program,
    function: str = "solve",
    args: Sequence[Any] = (),
    *,
    kwargs: Mapping[str, Any] | None = None,
    timeout: float = TIMEOUT,
    memory_bytes: int = MEMORY,
    output_bytes: int = MOST,
    preload: Sequence[str] = ("numpy",),
    threads: int = 1,
    files: Mapping[str, bytes | str] | None = None,
    collect: Sequence[str] = (),
) -> Outcome:
    """Call as :func:`call` does, and return how it went instead of raising; for one case among several.

    What ``call`` takes too means the same.

    Args:
        files: further files of its working folder, by name.
        collect: names of files of its working folder to read back, 64 MiB together at most.

    Raises:
        SandboxError: if this machine cannot run candidates.
        ValueError: for a C++ program that is given anything but one text.
    """
    if program.language in LANGUAGES:
        if not (args or kwargs):  # the evaluator wants a function: nothing that it gives can be read
            words = f"the program is C++, but {function}() of a Python program is called here"
            return Outcome(Status.BUILD_FAILED, error=words)
        if kwargs or len(args) != 1 or not isinstance(args[0], str | bytes):
            raise ValueError("a C++ program is called with one text, its standard input: args=(text,)")
        return execute(
            program, args[0], timeout=timeout, memory_bytes=memory_bytes, output_bytes=output_bytes,
            threads=threads, files=files, collect=collect,
        )  # fmt: skip
    if unfit := _unfit(program) or path_problem({**program.files, **(files or {})}):
        return Outcome(Status.BUILD_FAILED, error=unfit)
    order = plain_data.encode({"args": tuple(args), "kwargs": dict(kwargs or {})}, "the arguments")
    most = min(output_bytes, HARD_MOST)
    with (
        workplace(program, files) as folder,
        memory_file(json.dumps(order).encode()) as fd,
        plain_zygote(preload).spawn(
            "kernelevo.sandbox.guest:call",
            {"entry": _entry(program), "function": function, "most": most},
            limits=limits(folder, timeout, memory_bytes, threads),
            fds={"order": fd},
            threads=threads,
        ) as child,
    ):
        began = time.perf_counter()
        try:
            said = child.channel.recv(timeout)
            seconds = time.perf_counter() - began
            child.kill()
            found = _heard(said, function)
        except PeerFault as fault:
            seconds = time.perf_counter() - began
            found = lost(child, fault, timeout, memory_bytes)
        return finished(child, found, seconds, collected(folder, collect))


def execute(
    program: Program,
    stdin: str | bytes = b"",
    *,
    timeout: float = TIMEOUT,
    memory_bytes: int = MEMORY,
    output_bytes: int = MOST,
    threads: int = 1,
    flags: Sequence[str] = (),
    files: Mapping[str, bytes | str] | None = None,
    collect: Sequence[str] = (),
) -> Outcome:
    """Run a whole program, Python (as a script) or C++, on a text; its standard output is the value.

    Args:
        program: the candidate; C++ is compiled once, in the sandbox too, and kept by content.
        stdin: what it reads.
        timeout: seconds of wall time, without compiling.
        memory_bytes: how much memory it may use.
        output_bytes: how much it may print.
        threads: OpenMP threads of its process.
        flags: further compiler flags (C++).
        files: further files of its working folder, by name.
        collect: names of files of its working folder to read back.

    Raises:
        SandboxError: if this machine cannot run candidates.
        ToolchainMissing: for C++ without a compiler.
    """
    try:
        entry, payload, more = launch(program, flags)
    except ProgramFailed as failed:
        return failed.outcome
    if problem := path_problem({**program.files, **(files or {}), **more}):
        return Outcome(Status.BUILD_FAILED, error=problem)
    given = stdin.encode() if isinstance(stdin, str) else stdin
    with (
        workplace(program, {**(files or {}), **more}) as folder,
        memory_file(given) as source,
        memory_file(b"") as sink,
        plain_zygote().spawn(
            entry, payload, limits=limits(folder, timeout, memory_bytes, threads),
            fds={"stdin": source, "stdout": sink}, threads=threads,
        ) as child,
    ):  # fmt: skip
        began = time.perf_counter()
        child.wait(timeout)
        seconds = time.perf_counter() - began
        found = ended(child, timeout, memory_bytes)
        if found.ok:
            size = os.fstat(sink).st_size
            if size > output_bytes:
                found = Outcome(Status.WRONG, error=f"it printed {size} bytes, more than {output_bytes}")
            else:
                found = Outcome(Status.OK, os.pread(sink, size, 0).decode(errors="replace"))
        return finished(child, found, seconds, collected(folder, collect))


def launch(program: Program, flags: Sequence[str] = ()) -> tuple[str, dict[str, Any], dict[str, bytes]]:
    """Return what runs a whole program in a child: entry, payload, and files to lay beside it.

    Raises:
        ProgramFailed: if it does not compile, or is in no language that is run here.
    """
    if program.language in LANGUAGES:
        body = {LIBRARY: compiled(program, tuple(flags))}
        return "kernelevo.sandbox.guest:native", {"library": f"./{LIBRARY}"}, body
    if unfit := _unfit(program):
        raise ProgramFailed(Outcome(Status.BUILD_FAILED, error=unfit))
    return "kernelevo.sandbox.guest:script", {"entry": _entry(program)}, {}


def limits(folder: Path, timeout: float, memory_bytes: int, threads: int) -> Limits:
    """Return what a plain candidate may do: threads but no process, its own folder, no network."""
    return Limits(
        "run", folder, memory_bytes=memory_bytes, cpu_seconds=math.ceil(timeout * threads) + 2,
        file_bytes=_FILES, scratch_bytes=2 * _FILES, processes=max(_THREADS, 2 * threads),
    )  # fmt: skip


def lost(child: Child, fault: PeerFault, timeout: float, memory_bytes: int) -> Outcome:
    """Return why a child did not answer."""
    if isinstance(fault, PeerTimeout):
        child.kill("timeout")
    elif isinstance(fault, PeerClosed):
        child.wait(5.0)
        child.kill()
    else:
        child.kill()
        return Outcome(Status.WRONG, error=f"the answer cannot be read: {fault.what}")
    found = ended(child, timeout, memory_bytes)
    return found if not found.ok else Outcome(Status.CRASHED, error="the program exited without an answer")


def ended(child: Child, timeout: float, memory_bytes: int) -> Outcome:
    """Return how a whole program's process ended, killing it if it still runs; OK for exit code 0.

    Raises:
        SandboxError: if it ended with its zygote.
    """
    if child.exit_reason() is None:
        child.kill("timeout")
    reason = child.exit_reason()
    if (gone := orphan(child)) is not None:
        raise gone
    if reason in ("timeout", "SIGXCPU"):
        return Outcome(Status.TIMED_OUT, error=f"no answer within {timeout:g} s")
    if reason == "exit 0":
        return Outcome(Status.OK)
    if reason == "oom":
        return Outcome(Status.CRASHED, error=f"it used more than {memory_bytes >> 20} MiB of memory")
    if reason == "disk":
        held = child.limits.scratch_bytes >> 20
        return Outcome(Status.CRASHED, error=f"its folder held more than {held} MiB, or too many files")
    tail = child.output().strip()[-1500:]
    return Outcome(Status.CRASHED, error=f"the program ended with {reason}" + (f"\n{tail}" if tail else ""))


def finished(child: Child, found: Outcome, seconds: float, files: Mapping[str, bytes]) -> Outcome:
    """Return an outcome with what the kernel tells about the ended child, and what it printed."""
    usage = child.usage() or {}
    return Outcome(
        found.status, found.value, found.error, seconds, usage.get("cpu_seconds"),
        usage.get("maxrss_bytes"), child.output(), files,
    )  # fmt: skip


def _heard(said: Any, function: str) -> Outcome:
    """Turn the child's message, which a hostile program may have written, into an outcome."""
    if isinstance(said, dict) and "value" in said:
        try:
            return Outcome(Status.OK, plain_data.decode(said["value"]))
        except (plain_data.NotPlain, RecursionError) as error:
            return Outcome(Status.WRONG, error=f"the answer is not plain data: {error}")
    stage = said.get("failed") if isinstance(said, dict) else None
    if not isinstance(stage, str) or stage not in _KINDS:
        return Outcome(Status.WRONG, error="the answer is not a message of ours")
    status, what = _KINDS[stage]
    kind, detail, text = (_words(said.get(key)) for key in ("kind", "said", "text"))
    if kind == "MemoryError":
        what = "the program ran out of memory"
    elif kind == "SystemExit":
        what = "the program called exit"
    elif stage == "missing":
        return Outcome(status, error=f"the program defines no function {function!r}")
    trace = f"\n{text}" if stage in ("import", "call") else ""
    return Outcome(status, error=f"{what}: {detail}{trace}")


def _words(said: Any) -> str:
    """Return words of the child's as a text that can be kept and shown; it may have sent anything."""
    return said[:_LONGEST].encode(errors="replace").decode() if isinstance(said, str) else ""


def _unfit(program: Program) -> str:
    """Return why a program that is not C++ cannot be run, or an empty text."""
    entry = _entry(program)
    if entry not in program.files:
        return f"the program has several files and no {ENTRY}"
    return (
        "" if entry.endswith(".py") else f"the program is {program.language}; Python and C++ can be run here"
    )


def _entry(program: Program) -> str:
    if ENTRY in program.files or len(program.files) > 1:
        return ENTRY
    return next(iter(program.files))


@contextlib.contextmanager
def workplace(program: Program, files: Mapping[str, bytes | str] | None) -> Iterator[Path]:
    """Make the folder that a child will work in, with the program's files; it goes away afterwards."""
    folder = scratch.temporary("call")
    try:
        for name, content in {**program.files, **(files or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode(errors="replace") if isinstance(content, str) else content)
        yield folder
    finally:
        scratch.remove(folder)


@contextlib.contextmanager
def memory_file(content: bytes) -> Iterator[int]:
    """Give a descriptor of a file in memory that holds ``content`` and stands at its beginning."""
    fd = os.memfd_create("kernelevo-plain")
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)


def collected(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Read files that an ended child wrote; links, devices and what is too large are left out."""
    found: dict[str, bytes] = {}
    left = _FILES
    for name in names:
        with contextlib.suppress(OSError):
            fd = _opened(folder, name)
            try:
                facts = os.fstat(fd)
                if stat.S_ISREG(facts.st_mode) and facts.st_size <= left:
                    with open(fd, "rb", closefd=False) as file:
                        found[name] = file.read(left)
                    left -= len(found[name])
            finally:
                os.close(fd)
    return found


def _opened(folder: Path, name: str) -> int:
    """Open a file that a child wrote; a link on the way could lead to what the child itself may not read."""
    *between, last = name.split("/")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in between:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)
