"""``kernelevo.packed``: values derived from parameters, computed once and again when the parameters change.

A program that pre-packs a weight writes ``kernelevo.packed(pack, self.weight)`` in its ``forward``. The value
is computed anew when

- a parameter is another object, or its ``data_ptr`` or its ``_version`` changed: every in-place operation,
  ``load_state_dict``, ``.to`` and most optimisers;
- a fingerprint of the parameters' values changed. It is compared after a backward pass, an optimiser step, a
  switch between train and eval, and every :data:`EVERY` calls: fused optimisers and writes through ``.data``
  move no version. On the CPU a few values spread over each parameter are compared every :data:`GLANCE` calls,
  so a write that changes most of a parameter is seen early.

The one gap is a write through ``.data`` between two such checks; :func:`refresh` closes it.

Parameters without a version counter (inference tensors) and tensors without storage (while tracing) are not
packed: the function runs each time. Nothing is kept on the module, so deepcopy, pickling and garbage
collection know nothing of it; an entry goes when a parameter or the function does.
"""

from __future__ import annotations

import functools
import threading
import types
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

GLANCE = 16
EVERY = 1024
SAMPLES = 32

_entries: dict[tuple[int, ...], _Entry] = {}
_events = 0  # counts what may have changed values without a trace; compared on every call
_recording = 0  # how many threads record which packed values they read; then every call goes the slow way
_recorder = threading.local()
_lock = threading.Lock()


class _Entry:
    """A packed value and what it was computed from."""

    __slots__ = (
        "aliases", "events", "fingerprint", "glances", "hooks", "left", "pointers", "references", "samples",
        "value", "versions",
    )  # fmt: skip

    def __init__(self) -> None:
        self.pointers: tuple[int, ...] = ()
        self.versions: tuple[int, ...] = ()
        # other tensors on the same storages: while they live, no new storage can have the old address
        self.aliases: tuple[torch.Tensor, ...] = ()
        self.references: tuple[Any, ...] = ()
        self.hooks: tuple[Any, ...] = ()
        self.fingerprint: object = None
        self.value: Any = None
        self.events = -1
        self.samples: tuple[tuple[torch.Tensor, torch.Tensor], ...] = ()  # (live view, its values then)
        self.left = GLANCE
        self.glances = EVERY // GLANCE

    def unchanged(self, params: tuple[torch.Tensor, ...], events: int) -> bool:
        """Compare values as far as it is due; versions and pointers are known to be equal."""
        import torch

        if self.events == events and self.left > 0:
            self.left -= 1
            return True
        if self.events == events and self.glances > 0:
            self.left, self.glances = GLANCE, self.glances - 1
            return all(torch.equal(live, then) for live, then in self.samples)
        self.left, self.glances, self.events = GLANCE, EVERY // GLANCE, events
        return bool(self.fingerprint == _fingerprint(params))


def packed(fn: Callable[..., Any], *params: torch.Tensor) -> Any:
    """Return ``fn(*params)``, from memory while the parameters are unchanged.

    Args:
        fn: computes the value without gradients; it gets tensors that share the parameters' storage. It is
            known by identity: define it at the top level or once in the constructor, since a lambda written
            in ``forward`` is new, and runs, each time.
        params: parameters or buffers of the module themselves (a slice made in ``forward`` is new each time).

    The value is shared between calls: do not write to it. It carries no gradient.
    """
    if len(params) == 1:  # the usual case, written out: half a microsecond less
        tensor = params[0]
        entry = _entries.get((id(fn), id(tensor)))
        if entry is not None and entry.events == _events and entry.left > 0 and not _recording:
            entry.left -= 1
            if tensor._version == entry.versions[0] and tensor.data_ptr() == entry.pointers[0]:
                return entry.value
        return _checked(fn, params)
    entry = _entries.get((id(fn), *map(id, params)))
    if entry is not None and entry.events == _events and entry.left > 0 and not _recording:
        entry.left -= 1
        for i, tensor in enumerate(params):
            if tensor._version != entry.versions[i] or tensor.data_ptr() != entry.pointers[i]:
                break
        else:
            return entry.value
    return _checked(fn, params)


def refresh() -> None:
    """Forget every packed value, after writing to parameters through ``.data``."""
    _entries.clear()
    recheck()


class Reading(NamedTuple):
    """One packed value that was read: ``packed(fn, *params)`` gave ``value``."""

    fn: Callable[..., Any]
    params: tuple[torch.Tensor, ...]
    value: Any


@contextmanager
def recording(readings: list[Reading]) -> Iterator[None]:
    """Note the packed values that this thread reads, as they were before: none is computed or compared.

    Where there is no value for the parameters as they are, the function runs, unnoted, as part of what is
    recorded. So whoever repeats what is recorded here must first bring the noted values up to date.
    """
    global _recording  # noqa: PLW0603  read in the fast path
    outer = getattr(_recorder, "readings", None)
    with _lock:
        _recording += 1
    _recorder.readings = readings
    try:
        yield
    finally:
        _recorder.readings = outer
        with _lock:
            _recording -= 1


def events() -> int:
    """Return the count of events after which values may have changed without a trace."""
    return _events


def recheck() -> None:
    """Have every packed value compare its parameters' fingerprint at its next use."""
    global _events  # noqa: PLW0603  one counter for the process, read in the fast path
    _events += 1


def _checked(fn: Callable[..., Any], params: tuple[torch.Tensor, ...]) -> Any:
    """Return the value the slow way: compare everything, compute if anything differs."""
    _listen()
    owner = getattr(fn, "__self__", None) if isinstance(fn, types.MethodType) else None
    if owner is not None:  # a bound method is a new object each time: known by its function and its owner
        key = (id(getattr(fn, "__func__", fn)), id(owner), *map(id, params))
    else:
        key = (id(fn), *map(id, params))
    if not all(_is_plain(p) for p in params):
        return fn(*params)
    versions, pointers = tuple(p._version for p in params), tuple(p.data_ptr() for p in params)
    events, entry = _events, _entries.get(key)
    readings: list[Reading] | None = getattr(_recorder, "readings", None)
    capturing = readings is not None or _capturing(params)
    same = entry is not None and (entry.pointers, entry.versions) == (pointers, versions)
    if entry is not None and same and (capturing or entry.unchanged(params, events)):
        if readings is not None:
            readings.append(Reading(fn, params, entry.value))
        return entry.value
    if capturing:
        return fn(*params)
    # the hooks of an entry that is replaced go on: they lie on the same parameters
    hooks = entry.hooks if entry is not None else tuple(_hook(p) for p in params)
    entry = _Entry()
    entry.hooks = hooks
    entry.pointers, entry.versions, entry.events = pointers, versions, events
    entry.fingerprint = _fingerprint(params)
    entry.aliases, entry.value = _computed(fn, params)
    entry.samples = tuple(_sample(alias) for alias in entry.aliases if alias.device.type == "cpu")
    drop = functools.partial(_drop, key)
    known = (getattr(fn, "__func__", fn), owner) if owner is not None else (fn,)
    entry.references = tuple(_weak(thing, drop) for thing in (*known, *params))
    _entries[key] = entry
    return entry.value


def _is_plain(tensor: Any) -> bool:
    """Whether it is a tensor with a version counter and a storage: not of inference mode, not fake."""
    import torch

    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"kernelevo.packed takes tensors, got {type(tensor).__name__}")
    disabled = torch._C._disabled_torch_dispatch_impl
    return not tensor.is_inference() and type(tensor).__torch_dispatch__ is disabled


def _hook(tensor: torch.Tensor) -> Any:
    """Hear of the gradients that a parameter gets: some train in the backward pass itself."""
    if tensor.is_leaf and tensor.requires_grad:
        return tensor.register_post_accumulate_grad_hook(_accumulated)  # type: ignore[no-untyped-call]
    return None


def _accumulated(_: torch.Tensor) -> None:
    recheck()


def _computed(
    fn: Callable[..., Any], params: tuple[torch.Tensor, ...]
) -> tuple[tuple[torch.Tensor, ...], Any]:
    """Run the function on tensors that share the storages but are not the parameters.

    So a value that is a view keeps no parameter alive, and a value made in inference mode is an ordinary one.
    """
    import torch

    with torch.inference_mode(False), torch.no_grad():
        aliases = tuple(p.detach() for p in params)
        return aliases, fn(*aliases)


def _drop(key: tuple[int, ...], _: Any) -> None:
    if _entries is not None:  # at the interpreter's end module globals go before the last weak references
        _entries.pop(key, None)


def _weak(thing: Any, drop: Callable[[Any], None]) -> Any:
    try:
        return weakref.ref(thing, drop)
    except TypeError:  # a few builtins take no weak reference, and live for ever anyway
        return thing


def _sample(alias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a view of a few bits spread over the tensor's memory, and a copy of them as they are now."""
    import torch

    if alias.layout is not torch.strided or alias.numel() == 0:
        return torch.empty(0), torch.empty(0)
    size = alias.element_size()
    extent = 1 + sum((n - 1) * s for n, s in zip(alias.shape, alias.stride(), strict=True))
    with torch.inference_mode(False), torch.no_grad():
        flat = alias.as_strided((extent,), (1,)).view(torch.uint8).view(extent, size)
        live = flat[:: max(1, extent // SAMPLES)]
        return live, live.clone()


def _fingerprint(params: tuple[torch.Tensor, ...]) -> tuple[object, ...]:
    """Return layout and a checksum over all bits of each tensor; about one read of its memory."""
    import torch

    with torch.no_grad():
        return tuple((p.dtype, p.device, tuple(p.shape), p.stride(), _checksum(p.detach())) for p in params)


def _checksum(tensor: torch.Tensor) -> object:
    import torch

    if tensor.layout is not torch.strided:
        return id(tensor)  # sparse or opaque: always different, computed each time a check is due
    flat = (
        (torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor)
        .contiguous()
        .reshape(-1)
    )
    if flat.numel() == 0:
        return 0
    if flat.device.type == "cpu":
        return zlib.crc32(flat.view(torch.uint8).numpy().data)
    return _reduced(flat)


def _reduced(flat: torch.Tensor) -> tuple[int, ...]:
    """Return two weighted sums over the bits, computed where the tensor lies."""
    import torch

    size = flat.element_size()
    whole = flat.view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[size])
    width = 1 + int(whole.numel() ** 0.5)
    square = torch.nn.functional.pad(whole.long(), (0, width * width - whole.numel())).view(width, width)
    weights = torch.arange(1, width + 1, device=flat.device)
    sums = torch.stack([(square.sum(0) * weights).sum(), (square.sum(1) * weights).sum()])
    return tuple(int(s) for s in sums.tolist())


def _capturing(params: tuple[torch.Tensor, ...]) -> bool:
    """Whether a CUDA graph is being captured: then nothing may be read back."""
    import torch

    return any(p.is_cuda for p in params) and torch.cuda.is_current_stream_capturing()


@functools.cache
def _listen() -> None:
    """Hear of optimiser steps, backward passes and mode switches, from the first packed value on."""
    from torch import nn
    from torch.optim.optimizer import register_optimizer_step_post_hook

    register_optimizer_step_post_hook(lambda *_: recheck())
    plain = nn.Module.train

    @functools.wraps(plain)
    def train(self: nn.Module, mode: bool = True) -> nn.Module:
        if self.training is not mode:
            recheck()
        return plain(self, mode)

    nn.Module.train = train  # type: ignore[assignment,method-assign]  # torch has no hook for it
