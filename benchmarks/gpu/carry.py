"""Carry: a build cache filled here with the cubins that a GPU machine would compile.

The folder is an ordinary build cache: a machine that is told ``KERNELEVO_CACHE=FOLDER`` finds in it what it
would have built, if its compilers are those of here; ``carry.json`` beside the entries says which those are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kernelevo.backends import nvrtc, toolchain
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.backends.included import included
from kernelevo.errors import BuildRefused, InputError

FACTS = "carry.json"
LIMIT = 64 << 20  # bytes; what travels to a GPU machine is small
Source = tuple[str, tuple[str, ...], tuple[str, ...]]  # text, name expressions, options


class TooLarge(InputError):
    """The folder holds more than may travel."""


class Carry:
    """A folder of cubins for one architecture.

    Args:
        folder: the build cache; made if it is missing.
        arch: with its own features, e.g. ``"sm_90a"``: what a program on that device asks for.
        limit: bytes that the folder may hold.
    """

    def __init__(self, folder: Path, arch: str, *, limit: int = LIMIT) -> None:
        self.folder, self.arch, self._limit = folder, arch, limit
        self._cache = BuildCache(folder)

    def build(self, source: Source) -> nvrtc.Cubin:
        """Compile a source into the folder, or find it there.

        Raises:
            KernelEvoError: if it does not compile.
            TooLarge: if the folder has grown beyond its limit.
        """
        text, names, options = source
        cubin = nvrtc.compile_cubin(
            text, arch=self.arch, name_expressions=names, options=options, cache=self._cache
        )
        if self.size > self._limit:
            raise TooLarge(
                f"{self.folder} holds {self.size / 2**20:.1f} MiB, more than {self._limit / 2**20:g}",
                why="it travels to the GPU machine, and it is never pruned",
                now="delete it and run again: only what the sources of now need is built",
            )
        return cubin

    def holds(self, source: Source) -> bool:
        """Whether this machine, with its compilers, finds the source built in the folder."""
        text, names, options = source
        found = BuildCache(self.folder, read_only=True)
        try:
            nvrtc.compile_cubin(text, arch=self.arch, name_expressions=names, options=options, cache=found)
        except BuildRefused:
            return False
        return True

    @property
    def size(self) -> int:
        """Bytes in the folder."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def seal(self) -> None:
        """Write down what another machine must have for these entries to be found."""
        (self.folder / FACTS).write_text(json.dumps({"arch": self.arch, **needs()}, indent=1) + "\n")

    def differences(self) -> list[str]:
        """Say what differs here from the machine that filled the folder.

        Raises:
            InputError: if it does not say.
        """
        try:
            there: dict[str, Any] = json.loads((self.folder / FACTS).read_text())
            here = {"arch": self.arch, **needs()}
            return [f"{k}: {there.get(k)} there, {here[k]} here" for k in here if there.get(k) != here[k]]
        except (OSError, ValueError, AttributeError) as error:
            raise InputError(
                f"{self.folder} is no folder that `make gpu-rehearsal` filled", why=str(error)
            ) from error


def needs() -> dict[str, str | None]:
    """Return what decides whether an entry is found, the sources themselves left out.

    ``mma.h`` and the like count only for sources that include headers, by the text of those they include.
    """
    core, compiler, headers = (
        toolchain.package("cuda-core", "cuda.core"), toolchain.nvrtc(), toolchain.cuda_headers(),
    )  # fmt: skip
    usual = "#include <cuda_fp16.h>\n#include <cuda_bf16.h>\n#include <mma.h>\n"
    return {
        "NVRTC": compiler.version if compiler else None,
        "cuda-core": core.version if core else None,
        "CUDA headers": digest(included(usual, [str(headers)]))[:12] if headers else None,
    }
