"""Applying: several rewrites of a captured graph in the catalogue's order, with a check after each one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from kernelevo.errors import BadSetting, closest
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import remove_dead
from kernelevo.graphs.rewrite import Rewrite
from kernelevo.graphs.rewrites import REWRITES

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Applied:
    """What became of one rewrite.

    Args:
        name: name of the rewrite.
        places: how many places it changed; 0 if it did not match or was rolled back.
        refused: why it was rolled back, or an empty string.
    """

    name: str
    places: int
    refused: str = ""


def apply_rewrites(captured: Captured, names: Sequence[str]) -> list[str]:
    """Apply rewrites in the order of the catalogue and return the names of those that fired.

    After each one the graph is cleaned, linted, run and compared with the original module; one that
    breaks the graph or its values is rolled back (see ``apply_reported`` for the reason).

    Raises:
        BadSetting: for a name that is not in the catalogue.
    """
    return [applied.name for applied in apply_reported(captured, names) if applied.places]


def apply_reported(captured: Captured, names: Sequence[str]) -> list[Applied]:
    """As ``apply_rewrites``, but say for every rewrite what became of it."""
    known = {rewrite.name: rewrite for rewrite in REWRITES}
    for name in names:
        if name not in known:
            raise BadSetting(
                f"no graph rewrite named {name!r}", why=closest(name, known), now="use one of these"
            )
    wanted = set(names)
    return [apply_one(captured, rewrite) for rewrite in REWRITES if rewrite.name in wanted]


def apply_one(captured: Captured, rewrite: Rewrite) -> Applied:
    """Apply one rewrite and check it; on any failure the graph is as before."""
    before = captured.copy()
    try:
        places = rewrite.apply(captured)
        if not places:
            _restore(captured, before)
            return Applied(rewrite.name, 0)
        tidy(captured)
        refused = captured.mismatch()
    except Exception as error:  # a rewrite that breaks is data, whatever it raised
        _log.info("rewrite %s broke", rewrite.name, exc_info=True)
        refused = f"{type(error).__name__}: {str(error)[:300]}"
    if refused:
        _log.info("rewrite %s rolled back: %s", rewrite.name, refused)
        _restore(captured, before)
        captured.reset()
        return Applied(rewrite.name, 0, refused)
    captured.annotate()
    return Applied(rewrite.name, places)


def _restore(captured: Captured, before: Captured) -> None:
    captured.gm = before.gm
    captured.snippets = before.snippets
    captured.graphed = before.graphed


def tidy(captured: Captured) -> None:
    """Drop values nobody reads and snippets nobody calls; lint and recompile."""
    graph = captured.graph
    remove_dead(graph)
    called = {
        getattr(node.target, "__module__", "") or "" for node in graph.nodes if node.op == "call_function"
    }
    captured.snippets = {
        name: snippet
        for name, snippet in captured.snippets.items()
        if any(module.startswith(f"kernelevo_snippet_{name}_") for module in called)
    }
    graph.lint()
    captured.gm.recompile()
