"""Sizes: a program whose name ends with one (``*_v0.py``, ``*_full.py``) was written for that size alone."""

from __future__ import annotations

from pathlib import Path

SIZES = ("v0", "full")


def meant_for(path: Path, size: str | None) -> bool:
    """Tell whether a program is judged at a size; None stands for all of them.

    At another size it answers by PyTorch, slower than a program that is meant for that one, or not at all.
    """
    others = tuple(f"_{other}" for other in SIZES if other != size)
    return size is None or not path.stem.endswith(others)
