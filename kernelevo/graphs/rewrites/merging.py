"""Merging: parallel layers that read one input become one wider layer."""

from __future__ import annotations

from collections import defaultdict
from operator import getitem
from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.epilogue import loosen_views
from kernelevo.graphs.lifting import fixed_nodes, unwritten
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, last_of, pair, shape
from kernelevo.graphs.snippet import Snippet

JOINED = Snippet(
    "joined",
    '''
def joined_rows(*weights):
    """Return weights or biases one below the other."""
    return torch.cat([weight.detach() for weight in weights])


def joined_weight(*weights):
    """Return the weights of parallel layers as those of one layer; follows its parameters."""
    return kernelevo.packed(joined_rows, *weights)
''',
)

EMBEDDED = Snippet(
    "embedded",
    '''
def embedded_rows(*weights):
    """Return kernels one below the other, smaller ones centred in the largest."""
    size = max(weight.shape[-1] for weight in weights)
    margins = [(size - weight.shape[-1]) // 2 for weight in weights]
    return torch.cat([F.pad(w.detach(), (m, m, m, m)) for w, m in zip(weights, margins)])


def joined_kernels(*weights):
    """Return the kernels of parallel convolutions as those of one; follows its parameters."""
    return kernelevo.packed(embedded_rows, *weights)
''',
)


class MergedLinear:
    """Linear layers of one input (query, key and value; gates) as one, whose result is split."""

    name = "merged-linear"
    describes = "parallel linear layers of one input computed as one wider layer"

    def apply(self, captured: Captured) -> int:
        """Merge every group of at least two."""
        groups: dict[Any, list[fx.Node]] = defaultdict(list)
        fixed = fixed_nodes(captured.graph)
        for node in calls(captured.graph, aten.linear.default):
            given = arguments(node)
            weight, bias = given["weight"], given["bias"]
            owned = weight.op == "get_attr" and weight in fixed and (bias is None or bias in fixed)
            if owned and is_float32(given["input"]) and (bias is None or bias.op == "get_attr"):
                groups[given["input"], bias is None].append(node)
        places = 0
        for members in groups.values():
            if len({arguments(m)["weight"] for m in members}) > 1 and _read_alike(members):
                captured.add_snippet(JOINED)
                _join(captured, members, JOINED.function("joined_weight"), -1)
                places += 1
        return places


class MergedConvolution:
    """Convolutions of one input and equal geometry as one, whose result is split by channels."""

    name = "merged-convolution"
    describes = "parallel convolutions of one input computed as one with more output channels"
    embed = False

    def apply(self, captured: Captured) -> int:
        """Merge every group of at least two."""
        fixed = fixed_nodes(captured.graph)
        groups: dict[Any, list[fx.Node]] = defaultdict(list)
        for node in calls(captured.graph, aten.conv2d.default):
            given = arguments(node)
            weight, bias = given["weight"], given["bias"]
            owned = weight.op == "get_attr" and weight in fixed and (bias is None or bias.op == "get_attr")
            if owned and given["groups"] == 1 and is_float32(given["input"]):
                groups[self._geometry(given)].append(node)
        places = 0
        for members in groups.values():
            sizes = {shape(arguments(m)["weight"])[2:] for m in members}
            if len(members) < 2 or (self.embed and len(sizes) < 2) or not _read_alike(members):
                continue
            snippet = EMBEDDED if self.embed else JOINED
            captured.add_snippet(snippet)
            captured.add_snippet(JOINED)
            joiner = snippet.function("joined_kernels" if self.embed else "joined_weight")
            _join(captured, members, joiner, -3)
            places += 1
        return places

    def _geometry(self, given: dict[str, Any]) -> tuple[Any, ...]:
        """Return what members of a group share; the input and whether there is a bias come first."""
        size = shape(given["weight"])[2:]
        stride, padding, dilation = (pair(given[k]) for k in ("stride", "padding", "dilation"))
        if self.embed and size[0] == size[1] and size[0] % 2 == 1 and dilation == (1, 1):
            inset = (padding[0] - size[0] // 2, padding[1] - size[1] // 2)
            return given["input"], given["bias"] is None, stride, "centred", inset
        return given["input"], given["bias"] is None, stride, padding, dilation, size


class EmbeddedConvolution(MergedConvolution):
    """A pointwise convolution beside a larger one, computed as part of it: its kernel is zero around."""

    name = "embedded-convolution"
    describes = "a 1x1 convolution beside a 3x3 one of the same input computed as part of it"
    embed = True
    speculative = True


def _read_alike(members: list[fx.Node]) -> bool:
    """Tell whether all of them read the same values of their input."""
    return unwritten([arguments(members[0])["input"]], last_of(members[0].graph, members))


def _join(captured: Captured, members: list[fx.Node], joiner: Any, dim: int) -> None:
    """Replace ``members`` by one layer and a split along ``dim``."""
    graph = captured.graph
    source, plain = arguments(members[0])["input"], arguments(members[0])["bias"] is None
    weights = [arguments(m)["weight"] for m in members]
    widest = max(members, key=lambda m: shape(arguments(m)["weight"])[-1])
    with graph.inserting_after(last_of(graph, [source, *weights, *(arguments(m)["bias"] for m in members)])):
        spot = graph.call_function(joiner, tuple(weights))
    spot.meta = {"settled": True}
    with graph.inserting_after(spot):
        biases = tuple(arguments(m)["bias"] for m in members)
        bias = None if plain else graph.call_function(JOINED.function("joined_weight"), biases)
    if bias is not None:
        bias.meta = {"settled": True}
    with graph.inserting_after(bias or spot):
        assert callable(widest.target)
        wide = graph.call_function(widest.target, (source, spot, bias, *widest.args[3:]), widest.kwargs)
    with graph.inserting_after(wide):
        sizes = [shape(w)[0] for w in weights]
        split = graph.call_function(aten.split_with_sizes.default, (wide, sizes, dim))
    for index, member in reversed(list(enumerate(members))):
        with graph.inserting_after(split):
            part = graph.call_function(getitem, (split, index))
        part.meta = dict(member.meta)
        member.replace_all_uses_with(part)
        graph.erase_node(member)
    loosen_views(graph)  # a part has the strides of the whole
