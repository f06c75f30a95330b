"""Cleanup: work whose result nobody reads, calls that return their input, counters one by one."""

from __future__ import annotations

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import arguments, aten, calls, is_op, remove_dead, shape, value
from kernelevo.graphs.snippet import Snippet


class DeadWork:
    """Removes values nobody reads: dropped outputs, dead layers. Their parameters stay registered."""

    name = "dead-work"
    describes = "removes computations whose result is never used"

    def apply(self, captured: Captured) -> int:
        """Erase pure nodes without users; nodes that write or draw random numbers stay."""
        return remove_dead(captured.graph)


class NoOps:
    """Removes calls that return their input: dropout of probability zero, reshapes to the same shape."""

    name = "no-ops"
    describes = "removes dropout that drops nothing, and reshapes and casts that change nothing"

    def apply(self, captured: Captured) -> int:
        """Replace each such call by its input."""
        places = 0
        for node in list(captured.graph.nodes):
            source = _unchanged(node)
            if source is not None:
                node.replace_all_uses_with(source)
                captured.graph.erase_node(node)
                places += 1
        return places


COUNTERS = Snippet(
    "counters",
    '''
def count_on(*counters):
    """Add one to each counter, in place."""
    torch._foreach_add_(counters, 1)
''',
)


class Counters:
    """Adds one to all counters of batches in one call, instead of one each."""

    name = "counters"
    describes = "the batch counters of all normalisations in one call"
    FEWEST = 2

    def apply(self, captured: Captured) -> int:
        """Move the additions to where the first of them stands."""
        found = [node for node in calls(captured.graph, aten.add_.Tensor) if _counts(node)]
        names = [node.args[0].target for node in found if isinstance(node.args[0], fx.Node)]
        readers = [
            user for n in captured.graph.nodes if n.op == "get_attr" and n.target in names for user in n.users
        ]
        if len(found) < self.FEWEST or len(set(names)) < len(names) or set(readers) != set(found):
            return 0
        captured.add_snippet(COUNTERS)
        for counter in [node.args[0] for node in found]:  # read where the call will stand
            assert isinstance(counter, fx.Node)
            found[0].prepend(counter)
        with captured.graph.inserting_before(found[0]):
            captured.graph.call_function(COUNTERS.function("count_on"), tuple(n.args[0] for n in found))
        for node in found:
            captured.graph.erase_node(node)
        return len(found)


def _counts(node: fx.Node) -> bool:
    """Tell whether a node adds one to a whole number that is a buffer, and nobody reads the sum."""
    given = arguments(node)
    counter = given["self"]
    if node.users or counter.op != "get_attr" or not counter.meta.get("buffer"):
        return False
    whole = value(counter).dim() == 0 and not value(counter).dtype.is_floating_point
    return bool(whole and given["other"] == 1 and given["alpha"] == 1)


_DROPOUTS = (aten.dropout, aten.feature_dropout, aten.alpha_dropout, aten.feature_alpha_dropout)
_SHAPERS = (aten.view, aten.reshape, aten.expand, aten.permute, aten.slice, aten.squeeze, aten.flatten)


def _unchanged(node: fx.Node) -> fx.Node | None:
    """Return the input that a call hands back as it is, or None."""
    if is_op(node, *_DROPOUTS):
        given = arguments(node)
        if not given["train"] or given["p"] == 0:
            return _node(given["input"])
        return None
    if is_op(node, aten.alias.default, aten.detach.default, aten.detach_.default):
        return _node(node.args[0])
    if is_op(node, aten.contiguous):
        source = _node(arguments(node)["self"])
        same = source is not None and value(source).stride() == value(node).stride()
        return source if same and value(node).is_contiguous() else None
    if is_op(node, *_SHAPERS):
        source = _node(node.args[0])
        if source is None or is_op(node, aten.view.dtype):
            return None
        same_strides = value(source).stride() == value(node).stride()
        return source if shape(source) == shape(node) and same_strides and _whole(node) else None
    if is_op(node, aten.to.dtype, aten.to.dtype_layout, aten.to.device):
        given = arguments(node)
        source = _node(given["self"])
        same = source is not None and not given["copy"] and given.get("memory_format") is None
        return source if same and value(source).dtype == value(node).dtype else None
    return None


def _whole(node: fx.Node) -> bool:
    """Tell whether elements keep their places: equal shapes and strides do, but for permuted equal sizes."""
    if is_op(node, aten.permute):
        given = arguments(node)
        return all(d % len(given["dims"]) == i for i, d in enumerate(given["dims"]))
    if is_op(node, aten.slice):
        given = arguments(node)
        return given["start"] in (None, 0) and given["step"] == 1
    return True


def _node(found: object) -> fx.Node | None:
    return found if isinstance(found, fx.Node) else None
