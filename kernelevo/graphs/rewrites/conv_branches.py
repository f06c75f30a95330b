"""Branches: convolutions of one image side by side, concatenated, in one C++ pass that stores no parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import arguments, aten, calls, is_dense, is_op, pair, shape, sole_user
from kernelevo.graphs.rewrites.conv_lanes import undisturbed
from kernelevo.graphs.snippet import Snippet, Table

MAX_CHANNELS = 64  # of the image that all branches read; beyond it oneDNN's blocked layouts are as good
MAX_SIZE = 7  # of a kernel; larger ones were not measured
MIN_WIDTH = 24  # places of a row; narrower ones keep too few sums in registers
WIDEST, MIN_FILLED = 16, 0.8  # lanes of the widest vector, and the share of a row's lanes that must be in use
MIN_PLACES = 4096  # of all images together, so that packing the weights costs little beside the work

TUNE: Table = {
    "CONV_BRANCHES_CHANNELS": (0, 4, 6, 12),  # of a register tile; 0: by the number of registers
    "CONV_BRANCHES_BAND": (16, 8, 32),  # rows of a task at most
    "CONV_BRANCHES_TASKS": (4, 2, 8),  # of a thread at least, if there are rows for so many
    "CONV_BRANCHES_STREAMED_MIB": (16, 2, 1024),  # larger results pass the caches by
}

_WRAPPER = '''
def conv_branches(x, squeeze, branches, relus):
    """Concatenate convolutions of one image along the channels.

    squeeze: (weight, bias, relu) of a 1x1 convolution of x whose result the branches read, or None.
    branches: (weight, bias) of each, with an odd size and as much padding as keeps the image's size.
    relus: for each branch whether a ReLU is applied.
    """
    stages = [(*branch, relu) for branch, relu in zip(branches, relus)]
    if squeeze is not None:
        stages.insert(0, squeeze)
    stages = [(w.contiguous(), None if b is None else b.contiguous(), relu) for w, b, relu in stages]
    rows = []
    for weight, bias, relu in stages:
        out, channels, size, _ = weight.shape
        bias = 0 if bias is None else bias.data_ptr()
        rows += (weight.data_ptr(), bias, out, channels, size, int(relu))
    y = x.new_empty(x.shape[0], sum(w.shape[0] for w, _ in branches), *x.shape[2:])
    _conv_branches.conv_branches_forward(
        x.contiguous(), y, torch.tensor(rows, dtype=torch.int64), len(stages), squeeze is not None, *x.shape
    )
    return y
'''


def snippet() -> Snippet:
    """Return the program text that defines ``conv_branches``."""
    library = kernels.library("_conv_branches", "conv_branches", TUNE)
    return Snippet("conv_branches", library + _WRAPPER, TUNE)


@dataclass(frozen=True)
class _Branch:
    """A convolution that keeps the image's size, and the ReLU behind it if there is one."""

    conv: fx.Node
    relu: fx.Node | None

    @property
    def source(self) -> fx.Node:
        source = self.conv.args[0]
        assert isinstance(source, fx.Node)
        return source

    @property
    def size(self) -> int:
        return shape(arguments(self.conv)["weight"])[-1]

    @property
    def tensors(self) -> tuple[Any, Any]:
        given = arguments(self.conv)
        return given["weight"], given["bias"]

    @property
    def nodes(self) -> list[fx.Node]:
        return [self.conv] if self.relu is None else [self.conv, self.relu]


class ConvolutionBranches:
    """Concatenated convolutions of one squeezed image; the squeezed image is never stored."""

    name = "convolution-branches"
    describes = (
        "a 1x1 squeeze and the concatenated convolutions that read it in one C++ pass by bands of rows"
    )
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Match from each concatenation inwards."""
        return sum(_match(captured, cat) for cat in calls(captured.graph, aten.cat.default))


def _match(captured: Captured, cat: fx.Node) -> int:
    given = arguments(cat)
    parts = given["tensors"]
    branches = [_branch(part) for part in parts]
    if given["dim"] not in (1, -3) or len(set(parts)) != len(parts):
        return 0
    found = [b for b in branches if b is not None and sole_user(b.nodes[-1]) is cat]
    if len(found) != len(parts) or len({b.source for b in found}) != 1:
        return 0
    source = found[0].source
    squeeze = _branch(source)
    if squeeze is None or squeeze.size != 1 or set(source.users) != {b.conv for b in found}:
        return 0
    if not _worth_it(source):
        return 0
    user = sole_user(cat)
    end = user if user is not None and is_op(user, aten.relu.default, aten.relu_.default) else cat
    chain = [*squeeze.nodes, *(node for b in found for node in b.nodes), cat]
    chain = [node for node in captured.graph.nodes if node in {*chain, end}]
    if not undisturbed(chain):
        return 0
    captured.add_snippet(snippet())
    function = captured.snippets["conv_branches"].function("conv_branches")
    relus = tuple(b.relu is not None or end is not cat for b in found)
    first = (*squeeze.tensors, squeeze.relu is not None)
    with captured.graph.inserting_before(end):
        made = captured.graph.call_function(
            function, (squeeze.source, first, tuple(b.tensors for b in found), relus)
        )
    made.meta["val"] = end.meta["val"]
    end.replace_all_uses_with(made)
    for node in reversed(chain):  # erased here, since a ReLU in place is never dead
        captured.graph.erase_node(node)
    return 1


def _worth_it(source: fx.Node) -> bool:
    """Tell whether the measured advantage holds for branches that read ``source``."""
    batch, channels, height, width = shape(source)
    filled = width / (-(-width // WIDEST) * WIDEST)
    wide = width >= MIN_WIDTH and filled >= MIN_FILLED
    return wide and channels <= MAX_CHANNELS and batch * height * width >= MIN_PLACES


def _branch(node: Any) -> _Branch | None:
    """Return the branch that ends in ``node``, or None."""
    relu = node if is_op(node, aten.relu.default, aten.relu_.default) else None
    conv = node if relu is None else relu.args[0]
    if not is_op(conv, aten.conv2d.default) or (relu is not None and sole_user(conv) is not relu):
        return None
    given = arguments(conv)
    x, weight, bias = given["input"], given["weight"], given["bias"]
    if any(n is not None and n.op != "get_attr" for n in (weight, bias)) or given["groups"] != 1:
        return None
    if not is_dense(x, weight, *([] if bias is None else [bias])) or len(shape(x)) != 4 or 0 in shape(x):
        return None
    size = shape(weight)[2]
    same = size == shape(weight)[3] and size % 2 == 1 and pair(given["padding"]) == (size // 2, size // 2)
    if not same or size > MAX_SIZE or pair(given["stride"]) != (1, 1) or pair(given["dilation"]) != (1, 1):
        return None
    return _Branch(conv, relu)
