"""Kernels: C++ sources that rewrites put into programs, kept as text files beside this one."""

from __future__ import annotations

from importlib import resources


def source(name: str) -> str:
    """Return the text of ``<name>.cpp``.

    Raises:
        FileNotFoundError: if there is no such kernel.
    """
    text = resources.files(__name__).joinpath(f"{name}.cpp").read_text(encoding="utf-8")
    assert "'''" not in text and "\\" not in text.replace("\\\n", ""), f"{name}.cpp must fit a raw string"
    return text
