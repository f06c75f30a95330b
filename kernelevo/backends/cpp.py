"""``kernelevo.cpp``: C++ text -> functions that take tensors, without copies and without torch's headers.

The source is compiled to a plain C ABI and called through ctypes. ``torch_headers=True`` is for sources that
need ATen's vector classes, as those that Inductor writes: torch's include paths and Inductor's own flags.
What a source begins with, a header of ours or Inductor's prefix, is precompiled once per machine.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import platform
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from kernelevo.backends import calling, compiling, precompiled, signatures, source_tree, toolchain
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.backends.included import included
from kernelevo.errors import BuildRefused

COMMON = ("-O3", "-std=c++20", "-fopenmp", "-fPIC")
PLAIN = ("-fno-math-errno", "-fno-trapping-math")
# as Inductor compiles, so that a harvested kernel computes the same numbers
INDUCTOR = (
    "-DNDEBUG", "-w", "-ffp-contract=off", "-fno-tree-loop-vectorize",
    "-fno-trapping-math", "-fno-math-errno",
    "-DC10_USING_CUSTOM_GENERATED_MACROS", "-DTORCH_INDUCTOR_CPP_WRAPPER", "-DSTANDALONE_TORCH_HEADER",
)  # fmt: skip
PREFIX = "kernelevo_torch.h"
PREFIX_TEXT = "#include <torch/csrc/inductor/cpp_prefix.h>\n"


class CppLibrary:
    """A compiled source; its ``extern "C"`` functions are attributes (see :mod:`kernelevo.backends.calling`).

    Args:
        path: the shared object.
        source: its text, kept for copies and pickles, which build again (or find it built).
        options: ``flags`` and ``torch_headers`` as given to :func:`cpp`.
    """

    def __init__(self, path: Path, source: str, options: dict[str, Any]) -> None:
        self.path = path
        self._made_by = (source, options)
        self._signatures = signatures.parse(source)
        self._library = ctypes.CDLL(str(path))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        known = self.__dict__.get("_signatures", {})
        if name not in known:
            listed = ", ".join(known) or 'none: declare functions extern "C"'
            raise AttributeError(f"the C++ source has no function {name!r}; it has: {listed}")
        try:
            function = calling.bind(self._library, known[name])
        except AttributeError as error:
            raise AttributeError(f"{name!r} is declared but not defined in the C++ source") from error
        setattr(self, name, function)
        return function

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._signatures]

    def __deepcopy__(self, memo: dict[int, Any]) -> CppLibrary:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, self._made_by


def _rebuild(source: str, options: dict[str, Any]) -> CppLibrary:
    return cpp(source, **options)


_loaded: dict[Path, CppLibrary] = {}


def cpp(source: str, *, flags: Sequence[str] = (), torch_headers: bool = False) -> CppLibrary:
    """Compile C++ text, or find it compiled, and return its ``extern "C"`` functions.

    Args:
        source: C++20; ``#include <kernelevo.h>`` finds our vector math.
        flags: further compiler flags. ``-march`` and ``-mtune`` for this machine are always there.
        torch_headers: add torch's headers, libtorch_cpu and Inductor's flags.

    Raises:
        BuildError: if it does not compile; ``log`` holds the compiler's words.
        BuildRefused: in the run stage of the sandbox, if it is not built yet.
        ToolchainMissing: if there is no compiler.
    """
    import torch  # noqa: F401  first, so that our objects bind to torch's OpenMP runtime, not to a second one

    path = compiled(source, flags=flags, torch_headers=torch_headers)
    if path not in _loaded:
        options = {"flags": tuple(flags), "torch_headers": torch_headers}
        try:
            _loaded[path] = CppLibrary(path, source, options)
        except OSError as error:
            if "undefined symbol" in str(error):
                raise  # the source's own fault
            own = compiled(source, flags=flags, torch_headers=torch_headers, apart=True)
            _loaded[path] = CppLibrary(own, source, options)
    return _loaded[path]


def compiled(
    source: str, *, flags: Sequence[str] = (), torch_headers: bool = False, apart: bool = False
) -> Path:
    """Compile as :func:`cpp` does, or find it compiled, and return the shared object without loading it.

    Args:
        source: as :func:`cpp`.
        flags: as :func:`cpp`.
        torch_headers: as :func:`cpp`.
        apart: make an entry of its own for this C library, where the usual one cannot be loaded: it was made
            for another one (a home that machines share), or its bytes are damaged.

    Raises:
        BuildError: as :func:`cpp`.
        BuildRefused: as :func:`cpp`.
        ToolchainMissing: as :func:`cpp`.
    """
    compiler = toolchain.compiler()
    resolved = tuple(f for f in flags if f not in ("-march=native", "-mtune=native"))
    base = [*COMMON, *(_inductor(compiler) if torch_headers else PLAIN), *compiler.arch_flags]
    command = [*base, *resolved]
    headers = [*_headers(torch_headers), *_own_headers(source, resolved)]
    script = [compiler.path] if _is_script(compiler.path) else []  # its words are those of whom it calls
    key = digest("cpp", source, command, compiler.version, compiler.arch, headers, *script)
    if apart:
        key = digest(key, platform.libc_ver())
    folder = BuildCache.here().get(
        key, lambda scratch: _build(source, base, resolved, torch_headers, scratch), what="a C++ source"
    )
    return folder / "kernel.so"


def precompile_torch_headers() -> None:
    """Build the precompiled torch header if it is not there (about 10 s, 150 MB, once per machine).

    A C++ source with ``torch_headers`` compiles in a third of the time with it. Call it outside the sandbox:
    a build stage uses what the shared cache has, and compiles without it otherwise.

    Raises:
        BuildError: if it does not compile.
        BuildRefused: if the cache cannot be written.
        ToolchainMissing: if there is no compiler.
    """
    compiler = toolchain.compiler()
    _prefix(compiler, [*COMMON, *_inductor(compiler), *compiler.arch_flags]).make(BuildCache.here())


def precompile_headers(*texts: str, cache: BuildCache) -> None:
    """Build what is not there of our headers that these texts name, precompiled (1 s, 30 MB each, once).

    A C++ source that begins with one compiles in 0.5 to 1 s less: the processor's intrinsics, which it
    includes, are not read again. :func:`cpp` takes one that is there and makes none.

    Raises:
        BuildError: if one does not compile.
        BuildRefused: if the cache cannot be written.
        OSError: if the disk is full.
        ToolchainMissing: if there is no compiler.
    """
    for name in precompiled.OURS:
        if any(name in text for text in texts):
            compiler = toolchain.compiler()
            flags = [*COMMON, *PLAIN, *compiler.arch_flags]
            precompiled.ours(name, compiler, flags, _includes(False)).make(cache)


def _inductor(compiler: toolchain.Compiler) -> tuple[str, ...]:
    if all(compiler.has(f) for f in ("avx512f", "avx512bw", "avx512dq", "avx512vl")):
        return (*INDUCTOR, "-DCPU_CAPABILITY_AVX512")
    if compiler.has("avx2"):
        return (*INDUCTOR, "-DCPU_CAPABILITY_AVX2")
    return INDUCTOR


@cache
def _torch_include() -> tuple[Path, Path]:
    """Return torch's include folder and its library folder."""
    import torch

    root = Path(torch.__file__).parent
    return root / "include", root / "lib"


def _headers(torch_headers: bool) -> list[str]:
    """Return what stands for the headers (and libraries) that a source may use, for its key."""
    if not torch_headers:
        return [source_tree.headers_digest()]
    import torch

    return [
        source_tree.headers_digest(),
        torch.__version__,
        str(torch.version.git_version),
        str(_torch_include()[1]),
    ]


def _own_headers(source: str, flags: Sequence[str]) -> list[tuple[str, str]]:
    """Return what a source may include of its author's own: by folders of flags or environment, or a path."""
    folders, forced = [], ""
    for flag, following in itertools.zip_longest(flags, flags[1:], fillvalue=""):
        name = next((n for n in ("-I", "-isystem", "-iquote", "-idirafter") if flag.startswith(n)), None)
        if name is not None:
            folders.append(flag.removeprefix(name) or following)
        elif flag in ("-include", "-imacros"):
            forced += f'#include "{following}"\n'
    for variable in precompiled.PLACES:
        folders += filter(None, os.environ.get(variable, "").split(os.pathsep))
    return included(forced + source, [*folders, "/"])


@cache
def _is_script(path: str) -> bool:
    """Tell whether a compiler is a script, which may add flags of its own."""
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def _includes(torch_headers: bool) -> list[str]:
    folders = [source_tree.include()]
    if torch_headers:
        include = _torch_include()[0]
        folders += [include, include / "torch" / "csrc" / "api" / "include"]
    return [part for folder in folders for part in ("-isystem" if torch_headers else "-I", str(folder))]


def _build(source: str, base: list[str], flags: tuple[str, ...], torch_headers: bool, scratch: Path) -> None:
    compiler = toolchain.compiler()
    (scratch / "source.cpp").write_text(source)
    before = [compiler.path, *base, *flags]
    after = [*_includes(torch_headers), "-shared", "-o", "kernel.so", "source.cpp"]
    if torch_headers:
        folder, library = _prefix_folder(compiler, base) or scratch, _torch_include()[1]
        if folder is scratch:
            (scratch / PREFIX).write_text(PREFIX_TEXT)
        before += ["-I", str(folder), "-include", PREFIX]
        compiling.run([*before, *after, f"-L{library}", "-ltorch_cpu", f"-Wl,-rpath,{library}"], scratch)
        return
    # further macros are no matter to a header of ours, other flags may be
    name = precompiled.begins_with(source) if all(flag.startswith("-D") for flag in flags) else None
    first = precompiled.ours(name, compiler, base, _includes(False)) if name else None
    precompiled.compile_with(first, before, after, scratch)


def _prefix(compiler: toolchain.Compiler, flags: list[str]) -> precompiled.Header:
    return precompiled.header(PREFIX, PREFIX_TEXT, compiler, flags, _includes(True), _headers(True))


def _prefix_folder(compiler: toolchain.Compiler, flags: list[str]) -> Path | None:
    """Return where the precompiled prefix header is, made outside the sandbox's build stage.

    There is one for all: gcc takes it under other -D and -f flags too, and compiles it anew if not.
    """
    header = _prefix(compiler, flags)
    if os.environ.get("KERNELEVO_STAGE") == "build":
        return header.find()
    try:
        return header.make(BuildCache.here())
    except BuildRefused:
        return None
