"""``make gpu-rehearsal``: compile every CUDA and Triton source of the repository for sm_90, without a GPU.

Usage: ``python -m benchmarks.gpu.rehearsal [--arch sm_90] [FOLDER ...]``. A program's CUDA is what it hands
to ``kernelevo.cuda`` when imported; where it builds later, every text in it that holds ``__global__`` is
compiled as it stands. Ends with 1 if anything does not compile.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import kernelevo
from benchmarks.gpu import checks, instruments
from kernelevo.backends import signatures
from kernelevo.backends.candidate import import_program
from kernelevo.backends.nvrtc import compile_cubin
from kernelevo.backends.triton import compile_source
from kernelevo.errors import KernelEvoError
from kernelevo.kernels.equipment import timing_source

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("kernelbench_tasks/solutions", "examples")
# texts that are not programs by themselves
OURS: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "benchmarks/gpu/checks.py": (checks.SOURCE, checks.NAMES, checks.TRITON),
    "benchmarks/gpu/instruments.py": (instruments.CHASE, (), None),
    "csrc/timing.cu": (timing_source(), (), None),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="sm_90")
    parser.add_argument("folders", nargs="*", default=list(FOLDERS))
    arguments = parser.parse_args()
    failed = count = 0
    for name, told, error in rehearse(arguments.folders, arguments.arch):
        count += 1
        failed += error is not None
        print(f"{'FAIL' if error else 'ok  '} {name}  {error or told}", flush=True)
    print(f"{count} sources, {failed} do not compile for {arguments.arch}")
    return 1 if failed else 0


def rehearse(folders: list[str], arch: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield (name, figures, error) for every source of the folders and of our own checks."""
    for name, (cuda, names, triton) in OURS.items():
        yield _tried(f"{name} (cuda)", lambda c=cuda, n=names: _cuda(c, n, (), arch))
        if triton is not None:
            yield _tried(f"{name} (triton)", lambda t=triton: _triton(t, arch))
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text, name = path.read_text(), str(path.relative_to(ROOT))
            if "__global__" in text:
                for i, (source, names, options) in enumerate(_cuda_sources(text)):
                    yield _tried(
                        f"{name} (cuda {i})", lambda s=source, n=names, o=options: _cuda(s, n, o, arch)
                    )
            if "@triton.jit" in text:
                yield _tried(f"{name} (triton)", lambda t=text: _triton(t, arch))


def _tried(name: str, build: Any) -> tuple[str, str, str | None]:
    began = time.perf_counter()
    try:
        told = build()
    except KernelEvoError as error:
        return name, "", f"{error}\n{getattr(error, 'log', '')}"
    return name, f"{told}, {time.perf_counter() - began:.2f} s", None


def _cuda_sources(text: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return what the program hands to ``kernelevo.cuda`` on import, else its texts with kernels in them."""
    seen: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []

    def record(source: str, *, name_expressions: Any = (), options: Any = ()) -> mock.MagicMock:
        seen.append((source, tuple(name_expressions), tuple(options)))
        return mock.MagicMock()

    with mock.patch.object(kernelevo, "cuda", record, create=True), tempfile.TemporaryDirectory() as folder:
        import_program(text, Path(folder))
    if seen:
        return seen
    texts = [
        n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    return [(t, (), ()) for t in texts if signatures.parse_kernels(t)]


def _cuda(source: str, names: tuple[str, ...], options: tuple[str, ...], arch: str) -> str:
    cubin = compile_cubin(source, arch=arch, name_expressions=names, options=options)
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
