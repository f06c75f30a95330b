"""Small images: chains of convolution, ReLU and pooling with one image per vector lane, in C++."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import arguments, aten, calls, is_dense, is_op, matters, pair, shape, sole_user
from kernelevo.graphs.snippet import Snippet, Table

MIN_BATCH = 64  # four vectors of the widest kind, so that two threads have work and few lanes are empty
BLOCK, MAX_FILLED = 16, 0.75  # oneDNN fills channels up to blocks; where it wastes a quarter we are faster
MAX_CACHED, MAX_TAPS = 65536, 512  # then: values of an image read and written, weights of an output channel
EASY_CACHED, EASY_TAPS = 32768, 320  # where nothing is wasted, for layers in a chain with one that is faster

TUNE: Table = {
    "CONV_LANES_CHANNELS": (0, 3, 4, 5),  # of a register tile; 0: by the number of registers
    "CONV_LANES_STRIP": (16, 8, 32, 64),  # tiles that a block of channels walks over
    "CONV_LANES_CHUNK": (1, 2, 4),  # groups of images that a thread takes at once
}

_WRAPPER = '''
def conv_lanes(x, geometry, *tensors):
    """Convolutions one after the other, each with ReLU and 2x2 pooling as its row of ``geometry`` says.

    geometry: for each layer (stride_y, stride_x, pad_y, pad_x, relu, pool) with relu 0 none, 1 before and
    2 after pooling, pool 0 none, 1 maximum, 2 average. tensors: weight and bias (or None) of each layer.
    """
    tensors = [None if t is None else t.contiguous() for t in tensors]
    batch, channels, height, width = x.shape
    rows = []
    for (stride_y, stride_x, pad_y, pad_x, relu, pool), weight, bias in zip(
        geometry, tensors[::2], tensors[1::2]
    ):
        out, _, size_y, size_x = weight.shape
        rows += (weight.data_ptr(), 0 if bias is None else bias.data_ptr(), channels, out, height, width)
        rows += (size_y, size_x, stride_y, stride_x, pad_y, pad_x, relu, pool)
        height = ((height + 2 * pad_y - size_y) // stride_y + 1) // (2 if pool else 1)
        width = ((width + 2 * pad_x - size_x) // stride_x + 1) // (2 if pool else 1)
        channels = out
    y = x.new_empty(batch, channels, height, width)
    _conv_lanes.conv_lanes_forward(
        x.contiguous(), y, torch.tensor(rows, dtype=torch.int64), len(geometry), batch
    )
    return y
'''


def snippet() -> Snippet:
    """Return the program text that defines ``conv_lanes``."""
    library = kernels.library("_conv_lanes", "conv_lanes", TUNE)
    return Snippet("conv_lanes", library + _WRAPPER, TUNE)


@dataclass(frozen=True)
class Stage:
    """A convolution with the activation and the pooling behind it.

    Args:
        nodes: its nodes, first to last.
        weight: kernel, [out, in, y, x].
        bias: bias, or None.
        geometry: strides, padding, where the ReLU stands and the kind of pooling, as ``conv_lanes`` has it.
    """

    nodes: tuple[fx.Node, ...]
    weight: fx.Node
    bias: fx.Node | None
    geometry: tuple[int, ...]

    @property
    def source(self) -> fx.Node:
        """What it reads."""
        source = self.nodes[0].args[0]
        assert isinstance(source, fx.Node)
        return source


class SmallConvolutions:
    """Convolutions of many small images, with what stands between them, as one call."""

    name = "small-convolutions"
    describes = "chains of convolution, ReLU and 2x2 pooling on many small images in one C++ call"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Replace each longest chain of stages."""
        places, taken = 0, set[fx.Node]()
        for conv in calls(captured.graph, aten.conv2d.default):
            chain = [] if conv in taken else _chain(conv)
            if chain and undisturbed([n for stage in chain for n in stage.nodes]):
                taken.update(node for stage in chain for node in stage.nodes)
                _replace(captured, chain)
                places += 1
        return places


def _chain(conv: fx.Node) -> list[Stage]:
    chain: list[Stage] = []
    following: fx.Node | None = conv
    while following is not None:
        stage = read_stage(following)
        if stage is None or not _worth_it(stage) or (chain and stage.source is not chain[-1].nodes[-1]):
            break
        chain.append(stage)
        following = sole_user(stage.nodes[-1])
    return chain if any(_faster(stage) for stage in chain) else []


def _filled(stage: Stage) -> float:
    """Return the share of channel blocks that a library with blocked channels has work for."""
    out, channels = shape(stage.weight)[:2]
    blocked = -(-out // BLOCK) * -(-channels // BLOCK) * BLOCK * BLOCK
    return out * channels / blocked


def _faster(stage: Stage) -> bool:
    """Tell whether this layer is faster on its own."""
    return _filled(stage) <= MAX_FILLED


def _worth_it(stage: Stage) -> bool:
    """Tell whether a layer is as fast at least: enough images, each small enough for the cache."""
    batch, channels, height, width = shape(stage.source)
    _, out, rows, columns = shape(stage.nodes[-1])
    _, _, pad_y, pad_x, _, _ = stage.geometry
    cached = channels * (height + 2 * pad_y) * (width + 2 * pad_x) + out * rows * columns
    taps = math.prod(shape(stage.weight)[1:])
    faster = _faster(stage)
    limits = (MAX_CACHED, MAX_TAPS) if faster else (EASY_CACHED, EASY_TAPS)
    return batch >= MIN_BATCH and cached <= limits[0] and taps <= limits[1]


def read_stage(conv: Any) -> Stage | None:
    """Return the stage that begins with ``conv``: plain groups and dilation, 2x2 pooling."""
    if not is_op(conv, aten.conv2d.default):
        return None
    given = arguments(conv)
    x, weight, bias = given["input"], given["weight"], given["bias"]
    if any(n is not None and n.op != "get_attr" for n in (weight, bias)) or given["groups"] != 1:
        return None
    if not is_dense(x, weight, *([] if bias is None else [bias])) or len(shape(x)) != 4:
        return None
    if pair(given["dilation"]) != (1, 1) or 0 in (*shape(x), *shape(conv)):
        return None
    nodes = [conv]
    relu = pool = 0
    while (user := sole_user(nodes[-1])) is not None:
        if is_op(user, aten.relu.default, aten.relu_.default) and not relu:
            relu = 2 if pool else 1
        elif kind := (0 if pool else _pool(user)):
            pool = kind
        else:
            break
        nodes.append(user)
    geometry = (*pair(given["stride"]), *pair(given["padding"]), relu, pool)
    return Stage(tuple(nodes), weight, bias, geometry)


def _pool(node: fx.Node) -> int:
    """Return 1 for maxima and 2 for averages of whole 2x2 windows side by side, else 0."""
    if not is_op(node, aten.max_pool2d.default, aten.avg_pool2d.default) or 0 in shape(node):
        return 0
    given = arguments(node)
    kernel = pair(given["kernel_size"])
    stride = pair(given["stride"]) if given["stride"] else kernel
    if kernel != (2, 2) or stride != kernel or pair(given["padding"]) != (0, 0) or given["ceil_mode"]:
        return 0
    if is_op(node, aten.max_pool2d.default):
        return 1 if pair(given["dilation"]) == (1, 1) else 0
    return 2 if given["divisor_override"] is None else 0


def undisturbed(nodes: list[fx.Node]) -> bool:
    """Tell whether nothing but ``nodes`` writes to anything between the first and the last of them."""
    inner, node = set(nodes), nodes[0]
    while node is not nodes[-1]:
        node = node.next
        if node not in inner and node.op == "call_function" and matters(node):
            return False
    return True


def _replace(captured: Captured, chain: list[Stage]) -> None:
    captured.add_snippet(snippet())
    graph, end = captured.graph, chain[-1].nodes[-1]
    geometry = tuple(stage.geometry for stage in chain)
    tensors = [tensor for stage in chain for tensor in (stage.weight, stage.bias)]
    function = captured.snippets["conv_lanes"].function("conv_lanes")
    with graph.inserting_before(end):
        made = graph.call_function(function, (chain[0].source, geometry, *tensors))
    made.meta["val"] = end.meta["val"]
    end.replace_all_uses_with(made)
    for stage in reversed(chain):
        for node in reversed(stage.nodes):
            graph.erase_node(node)
