"""Batch normalisation with ReLU, a residual sum or average pooling behind it, fused in C++."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import arguments, aten, calls, is_dense, is_op, pair, shape, sole_user
from kernelevo.graphs.snippet import Snippet, Table

TUNE: Table = {
    "BATCHNORM_SUM_VECTORS": (64, 16, 256),  # summed in fp32 before fp64 takes over
    "BATCHNORM_UNROLL": (2, 1, 4),  # vectors of sums side by side
    "BATCHNORM_SCHEDULE": ("schedule(static)", "schedule(static,1)", "schedule(dynamic,4)"),
    "BATCHNORM_STREAMED_MIB": (0, 2, 32),  # results from this size on pass the caches by; 0: none
}

_WRAPPER = '''
def batchnorm_statistics(x, weight, bias, running_mean, running_var, training, momentum, eps):
    """Return scale and shift per channel, [2, channels]; in training the running statistics move on."""
    x = x.contiguous()  # in another layout than at capture, here and below: put in order
    affine = x.new_empty(2, x.shape[1])
    inner = x.numel() // (x.shape[0] * x.shape[1])
    _batchnorm.batchnorm_affine(
        x, weight, bias, running_mean, running_var, affine, x.shape[0], x.shape[1], inner, training,
        momentum, eps,
    )
    return affine


def batchnorm_act(x, affine, relu, other=None, other_affine=None):
    """Return x * scale + shift, plus ``other`` (normalised if it has an affine), through ReLU if asked."""
    x, other = x.contiguous(), None if other is None else other.contiguous()
    y = torch.empty_like(x)
    inner = x.numel() // (x.shape[0] * x.shape[1])
    _batchnorm.batchnorm_apply(x, affine, other, other_affine, y, x.shape[0], x.shape[1], inner, relu)
    return y


def batchnorm_avg_pool(x, affine, relu, size):
    """Return the averages over ``size`` x ``size`` windows of the normalised x (through ReLU if asked)."""
    x = x.contiguous()
    batch, channels, height, width = x.shape
    y = x.new_empty(batch, channels, height // size, width // size)
    _batchnorm.batchnorm_pool(x, affine, y, batch, channels, height, width, size, relu)
    return y
'''


def snippet() -> Snippet:
    """Return the program text that defines the ``batchnorm_...`` functions."""
    library = kernels.library("_batchnorm", "batchnorm", TUNE)
    return Snippet("batchnorm", library + _WRAPPER, TUNE)


@dataclass(frozen=True)
class _Norm:
    """A batch normalisation that the kernel covers, and what is fused behind it."""

    node: fx.Node
    given: dict[str, Any]

    @property
    def statistics(self) -> tuple[Any, ...]:
        """Arguments of ``batchnorm_statistics``."""
        given = self.given
        running = (given["running_mean"], given["running_var"])
        tail = (bool(given["training"]), float(given["momentum"]), float(given["eps"]))
        return (given["input"], given["weight"], given["bias"], *running, *tail)


def _parse(node: Any) -> _Norm | None:
    """Return the batch normalisation that ``node`` is, or None."""
    if not is_op(node, aten.batch_norm.default):
        return None
    given = arguments(node)
    x = given["input"]
    tensors = [given[k] for k in ("weight", "bias", "running_mean", "running_var") if given[k] is not None]
    if not is_dense(x, *tensors) or len(shape(x)) < 3 or 0 in shape(x):
        return None
    return _Norm(node, given) if has_statistics(node) else None


def has_statistics(norm: fx.Node) -> bool:
    """Tell whether a normalisation can be one: by several values a channel, or by running statistics."""
    given, sizes = arguments(norm), shape(norm)
    if not isinstance(given["momentum"], float):
        return False
    if (given["running_mean"] is None) != (given["running_var"] is None):
        return False
    return sizes[0] * math.prod(sizes[2:]) > 1 if given["training"] else given["running_mean"] is not None


def _relu_after(node: fx.Node) -> fx.Node | None:
    user = sole_user(node)
    return user if is_op(user, aten.relu.default, aten.relu_.default) else None


def _pool_after(node: fx.Node) -> tuple[fx.Node, int] | None:
    """Return an average pooling of whole, non-overlapping square windows behind ``node``, and its size."""
    user = sole_user(node)
    if not is_op(user, aten.avg_pool2d.default):
        return None
    assert user is not None
    given = arguments(user)
    kernel = pair(given["kernel_size"])
    stride = pair(given["stride"]) if given["stride"] else kernel
    plain = pair(given["padding"]) == (0, 0) and not given["ceil_mode"] and given["divisor_override"] is None
    if not plain or kernel != stride or kernel[0] != kernel[1] or len(shape(user)) != 4:
        return None
    return user, kernel[0]


class BatchNormPool:
    """Batch normalisation [+ ReLU] + average pooling: the normalised tensor never exists."""

    name = "batchnorm-pool"
    describes = "batch normalisation, ReLU and average pooling in one C++ pass after one for the statistics"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Rewrite each chain that matches."""
        places = 0
        for node in calls(captured.graph, aten.batch_norm.default):
            norm = _parse(node)
            if norm is None or len(shape(node)) != 4:
                continue
            relu = _relu_after(node)
            found = _pool_after(relu or node)
            if found is None:
                continue
            end, size = found
            _replace(captured, [norm], [end, relu], "batchnorm_avg_pool", (relu is not None, size))
            places += 1
        return places


class BatchNormAct:
    """Batch normalisation + ReLU, with a residual (normalised or not) between the two if there is one."""

    name = "batchnorm-relu"
    describes = "batch normalisation, a residual sum and ReLU in one C++ pass after one for the statistics"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Rewrite each chain that matches."""
        places = 0
        for node in calls(captured.graph, aten.batch_norm.default):
            if node.users and _parse(node) is not None:
                places += self._sum(captured, node) or self._plain(captured, node)
        return places

    def _plain(self, captured: Captured, node: fx.Node) -> int:
        relu, norm = _relu_after(node), _parse(node)
        if relu is None or norm is None:
            return 0
        _replace(captured, [norm], [relu], "batchnorm_act", (True,))
        return 1

    def _sum(self, captured: Captured, node: fx.Node) -> int:
        """Fuse ``relu(norm + other)``; without a ReLU behind it the sum alone."""
        add = sole_user(node)
        if not is_op(add, aten.add.Tensor, aten.add_.Tensor):
            return 0
        assert add is not None
        given = arguments(add)
        other = given["other"] if given["self"] is node else given["self"]
        norm = _parse(node)
        if given["alpha"] != 1 or norm is None or other is node or not isinstance(other, fx.Node):
            return 0
        if is_op(add, aten.add_.Tensor) and given["self"] is not node:
            return 0  # the sum is written into another tensor, which someone may read
        if not is_dense(other) or shape(other) != shape(node):
            return 0
        relu = _relu_after(add)
        second = _parse(other) if sole_user(other) is add else None
        norms = [norm] if second is None else [norm, second]
        _replace(
            captured,
            norms,
            [relu, add],
            "batchnorm_act",
            (relu is not None,),
            other=None if second else other,
        )
        return 1


def _replace(
    captured: Captured,
    norms: list[_Norm],
    behind: list[fx.Node | None],
    name: str,
    rest: tuple[Any, ...],
    *,
    other: Any = None,
) -> None:
    """Put a call of ``name`` in place of the normalisations and the nodes ``behind`` them, last first.

    The statistics are taken where the normalisations stood.
    """
    chain = [node for node in behind if node is not None] + [norm.node for norm in norms]
    end = chain[0]
    captured.add_snippet(snippet())
    text, graph = captured.snippets["batchnorm"], captured.graph
    affines = []
    for norm in norms:
        with graph.inserting_before(norm.node):
            affines.append(graph.call_function(text.function("batchnorm_statistics"), norm.statistics))
    inputs = [norm.given["input"] for norm in norms]
    args: tuple[Any, ...] = (inputs[0], affines[0], *rest)
    if len(norms) == 2:
        args = (*args, inputs[1], affines[1])
    elif other is not None:
        args = (*args, other)
    with graph.inserting_before(end):
        made = graph.call_function(text.function(name), args)
    made.meta["val"] = end.meta["val"]  # the next normalisation asks for it
    end.replace_all_uses_with(made)
    for node in chain:  # erased here, since a node that writes is never dead
        graph.erase_node(node)
