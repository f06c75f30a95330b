"""Persistent MLP: a chain of linear layers on few rows as one CUDA kernel.

With few rows the layers take a microsecond or two each and their launches several, so one launch does them
all: its blocks stay resident, and wait for one another between layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import fx

from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.grid import launching
from kernelevo.graphs.lifting import fixed_nodes
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, is_op, shape, sole_user
from kernelevo.graphs.rewrites.packed_linear import is_settled, post_of
from kernelevo.graphs.snippet import Snippet, Table

FEWEST = 2  # layers; one alone saves no launch but that of its activation
MOST_ROWS = 16
MOST_STAGED = 20_000  # activations of one layer, padded, that are staged in shared memory (80 kB)

TUNE: Table = {
    "PERSISTENT_MLP_THREADS": (256, 512, 128),
    "PERSISTENT_MLP_LOADS": (8, 4),  # of a lane, sixteen bytes each, on their way while blocks wait
    "PERSISTENT_MLP_SOLO": (8192, 0, 32768),  # weights; one block alone does the last layers of at most these
    "PERSISTENT_MLP_BLOCKS": (1024, 64, 32),  # at most; never more than multiprocessors
}

_WRAPPER = '''
_persistent_mlp_source = r\'\'\'
{source}
\'\'\'

_persistent_mlp_posts = {{
    "none": lambda y: y, "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "swish": F.silu,
    "gelu": F.gelu, "gelu_tanh": lambda y: F.gelu(y, approximate="tanh"),
}}


def persistent_mlp_plainly(x, parameters, posts):
    """As persistent_mlp, by PyTorch."""
    for weight, bias, post in zip(parameters[::2], parameters[1::2], posts):
        x = _persistent_mlp_posts[post](F.linear(x, weight, bias))
    return x


def _persistent_mlp_padded(size):
    return -(-size // 4) * 4


@functools.cache
def persistent_mlp_packer(biased):
    """Return the function that puts weights and biases, padded to multiples of four, into one tensor."""

    def pack(*tensors):
        left, parts = list(tensors), []
        for has_bias in biased:
            weight = left.pop(0).detach()
            columns, inner = weight.shape
            parts.append(F.pad(weight, (0, _persistent_mlp_padded(inner) - inner)).flatten())
            bias = left.pop(0).detach() if has_bias else weight.new_zeros(columns)
            parts.append(F.pad(bias, (0, _persistent_mlp_padded(columns) - columns)))
        return torch.cat(parts)

    return pack


@functools.cache
def persistent_mlp_plan(device, rows, sizes, posts):
    """Return (launch, floats per row of scratch), or None where the activations do not fit."""
    multiprocessors, most_shared = persistent_mlp_device(device)
    threads = TUNE["PERSISTENT_MLP_THREADS"][0]
    loads = min(TUNE["PERSISTENT_MLP_LOADS"][0], 64 // rows)  # many rows take many registers
    padded = [_persistent_mlp_padded(size) for size in sizes]
    layers = list(zip(padded, sizes[1:]))
    solo = len(layers)
    while solo and layers[solo - 1][0] * layers[solo - 1][1] <= TUNE["PERSISTENT_MLP_SOLO"][0]:
        solo -= 1
    starts, teams, at, blocks = [], [], 0, 1
    for index, (inner, columns) in enumerate(layers):
        team = 4
        while team < 32 and team * 4 * loads < inner:
            team *= 2
        starts.append(at)
        teams.append(team)
        at += columns * inner + _persistent_mlp_padded(columns)
        if index < solo:
            blocks = max(blocks, -(-columns * team // 128))
    blocks = min(blocks, multiprocessors, TUNE["PERSISTENT_MLP_BLOCKS"][0])
    now, following = rows * max(padded[:-1]), rows * max(padded[solo + 1 : -1], default=0)
    if (now + following) * 4 + 64 > most_shared or at >= 1 << 31:
        return None
    stride = max(padded[1:])
    names = list(_persistent_mlp_posts)
    lists = {{"SIZES": sizes, "TEAMS": teams, "POSTS": map(names.index, posts), "STARTS": starts}}
    single = {{
        "THREADS": threads, "LOADS": loads, "ROWS": rows, "LAYERS": len(layers), "SOLO": solo, "NOW": now,
        "STRIDE": stride,
    }}
    options = [f"-D{{key}}={{value}}" for key, value in single.items()]
    options += [f"-D{{key}}={{','.join(map(str, values))}}" for key, values in lists.items()]
    library = kernelevo.cuda(_persistent_mlp_source, options=tuple(options))
    return library.persistent_mlp[blocks, threads, (now + following) * 4], stride


def persistent_mlp(x, parameters, posts):
    """Return x after a chain of linear layers, each with an activation.

    By PyTorch where x is not on a GPU, and where the GPU cannot hold all blocks or the activations.

    Args:
        x: fp32, at most a few rows.
        parameters: weight and bias (or None) of each layer, in turn.
        posts: the activations' names.
    """
    if not x.is_cuda:
        return persistent_mlp_plainly(x, parameters, posts)
    weights, inner = parameters[::2], x.shape[-1]
    rows = x.numel() // inner
    sizes = (inner, *(weight.shape[0] for weight in weights))
    plan = persistent_mlp_plan(x.device, rows, sizes, tuple(posts))
    if plan is None:
        return persistent_mlp_plainly(x, parameters, posts)
    launch, stride = plan
    packer = persistent_mlp_packer(tuple(bias is not None for bias in parameters[1::2]))
    blob = kernelevo.packed(packer, *(p for p in parameters if p is not None))
    y = torch.empty(*x.shape[:-1], sizes[-1], dtype=x.dtype, device=x.device)
    scratch = torch.empty(2 * rows * stride, dtype=x.dtype, device=x.device)
    if not launch.together(x.contiguous(), blob, scratch, y, persistent_mlp_barrier(x.device)):
        return persistent_mlp_plainly(x, parameters, posts)
    return y
'''


def snippet() -> Snippet:
    """Return the program text that defines ``persistent_mlp``."""
    source = kernels.cuda_source("grid_barrier", "persistent_mlp")
    text = launching("persistent_mlp") + "\n" + _WRAPPER.format(source=source)
    return Snippet("persistent_mlp", text, TUNE)


@dataclass(frozen=True)
class _Chain:
    """Linear layers one after the other, each with its activation, and all nodes that they are."""

    layers: tuple[fx.Node, ...]
    posts: tuple[str, ...]
    nodes: tuple[fx.Node, ...]


class PersistentMLP:
    """Chains of two or more linear layers on few rows, with activations after them."""

    name = "persistent-mlp"
    describes = "a chain of linear layers on few rows as one kernel whose blocks wait for one another"
    devices = frozenset({"cuda"})

    def apply(self, captured: Captured) -> int:
        """Replace each maximal chain."""
        fixed = fixed_nodes(captured.graph)
        done: set[fx.Node] = set()
        places = 0
        for node in calls(captured.graph, aten.linear.default):
            if node in done:
                continue
            chain = _chain(node, fixed)
            done.update(chain.nodes)
            if len(chain.layers) >= FEWEST:
                captured.add_snippet(snippet())
                _replace(captured, chain)
                places += 1
        return places


def _chain(node: fx.Node | None, fixed: set[fx.Node]) -> _Chain:
    """Return the chain that begins at a linear layer; an empty one if that does not fit."""
    layers: list[fx.Node] = []
    posts: list[str] = []
    nodes: list[fx.Node] = []
    while node is not None and is_op(node, aten.linear.default) and _fits(node, fixed):
        if nodes and arguments(node)["input"] is not nodes[-1]:
            break
        last, post = post_of(node)
        tail = "_tanh" if post.algorithm == "tanh" else ""
        layers.append(node)
        posts.append(post.name + tail)
        nodes += [node] if last is node else [node, last]
        node = sole_user(last)
    return _Chain(tuple(layers), tuple(posts), tuple(nodes))


def _fits(node: fx.Node, fixed: set[fx.Node]) -> bool:
    given = arguments(node)
    x, weight, bias = given["input"], given["weight"], given["bias"]
    if not all(is_float32(n) for n in (x, weight)) or len(shape(weight)) != 2 or len(shape(x)) < 2:
        return False
    *leading, inner = shape(x)
    rows = math.prod(leading)
    settled = is_settled(weight, fixed) and (bias is None or is_settled(bias, fixed))
    return settled and 0 < rows <= MOST_ROWS and inner > 0 and rows * (inner + 3) <= MOST_STAGED


def _replace(captured: Captured, chain: _Chain) -> None:
    graph, last = captured.graph, chain.nodes[-1]
    parameters = [arguments(layer)[key] for layer in chain.layers for key in ("weight", "bias")]
    given = (arguments(chain.layers[0])["input"], parameters, list(chain.posts))
    with graph.inserting_before(last):
        made = graph.call_function(captured.snippets["persistent_mlp"].function("persistent_mlp"), given)
    made.meta = {**last.meta, "fresh": True}
    last.replace_all_uses_with(made)
    for node in reversed(chain.nodes):
        graph.erase_node(node)
