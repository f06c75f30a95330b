"""Work: what one call of a reference computes, reads and writes, and what no program can do without."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree
from torch.utils.flop_counter import flop_registry

from kernelevo.backends.seeding import seed_torch
from kernelevo.device.facts import cpu_facts
from kernelevo.kernels.reference.correctness import FACTOR, GATE
from kernelevo.kernels.reference.oracle import Truth, own_dtype, plain_tensors
from kernelevo.kernels.reference.precision import Watch, strict_fp32

aten = torch.ops.aten

CLEARLY = 4.0
"""Times both tolerances by which an output element must change to be one that each call has to write."""
ROUNDINGS = 100.0
"""Times the type's epsilon that an input element's influence must exceed to be told from rounding."""
LONGEST = 0.5
"""Seconds of a forward beyond which its inputs' influence is not asked for (that takes a few more)."""
_SHARE_OF_MEMORY = 0.25


@dataclass(frozen=True)
class Work:
    """One call of the reference.

    Args:
        flops: operations of matrix products, convolutions, attention and recurrent layers, a multiplication
            and an addition counted as two; other operations are not counted.
        read_bytes: bytes of inputs and weights that its operations read, each byte once; of a table that is
            looked up only the rows that were.
        written_bytes: bytes of its outputs.
        needed_bytes: bytes of those input elements on which the answer depends measurably; 0 where that
            could not be found out.
        changing_bytes: bytes of those output elements that differ between two inputs by more than the
            tolerance, so that each call has to write them anew.
        dtype: what the module computes in, e.g. ``"float32"``.
    """

    flops: int
    read_bytes: int
    written_bytes: int
    needed_bytes: int
    changing_bytes: int
    dtype: str


def survey_work(
    build: Callable[[], nn.Module],
    args: Any,
    truth: Truth,
    free: Sequence[bool],
    seed: int,
    device: str = "cpu",
) -> Work:
    """Run the reference once or twice more and take down its work.

    Args:
        build: makes the module afresh, on the CPU.
        args: one input set; not modified.
        truth: the answer to another input set, as different from ``args`` as those of two calls are.
        free: for each input leaf whether it looks like freely drawn reals; only of those the influence is
            asked for.
        seed: seeds torch before each forward.
        device: where to compute.
    """
    module = build().to(device)
    given = _placed(args, device)
    inputs = [v for v in pytree.tree_leaves(given) if isinstance(v, torch.Tensor)]
    weights = [*module.parameters(), *module.buffers(), *(t for _, _, t in plain_tensors(module))]
    reads = _Reads([*inputs, *weights])
    start = time.monotonic()
    with torch.no_grad(), strict_fp32(), _Flops() as counted, reads:
        seed_torch(seed)
        result = module(*given)
    seconds = time.monotonic() - start
    leaves = pytree.tree_leaves(result)
    changing = [_changing(v, t, e) for v, t, e in zip(leaves, truth.ref32.leaves, truth.e_ref, strict=True)]
    if any(truth.ref32.returns_input):  # a program may hand an input on too, and need not touch it then
        changing = [None] * len(leaves)
    needed = 0
    if seconds < LONGEST and reads.produced < _SHARE_OF_MEMORY * _free_bytes(device):
        needed = _needed_bytes(build, args, changing, free, seed, device)
    return Work(
        counted.total,
        reads.total,
        sum(_unique_bytes(v) for v in leaves if isinstance(v, torch.Tensor)),
        needed,
        sum(_bytes_of(m, v) for m, v in zip(changing, leaves, strict=True)),
        str(own_dtype(module, args)).removeprefix("torch."),
    )


# ---------------------------------------------------------------------- operations


def _attention(query: Any, key: Any, value: Any, *rest: Any, out_val: Any = None, **more: Any) -> int:
    """Scores and their product with the values, in full, masked or not, as torch's counter takes it."""
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    return int(2 * scores * (query.shape[-1] + value.shape[-1]))


def _layer(given: torch.Tensor, weights: Sequence[torch.Tensor]) -> int:
    """A recurrent layer multiplies every step's values with each of its matrices."""
    steps = given.numel() // max(given.shape[-1], 1)
    return 2 * steps * sum(w.numel() for w in weights if w.ndim == 2)


def _onednn_layer(given: Any, *rest: Any, out_val: Any = None, **more: Any) -> int:
    return _layer(given, [w for w in rest[:2] if isinstance(w, torch.Tensor)])


def _cudnn_layer(given: Any, weights: Any, *rest: Any, out_val: Any = None, **more: Any) -> int:
    return _layer(given, weights)


def _of_matrix(at: int) -> Callable[..., int]:
    return lambda *args, out_val=None, **more: 2 * int(args[at].numel())


# what torch's counter does not know
_FORMULAS: Mapping[Any, Callable[..., int]] = {
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten.mkldnn_rnn_layer: _onednn_layer,
    aten._cudnn_rnn: _cudnn_layer,
    aten.mv: _of_matrix(0),
    aten.dot: _of_matrix(0),
    aten.addmv: _of_matrix(1),
}


class _Flops(Watch):
    """Counts floating-point operations by torch's formulas and ours, as torch's own counter does."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        formula = _FORMULAS.get(func.overloadpacket) or flop_registry.get(func.overloadpacket)
        if formula is None:  # its parts may be known
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        if formula is not None:
            self.total += int(formula(*args, **kwargs, out_val=result))
        return result


# ---------------------------------------------------------------------- bytes

_LOOKUPS = {aten.embedding, aten._embedding_bag, aten._embedding_bag_forward_only}
_GATHERS = {aten.index, aten.index_select, aten.gather, aten.take}


class _Reads(Watch):
    """Takes down which bytes of some tensors' memory operations read; a view alone reads nothing.

    Args:
        tensors: whose memory is watched.
    """

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self._sizes = {_memory(t): t.untyped_storage().nbytes() for t in tensors if t.numel()}
        self._seen: dict[int, dict[Any, int]] = {place: {} for place in self._sizes}
        self.produced = 0

    @property
    def total(self) -> int:
        """Bytes that were read, of each block of memory not more than it has."""
        return sum(min(self._sizes[place], sum(seen.values())) for place, seen in self._seen.items())

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.is_view or _reads_nothing(func):
            return result
        given = args[1:] if func.overloadpacket is aten.copy_ else args
        for i, value in enumerate(pytree.tree_leaves((given, kwargs))):
            if isinstance(value, torch.Tensor) and value.numel() and _memory(value) in self._seen:
                self._note(func, args, value, result, first=i == 0)
        made = [v for v in pytree.tree_leaves(result) if isinstance(v, torch.Tensor)]
        self.produced += sum(v.numel() * v.element_size() for v in made)
        return result

    def _note(self, func: Any, args: Any, value: torch.Tensor, result: Any, *, first: bool) -> None:
        whole = _unique_bytes(value)
        seen = self._seen[_memory(value)]
        key = (value.storage_offset(), tuple(value.shape), value.stride())
        packet = func.overloadpacket
        if first and packet in _LOOKUPS:
            rows = int(args[1].unique().numel())
            read = rows * (whole // max(value.shape[0], 1))
        elif first and packet in _GATHERS and isinstance(result, torch.Tensor):
            read = result.numel() * result.element_size()
        else:
            read = whole
        seen[key] = max(seen.get(key, 0), min(read, whole))


def _reads_nothing(func: Any) -> bool:
    """Factories take a tensor for its shape alone."""
    name = func.overloadpacket.__name__
    return name.endswith("_like") or name.startswith("new_") or name in ("zero_", "fill_", "set_", "resize_")


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _unique_bytes(tensor: torch.Tensor) -> int:
    """Bytes of the elements that lie in places of their own: an expanded dimension has one."""
    count = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        count *= size if stride or not size else 1
    return count * tensor.element_size()


# ---------------------------------------------------------------------- what no program can do without


def _changing(value: Any, before: Any, e_ref: float) -> torch.Tensor | None:
    """Tell for each element of an output whether other inputs change it by clearly more than is tolerated."""
    if not isinstance(value, torch.Tensor) or not isinstance(before, torch.Tensor):
        return None
    if value.shape != before.shape or not value.is_floating_point():
        return None
    new, old = value.detach().to("cpu", torch.float32), before.float()
    tolerated = (new.abs() + old.abs()).mul_(GATE).add_(2 * GATE).clamp_(min=2 * FACTOR * e_ref)
    return (new - old).abs_() > tolerated.mul_(CLEARLY)  # false where one of them is not finite


def _bytes_of(mask: torch.Tensor | None, value: Any) -> int:
    return 0 if mask is None else int(mask.sum()) * int(value.element_size())


def _needed_bytes(
    build: Callable[[], nn.Module],
    args: Any,
    changing: Sequence[torch.Tensor | None],
    free: Sequence[bool],
    seed: int,
    device: str,
) -> int:
    """Return the bytes of input elements that move the changing outputs, to first order.

    An element with a gradient has to be read, whatever a program computes with it. One without (it lost in a
    maximum) may have to be, but is not counted. To be told from rounding an element's influence is compared
    with the outputs' size.
    """
    if not any(m is not None and bool(m.any()) for m in changing):
        return 0
    module = build().to(device).requires_grad_(False)
    leaves, spec = pytree.tree_flatten(_placed(args, device))
    asked = [leaf.detach().requires_grad_() if may else None for leaf, may in zip(leaves, free, strict=True)]
    given = [leaf if own is None else own.clone() for leaf, own in zip(leaves, asked, strict=True)]
    mine = [own for own in asked if own is not None]
    if not mine:
        return 0
    try:
        with torch.enable_grad(), strict_fp32():
            seed_torch(seed)
            found = pytree.tree_leaves(module(*pytree.tree_unflatten(given, spec)))
            outputs = [
                (v, m.to(v.device))
                for v, m in zip(found, changing, strict=True)
                if m is not None and isinstance(v, torch.Tensor) and v.requires_grad and bool(m.any())
            ]
            if not outputs:
                return 0
            signs = [m * (2 * torch.randint_like(v, 2) - 1) for v, m in outputs]
            slopes = torch.autograd.grad([v for v, _ in outputs], mine, signs, allow_unused=True)
    except (RuntimeError, NotImplementedError):  # no gradient goes through it, or not through in-place writes
        return 0
    size = sum(float((v.detach().double() * m).square().sum()) for v, m in outputs) ** 0.5
    total = 0
    for own, slope in zip(mine, slopes, strict=True):
        if slope is not None:
            influence = slope.abs().double() * float(own.detach().double().std())
            least = ROUNDINGS * torch.finfo(own.dtype).eps * size
            total += int(((influence > least) & torch.isfinite(influence)).sum()) * own.element_size()
    return total


def _placed(args: Any, device: str) -> Any:
    return pytree.tree_map_only(torch.Tensor, lambda t: t.detach().to(device, copy=True), args)


def _free_bytes(device: str) -> float:
    if device == "cpu":
        return float(cpu_facts()["memory_available_bytes"] or 0)
    return float(torch.cuda.mem_get_info(device)[0])
