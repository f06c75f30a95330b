"""KernelFacts: registers, spills and shared memory of a program's kernels, and what to make of them.

:func:`of_source` compiles a program's kernels for an architecture, without a device; :func:`of_folder` reads
what a build left in the caches of its folder. Those files are the program's own: facts tell a proposer where
to look, and decide nothing.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from kernelevo.backends import elf, kernel_sources, nvrtc, taskfile

Language = Literal["cuda", "triton", "extension"]
# most bytes of shared memory that one block may have, by architecture (227 of 228 KiB and so on)
SHARED_LIMITS = {
    70: 98304, 72: 98304, 75: 65536, 80: 166912, 86: 101376, 87: 166912, 89: 101376, 90: 232448,
    100: 232448, 101: 232448, 103: 232448, 110: 232448, 120: 101376, 121: 101376,
}  # fmt: skip
_MOST_FILES, _MOST_BYTES = 64, 64 << 20
_MOST_FOLDERS, _DEEPEST = 4096, 8
# each part has a largest length: the log is the program's own file, in which a search might go on for days
_PROPERTIES = re.compile(
    r"Function properties for (\S{1,4096})\s{0,8}\n"
    r".{0,200}?\b(\d{1,9}) bytes spill stores, (\d{1,9}) bytes spill"
)


@dataclass(frozen=True)
class KernelFacts:
    """What one kernel takes.

    Args:
        name: of the kernel, C++ names as far as they can be read without their types.
        language: ``"cuda"`` (``kernelevo.cuda``), ``"triton"``, or ``"extension"`` (load_inline).
        registers: per thread.
        spill_bytes: per thread, registers that live in memory instead: what ptxas says; for Triton its whole
            stack, as Triton itself counts; None where arrays on the stack cannot be told from spills.
        shared_bytes: per block, static and dynamic as far as it is known before a launch.
        arch: number of the architecture, 90 for sm_90.
    """

    name: str
    language: Language
    registers: int
    spill_bytes: int | None
    shared_bytes: int
    arch: int

    def to_json(self) -> dict[str, Any]:
        """Return these facts as plain data."""
        return asdict(self)

    @property
    def advice(self) -> str:
        """A sentence where something is wrong, else an empty text."""
        limit = SHARED_LIMITS.get(self.arch)
        if limit is not None and self.shared_bytes > limit:
            return (
                f"{self.name} needs {self.shared_bytes} bytes of shared memory and a block on sm_{self.arch} "
                f"has at most {limit}: use smaller tiles or fewer stages"
            )
        if self.spill_bytes:
            return (
                f"{self.name} spills {self.spill_bytes} bytes a thread to memory ({self.registers} "
                "registers): use smaller tiles, more warps or fewer values kept at once"
            )
        return ""


def sentences(facts: Sequence[KernelFacts]) -> str:
    """Return one line for all kernels and one for each that needs advice; empty without kernels."""
    if not facts:
        return ""
    each = [
        f"{f.name} {f.registers} registers"
        + (f", {f.spill_bytes} bytes spilled" if f.spill_bytes else "")
        + (f", {f.shared_bytes} bytes shared" if f.shared_bytes else "")
        for f in facts[:8]
    ]
    more = f"; {len(facts) - 8} more" if len(facts) > 8 else ""
    return "\n".join(["kernels: " + "; ".join(each) + more, *(f.advice for f in facts if f.advice)])


# ---------------------------------------------------------------------- from a program's text


def of_source(source: str, folder: Path, *, arch: str = "sm_90") -> list[KernelFacts]:
    """Compile a program's kernels for an architecture and return what they take. Needs no device.

    Triton's kernels as :func:`kernelevo.backends.triton.compile_source` finds them, which runs the program's
    top level; CUDA's from the calls of ``kernelevo.cuda`` with literal sources, and from what the top level
    binds to names.

    Args:
        source: the program.
        folder: where its text is written.
        arch: e.g. ``"sm_80"``, ``"sm_90"``.

    Raises:
        BuildError: if a kernel does not compile, or the program cannot be imported.
        BadProgram: if it does not parse, or constants of a Triton kernel are not known.
        ToolchainMissing: without the compiler of a language that it uses.
    """
    tree = taskfile.parse(source, "program.py")
    found: list[KernelFacts] = []
    for text, names, options in _cuda_sources(tree, source, folder):
        cubin = nvrtc.compile_cubin(text, arch=arch, name_expressions=names, options=options)
        found += of_cubin(cubin.code, "cuda", cubin.names, cubin.log)
    if "triton" in source:
        from kernelevo.backends import triton

        for name, kernel in triton.compile_source(source, folder, arch=arch).items():
            found += of_cubin(kernel.cubin, "triton", {name: name}, "", kernel.shared)
    return found


def _cuda_sources(
    tree: Any, source: str, folder: Path
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    seen = set()
    for call in kernel_sources.find(tree):
        if call.language == "cuda":
            names, options = (tuple(call.options.get(k, ())) for k in ("name_expressions", "options"))
            seen.add((call.text, names, options))
            yield call.text, names, options
    if "kernelevo.cuda" in source:
        from kernelevo.backends.candidate import import_program
        from kernelevo.backends.cuda import CudaModule

        for value in list(vars(import_program(source, folder)).values()):
            if isinstance(value, CudaModule) and value.made_by not in seen:
                seen.add(value.made_by)
                yield value.made_by


def of_cubin(
    code: bytes, language: Language, names: Mapping[str, str], log: str = "", dynamic: int = 0
) -> list[KernelFacts]:
    """Return what the kernels of one cubin take.

    Args:
        code: the image.
        language: see :class:`KernelFacts`.
        names: name for people -> name in the image, as far as it is known.
        log: what ptxas said, if it is known.
        dynamic: bytes of shared memory that the launcher adds.

    Raises:
        ValueError: if the image is damaged.
    """
    spilled = {name: max(int(a), int(b)) for name, a, b in _PROPERTIES.findall(log)}
    people = {image: name for name, image in names.items()}
    arch = elf.architecture(code)
    facts = []
    for image, taken in elf.kernels(code).items():
        spill = spilled.get(image)
        if spill is None and (language == "triton" or taken.stack == 0):
            spill = taken.stack
        name = printable(people.get(image) or plain_name(image))
        facts.append(KernelFacts(name, language, taken.registers, spill, taken.shared + dynamic, arch))
    return facts


# ---------------------------------------------------------------------- from what a build left behind


def of_folder(folder: Path) -> list[KernelFacts]:
    """Return what the kernels take that a build left in the caches of its folder; damaged files count not.

    Looks for ``kernel.cubin`` entries of the build cache, Triton's cubins (Inductor's among them) and the
    device code inside shared objects of torch's extensions.
    """
    found: list[KernelFacts] = []
    for path in files(folder / "cache", "kernel.cubin"):
        told = _json(path.with_name("names.json"))
        names = told.get("names")
        known = {str(k): str(v) for k, v in names.items()} if isinstance(names, dict) else {}
        found += _read(path, "cuda", known, str(told.get("log", "")))
    for root in (folder / "triton", folder / "inductor"):
        for path in files(root, ".cubin"):
            told = _json(path.with_suffix(".json"))
            shared = told.get("shared")
            dynamic = shared if isinstance(shared, int) and 0 <= shared < 1 << 20 else 0
            found += _read(path, "triton", {path.stem: path.stem}, "", dynamic)
    for path in files(folder / "extensions", ".so"):
        try:
            cubins, _ = elf.embedded(content(path))
            for cubin in cubins:
                found += of_cubin(cubin, "extension", {})
        except (OSError, ValueError):
            continue  # what a program left there that is no object of a compiler says nothing of it
    return list(dict.fromkeys(found))


def _read(
    path: Path, language: Language, names: Mapping[str, str], log: str, dynamic: int = 0
) -> list[KernelFacts]:
    try:
        return of_cubin(content(path), language, names, log, dynamic)
    except (OSError, ValueError):
        return []


def files(root: Path, suffix: str) -> list[Path]:
    """Return the plain files below a folder whose names end so, at most 64; links are not followed.

    A program may have nested folders without end: no build's own lie deeper than eight.
    """
    found: list[Path] = []
    waiting, looked = [(root, 0)], 0
    while waiting and len(found) < _MOST_FILES and looked < _MOST_FOLDERS:
        (here, depth), looked = waiting.pop(), looked + 1
        inside = _entries(here)
        found += [path for path, is_folder in inside if not is_folder and path.name.endswith(suffix)]
        if depth < _DEEPEST:
            waiting += [(path, depth + 1) for path, is_folder in reversed(inside) if is_folder]
    return found[:_MOST_FILES]


def _entries(folder: Path) -> list[tuple[Path, bool]]:
    """Return what lies in a folder, in order, and whether each is a folder itself; empty without it."""
    try:
        with os.scandir(folder) as entries:
            named = [(Path(entry.path), entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return []
    return sorted(named)


def content(path: Path) -> bytes:
    """Return the content of a file that an untrusted process wrote.

    Raises:
        OSError: if it is a link, no plain file (a pipe would never end), or too large.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MOST_BYTES:
            raise OSError(f"{path} is no plain file of a sensible size")
        return file.read(_MOST_BYTES)


def _json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(content(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


# ---------------------------------------------------------------------- names


def printable(name: str) -> str:
    """Return a name in which a program cannot write to whoever reads it: letters of C++ names, 80 of them."""
    return re.sub(r"[^A-Za-z0-9_:<>,.$ -]", "?", name)[:80]


def plain_name(symbol: str) -> str:
    """Return the C++ name in a mangled symbol, namespaces kept, types and template arguments left out."""
    if not symbol.startswith("_Z"):
        return symbol
    rest, parts = symbol[2:], []
    nested = rest.startswith("N")
    rest = rest[1:].lstrip("KVr") if nested else rest
    while found := re.match(r"L?(\d+)", rest):
        length = int(found[1])
        start = found.end()
        if length == 0 or start + length > len(rest):
            break
        parts.append(rest[start : start + length])
        rest = rest[start + length :]
        if not nested:
            break
    return "::".join("(anonymous)" if p.startswith("_GLOBAL__N_") else p for p in parts) or symbol
