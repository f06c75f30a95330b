"""Direct convolution: convolutions of few input channels, with ReLU and concatenation, in C++."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import fixed_nodes
from kernelevo.graphs.matching import arguments, aten, calls, is_dense, is_op, pair, shape, sole_user
from kernelevo.graphs.snippet import Snippet, Table

MOST_CHANNELS = 8  # input channels; with more, blocked library kernels reuse registers better
LARGEST_KERNEL = 7
NARROWEST = 12  # output pixels of a row; below this most of a vector would be padding

TUNE: Table = {
    "DIRECT_CONV_CHANNELS": (8, 4, 6, 12),  # of a register tile
    "DIRECT_CONV_VECTORS": (0, 1, 2, 3),  # of a register tile; 0: by the width of vectors
    "DIRECT_CONV_ROWS": (8, 2, 4, 16),  # of output that share a strip of input
    "DIRECT_CONV_SCHEDULE": ("schedule(static)", "schedule(static,1)", "schedule(dynamic,2)"),
}

_WRAPPER = '''
def _direct_conv_weight(weight):
    """Return the weight as [channel block][in][ky][kx][channel], padded with zeros."""
    block = _direct_conv.channel_block()
    out, rest = weight.shape[0], weight.shape[1:]
    padded = weight.new_zeros(-(-out // block) * block, *rest)
    padded[:out] = weight.detach()
    return padded.view(-1, block, *rest).permute(0, 2, 3, 4, 1).contiguous()


def direct_conv(branches):
    """Run convolutions (x, weight, bias, padding, relu) of stride 1; their channels lie side by side.

    Images in another layout than row-major order are put in order first.
    """
    x, weight, _, (pad_y, pad_x), _ = branches[0]
    height, width = (n + 2 * p - k + 1 for n, p, k in zip(x.shape[2:], (pad_y, pad_x), weight.shape[2:]))
    channels, at = sum(branch[1].shape[0] for branch in branches), 0
    y = x.new_empty(x.shape[0], channels, height, width)
    for x, weight, bias, padding, relu in branches:
        packed = kernelevo.packed(_direct_conv_weight, weight)
        _direct_conv.direct_conv(
            x.contiguous(), packed, bias, y, at, channels, *x.shape, weight.shape[0], *weight.shape[2:],
            *padding, relu,
        )
        at += weight.shape[0]
    return y
'''


def snippet() -> Snippet:
    """Return the program text that defines ``direct_conv``."""
    library = kernels.library("_direct_conv", "direct_conv", TUNE)
    return Snippet("direct_conv", library + _WRAPPER, TUNE)


@dataclass(frozen=True)
class _Branch:
    """A convolution and the ReLU behind it, if there is one."""

    conv: fx.Node
    relu: fx.Node | None

    @property
    def end(self) -> fx.Node:
        """The node whose value the branch produces."""
        return self.relu or self.conv

    def call(self) -> tuple[Any, ...]:
        """Return the branch as ``direct_conv`` takes it."""
        given = arguments(self.conv)
        padding = pair(given["padding"])
        return (given["input"], given["weight"], given["bias"], padding, self.relu is not None)


class DirectConvolution:
    """Convolutions of at most eight input channels; those that are concatenated share one output."""

    name = "direct-convolution"
    describes = "convolutions of few input channels with ReLU and concatenation, written once, in C++"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Replace each convolution that matches, concatenations first."""
        fixed = fixed_nodes(captured.graph)
        branches = {}
        for conv in calls(captured.graph, aten.conv2d.default):
            branch = _parse(conv, fixed)
            if branch is not None:
                branches[branch.end] = branch
        if not branches:
            return 0
        captured.add_snippet(snippet())
        places = len(branches)
        for cat in calls(captured.graph, aten.cat.default):
            parts = arguments(cat)["tensors"]
            joined = [branches[p] for p in parts if p in branches and sole_user(p) is cat]
            if len(joined) == len(set(parts)) == len(parts) and arguments(cat)["dim"] in (1, -3):
                _replace(captured, joined, cat)
                for part in parts:
                    _erase(branches.pop(part))
        for branch in branches.values():
            _replace(captured, [branch], branch.end)
            _erase(branch)
        return places


def _parse(conv: fx.Node, fixed: set[fx.Node]) -> _Branch | None:
    """Return the convolution as a branch if the kernel covers it and is likely to be faster."""
    given = arguments(conv)
    x, weight, bias = given["input"], given["weight"], given["bias"]
    plain = pair(given["stride"]) == (1, 1) == pair(given["dilation"]) and given["groups"] == 1
    if not plain or not is_dense(x, weight, *([bias] if bias is not None else [])) or weight not in fixed:
        return None
    if len(shape(x)) != 4 or 0 in shape(x) or 0 in shape(conv):
        return None
    small = shape(weight)[1] <= MOST_CHANNELS and max(shape(weight)[2:]) <= LARGEST_KERNEL
    if not small or shape(conv)[3] < NARROWEST:
        return None
    user = sole_user(conv)
    return _Branch(conv, user if is_op(user, aten.relu.default, aten.relu_.default) else None)


def _replace(captured: Captured, branches: list[_Branch], end: fx.Node) -> None:
    """Put one call in place of ``end``."""
    graph, function = captured.graph, captured.snippets["direct_conv"].function("direct_conv")
    with graph.inserting_before(end):
        made = graph.call_function(function, ([branch.call() for branch in branches],))
    made.meta["val"] = end.meta["val"]
    end.replace_all_uses_with(made)
    if end not in {branch.end for branch in branches}:
        graph.erase_node(end)


def _erase(branch: _Branch) -> None:
    """Erase a branch's nodes; a ReLU in place would not count as dead."""
    for node in (branch.relu, branch.conv):
        if node is not None:
            node.graph.erase_node(node)
