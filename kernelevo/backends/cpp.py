"""``kernelevo.cpp``: C++ text -> functions that take tensors, without copies and without torch's headers.

The source is compiled to a plain C ABI and called through ctypes. ``torch_headers=True`` is for sources that
need ATen's vector classes, as those that Inductor writes: torch's include paths and Inductor's own flags.
What a source begins with, a header of ours or Inductor's prefix, is precompiled once per machine.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from kernelevo.backends import calling, compiler_log, signatures, source_tree, toolchain
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.backends.included import included
from kernelevo.errors import BuildError, BuildRefused, ToolchainMissing

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
OURS = ("kernelevo.h", "kernelevo/math.h", "kernelevo/rows.h")
_FIRST = re.compile(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*#\s*include\s*[<\"]([\w/.]+)[>\"]", re.S)
COMPILE_SECONDS = 300


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
        _loaded[path] = CppLibrary(path, source, options)
    return _loaded[path]


def compiled(source: str, *, flags: Sequence[str] = (), torch_headers: bool = False) -> Path:
    """Compile as :func:`cpp` does, or find it compiled, and return the shared object without loading it.

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
    key = digest("cpp", source, command, compiler.version, compiler.arch, headers)
    folder = BuildCache.here().get(
        key, lambda scratch: _build(source, base, resolved, torch_headers, scratch), what="a C++ source"
    )
    return folder / "kernel.so"


def precompile_torch_headers() -> None:
    """Build the precompiled torch header if it is not there (about 10 s, 150 MB, once per machine).

    A C++ source with ``torch_headers`` compiles in a third of the time with it. Call it outside the sandbox:
    a build stage uses what the shared cache has, and compiles without it otherwise.
    """
    compiler = toolchain.compiler()
    _prefix_header([*COMMON, *_inductor(compiler), *compiler.arch_flags], compiler, may_build=True)


def precompile_headers(*texts: str) -> None:
    """Build what is not there of our headers that these texts name, precompiled (1 s, 30 MB each, once).

    A C++ source that begins with one compiles in 0.5 to 1 s less: the processor's intrinsics, which it
    includes, are not read again. As for torch's header, call it outside the sandbox.
    """
    compiler = toolchain.compiler()
    for name in OURS:
        if any(name in text for text in texts):
            _own_header(name, [*COMMON, *PLAIN, *compiler.arch_flags], compiler, may_build=True)


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
    """Return what a source may include of its author's own, from folders of the flags or by a whole path."""
    folders, forced = [], ""
    for flag, following in itertools.zip_longest(flags, flags[1:], fillvalue=""):
        name = next((n for n in ("-I", "-isystem", "-iquote", "-idirafter") if flag.startswith(n)), None)
        if name is not None:
            folders.append(flag.removeprefix(name) or following)
        elif flag in ("-include", "-imacros"):
            forced += f'#include "{following}"\n'
    return included(forced + source, [*folders, "/"])


def _includes(torch_headers: bool) -> list[str]:
    folders = [source_tree.include()]
    if torch_headers:
        include = _torch_include()[0]
        folders += [include, include / "torch" / "csrc" / "api" / "include"]
    return [part for folder in folders for part in ("-isystem" if torch_headers else "-I", str(folder))]


def _build(source: str, base: list[str], flags: tuple[str, ...], torch_headers: bool, scratch: Path) -> None:
    compiler = toolchain.compiler()
    (scratch / "source.cpp").write_text(source)
    words = [compiler.path, *base, *flags]
    may_build = os.environ.get("KERNELEVO_STAGE") != "build"
    first = _FIRST.match(source)
    if first and first[1] in OURS and not torch_headers and not flags:
        folder = _own_header(first[1], base, compiler, may_build=may_build)
        words += ["-I", str(folder)] if folder else []
    words += _includes(torch_headers)
    if torch_headers:
        # one header for all: gcc takes it under other -D and -f flags too, and compiles it anew if not
        folder = _prefix_header(base, compiler, may_build=may_build)
        if folder is None:
            (scratch / PREFIX).write_text(PREFIX_TEXT)
        words += ["-I", str(folder or scratch), "-include", PREFIX]
    words += ["-shared", "-o", "kernel.so", "source.cpp"]
    if torch_headers:
        library = _torch_include()[1]
        words += [f"-L{library}", "-ltorch_cpu", f"-Wl,-rpath,{library}"]
    _run(words, scratch)


def _prefix_header(command: list[str], compiler: toolchain.Compiler, *, may_build: bool) -> Path | None:
    key = digest("pch", PREFIX_TEXT, command, compiler.version, compiler.arch, _headers(True))
    command, what = [*command, *_includes(True)], "the precompiled torch header"
    return _precompiled(PREFIX, PREFIX_TEXT, command, compiler, key, what, may_build=may_build)


def _own_header(
    name: str, command: list[str], compiler: toolchain.Compiler, *, may_build: bool
) -> Path | None:
    text = (source_tree.include() / name).read_text("utf-8")
    # the compiler's path too: a script may add flags of its own, as the one that builds with guards does
    told = (compiler.path, compiler.version, compiler.arch)
    key = digest("pch", name, source_tree.headers_digest(), command, told)
    command = [*command, *_includes(False)]
    return _precompiled(name, text, command, compiler, key, f"the precompiled {name}", may_build=may_build)


def _precompiled(
    name: str,
    text: str,
    command: list[str],
    compiler: toolchain.Compiler,
    key: str,
    what: str,
    *,
    may_build: bool,
) -> Path | None:
    """Return the folder in which a header lies beside what gcc made of it, or None where there is none."""
    if compiler.kind != "gcc":
        return None
    here = BuildCache.here()
    cache = here if may_build else BuildCache(here.root, shared=here.shared, read_only=True)

    def build(scratch: Path) -> None:
        (scratch / name).parent.mkdir(exist_ok=True)
        (scratch / name).write_text(text, "utf-8")
        _run([compiler.path, *command, "-x", "c++-header", name, "-o", f"{name}.gch"], scratch)

    try:
        return cache.get(key, build, what=what)
    except BuildRefused:
        return None


def _run(words: list[str], scratch: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(scratch)}
    try:
        done = subprocess.run(
            words, cwd=scratch, capture_output=True, text=True, errors="replace", timeout=COMPILE_SECONDS,
            check=False, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"the C++ source did not compile within {COMPILE_SECONDS} s", now="make it simpler"
        ) from error
    except OSError as error:
        raise ToolchainMissing(f"{words[0]} does not run", why=str(error)) from error
    if done.returncode != 0:
        log = _without_folders(done.stderr or done.stdout, scratch)
        why, log = compiler_log.first_error(log), compiler_log.shortened(log)
        raise BuildError("the C++ source does not compile", why=why, log=log)


def _without_folders(log: str, scratch: Path) -> str:
    """Cut the folders of this machine off the compiler's words."""
    log = log.replace(f"{scratch}/", "").replace(f"{source_tree.include()}/", "")
    log = re.sub(rf"\S*/({'|'.join(OURS)})(?=:)", r"\1", log)  # beside what it was precompiled to
    return re.sub(r"\S*/site-packages/torch/include/", "", log)
