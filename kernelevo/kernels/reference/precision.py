"""Precision: strict fp32, fp64 evaluation with the draws of fp32, and operands rounded to TF32."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._python_dispatch import _disable_current_modes as disable_dispatch_modes

aten = torch.ops.aten
_WIDE: Mapping[torch.dtype, torch.dtype] = MappingProxyType(
    {
        **dict.fromkeys((torch.float32, torch.bfloat16, torch.float16), torch.float64),
        **dict.fromkeys((torch.complex64, torch.complex32), torch.complex128),
    }
)

_IN_PLACE_DRAWS = {
    aten.normal_,
    aten.uniform_,
    aten.bernoulli_,
    aten.exponential_,
    aten.random_,
    aten.cauchy_,
    aten.geometric_,
    aten.log_normal_,
}
_RECURRENT = (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu)
# arguments that say of a layer with dropout whether it draws in this call
_SWITCHES, _RATES = ("train", "training"), ("dropout", "dropout_p")
# products whose operands a tensor core would round; the value is the number of leading arguments to skip
# (an added matrix is not an operand) and the number of operands after them
_PRODUCTS = {
    aten.mm: (0, 2),
    aten.bmm: (0, 2),
    aten.mv: (0, 2),
    aten.dot: (0, 2),
    aten.linear: (0, 2),
    aten.matmul: (0, 2),
    aten.addmm: (1, 2),
    aten.addmv: (1, 2),
    aten.baddbmm: (1, 2),
    aten.addbmm: (1, 2),
    aten.convolution: (0, 2),
    aten._convolution: (0, 2),
    aten.mkldnn_convolution: (0, 2),
}


@contextmanager
def strict_fp32() -> Iterator[None]:
    """Switch TF32 and bf16 shortcuts off on every unit, and back to what they were on leaving."""
    # not by ``torch.backends.cudnn.rnn``: once a recurrent layer was flattened, that may name a module
    cells = [(backend, op) for backend in ("cuda", "mkldnn") for op in ("matmul", "conv", "rnn")]
    before = [torch._C._get_fp32_precision_getter(*cell) for cell in cells]
    products, layers = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    # the old switches first: code inside that reads them finds them consistent with the new ones
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    for cell in cells:
        torch._C._set_fp32_precision_setter(*cell, "ieee")
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = products, layers
        for cell, value in zip(cells, before, strict=True):
            torch._C._set_fp32_precision_setter(*cell, value)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees each operator of ATen. Nothing in it is compiled: torch's compiler takes 1 to 3 s to import."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class _Widened(Watch):
    """Runs code in fp64: what would become a shorter float becomes fp64; random draws keep their values."""

    def __init__(self, own: torch.dtype) -> None:
        super().__init__()
        self._own = own

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        packet = func.overloadpacket
        if packet in _IN_PLACE_DRAWS and args[0].dtype is torch.float64:
            drawn = torch.empty_like(args[0], dtype=self._own)
            return args[0].copy_(func(drawn, *args[1:], **kwargs))
        draws = _draws(func, args, kwargs)
        asked = kwargs.get("dtype")
        if draws and asked is torch.float64:
            kwargs["dtype"] = self._own
        elif not draws and asked is not None and asked in _WIDE:
            kwargs["dtype"] = _WIDE[asked]
        if draws:  # operands may lie in lists: a recurrent layer's weights do
            args, kwargs = torch.utils._pytree.tree_map(self._narrow, (args, kwargs))
        result = func(*args, **kwargs)
        return torch.utils._pytree.tree_map(_widen, result) if draws or _makes_float(args) else result

    def _narrow(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.dtype is torch.float64:
            return value.to(self._own)
        if isinstance(value, torch.Tensor) and value.dtype is torch.complex128:
            return value.to(torch.complex64)
        return value


def _draws(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether an operator draws random numbers when it is called with these arguments.

    Torch tags whatever may draw: attention and whole recurrent layers too, for a dropout that most have not.
    """
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return False
    known = func._schema.arguments
    given = {a.name: a.default_value for a in known}
    given |= {a.name: value for a, value in zip(known, args, strict=False)} | dict(kwargs)
    asked = not any(given.get(name) is False for name in _SWITCHES)
    return asked and all(given.get(name) != 0 for name in _RATES)


def _makes_float(args: tuple[Any, ...]) -> bool:
    """Factories have no tensor among their arguments: their short result would meet fp64 operands."""
    return not any(isinstance(a, torch.Tensor) for a in args)


def _widen(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.dtype in _WIDE:
        return value.to(_WIDE[value.dtype])
    return value


class _WholeLayers(TorchFunctionMode):
    """Lets a recurrent layer that draws nothing run as a whole: seen step by step it takes twice as long.

    On fp64 operands all that ATen makes inside is fp64.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _RECURRENT and not kwargs and _is_quiet_fp64(args):
            with disable_dispatch_modes():
                return func(*args)
        return func(*args, **(kwargs or {}))


def _is_quiet_fp64(args: tuple[Any, ...]) -> bool:
    """Tell whether a recurrent layer's arguments are fp64 and let it draw nothing.

    They are (input, states, weights, biases, layers, dropout, train, ...); those of packed sequences are not.
    """
    if (
        len(args) < 7
        or not isinstance(args[2], list)
        or not all(isinstance(w, torch.Tensor) for w in args[2])
    ):
        return False
    states = args[1] if isinstance(args[1], list | tuple) else [args[1]]
    tensors = [args[0], *states, *args[2]]
    wide = all(isinstance(t, torch.Tensor) and t.dtype is torch.float64 for t in tensors)
    return wide and isinstance(args[4], int) and (args[5] == 0 or args[6] is False)


@contextmanager
def fp64(own: torch.dtype = torch.float32) -> Iterator[None]:
    """Evaluate a module that was moved to fp64 wholly in fp64, with the random draws of its ``own`` dtype."""
    with _Widened(own), _WholeLayers():
        yield


def round_to_tf32(tensor: torch.Tensor) -> torch.Tensor:
    """Round fp32 values to TF32's 10 explicit mantissa bits, to nearest, ties away; the rest unchanged."""
    if tensor.dtype is not torch.float32:
        return tensor
    bits = tensor.contiguous().view(torch.int32)
    rounded = ((bits + 0x1000) & ~0x1FFF).view(torch.float32)
    return torch.where(torch.isfinite(tensor) & torch.isfinite(rounded), rounded, tensor)


class _Rounded(Watch):
    """Rounds the operands of every matrix product and convolution to TF32."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        place = _PRODUCTS.get(func.overloadpacket)
        if place is not None:
            skip, count = place
            args = tuple(
                round_to_tf32(a) if skip <= i < skip + count and isinstance(a, torch.Tensor) else a
                for i, a in enumerate(args)
            )
        return func(*args, **(kwargs or {}))


@contextmanager
def _without_libraries() -> Iterator[None]:
    """Keep ATen from handing whole layers to a library (``mkldnn.flags`` would warn of its TF32 flag)."""
    before, cudnn = torch._C._get_mkldnn_enabled(), torch.backends.cudnn.enabled
    torch._C._set_mkldnn_enabled(False)
    torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)
        torch.backends.cudnn.enabled = cudnn


@contextmanager
def tf32_operands() -> Iterator[None]:
    """Evaluate with operands rounded to TF32 and fp32 accumulation, as tensor cores do, on any device.

    Attention and recurrent layers are taken apart into products first, so theirs are rounded too.
    """
    with ExitStack() as stack:
        stack.enter_context(strict_fp32())
        stack.enter_context(sdpa_kernel([SDPBackend.MATH]))
        stack.enter_context(_without_libraries())
        stack.enter_context(_Rounded())
        yield
