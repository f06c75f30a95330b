"""Layout: images in channels-last order through chains of convolutions."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import fixed_nodes
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, is_op, per_dimension, shape, value
from kernelevo.graphs.rewrites.packed_linear import available, fuse_post
from kernelevo.graphs.snippet import Snippet

LAST = Snippet(
    "channels_last",
    '''
def channels_last_rows(weight):
    """Return a kernel with its channels innermost."""
    return weight.detach().contiguous(memory_format=torch.channels_last)


def channels_last(weight):
    """Return a kernel with its channels innermost; follows its parameter."""
    return kernelevo.packed(channels_last_rows, weight)
''',
)


class ChannelsLast:
    """Inputs of convolutions in channels-last order, which the convolutions then keep."""

    name = "channels-last"
    describes = "images and kernels of convolutions with their channels innermost"
    speculative = True

    def apply(self, captured: Captured) -> int:
        """Convert where a convolution reads a value no other convolution made; views become reshapes."""
        if _needs_rows(captured.graph):
            return 0
        graph, fixed = captured.graph, fixed_nodes(captured.graph)
        converted: dict[fx.Node, fx.Node] = {}
        places = 0
        for conv in calls(graph, aten.conv2d.default):
            given = arguments(conv)
            weight, source = given["weight"], given["input"]
            if not is_float32(source) or len(shape(source)) != 4:
                continue
            last = value(source).is_contiguous(memory_format=torch.channels_last)
            if source not in converted and not last and not _follows(source):
                with graph.inserting_after(source):
                    converted[source] = graph.call_function(
                        aten.contiguous.default, (source,), {"memory_format": torch.channels_last}
                    )
            places += 1
            changed = converted.get(source, source)
            if weight.op == "get_attr" and weight in fixed and shape(weight)[2:] != (1, 1):
                captured.add_snippet(LAST)
                with graph.inserting_before(conv):
                    weight = graph.call_function(LAST.function("channels_last"), (weight,))
                weight.meta = {"settled": True, "val": given["weight"].meta["val"]}
            conv.args = (changed, weight, *conv.args[2:])
        for view in calls(graph, aten.view.default):
            view.target = aten.reshape.default
        return places


def _needs_rows(graph: fx.Graph) -> bool:
    """Tell whether a kernel of ours reads an image: these take plain contiguous tensors only."""
    for node in graph.nodes:
        ours = (getattr(node.target, "__module__", "") or "").startswith("kernelevo_snippet_")
        if ours and not node.target.__name__.startswith("packed_convolution"):
            images = (n for n in node.all_input_nodes if n.op != "get_attr" and is_float32(n))
            if any(len(shape(image)) == 4 for image in images):
                return True
    return False


KEEPERS = (  # operators that answer in the layout of their first input
    aten.batch_norm,
    aten.relu,
    aten.relu_,
    aten.silu,
    aten.gelu,
    aten.sigmoid,
    aten.tanh,
    aten.add,
    aten.add_,
    aten.mul,
    aten.hardtanh,
    aten.hardtanh_,
    aten.max_pool2d,
    aten.avg_pool2d,
    aten.adaptive_avg_pool2d,
    aten.cat,
    aten.dropout,
    aten.conv2d,
)


def kept_from(node: fx.Node) -> Any:
    """Return the operand whose layout a keeper answers in."""
    first: Any = node.args[0]
    return first[0] if isinstance(first, (list, tuple)) else first


def _follows(node: fx.Node) -> bool:
    """Tell whether a value will be channels-last because it comes from a convolution through keepers."""
    seen: set[fx.Node] = set()
    while node not in seen:
        seen.add(node)
        if is_op(node, aten.conv2d):
            return True
        if not is_op(node, *KEEPERS):
            return False
        first = kept_from(node)
        if not isinstance(first, fx.Node):
            return False
        node = first
    return False


_GEOMETRY = ("padding", "stride", "dilation", "groups")
_PACKED = '''
def {name}_made(weight):
    """Return a kernel in oneDNN's own layout."""
    weight = weight.detach().contiguous()
    return torch.ops.mkldnn._reorder_convolution_weight(
        weight, {padding}, {stride}, {dilation}, {groups}, {size}
    )


def {name}(x, weight, bias, post="none", algorithm=""):
    """Convolution with a fused activation; the packed kernel follows its parameter."""
    weight = kernelevo.packed({name}_made, weight)
    return torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, {padding}, {stride}, {dilation}, {groups}, post, [], algorithm
    )
'''


class PackedConvolution:
    """Convolutions on oneDNN's own weight layout, with a following activation fused in."""

    name = "packed-convolution"
    describes = "convolutions on oneDNN's pre-packed kernels, with the activation fused"
    speculative = True
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Replace each convolution with constant weights; views become reshapes."""
        if not available() or _needs_rows(captured.graph):
            return 0
        graph, fixed = captured.graph, fixed_nodes(captured.graph)
        kinds: dict[str, str] = {}
        places = 0
        for conv in calls(graph, aten.conv2d.default, aten.conv3d.default):
            given = arguments(conv)
            weight = given["weight"]
            settled = (weight.op == "get_attr" and weight in fixed) or weight.meta.get("settled")
            batched = len(shape(conv)) == len(shape(weight)) and 0 not in shape(conv)
            plain = batched and is_float32(given["input"])
            if not settled or not plain or value(conv).device.type != "cpu":
                continue
            self._replace(captured, conv, given, kinds)
            places += 1
        for view in calls(graph, aten.view.default):
            view.target = aten.reshape.default
        return places

    def _replace(
        self, captured: Captured, conv: fx.Node, given: dict[str, Any], kinds: dict[str, str]
    ) -> None:
        rank = len(shape(given["input"])) - 2
        geometry = {k: given[k] if k == "groups" else list(per_dimension(given[k], rank)) for k in _GEOMETRY}
        size = list(shape(given["input"]))
        key = f"{geometry} {size}"
        name = kinds.setdefault(key, f"packed_convolution_{len(kinds)}")
        snippet = Snippet(name, _PACKED.format(name=name, size=size, **geometry))
        captured.add_snippet(snippet)
        graph = captured.graph
        last, post = fuse_post(conv)
        extra = () if post.name == "none" else (post.name, post.algorithm)
        with graph.inserting_before(last):
            made = graph.call_function(
                snippet.function(name), (given["input"], given["weight"], given["bias"], *extra)
            )
        made.meta = dict(last.meta)
        last.replace_all_uses_with(made)
        graph.erase_node(last)
        if last is not conv:
            graph.erase_node(conv)
