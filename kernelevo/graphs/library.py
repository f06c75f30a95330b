"""Library calls: a module's matrix products and convolutions alone, in order, by the vendor's libraries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch.utils import _pytree as pytree

from kernelevo.errors import CaptureError
from kernelevo.graphs.capture import capture
from kernelevo.graphs.matching import arguments, aten, is_op

PRODUCTS = (
    aten.linear,
    aten.matmul,
    aten.mm,
    aten.bmm,
    aten.addmm,
    aten.baddbmm,
    aten.addbmm,
    aten.mv,
    aten.addmv,
    aten.einsum,
    aten.bilinear,
)
CONVOLUTIONS = (
    aten.conv1d,
    aten.conv2d,
    aten.conv3d,
    aten.convolution,
    aten.conv_transpose1d,
    aten.conv_transpose2d,
    aten.conv_transpose3d,
)
# layers that the libraries offer whole
LAYERS = (aten.lstm, aten.gru, aten.rnn_tanh, aten.rnn_relu)
_ATTENTION = (aten.scaled_dot_product_attention,)

Step = Callable[[], Any]


def library_calls(
    module: nn.Module, inputs: Sequence[Any], device: torch.device, *, products_only: bool = False
) -> Callable[..., tuple[()]]:
    """Return a function that makes the library calls of ``module``, with the operands of one real call.

    What it costs is a bound: no fusion around the vendor's libraries can be faster. Fused attention counts
    as its two products; a recurrent layer as the library's own layer.

    Args:
        module: on the CPU.
        inputs: positional arguments of one call, on the CPU.
        device: where the calls are made.
        products_only: leave convolutions out.

    Raises:
        CaptureError: if the module cannot be captured as one graph, or makes no such call.
    """
    captured = capture(module, inputs)
    wanted = PRODUCTS + LAYERS + _ATTENTION + (() if products_only else CONVOLUTIONS)
    recorder = _Recorder(captured.gm, wanted, device)
    with torch.no_grad():
        recorder.run(*captured.calls[0].leaves(), enable_io_processing=False)
    if not recorder.steps:
        raise CaptureError(
            "the module makes no call of a vendor's library",
            why="its graph holds no matrix product" + ("" if products_only else " and no convolution"),
        )
    steps = tuple(recorder.steps)

    def call(*_: Any) -> tuple[()]:
        for step in steps:
            step()
        return ()

    return call


class _Recorder(fx.Interpreter):
    """Runs a graph once and keeps each wanted call with copies of its operands."""

    def __init__(self, gm: fx.GraphModule, wanted: tuple[Any, ...], device: torch.device) -> None:
        super().__init__(gm, garbage_collect_values=True)
        self._wanted, self._device = wanted, device
        self.steps: list[Step] = []

    def run_node(self, n: fx.Node) -> Any:
        """Run one node; keep it if it is wanted."""
        if is_op(n, *self._wanted):
            args, kwargs = self.fetch_args_kwargs_from_env(n)
            args, kwargs = pytree.tree_map_only(torch.Tensor, self._kept, (args, dict(kwargs)))
            self.steps.append(_attention(n, args) if is_op(n, *_ATTENTION) else _step(n.target, args, kwargs))
        return super().run_node(n)

    def _kept(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy with the same strides; what may be trained stays so: ATen folds stacked products then."""
        copy = tensor.detach().to(self._device, copy=True)
        return copy.requires_grad_(tensor.requires_grad)


def _step(target: Any, args: Any, kwargs: Any) -> Step:
    return lambda: target(*args, **kwargs)


def _attention(node: fx.Node, args: Any) -> Step:
    query, key, value = args[:3]
    if arguments(node).get("enable_gqa"):
        times = query.shape[-3] // key.shape[-3]
        key, value = (t.repeat_interleave(times, -3) for t in (key, value))
    return lambda: torch.matmul(torch.matmul(query, key.transpose(-2, -1)), value)
