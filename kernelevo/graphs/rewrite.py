"""Rewrite: what a graph rewrite is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from kernelevo.graphs.capture import Captured


@runtime_checkable
class Rewrite(Protocol):
    """A change of a captured graph that keeps its values.

    It matches by graph structure and numeric preconditions and may not mention a task, class or parameter
    name. ``apply`` edits ``captured.gm.graph`` in place, adds the snippets its nodes call, and returns how
    many places it changed; 0 means that it does not match. It need not lint, recompile or clean up.

    Two more attributes are optional: ``devices``, the kinds of device it is for (default: ``"cpu"`` and
    ``"cuda"``), and ``speculative``, True where it is as likely to slow a module down as to speed it up;
    proposers then try the others first.
    """

    name: str
    describes: str

    def apply(self, captured: Captured) -> int:
        """Change the graph; return the number of places changed."""
        ...
