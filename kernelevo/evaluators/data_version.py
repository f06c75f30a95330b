"""Versions of our own tasks: scores of two generators cannot be compared, so a task says which one is its."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernelevo.errors import BadSetting

OPTION = "version"
"""Key of a task's options with the version of what generates and scores its data."""


def numbered(version: int) -> dict[str, int]:
    """Return the option that binds a task to a version."""
    return {OPTION: version}


def require(options: Mapping[str, Any], name: str, version: int) -> None:
    """Refuse a task that was made with another version of its evaluator; one that says nothing is taken.

    Args:
        options: the task's.
        name: its evaluator's name.
        version: today's.

    Raises:
        BadSetting: if they differ.
    """
    made = options.get(OPTION, version)
    if made == version:
        return
    raise BadSetting(
        f"this task was made with version {made} of {name}; here it is version {version}",
        why="its data are generated or scored in another way now, so new scores cannot be set beside the old",
        now=f"start a new run: kernelevo run {name}; the old one can still be read",
    )
