"""Precompiled headers: what most C++ begins with is read by gcc once per machine.

gcc takes a precompiled header where it is the first thing that a source includes, not by way of another
header, and where flags and macros that matter to it are equal; it reads the text beside it elsewhere. What it
makes of the source is the same.
"""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kernelevo.backends import compiling, source_tree
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.backends.toolchain import Compiler
from kernelevo.errors import BuildError, BuildRefused

OURS = ("kernelevo.h", "kernelevo/math.h", "kernelevo/rows.h")
_BLANK = re.compile(r"\s+|//[^\n]*|/\*.*?\*/", re.S)
_INCLUDE = re.compile(r"#\s*include\s*[<\"]([\w/.]+)[>\"]")
PLACES = ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH")  # what gcc reads beside its flags


@dataclass(frozen=True)
class Header:
    """A header, and how it is compiled.

    Args:
        name: as sources include it.
        text: what it says.
        command: the compiler and its flags, those that find what the header includes among them.
        depends: whatever else its content depends on.
    """

    name: str
    text: str
    command: tuple[str, ...]
    depends: tuple[object, ...]

    def find(self) -> Path | None:
        """Return the folder in which the header lies beside what gcc made of it, or None."""
        here = BuildCache.here()
        try:
            return self.make(BuildCache(here.root, shared=here.shared, read_only=True))
        except BuildRefused:
            return None

    def make(self, cache: BuildCache) -> Path | None:
        """Return that folder, and fill it if it is not there; None where this compiler has no such thing.

        Raises:
            BuildError: if it does not compile.
            BuildRefused: if it is not there and the cache cannot be written.
            OSError: if the disk is full.
        """
        if not self.command or any(os.environ.get(name) for name in PLACES):
            return None
        key = digest("pch", self.name, self.text, self.depends, platform.libc_ver())
        return cache.get(key, self._build, what=f"the precompiled {self.name}")

    def _build(self, scratch: Path) -> None:
        place = scratch / self.name
        place.parent.mkdir(exist_ok=True)
        place.write_text(self.text, "utf-8")
        compiling.run([*self.command, "-x", "c++-header", self.name, "-o", f"{self.name}.gch"], scratch)


def begins_with(source: str) -> str | None:
    """Return which of our headers a source begins with, if any."""
    at = 0
    while blank := _BLANK.match(source, at):
        at = blank.end()
    found = _INCLUDE.match(source, at)
    return found[1] if found and found[1] in OURS else None


def ours(name: str, compiler: Compiler, flags: list[str], includes: list[str]) -> Header:
    """Return a header of ours as it is compiled with these flags."""
    text = (source_tree.include() / name).read_text("utf-8")
    # the compiler's path too: a script may add flags of its own, as the one that builds with guards does
    return header(name, text, compiler, flags, includes, [source_tree.headers_digest(), compiler.path])


def header(
    name: str, text: str, compiler: Compiler, flags: list[str], includes: list[str], versions: list[str]
) -> Header:
    """Return a header of these flags; ``versions`` stands for what it finds in its include folders."""
    command = (compiler.path, *flags, *includes) if compiler.kind == "gcc" else ()
    return Header(name, text, command, (flags, compiler.version, compiler.arch, versions))


def compile_with(first: Header | None, before: list[str], after: list[str], scratch: Path) -> None:
    """Compile a source with a header that is there, and without it where that fails.

    So errors read the same with and without it, and one that gcc cannot load costs no program its build.

    Args:
        first: what the source begins with.
        before: the compiler and the flags before its include folders.
        after: the other flags and the source.
        scratch: where the source lies.

    Raises:
        BuildError: as without a header.
        ToolchainMissing: as without a header.
    """
    folder = first.find() if first else None
    if folder is not None:
        with suppress(BuildError):  # it is said below, in the words that everybody reads
            compiling.run([*before, "-I", str(folder), *after], scratch)
            return
    compiling.run([*before, *after], scratch)
