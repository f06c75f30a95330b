"""Foundry: kernels' sources compiled in a child that runs nothing of the program, to compare machine code.

What lies in a program's own folder cannot be compared: its process wrote it, and could have put another
program's code there. So the judge has the sources compiled anew, by the backends' own functions with the
program's own options, in the build stage's limits and a folder that no program ever writes. The digest of a
source is that of every byte of the object, of how Python calls it, and of its options.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kernelevo.backends import elf, signatures
from kernelevo.backends.cache import digest
from kernelevo.backends.kernel_sources import KernelSource
from kernelevo.core import Status
from kernelevo.errors import KernelEvoError
from kernelevo.kernels.children.supervisor import Supervisor
from kernelevo.kernels.faults.failed import Failed, resting, translated
from kernelevo.sandbox.limits import Limits

PATIENCE = 60.0
_MEMORY = 4 << 30
# what native code may call: memory, mathematics, OpenMP, C++'s runtime and containers; no files, no names of
# files, no environment, no loader. Anything else, and its behaviour may hang on more than its code.
_CALLS = re.compile(
    r"mem(cpy|set|move|cmp|chr)|str(len|cmp)|(m|c|re)alloc|free|aligned_alloc|posix_memalign|madvise"
    r"|sched_yield|abort|__stack_chk_fail|__(mem\w+|sn?printf)_chk|sn?printf|__cxa_\w+|__gxx_personality_v0"
    r"|_Unwind_Resume|__gmon_start__|_ITM_\w+|GOMP_\w+|omp_\w+|Sleef_\w+|_ZGV\w+"
    r"|(exp|exp2|expm1|log|log2|log10|log1p|pow|sqrt|cbrt|sin|cos|tan|sincos|asin|acos|atan|atan2|sinh|cosh|tanh"
    r"|asinh|acosh|atanh|erf|erfc|tgamma|lgamma|fmod|remainder|floor|ceil|round|trunc|rint|nearbyint|lrint"
    r"|llrint|lround|fma|fabs|ldexp|frexp|hypot|fmin|fmax)[fl]?"
    r"|_Z(n|d)[wal]\w+|_Z(NK?|T[VITS])?S\w+"
)
_FILES = re.compile(r"filebuf|fstream|filesystem|random_device|6thread|\d+async|locale\w*facet|getenv")
# ways to code that the object's symbols do not show, and what makes an object depend on its place or time
_WORDS = re.compile(
    r"\b(__)?asm|##|\bsection\b|incbin|#\s*embed|__FILE__|__DATE__|__TIME|__COUNTER__|include_next"
)
_FLAG = re.compile(
    r"-(O[0-3s]?|f(?!plugin|dump|profile|save|sanitize)[\w=.-]+|m[\w=.-]+|D\w+(=[\w.+-]*)?|std=[\w+]+|w"
    r"|-?maxrregcount=\d+|-?use_fast_math|-?fmad=\w+|-?ftz=\w+|-?restrict)"
)


class Foundry:
    """Compiles sources, and remembers what came of each.

    Args:
        supervisor: has the zygote that forks the compiling child.
        folder: where it works; nothing else may write there.
        shared: the shared build cache, read only.
    """

    def __init__(self, supervisor: Supervisor, folder: Path, shared: Path) -> None:
        self._supervisor, self._folder, self._shared = supervisor, folder, shared
        self._known: dict[str, str | None] = {}

    def codes(self, sources: Sequence[KernelSource], arch: str | None) -> list[str] | None:
        """Return a digest for each source; None if one does not compile or cannot be judged by its code.

        Args:
            sources: of one program.
            arch: for CUDA, e.g. ``"sm_90a"``; None where there is no device, and so no machine code.
        """
        keys = [digest(s.language, s.text, dict(s.options), arch) for s in sources]
        wanted = {k: s for k, s in zip(keys, sources, strict=True) if k not in self._known}
        if any(not _sure(s, arch) for s in wanted.values()):
            return None
        if wanted:
            said = self._compile(list(wanted.values()), arch)
            self._known.update(zip(wanted, said, strict=True))
        found = [self._known[k] for k in keys]
        return None if any(f is None for f in found) else [str(f) for f in found]

    def _compile(self, sources: list[KernelSource], arch: str | None) -> list[str | None]:
        orders = [{"language": s.language, "text": s.text, "options": dict(s.options)} for s in sources]
        limits = Limits(
            "build",
            self._folder,
            read_only=(self._shared,) if self._shared.is_dir() else (),
            memory_bytes=_MEMORY,
            environ={
                "KERNELEVO_CACHE": str(self._folder / "cache"),
                "KERNELEVO_CACHE_SHARED": str(self._shared),
            },
        )
        payload = {"sources": orders, "arch": arch}
        try:
            with (
                self._supervisor.zygote().spawn(
                    "kernelevo.kernels.children.foundry:forge", payload, limits=limits
                ) as child,
                resting(child, "build"),
                translated(child, PATIENCE),
            ):
                said = child.channel.recv(PATIENCE)
        except Failed as failed:
            if failed.status is Status.REJECTED:
                raise
            return [None] * len(sources)  # a compiler that hangs or dies on a source tells nothing of it
        codes = said.get("codes") if isinstance(said, dict) else None
        if not isinstance(codes, list) or len(codes) != len(sources):
            return [None] * len(sources)
        return [code if isinstance(code, str) else None for code in codes]


def _sure(source: KernelSource, arch: str | None) -> bool:
    """Whether a source's object tells all that it does."""
    if source.language == "cuda" and arch is None:
        return False
    flags = source.options.get("flags" if source.language == "cpp" else "options", ())
    if not isinstance(flags, list | tuple) or not all(_FLAG.fullmatch(str(f)) for f in flags):
        return False
    text = source.text.replace("\\\r\n", "").replace("\\\n", "")  # as the preprocessor joins lines
    return source.language == "cuda" or _WORDS.search(text) is None


def forge(channel: Any, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Compile each source and send its digest, or None; runs in the child, loads nothing it made."""
    codes: list[str | None] = []
    for order in payload["sources"]:
        try:
            make = _cuda if order["language"] == "cuda" else _cpp
            codes.append(make(order["text"], order["options"], payload["arch"]))
        except (KernelEvoError, ValueError, OSError):  # no digest: the two are judged apart
            codes.append(None)
    channel.send({"codes": codes})


def _cpp(text: str, options: dict[str, Any], arch: str | None) -> str | None:
    from kernelevo.backends import cpp

    code = cpp.compiled(text, **options).read_bytes()
    wanted = elf.imports(code)
    if any(not _CALLS.fullmatch(name) or _FILES.search(name) for name in wanted):
        return None
    return digest(hashlib.sha256(code).hexdigest(), options, _calls(signatures.parse(text)))


def _cuda(text: str, options: dict[str, Any], arch: str | None) -> str | None:
    from kernelevo.backends import nvrtc

    cubin = nvrtc.compile_cubin(text, arch=str(arch), **options)
    code = hashlib.sha256(cubin.code).hexdigest()
    return digest(code, dict(cubin.names), options, _calls(signatures.parse_kernels(text)))


def _calls(found: dict[str, signatures.Signature]) -> list[Any]:
    """Return what decides how Python calls the functions: names, types and pointers, not their words."""
    facts = [asdict(s) for s in found.values()]
    for each in facts:
        del each["text"]
        for parameter in (*each["parameters"], each["returns"]):
            del parameter["text"]
    return facts
