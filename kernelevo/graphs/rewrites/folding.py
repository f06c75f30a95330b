"""Folding: BatchNorm in evaluation mode becomes part of the convolution or linear layer before it."""

from __future__ import annotations

from operator import getitem
from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import fixed_nodes, unwritten
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, is_op, shape, sole_user
from kernelevo.graphs.snippet import Snippet

_CONVOLUTIONS = (aten.conv1d.default, aten.conv2d.default, aten.conv3d.default)
_TRANSPOSED = (aten.conv_transpose1d.default, aten.conv_transpose2d.input, aten.conv_transpose3d.input)
_TEXT = '''
def {name}_made({parameters}):
    """Return weight and bias of a layer and the BatchNorm after it together."""
    factor = torch.rsqrt(variance.double() + {eps!r}){scaled}
    wide = ({axes}, *[1] * (weight.dim() - 2))
    folded = weight.detach().double() * factor.reshape(wide)
    shift = ({bias} - mean.double()) * factor{shifted}
    return folded.float(), shift.float()


def {name}({parameters}):
    """Return folded weight and bias; they follow the tensors they are made from."""
    return kernelevo.packed({name}_made, {parameters})
'''


class FoldedNorm:
    """Evaluation mode only: the running statistics are then constants. Never in training mode."""

    name = "folded-norm"
    describes = "evaluation-mode BatchNorm folded into the weights of the layer before it"

    def apply(self, captured: Captured) -> int:
        """Fold each BatchNorm that follows a convolution or linear layer with one user."""
        places = 0
        fixed = fixed_nodes(captured.graph)
        kinds: dict[tuple[Any, ...], Snippet] = {}
        for norm in calls(captured.graph, aten.batch_norm.default):
            given = arguments(norm)
            layer = given["input"]
            turned = is_op(layer, *_TRANSPOSED)  # its kernel has the channels out second
            if given["training"] or not (turned or is_op(layer, *_CONVOLUTIONS, aten.linear.default)):
                continue
            if turned and arguments(layer)["groups"] != 1:
                continue
            rank = len(shape(arguments(layer)["weight"]))  # channels are the second of as many sizes
            if len(shape(layer)) != rank or sole_user(layer) is not norm or not is_float32(norm):
                continue
            tensors = _tensors(given, arguments(layer))
            ours = all(t.op == "get_attr" and t in fixed for t in tensors.values())
            if ours and "mean" in tensors and unwritten([arguments(layer)["input"]], norm):
                kind = (*tensors, given["eps"], turned)
                name = f"folded_norm_{len(kinds)}"
                kinds.setdefault(kind, _snippet(name, list(tensors), given["eps"], turned=turned))
                _fold(captured, norm, layer, kinds[kind], tensors)
                places += 1
        return places


def _tensors(norm: dict[str, Any], layer: dict[str, Any]) -> dict[str, fx.Node]:
    """Return the tensors that take part, by their name in the snippet; absent ones are left out."""
    found = {
        "weight": layer["weight"],
        "bias": layer["bias"],
        "scale": norm["weight"],
        "offset": norm["bias"],
        "mean": norm["running_mean"],
        "variance": norm["running_var"],
    }
    return {name: node for name, node in found.items() if node is not None}


def _snippet(name: str, parameters: list[str], eps: float, *, turned: bool) -> Snippet:
    return Snippet(
        name,
        _TEXT.format(
            name=name,
            parameters=", ".join(parameters),
            eps=eps,
            axes="1, -1" if turned else "-1, 1",
            scaled=" * scale.detach().double()" if "scale" in parameters else "",
            bias="bias.detach().double()" if "bias" in parameters else "0.0",
            shifted=" + offset.detach().double()" if "offset" in parameters else "",
        ),
    )


def _fold(
    captured: Captured, norm: fx.Node, layer: fx.Node, snippet: Snippet, tensors: dict[str, fx.Node]
) -> None:
    captured.add_snippet(snippet)
    graph, inner = captured.graph, arguments(layer)
    assert callable(layer.target)
    with graph.inserting_before(norm):
        made = graph.call_function(snippet.function(snippet.name), tuple(tensors.values()))
        weight, bias = (graph.call_function(getitem, (made, i)) for i in range(2))
        for node, old in ((weight, inner["weight"]), (bias, norm.args[3])):
            node.meta = {"settled": True, "val": old.meta["val"] if isinstance(old, fx.Node) else None}
        folded = graph.call_function(
            layer.target, (inner["input"], weight, bias, *layer.args[3:]), layer.kwargs
        )
    folded.meta = dict(norm.meta)
    norm.replace_all_uses_with(folded)
    graph.erase_node(norm)
    graph.erase_node(layer)
