"""Kernels: C++ and CUDA sources that rewrites put into programs, kept as text files beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources


def source(*names: str) -> str:
    """Return the texts of ``<name>.cpp``, one after the other.

    Raises:
        FileNotFoundError: if there is no such kernel.
    """
    return "\n".join(_text(f"{name}.cpp") for name in names)


def cuda_source(*names: str) -> str:
    """Return the texts of ``<name>.cu``, one after the other.

    Raises:
        FileNotFoundError: if there is no such kernel.
    """
    return "\n".join(_text(f"{name}.cu") for name in names)


def _text(file: str) -> str:
    text = resources.files(__name__).joinpath(file).read_text(encoding="utf-8")
    assert "'''" not in text and "\\" not in text.replace("\\\n", ""), f"{file} must fit a raw string"
    return text


def library(variable: str, names: str | Sequence[str], tuned: Iterable[str]) -> str:
    """Return program text that compiles ``<name>.cpp`` (or several as one) and binds it to ``variable``.

    Args:
        variable: top-level name in the program.
        names: the kernel, or the files that make it, in their order.
        tuned: entries of the program's ``TUNE`` table; the source reads the value in use of each as a macro
            of the entry's name.

    Raises:
        FileNotFoundError: if there is no such kernel.
    """
    flags = "".join(f"    f\"-D{entry}={{TUNE['{entry}'][0]}}\",\n" for entry in tuned)
    given = f", flags=[\n{flags}]" if flags else ""
    text = source(names) if isinstance(names, str) else source(*names)
    return f"{variable} = kernelevo.cpp(r'''\n{text}'''{given})\n"
