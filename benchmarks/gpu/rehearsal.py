"""``make gpu-rehearsal``: compile every CUDA and Triton source of the repository for sm_90, without a GPU.

Usage: ``python -m benchmarks.gpu.rehearsal [--arch sm_90] [--carry FOLDER | --find FOLDER] [SOURCES ...]``.
``--carry`` keeps the cubins in a folder that is copied to the GPU machine and used there as build cache
(``KERNELEVO_CACHE``); ``--find``, there, says how many of them its compilers would find, and builds nothing.

A program's CUDA is what it hands to ``kernelevo.cuda`` when imported; where it builds later, every text in it
that holds ``__global__`` is compiled as it stands. CUDA is compiled for ``sm_90a``: programs ask for that on
such a device. Kernels with a stack frame keep something in local memory, beside spills often an array that is
read at places which the compiler does not know: their programs are named. Ends with 1 if anything does not
compile or is not found, 2 for bad input.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import pkgutil
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import kernelevo
from benchmarks.gpu import checks, instruments
from benchmarks.gpu.carry import Carry, Source, TooLarge, needs
from kernelevo.backends import signatures
from kernelevo.backends.candidate import import_program
from kernelevo.backends.cuda import with_own_features
from kernelevo.backends.nvrtc import Cubin
from kernelevo.backends.triton import compile_source
from kernelevo.errors import InputError, KernelEvoError
from kernelevo.graphs import rewrites
from kernelevo.graphs.snippet import Snippet, table_text
from kernelevo.kernels.children.equipment import timing_source

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("kernelbench_tasks/solutions", "benchmarks/gpu/programs", "examples")
# texts that are not programs by themselves
OURS: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "benchmarks/gpu/checks.py": (checks.SOURCE, checks.NAMES, checks.TRITON),
    "benchmarks/gpu/instruments.py": (instruments.CHASE, (), None),
    "csrc/timing.cu": (timing_source(), (), None),
}

_LATE = re.compile(r"^ +\w+ = kernelevo\.cuda\([^)]*options=", re.M)
"""A source compiled when it is first called, with options that follow from the device and the shapes; the
tests of ``graphs`` compile those of the rewrites with such options."""


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="sm_90")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--carry", type=Path, help="keep the cubins in this folder")
    place.add_argument("--find", type=Path, help="say which cubins of this folder would be found here")
    parser.add_argument("folders", nargs="*", default=list(FOLDERS))
    arguments = parser.parse_args(given)
    try:
        return _run(arguments)
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _run(arguments: argparse.Namespace) -> int:
    began = time.perf_counter()
    exact = with_own_features(arguments.arch)
    if arguments.find:
        return _find(Carry(arguments.find, exact), arguments.folders)
    with tempfile.TemporaryDirectory() as scratch:
        carry = Carry(arguments.carry or Path(scratch), exact)
        failed = count = 0
        frames: dict[str, int] = {}
        for name, told, error in rehearse(arguments.folders, arguments.arch, carry, frames):
            count += 1
            failed += error is not None
            print(f"{'FAIL' if error else 'ok  '} {name}  {error or told}", flush=True)
        took = time.perf_counter() - began
        print(f"{count} sources, {failed} do not compile for {exact} / {arguments.arch}; {took:.0f} s")
        framed = ", ".join(f"{name} {stack} bytes" for name, stack in frames.items() if stack)
        print(f"with a stack frame: {framed or 'none'}")
        if arguments.carry:
            carry.seal()
            said = ", ".join(f"{name} {version}" for name, version in needs().items())
            print(f"{arguments.carry}: {carry.size / 2**20:.2f} MiB of cubins, found where equal: {said}")
    return 1 if failed or not count else 0


def _find(carry: Carry, folders: list[str]) -> int:
    """Say which cubins are found with this machine's compilers, and what differs if some are not."""
    different = carry.differences()
    found = missing = 0
    for name, source in cuda_sources(folders):
        held = carry.holds(source)
        found, missing = found + held, missing + (not held)
        print(f"{'found  ' if held else 'missing'} {name}", flush=True)
    print(f"{found} found, {missing} would be compiled; differences: {'; '.join(different) or 'none'}")
    return 1 if missing else 0


def rehearse(
    folders: list[str], arch: str, carry: Carry, frames: dict[str, int]
) -> Iterator[tuple[str, str, str | None]]:
    """Yield (name, figures, error) for every source of the folders and of our own checks.

    Args:
        folders: inside the repository.
        arch: of Triton's kernels, e.g. ``"sm_90"``.
        carry: compiles the CUDA sources.
        frames: takes the bytes of the largest stack frame of every CUDA source.
    """

    def compiled(name: str, source: Source) -> str:
        cubin = carry.build(source)
        frames[name] = max((u.stack for u in cubin.usage().values()), default=0)
        return f"{_cuda(cubin)}, stack frame of {frames[name]} bytes"

    for name, source in cuda_sources(folders):
        yield _tried(name, lambda n=name, s=source: compiled(n, s))
    ours = {name: triton for name, (_, _, triton) in OURS.items() if triton is not None}
    for name, triton in ours.items():
        yield _tried(f"{name} (triton)", lambda t=triton: _triton(t, arch))
    for name, text in (*_snippets(), *_texts(folders)):
        if _LATE.search(text):
            yield f"{name} (cuda)", "not compiled: its options depend on the device", None
        if "@triton.jit" in text:
            yield _tried(f"{name} (triton)", lambda t=text: _triton(t, arch))


def cuda_sources(folders: list[str]) -> Iterator[tuple[str, Source]]:
    """Yield (name, source) for every CUDA source of our own checks, of rewrites and of the folders."""
    for name, (cuda, names, _) in OURS.items():
        yield f"{name} (cuda)", (cuda, tuple(names), ())
    for name, text in (*_snippets(), *_texts(folders)):
        if "__global__" in text:
            for i, source in enumerate(_cuda_sources(text)):
                yield f"{name} (cuda {i})", source


def _snippets() -> Iterator[tuple[str, str]]:
    """Yield what rewrites put into programs; a program imports torch for them."""
    for found in pkgutil.iter_modules(rewrites.__path__):
        snippet = getattr(importlib.import_module(f"{rewrites.__name__}.{found.name}"), "SNIPPET", None)
        if isinstance(snippet, Snippet):
            header = "import torch\nimport torch.nn.functional as F\n"
            yield f"{snippet.name} (snippet)", header + table_text(snippet.tune) + snippet.text


def _texts(folders: list[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path), path.read_text("utf-8")


def _tried(name: str, build: Any) -> tuple[str, str, str | None]:
    began = time.perf_counter()
    try:
        told = build()
    except TooLarge:
        raise
    except KernelEvoError as error:
        return name, "", f"{error}\n{getattr(error, 'log', '')}"
    return name, f"{told}, {time.perf_counter() - began:.2f} s", None


def _cuda_sources(text: str) -> list[Source]:
    """Return what the program hands to ``kernelevo.cuda`` on import, else its texts with kernels in them."""
    seen: list[Source] = []

    def record(source: str, *, name_expressions: Any = (), options: Any = ()) -> mock.MagicMock:
        seen.append((source, tuple(name_expressions), tuple(options)))
        return mock.MagicMock()

    with mock.patch.object(kernelevo, "cuda", record, create=True), tempfile.TemporaryDirectory() as folder:
        import_program(text, Path(folder))
    if seen or _LATE.search(text):
        return seen
    texts = [
        n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    return [(t, (), ()) for t in texts if signatures.parse_kernels(t)]


def _cuda(cubin: Cubin) -> str:
    registers = [u.registers for u in cubin.usage().values()]
    most = max(registers, default=0)
    return f"{len(registers)} kernels, at most {most} registers, {cubin.spills} bytes spilled"


def _triton(text: str, arch: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        found = compile_source(text, Path(folder), arch=arch)
    shared = max((k.shared for k in found.values()), default=0)
    return f"{len(found)} kernels ({', '.join(found)}), at most {shared} bytes of dynamic shared memory"


if __name__ == "__main__":
    sys.exit(main())
