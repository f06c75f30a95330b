"""Convolution rows: channels-last convolutions in C++, with the normalisations around them inside.

Images and sequences alike: a sequence is an image one row high, [batch, channels, steps].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import getitem
from typing import Any

import torch
from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import fixed_nodes
from kernelevo.graphs.matching import (
    arguments,
    aten,
    calls,
    is_op,
    mutates,
    on_cpu,
    pair,
    shape,
    sole_user,
    value,
)
from kernelevo.graphs.rewrites.batchnorm import has_statistics
from kernelevo.graphs.rewrites.conv_rows_text import NAME, snippet
from kernelevo.graphs.rewrites.layout import KEEPERS, kept_from
from kernelevo.graphs.rewrites.packed_linear import is_settled

FEWEST_OUT = 16  # output channels: a vector of the widest kind
FEWEST_PRODUCTS = 16  # of one output: with fewer the rest of the work counts, which others do as well
LARGEST_DEPTHWISE = 7
MOST_PARTS = 8  # images whose channels are gathered from where they are
CONVOLUTIONS = (aten.conv2d.default, aten.conv1d.default)
BY_IMAGE = (aten.group_norm.default, aten.instance_norm.default)
NORMS = (aten.batch_norm.default, *BY_IMAGE)
MOMENTS, IMAGE_MOMENTS = "conv_rows_moments", "conv_rows_image_moments"  # of all images, of each


@dataclass(frozen=True)
class _Lazy:
    """A normalised value that is not stored: what is normalised, its scale and shift, what follows."""

    source: fx.Node
    affine: fx.Node
    act: str


class ConvolutionRows:
    """Convolutions, normalisations (batch, group, instance) and activations, all in channels-last order.

    A normalisation is two numbers for each channel, or for each of an image; whoever reads its result applies
    them: a convolution where it gathers its input, a residual sum where it adds; for others it is stored.
    """

    name = "convolution-rows"
    describes = "channels-last convolutions in C++ (products, Winograd), norms and activation inside"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Replace each convolution that the kernels cover, and the normalisations beside them."""
        fixed = fixed_nodes(captured.graph)
        convolutions = {n for n in calls(captured.graph, *CONVOLUTIONS) if _covers(n, fixed)}
        convolutions = _in_one_order(captured.graph, convolutions)
        if not convolutions:
            return 0
        captured.add_snippet(snippet())
        _Pass(captured, convolutions).run()
        for view in calls(captured.graph, aten.view.default):
            view.target = aten.reshape.default
        return len(convolutions)


class _Pass:
    """One walk over the graph, in its order."""

    def __init__(self, captured: Captured, convolutions: set[fx.Node]) -> None:
        self.graph = captured.graph
        self.text = captured.snippets[NAME]
        self.convolutions = convolutions
        self.last: set[fx.Node] = set()  # values that lie channels last
        self.turned: dict[fx.Node, fx.Node] = {}  # a value that does not, and the same in that order
        self.joined: dict[tuple[fx.Node, ...], fx.Node] = {}
        self.lazy: dict[fx.Node, _Lazy] = {}
        self.moments: dict[tuple[fx.Node, str], fx.Node] = {}

    def run(self) -> None:
        """Replace what is covered; store what others read."""
        for node in list(self.graph.nodes):
            if node in self.convolutions:
                self._convolve(node)
            elif is_op(node, *NORMS) and self._normalise(node):
                continue
            elif node.args and node.args[0] in self.lazy and act_of(node):
                self._activate(node)
            elif is_op(node, aten.add.Tensor, aten.add_.Tensor) and self._add(node):
                continue
            elif is_op(node, *KEEPERS):
                self._keep(node)
        for node, lazy in reversed(self.lazy.items()):
            if node.users:
                with self.graph.inserting_before(node):
                    stored = self._call("conv_rows_apply", (lazy.source, lazy.affine, lazy.act), node)
                node.replace_all_uses_with(stored)
            self.graph.erase_node(node)

    def _keep(self, node: fx.Node) -> None:
        """Note an operator that keeps the order of what it reads; images beside others get their order."""
        given = _concatenated(node)
        if any(part in self.last for part in given) and all(map(_reads_only, given)):
            node.args = ([self._turned(part) for part in given], *node.args[1:])
        elif is_op(node, aten.add.Tensor):
            self._lead(node)
        if kept_from(node) in self.last:
            self.last.add(node)

    def _lead(self, add: fx.Node) -> None:
        """Put first, of two summands of one shape, the one that lies channels last: the sum lies as it."""
        given = arguments(add)
        one, other = given["self"], given["other"]
        if one in self.last or other not in self.last or given["alpha"] != 1 or shape(one) != shape(other):
            return
        beside = self.turned[one] if one in self.turned and _reads_only(one) else one
        add.args, add.kwargs = (other, beside), {}

    def _turned(self, image: fx.Node) -> fx.Node:
        """Return the value channels last: itself where it lies so, else one copy for all who ask."""
        if image in self.last:
            return image
        if image not in self.turned:
            # by operators of ATen's, of which a compiler knows that they may return what they were given
            steps: list[tuple[Any, tuple[Any, ...], dict[str, Any]]]
            steps = [(aten.contiguous.default, (), {"memory_format": torch.channels_last})]
            if len(shape(image)) == 3:
                steps = [(aten.unsqueeze.default, (2,), {}), *steps, (aten.squeeze.dim, (2,), {})]
            made = image
            for target, given, named in steps:
                with self.graph.inserting_after(made):
                    made = self.graph.call_function(target, (made, *given), named)
            made.meta = dict(image.meta)
            self.turned[image] = made
            self.last.add(made)
        return self.turned[image]

    def _call(self, name: str, given: tuple[Any, ...], like: fx.Node | None = None) -> fx.Node:
        made = self.graph.call_function(self.text.function(name), given)
        if like is not None:
            made.meta = {**like.meta, "fresh": True}
            self.last.add(made)
        return made

    def _convolve(self, conv: fx.Node) -> None:
        given = arguments(conv)
        end, act = _with_act(conv)
        before = self.lazy.get(given["input"])
        source: Any = before.source if before else given["input"]
        stride, padding = _pair(conv, given["stride"], 1), _pair(conv, given["padding"], 0)
        args = (source, given["weight"], given["bias"], stride, padding, act)
        affine = (before.affine, before.act) if before else (None, "none")
        with self.graph.inserting_before(conv):  # what it reads may be written to before its activation
            if before or len(shape(source)) == 3:  # gathers anyway: nobody has to put parts side by side
                args = (self._apart(source), *args[1:])
            if _counted(end):
                both = self._call("conv_rows", (*args, *affine, True))
                made = self.graph.call_function(getitem, (both, 0))
                made.meta = {**end.meta, "fresh": True}
                self.last.add(made)
                self.moments[made, MOMENTS] = self.graph.call_function(getitem, (both, 1))
            else:
                made = self._call("conv_rows", (*args, *affine) if before else args, end)
        self._replace(conv, end, made)

    def _replace(self, first: fx.Node, end: fx.Node, made: fx.Node) -> None:
        end.replace_all_uses_with(made)
        self.graph.erase_node(end)
        if end is not first:
            self.graph.erase_node(first)

    def _activate(self, node: fx.Node) -> None:
        before = self.lazy[kept_from(node)]
        if before.act == "none":
            self.lazy[node] = _Lazy(before.source, before.affine, act_of(node))

    def _normalise(self, norm: fx.Node) -> bool:
        """Take over a normalisation of what lies channels last, or that convolutions of ours alone read."""
        given = arguments(norm)
        source = given["input"]
        if not _normalises(norm) or not (source in self.last or self._serves(norm)):
            return False
        if not _reads_only(source, norm) or not _reads_only(norm):
            return False
        source = self._turned(source)
        with self.graph.inserting_before(norm):
            affine = self._by_image(norm, source) if is_op(norm, *BY_IMAGE) else self._by_batch(norm, source)
        self.lazy[norm] = _Lazy(source, affine, "none")
        self.last.add(norm)
        return True

    def _by_batch(self, norm: fx.Node, source: fx.Node) -> fx.Node:
        """Return the scale and shift of a batch normalisation, whose running statistics move on with it."""
        given, (batch, _, *sides) = arguments(norm), shape(norm)
        tensors = (given["weight"], given["bias"], given["running_mean"], given["running_var"])
        numbers = (float(given["momentum"]), float(given["eps"]))
        moments = self._moments(source, MOMENTS) if given["training"] else None
        return self._call("conv_rows_norm", (moments, batch * math.prod(sides), *tensors, *numbers))

    def _by_image(self, norm: fx.Node, source: fx.Node) -> fx.Node:
        """Return the scales and shifts of a group or instance normalisation."""
        given = arguments(norm)
        groups = given["num_groups"] if is_op(norm, aten.group_norm.default) else shape(norm)[1]
        told = (self._moments(source, IMAGE_MOMENTS), groups, given["weight"], given["bias"])
        return self._call("conv_rows_group", (*told, float(given["eps"])))

    def _moments(self, source: fx.Node, kind: str) -> fx.Node:
        """Return the moments of a value; those of concatenated channels are their parts', each taken once."""
        if (source, kind) not in self.moments:
            parts = self._apart(source)
            if isinstance(parts, tuple):
                each = [self._moments(part, kind) for part in parts]
                self.moments[source, kind] = self.graph.call_function(aten.cat.default, (each, -1))
            else:
                self.moments[source, kind] = self._call(kind, (source,))
        return self.moments[source, kind]

    def _apart(self, source: fx.Node) -> fx.Node | tuple[fx.Node, ...]:
        """Return the images whose channels lie side by side in a value, few of them; else the value itself.

        The first ones of many are put side by side once, for all readers that begin with the same.
        """
        parts = tuple(_concatenated(source))
        if not parts or not all(part in self.last and _reads_only(part) for part in parts):
            return source
        while len(parts) > MOST_PARTS:
            first = parts[:MOST_PARTS]
            if first not in self.joined:
                made = self.graph.call_function(aten.cat.default, (list(first), 1))
                made.meta = {"val": torch.cat([value(part) for part in first], 1), "fresh": True}
                self.joined[first] = made
                self.last.add(made)
            parts = (self.joined[first], *parts[MOST_PARTS:])
        return parts

    def _serves(self, norm: fx.Node) -> bool:
        """Tell whether convolutions of ours alone read a normalisation, through an activation or at once."""
        end, _ = _with_act(norm)
        return bool(end.users) and all(reader in self.convolutions for reader in end.users)

    def _add(self, add: fx.Node) -> bool:
        """Make a residual sum, with the activation behind it, one pass that normalises what it reads."""
        given = arguments(add)
        one, other = given["self"], given["other"]
        if is_op(add, aten.add.Tensor) and (one not in self.lazy or self.lazy[one].act != "none"):
            one, other = other, one
        if one not in self.lazy or self.lazy[one].act != "none" or one is other or given["alpha"] != 1:
            return False
        if not isinstance(other, fx.Node) or not on_cpu(other) or shape(other) != shape(one):
            return False
        first, second = self.lazy[one], self.lazy.get(other)
        beside = (second.source, second.affine) if second and second.act == "none" else (other,)
        end, act = _with_act(add)
        with self.graph.inserting_before(add):
            made = self._call("conv_rows_apply", (first.source, first.affine, act, *beside), end)
        self._replace(add, end, made)
        return True


def act_of(node: Any) -> str:
    """Return the activation that a node is, by the library's name for it, or an empty text."""
    if is_op(node, aten.relu.default, aten.relu_.default):
        return "relu"
    if is_op(node, aten.silu.default, aten.silu_.default):
        return "silu"
    if is_op(node, aten.hardswish.default, aten.hardswish_.default):
        return "hardswish"
    if is_op(node, aten.relu6.default, aten.relu6_.default):
        return "relu6"
    if is_op(node, aten.hardtanh.default, aten.hardtanh_.default):
        given = arguments(node)
        return "relu6" if (given["min_val"], given["max_val"]) == (0, 6) else ""
    return ""


def _with_act(node: fx.Node) -> tuple[fx.Node, str]:
    """Return the activation that alone reads a node, and its name; the node itself where none does."""
    user = sole_user(node)
    act = act_of(user)
    return (user, act) if user is not None and act else (node, "none")


def _pair(conv: fx.Node, given: Any, beside: int) -> tuple[int, int]:
    """Return a convolution's setting for y and x; of a sequence the former is ``beside``."""
    return pair(given) if is_op(conv, aten.conv2d.default) else (beside, pair(given)[0])


def _covers(conv: fx.Node, fixed: set[fx.Node]) -> bool:
    """Tell whether the kernels cover a convolution and are likely to be as fast as a library."""
    given = arguments(conv)
    x, weight, bias = given["input"], given["weight"], given["bias"]
    if len(shape(conv)) != len(shape(weight)) or 0 in shape(conv) or pair(given["dilation"]) != (1, 1):
        return False
    if not on_cpu(x, weight, *([bias] if bias is not None else [])) or isinstance(given["padding"], str):
        return False
    if not is_settled(weight, fixed):
        return False
    out, inner, *sizes = shape(weight)
    if out < FEWEST_OUT or (bias is not None and not value(bias).is_contiguous()):
        return False
    if given["groups"] != 1:
        return inner == 1 and given["groups"] == out == shape(x)[1] and max(sizes) <= LARGEST_DEPTHWISE
    return inner * math.prod(sizes) >= FEWEST_PRODUCTS


def _in_one_order(graph: fx.Graph, covered: set[fx.Node]) -> set[fx.Node]:
    """Leave out convolutions that are put beside others which are not covered.

    To gather parts of two orders costs more than either order (level 3 task 17 took nine times as long so).
    """
    found = [{_convolved(part) for part in _concatenated(cat)} for cat in calls(graph, aten.cat.default)]
    beside = [{n for n in nodes if n is not None} for nodes in found]
    while apart := set().union(*(nodes & covered for nodes in beside if not nodes <= covered)):
        covered = covered - apart
    return covered


def _convolved(node: fx.Node) -> fx.Node | None:
    """Return the convolution that a value comes from, by normalisations and activations alone."""
    while act_of(node) or is_op(node, *NORMS):
        node = arguments(node)["input" if is_op(node, *NORMS) else "self"]
    return node if is_op(node, *CONVOLUTIONS) else None


def _normalises(norm: fx.Node) -> bool:
    """Tell whether the library covers a normalisation."""
    given = arguments(norm)
    sizes = shape(norm)
    if len(sizes) not in (3, 4) or 0 in sizes or not on_cpu(given["input"]):
        return False
    running = [t for t in (given.get("running_mean"), given.get("running_var")) if t is not None]
    tensors = [*running, *(t for t in (given["weight"], given["bias"]) if t is not None)]
    if not on_cpu(*tensors) or not all(value(t).is_contiguous() for t in tensors):
        return False
    if is_op(norm, aten.batch_norm.default):
        return has_statistics(norm)
    return not running and given.get("use_input_stats", True) is True


def _counted(made: fx.Node) -> bool:
    """Tell whether a batch normalisation asks for a value's moments, also of it as a part of others."""
    if not _reads_only(made):
        return False
    readers = [*made.users, *(n for user in made.users if _concatenated(user) for n in user.users)]
    norms = (n for n in readers if is_op(n, aten.batch_norm.default) and _normalises(n))
    return any(arguments(norm)["training"] for norm in norms)


def _concatenated(node: fx.Node) -> list[fx.Node]:
    """Return the images whose channels a node puts side by side, or nothing."""
    sizes = shape(node) if is_op(node, aten.cat.default) else ()
    if len(sizes) not in (3, 4):
        return []
    given = arguments(node)
    return list(given["tensors"]) if given["dim"] in (1, 1 - len(sizes)) else []


def _reads_only(source: fx.Node, *apart: fx.Node) -> bool:
    """Tell whether no reader of a value writes to it; a sole reader that does harms nobody."""
    readers = [user for user in source.users if user not in apart]
    return len(source.users) == 1 or not any(source in mutates(user) for user in readers)
