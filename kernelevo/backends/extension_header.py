"""``torch/extension.h`` precompiled for ``load_inline``: its binding builds in a third of the time.

``load_inline`` writes ``#include <torch/extension.h>`` first into a unit of its own. gcc takes a precompiled
header from the first folder of its search path that has one, and ``CPATH`` comes before torch's folders, so a
program needs no change. It fits for the same flags only: one header (0.8 GB) for each set of them.

``python -m kernelevo.backends.extension_header FLAG ...`` makes one.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from kernelevo.backends import toolchain
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.errors import BuildError, KernelEvoError, ToolchainMissing

SECONDS = 600.0
_HEADER = "torch/extension.h"
_CALLS = ("load_inline", "load")
# what may come from a program's text into a compiler run of ours: nothing that loads code or reads a file
_HARMLESS = re.compile(
    r"-(O[0-3sg]?|std=(c|gnu)\+\+\d\w|march=[\w-]+|m[a-z0-9]+|ffast-math|fopenmp|w|Wall|g)"
)


def flags_of(source: str) -> tuple[tuple[str, ...], ...]:
    """Return the C++ flags of each call of ``load_inline`` or ``load`` in a program's text.

    A call whose flags are not a list of plain, harmless flags is left out: it builds without a header.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: dict[tuple[str, ...], None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in _CALLS:
            flags = _flags(node)
            if flags is not None:
                found[flags] = None
    return tuple(found)


def _last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _flags(call: ast.Call) -> tuple[str, ...] | None:
    given = next((k.value for k in call.keywords if k.arg == "extra_cflags"), None)
    if any(k.arg is None for k in call.keywords):
        return None
    try:
        value = [] if given is None else ast.literal_eval(given)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(value, list | tuple | None) or not all(isinstance(v, str) for v in value or ()):
        return None
    flags = tuple(flag for flag in value or () if flag)
    return flags if all(_HARMLESS.fullmatch(flag) for flag in flags) else None


def find(flags: tuple[str, ...], root: Path) -> Path | None:
    """Return the folder to put into ``CPATH`` for these flags; None if it is not made yet or cannot be.

    Args:
        flags: the program's own C++ flags.
        root: of the build cache.
    """
    try:
        return BuildCache(root).find(_key(flags))
    except KernelEvoError:
        return None


def precompile(flags: tuple[str, ...], root: Path | None = None) -> Path:
    """Make the header for these flags if it is not there (a minute and more) and return its folder.

    Raises:
        BuildError: if it does not compile.
        ToolchainMissing: without gcc or torch's headers.
    """

    def build(scratch: Path) -> None:
        (scratch / "torch").mkdir()
        command = [
            _compiler().path, *_words(flags), "-x", "c++-header", str(_include() / _HEADER),
            "-o", str(scratch / f"{_HEADER}.gch"),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode != 0:
            raise BuildError("torch's extension header does not compile", log=done.stderr[-4000:])

    return BuildCache(root).get(_key(flags), build, what="torch's extension header")


def _key(flags: tuple[str, ...]) -> str:
    import torch

    compiler = _compiler()
    versions = [torch.__version__, str(torch.version.git_version), compiler.version, compiler.arch]
    return digest("extension header", list(_words(flags)), versions)


def _compiler() -> toolchain.Compiler:
    compiler = toolchain.compiler()
    if compiler.kind != "gcc":
        raise ToolchainMissing(f"{compiler.path} is not gcc: no header is precompiled for it")
    return compiler


def _include() -> Path:
    import torch

    return Path(torch.__file__).parent / "include"


@cache
def _words(flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words with which torch itself would compile an extension, but for its name.

    The name must not be defined in the header: it is another one in each program.
    """
    from torch.utils import cpp_extension

    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "build.ninja"
        try:
            cpp_extension._write_ninja_file_to_build_library(
                path=str(script), name="unnamed", sources=[str(Path(folder) / "main.cpp")],
                extra_cflags=list(flags), extra_cuda_cflags=[], extra_sycl_cflags=[], extra_ldflags=[],
                extra_include_paths=[], with_cuda=False, with_sycl=False, is_standalone=False,
            )  # fmt: skip
            line = next(ln for ln in script.read_text("utf-8").splitlines() if ln.startswith("cflags = "))
        except (AttributeError, TypeError, OSError, StopIteration) as error:
            raise ToolchainMissing(
                "this torch does not tell how it compiles extensions", why=str(error)
            ) from error
    return tuple(w for w in line.removeprefix("cflags = ").split() if "TORCH_EXTENSION_NAME" not in w)


if __name__ == "__main__":
    print(precompile(tuple(sys.argv[1:])))
