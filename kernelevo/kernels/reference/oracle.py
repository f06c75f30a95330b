"""Oracle: the reference evaluated in strict fp32 and in fp64, outputs and buffers, with its own error."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from kernelevo.backends.seeding import seed_torch
from kernelevo.errors import InputError
from kernelevo.kernels.reference.construction import until_alike
from kernelevo.kernels.reference.double import in_fp64, rounding, turn, turned
from kernelevo.kernels.reference.gaps import largest_gap
from kernelevo.kernels.reference.precision import fp64, strict_fp32, tf32_operands
from kernelevo.kernels.reference.tree import Leaf, flatten, reals

State = Mapping[str, torch.Tensor]
Build = Callable[[], nn.Module]
_LOOKS = 5


@dataclass(frozen=True)
class Observed:
    """All that one forward left behind.

    Args:
        structure: the output's structure, see ``tree.flatten``.
        leaves: the output's leaves, detached.
        buffers: every buffer in the module's ``state_dict`` after the call.
        training: train/eval mode after the call.
        returns_input: for each leaf whether it shares memory with an input.
        returns_held: for each leaf whether it shares memory with what the module held before the call.
        drew: torch's random state after the call, where the call has moved it.
        wide: whether the module computes in fp64 (see ``double.in_fp64``).
        overlaps: whether elements of an output share memory, as in an expanded tensor.
        shares: whether two leaves lie in one piece of memory.
    """

    structure: str
    leaves: tuple[Any, ...]
    buffers: dict[str, torch.Tensor]
    training: bool
    returns_input: tuple[bool, ...] = ()
    returns_held: tuple[bool, ...] = ()
    drew: torch.Tensor | None = None
    wide: bool = False
    overlaps: bool = False
    shares: bool = False


@dataclass(frozen=True)
class Truth:
    """One case's reference answer.

    Args:
        ref32: the reference in strict fp32 (or in the module's own dtype).
        oracle: the same call in fp64; other dtypes than floats are kept.
        e_ref: ``max |ref32 - oracle|`` for each output leaf (0 for what is no float). Of a module in fp64 at
            least ``double.TURNS`` times as much as the answer moves where the last bit of each input and
            weight is turned over.
        e_buffers: the same for each buffer.
        draws: whether forward draws random numbers (then the seed before each call matters).
        stateful: whether forward changes tensors that are held as plain attributes, or its answer depends
            on the calls before it.
        e_moved: for each output leaf the largest error of answers to inputs and weights that were moved by
            their last bit; empty where nobody looked (see ``conditioning``).
        seconds: what building the reference and its answer in fp32 took.
    """

    ref32: Observed
    oracle: Observed
    e_ref: tuple[float, ...]
    e_buffers: dict[str, float]
    draws: bool = False
    stateful: bool = False
    e_moved: tuple[float, ...] = ()
    seconds: float = 0.0


def plain_tensors(module: nn.Module) -> Iterator[tuple[nn.Module, str, torch.Tensor]]:
    """Yield tensors that live on submodules as plain attributes: (owner, attribute, tensor)."""
    for owner in module.modules():
        for name, value in vars(owner).items():
            if isinstance(value, torch.Tensor):
                yield owner, name, value


def _plain_snapshot(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    return [(name, value.detach().clone()) for _, name, value in plain_tensors(module)]


def load_state(module: nn.Module, state: State | None) -> nn.Module:
    """Put a state (parameters and persistent buffers by name) into a freshly built module."""
    if state is not None:
        module.load_state_dict(dict(state), strict=True)
    return module


def own_dtype(module: nn.Module, args: Any) -> torch.dtype:
    """Return the float dtype a module computes in: that of its first float tensor, else of its inputs'."""
    held = (*module.parameters(), *module.buffers(), *flatten(args)[1])
    floats = (t.dtype for t in held if isinstance(t, torch.Tensor) and t.is_floating_point())
    return next(floats, torch.float32)


def to_fp64(module: nn.Module) -> nn.Module:
    """Move parameters, buffers and plain tensors of ``module`` to fp64 or complex128, in place."""
    for owner, name, value in list(plain_tensors(module)):
        if value.is_floating_point() or value.is_complex():
            object.__setattr__(owner, name, _to_double(value))
    for parameter in module.parameters():
        if parameter.is_complex():  # ``double`` leaves them as they are
            parameter.data = _to_double(parameter.data)
    for owner in module.modules():
        for name, held in owner._buffers.items():
            if held is not None and held.is_complex():
                owner._buffers[name] = _to_double(held)
    return module.double()


def _to_double(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    if value.is_complex():
        return value.to(torch.complex128, copy=True)
    return value.double() if value.is_floating_point() else value.clone()


def _clone(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value


def _storage(value: Any) -> int | None:
    return value.untyped_storage().data_ptr() if isinstance(value, torch.Tensor) and value.numel() else None


def observe(module: nn.Module, args: Any, seed: int, device: str = "cpu") -> Observed:
    """Call ``module(*args)`` under no_grad after seeding torch, and keep all that it left behind, on the CPU.

    Args:
        module: moved to the device, in place.
        args: tensors are copied to the device.
        seed: seeds torch just before the call.
        device: where to compute.
    """
    if device != "cpu":
        module.to(device)
        args = _map(args, lambda v: v.to(device) if isinstance(v, torch.Tensor) else v)
    seed_torch(seed)
    # kept alive, so that no output comes to lie where one of them was
    held = [*module.parameters(), *module.buffers(), *(t for _, _, t in plain_tensors(module))]
    own = {_storage(t) for t in held} - {None}
    before = _rng_state(device)
    with torch.no_grad():
        result = module(*args)
    after = _rng_state(device)
    structure, leaves = flatten(result)
    given = {_storage(a) for a in flatten(args)[1]} - {None}
    buffers = dict(module.named_buffers())
    kept = {k: _host(buffers[k]) for k in module.state_dict() if k in buffers}
    return Observed(
        structure,
        tuple(_host(v) if isinstance(v, torch.Tensor) else v for v in leaves),
        kept,
        module.training,
        tuple(_storage(v) in given for v in leaves),
        tuple(_storage(v) in own for v in leaves),
        drew=None if torch.equal(before, after) else after,
        wide=in_fp64([*held, *flatten(args)[1]]),
        overlaps=any(_overlaps(v) for v in leaves),
        shares=_repeats([s for v in leaves if (s := _storage(v)) is not None]),
    )


def _repeats(places: Sequence[int]) -> bool:
    return len(set(places)) < len(places)


def _overlaps(leaf: Any) -> bool:
    strided = isinstance(leaf, torch.Tensor) and leaf.layout is torch.strided
    return strided and Leaf.of(leaf).overlaps


def _undisturbed(run: Callable[[], Observed], like: Observed | None = None) -> Observed:
    """Repeat a forward that draws until two leave the same random state: then all draws were its.

    Args:
        run: one forward.
        like: the same call as it was computed before, undisturbed.
    """
    first = run()
    if first.drew is None or (like is not None and _drew_alike(first, like)):
        return first
    return until_alike(run, _drew_alike, [first])


def _drew_alike(one: Observed, two: Observed) -> bool:
    return one.drew is two.drew or (
        one.drew is not None and two.drew is not None and torch.equal(one.drew, two.drew)
    )


def _host(value: torch.Tensor) -> torch.Tensor:
    return value.detach().to("cpu", copy=True).resolve_conj().resolve_neg()


def _errors(
    own: Observed, oracle: Observed, moved: Observed | None
) -> tuple[tuple[float, ...], dict[str, float]]:
    """Return PyTorch's own error for each output leaf, and for each buffer.

    Args:
        own: its answer.
        oracle: the same in fp64.
        moved: of a module in fp64 the oracle's answer to inputs and weights whose last bits were turned over.
    """
    e_ref = [largest_gap(a, b) for a, b in zip(own.leaves, oracle.leaves, strict=True)]
    e_buffers = {k: largest_gap(v, oracle.buffers[k]) for k, v in own.buffers.items()}
    if moved is not None:
        if moved.structure == oracle.structure:
            leaves = zip(e_ref, own.leaves, oracle.leaves, moved.leaves, strict=True)
            e_ref = [max(e, rounding(*others)) for e, *others in leaves]
        e_buffers = {
            k: max(e, rounding(own.buffers[k], oracle.buffers[k], moved.buffers[k]))
            for k, e in e_buffers.items()
        }
    return tuple(e_ref), e_buffers


def answer32(build: Build, state: State | None, args: Any, seed: int, device: str = "cpu") -> Observed:
    """Return the reference's own answer in strict fp32, from a freshly built module."""
    with strict_fp32():
        return _undisturbed(lambda: observe(load_state(build(), state), _map(args, _clone), seed, device))


def answer_tf32(build: Build, state: State | None, args: Any, seed: int, device: str = "cpu") -> Observed:
    """Return the answer with GEMM and convolution operands rounded to TF32."""

    def run() -> Observed:
        module = load_state(build(), state)
        with tf32_operands():
            return observe(module, _map(args, _clone), seed, device)

    return _undisturbed(run)


def answer64(
    build: Build,
    state: State | None,
    args: Any,
    seed: int,
    device: str = "cpu",
    like: Observed | None = None,
    *,
    moved: bool = False,
) -> Observed:
    """Return the oracle's answer: the same module, inputs and draws in fp64.

    Args:
        build: makes the reference module afresh.
        state: parameters and buffers to load, or None.
        args: positional arguments.
        seed: of torch, before the call.
        device: where to compute.
        like: the same call in fp32: where it has left the same random state, once is enough.
        moved: turn the last bit of each input and weight over (see ``double.turned``).
    """

    def run() -> Observed:
        module = load_state(build(), state)
        own = own_dtype(module, args)
        module = to_fp64(module)
        widened = _map(args, _to_double)
        if moved:
            module, widened = turn(module), _map(widened, turned)
        with fp64(own):
            return observe(module, widened, seed, device)

    return _undisturbed(run, like)


def _others_state() -> tuple[Any, ...]:
    """Return the random states that torch's seed does not reach."""
    numpy: Any = np.random.get_state()
    return (random.getstate(), *(v.tobytes() if isinstance(v, np.ndarray) else v for v in numpy))


def _refuse_other_draws(call: Callable[[], object]) -> None:
    """Refuse a module whose forward draws where torch's seed does not reach; others may draw beside it.

    Raises:
        InputError: if each of several calls moved such a state.
    """
    for _ in range(_LOOKS):
        before = _others_state()
        call()
        if _others_state() == before:
            return
    raise InputError(
        "forward draws random numbers from Python or NumPy",
        why="a call cannot be made again with the same numbers, so no answer to it can be compared",
        now="draw with torch inside forward, or draw in get_inputs() and give the numbers to forward",
    )


def evaluate(
    build: Build, state: State | None, args: Any, seed: int, *, twice: bool = False, device: str = "cpu"
) -> Truth:
    """Evaluate the reference on one case, in fp32 and in fp64.

    Args:
        build: makes the reference module afresh (state may be held as plain attributes, so every call
            gets its own).
        state: parameters and buffers to load, or None for those of the construction.
        args: positional arguments, a tuple tree of tensors; not modified.
        seed: seeds torch before each forward, so that modules that draw inside forward agree.
        twice: also call the module once more: an answer that changes means that its state matters, however
            it is held.
        device: where to compute; all that is returned lies on the CPU.
    """

    def run() -> Observed:
        module = load_state(build(), state)
        latest[:] = [(module, _plain_snapshot(module))]
        with strict_fp32():
            return observe(module, _map(args, _clone), seed, device)

    latest: list[tuple[nn.Module, list[tuple[str, torch.Tensor]]]] = []
    others, began = _others_state(), time.monotonic()
    ref32 = _undisturbed(run)
    seconds = time.monotonic() - began
    if twice and _others_state() != others:
        _refuse_other_draws(run)
    ((module, before),) = latest
    after = _plain_snapshot(module)
    stateful = [n for n, _ in before] != [n for n, _ in after] or any(
        a.shape != b.shape or not torch.equal(a.cpu(), b.cpu())  # forward may have moved it to the device
        for (_, a), (_, b) in zip(before, after, strict=True)
    )
    if twice:
        with strict_fp32():
            again = observe(module, _map(args, _clone), seed, device)
        if len(again.leaves) == len(ref32.leaves):  # what is made at the first call is held from then on
            held = tuple(a or b for a, b in zip(ref32.returns_held, again.returns_held, strict=True))
            ref32 = replace(ref32, returns_held=held)
        stateful = stateful or not _same_leaves(ref32, again, exactly=device == "cpu")
    oracle = answer64(build, state, args, seed, device, ref32)
    moved = answer64(build, state, args, seed, device, ref32, moved=True) if ref32.wide else None
    e_ref, e_buffers = _errors(ref32, oracle, moved)
    if device != "cpu":
        torch.cuda.empty_cache()  # children need the device's memory
    return Truth(ref32, oracle, e_ref, e_buffers, ref32.drew is not None, stateful, seconds=seconds)


def _rng_state(device: str) -> torch.Tensor:
    own = torch.get_rng_state()
    return own if device == "cpu" else torch.cat([own, torch.cuda.get_rng_state(device)])


def _same_leaves(first: Observed, second: Observed, *, exactly: bool) -> bool:
    """Compare two answers; the order of a device's atomic additions may change their last bits."""
    for a, b in zip(first.leaves, second.leaves, strict=True):
        if not isinstance(a, torch.Tensor):
            continue
        one, two = reals(a).nan_to_num(), reals(b).nan_to_num()
        if not (torch.equal(one, two) if exactly else torch.allclose(one, two, rtol=1e-3, atol=1e-5)):
            return False
    return True


def replay32(build: Build, calls: list[tuple[Any, int]], device: str = "cpu") -> Observed:
    """Return the reference's answer to the last of several calls on one module, in strict fp32.

    Args:
        build: makes the module afresh.
        calls: (arguments, seed) of each call.
    """

    def run() -> Observed:
        module = build()
        seen = [observe(module, _map(args, _clone), seed, device) for args, seed in calls]
        drew = [s.drew for s in seen if s.drew is not None]
        return replace(seen[-1], drew=torch.cat(drew) if drew else None)

    with strict_fp32():
        return _undisturbed(run)


def _map(tree: Any, fn: Callable[[Any], Any]) -> Any:
    return torch.utils._pytree.tree_map(fn, tree)
