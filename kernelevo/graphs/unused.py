"""Unused: operations, parameters and inputs of a module on which no output depends."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import remove_dead


@dataclass(frozen=True)
class Unused:
    """What of a module's forward no output, buffer or random state depends on.

    Args:
        operations: how often each dead operation is called, by name (``"aten.mean"``).
        parameters: names of parameters that forward never reads, or that only dead operations read.
        inputs: names of tensor arguments for which the same holds.
    """

    operations: Mapping[str, int]
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "operations": dict(self.operations),
            "parameters": list(self.parameters),
            "inputs": list(self.inputs),
        }


def unused(captured: Captured) -> Unused:
    """Find what no output depends on; the capture itself is left as it is."""
    graph = captured.copy().graph
    before = _calls(graph)
    remove_dead(graph)
    after = _calls(graph)
    by_name = captured.skeleton.by_name
    read = {id(by_name[n.target].tensor) for n in graph.nodes if n.op == "get_attr" and n.users}
    parameters = tuple(e.name for e in captured.skeleton.parameters() if id(e.tensor) not in read)
    inputs = tuple(str(n.target) for n in graph.nodes if n.op == "placeholder" and not n.users)
    return Unused(dict(before - after), parameters, inputs)


def _calls(graph: fx.Graph) -> Counter[str]:
    """Count operations by name; taking one of several results is none."""
    calls = (n for n in graph.nodes if n.op == "call_function" and n.target is not operator.getitem)
    return Counter(_name(node) for node in calls)


def _name(node: fx.Node) -> str:
    """Return ``aten.mean`` for any of its overloads; another function's own name."""
    packet = getattr(node.target, "overloadpacket", None)
    return str(packet) if packet is not None else getattr(node.target, "__name__", str(node.target))
