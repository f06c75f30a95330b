"""Repeating: the settings that have to be said to get those of a run once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernelevo.config.combinations import idle
from kernelevo.config.settings import Settings
from kernelevo.errors import BadSetting

_NAMING = ("model", "mailbox", "replay")
"""Settings that add proposers where none are named."""


def needed(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run without those at their usual values and those that did nothing in it.

    A file or the environment may hold what does nothing in a run; as a flag it would be refused.

    Args:
        recorded: the settings, as ``Settings.to_json`` gives them; those of another version, which this one
            cannot read, are returned as they are.
    """
    try:
        settings = Settings.from_json(recorded)
        usual, whole = Settings().to_json(), settings.to_json()
        said = {name: value for name, value in whole.items() if name not in usual or value != usual[name]}
        while (found := idle(said, settings)) is not None:
            del said[found[0]]
            settings = Settings.from_json(said)  # without it another one may do nothing any more
    except BadSetting:
        return dict(recorded)
    if any(name in said for name in _NAMING):
        said["proposers"] = whole["proposers"]
    return said
