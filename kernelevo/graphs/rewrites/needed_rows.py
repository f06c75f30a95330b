"""Needed rows: of what is read in part, the part alone is computed (a classifier's last layer, say)."""

from __future__ import annotations

from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.epilogue import loosen_views
from kernelevo.graphs.lifting import escapes, is_given, written_nodes
from kernelevo.graphs.matching import aten, is_op, remove_dead, shape, value
from kernelevo.graphs.narrowing import Call, Narrow, Part, Rows, is_view, may_copy, narrowed, taken


class NeededRows:
    """Who reads a class token, or the last step of a sequence, needs no other row of the layers before.

    A selection goes up through all that computes rows by themselves: in a transformer to the residual that
    the last layer's keys and values are made from too; whole layers up where rows never meet.
    """

    name = "needed-rows"
    describes = "rows that nobody reads (tokens beside the class token, steps before the last) not computed"

    def apply(self, captured: Captured) -> int:
        """Narrow every call of whose result only selections of at most half of the rows are read."""
        graph = captured.graph
        remove_dead(graph)  # what nobody reads reads nothing: export's assertions of types, say
        written = written_nodes(graph)
        places = 0
        for node in reversed(list(graph.nodes)):  # who reads comes before who is read
            rows = _needed(node)
            if rows is None or written & {node, *node.all_input_nodes} or _hands_out(node):
                continue
            narrow = narrowed(node, rows)
            if narrow is not None:
                _replace(graph, node, rows, narrow)
                places += not is_view(node)
        if places:
            loosen_views(graph)  # a part has the strides of the whole
        return places


def _hands_out(node: fx.Node) -> bool:
    """Tell whether the caller gets a copy that would become a view of what others hold, or get too."""
    sources = node.all_input_nodes
    return may_copy(node) and escapes(node) and any(is_given(s) or len(s.users) > 1 for s in sources)


def _needed(node: fx.Node) -> Rows | None:
    """Return the rows that all readers of a node take together; None if somebody needs most of it."""
    read = [taken(user) for user in node.users if user.args[:1] == (node,)]
    if not read or None in read or len(read) != len(node.users):
        return None
    some = [rows for rows in read if rows is not None]
    if len({rows.dim for rows in some}) != 1:
        return None
    dim = some[0].dim
    whole = Rows(dim, min(r.start for r in some), max(r.end for r in some))
    return whole if 2 * whole.length <= shape(node)[dim] else None


def _replace(graph: fx.Graph, node: fx.Node, rows: Rows, narrow: Narrow) -> None:
    """Put the narrow call where the node stands, and let its readers take their rows of it."""
    with graph.inserting_before(node):
        made = _made(graph, narrow)
    for user in list(node.users):
        own = taken(user)
        assert own is not None
        within = Rows(own.dim, own.start - rows.start, own.end - rows.start)
        with graph.inserting_before(user):
            if is_op(user, aten.select):
                reader = _put(graph, Call(aten.select.int, (made, own.dim, within.start)))
            else:
                reader = _cut(graph, Part(made, within))
        user.replace_all_uses_with(reader)
        graph.erase_node(user)
    graph.erase_node(node)


def _made(graph: fx.Graph, narrow: Narrow) -> fx.Node:
    def settled(given: Any) -> Any:
        if isinstance(given, (list, tuple)):
            return type(given)(settled(g) for g in given)
        return _cut(graph, given) if isinstance(given, Part) else given

    if isinstance(narrow, Part):
        return _cut(graph, narrow)
    kwargs = {name: settled(given) for name, given in narrow.kwargs.items()}
    return _put(graph, Call(narrow.target, settled(narrow.args), kwargs))


def _cut(graph: fx.Graph, part: Part) -> fx.Node:
    """Return the node of some rows of another one."""
    node, rows = part.node, part.rows
    if rows.length == shape(node)[rows.dim]:
        return node
    return _put(graph, Call(aten.slice.Tensor, (node, rows.dim, rows.start, rows.end)))


def _put(graph: fx.Graph, call: Call) -> fx.Node:
    """Return the node of a new call, its value recorded for who is narrowed next."""
    made = graph.call_function(call.target, call.args, dict(call.kwargs))
    given: Any = fx.node.map_arg((call.args, dict(call.kwargs)), value)
    made.meta["val"] = call.target(*given[0], **given[1])
    return made
