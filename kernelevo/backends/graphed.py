"""``kernelevo.graphed``: a function of tensors whose launches are recorded once as a CUDA graph and replayed.

    class ModelNew(nn.Module):
        @kernelevo.graphed
        def forward(self, x): ...

    fast = kernelevo.graphed(module)          # a module, a bound method, or a function

On CUDA, without gradients, the first call with arguments of a kind (shapes, dtypes, strides, device, plain
values) runs the function; the second records it; from then on a call copies its inputs to where the graph
reads them, replays the graph and returns copies of its results, so that results of earlier calls stay valid.
Under an outer capture, with gradients or autocast enabled, while ``torch.compile`` traces, and off CUDA, the
function is simply called.

In-place changes of parameters are followed, since the graph reads their memory. Where the module holds other
tensors, tensors that lie elsewhere, or is in another mode, its graphs are recorded again. Values of
``kernelevo.packed`` cannot be checked inside a graph: they are looked up before each replay, and one that was
computed anew is copied to where the graph reads the old one.

A function that cannot be recorded (it reads values back to the host, writes to its inputs, replaces the
module's tensors, returns a part of an input) is called plainly for arguments of that kind, with one warning
that says why. What recording cannot see is the caller's to avoid: random numbers drawn by Python, tensors
reached through globals and closures (name them with ``state``), and forward hooks, plain numbers of the
module and views put into ``.data`` that change after the recording, until ``kernelevo.refresh()``.

One lock for each module and function makes calls from several threads safe, one after the other.
"""

from __future__ import annotations

import functools
import threading
import types
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.backends.holdings import Holdings, is_plain, storage
from kernelevo.backends.recorder import CudaRecorder, Recorder
from kernelevo.backends.recording import PLAIN, Recording

KEEP = 4
PATIENCE = 64  # most calls that must find the same tensors in place before they are recorded again
State = Callable[[], Sequence[torch.Tensor]]


class GraphedWarning(UserWarning):
    """A function cannot be recorded as a CUDA graph and is called plainly."""


def graphed(
    fn: Callable[..., Any],
    *,
    state: State | None = None,
    keep: int = KEEP,
    recorder: Recorder | None = None,
) -> Graphed:
    """Return the function with its launches recorded as CUDA graphs; see the module's text.

    Args:
        fn: a module, a bound method of one, a method being defined (as a decorator), or a function.
        state: returns tensors that the function reads besides its arguments and its module's.
        keep: how many kinds of arguments have graphs at a time; the one used least recently goes.
        recorder: what records; default: CUDA graphs of torch.
    """
    return Graphed(fn, state=state, keep=keep, recorder=recorder)


class Graphed:
    """A function that is recorded and replayed. It is copied and pickled without its graphs."""

    def __init__(
        self, fn: Callable[..., Any], *, state: State | None, keep: int, recorder: Recorder | None
    ) -> None:
        if not callable(fn):
            raise TypeError(f"kernelevo.graphed takes a function, got {type(fn).__name__}")
        if keep < 1:
            raise ValueError(f"kernelevo.graphed keeps at least one kind of arguments, got keep={keep}")
        self.__setstate__({"fn": fn, "state": state, "keep": keep, "recorder": recorder})

    def __getstate__(self) -> dict[str, Any]:
        return dict(self._made_by)

    def __setstate__(self, made_by: dict[str, Any]) -> None:
        self._made_by = made_by
        self._fn: Callable[..., Any] = made_by["fn"]
        self._shelves: weakref.WeakKeyDictionary[nn.Module, _Shelf] = weakref.WeakKeyDictionary()
        self._alone = self._shelf()
        self._lock = threading.Lock()
        if not isinstance(self._fn, nn.Module):
            functools.update_wrapper(self, self._fn, updated=())

    def _shelf(self) -> _Shelf:
        made_by = self._made_by
        return _Shelf(made_by["recorder"] or CudaRecorder(), made_by["keep"], made_by["state"])

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind as a method: each instance has graphs of its own, and nothing is kept on it."""
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, or replay its graph."""
        fn = self._fn
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cuda"):
            return fn(*args, **kwargs)
        if isinstance(fn, nn.Module):
            owner: Any = fn
        elif isinstance(fn, types.MethodType):
            owner = fn.__self__
        elif args and isinstance(args[0], nn.Module):  # a decorated method: the module comes first
            owner, fn, args = args[0], types.MethodType(fn, args[0]), args[1:]
        else:
            owner = None
        return self._shelf_of(owner).call(fn, args, kwargs)

    def _shelf_of(self, owner: Any) -> _Shelf:
        if not isinstance(owner, nn.Module):
            return self._alone
        shelf = self._shelves.get(owner)
        if shelf is None:
            with self._lock:
                shelf = self._shelves.setdefault(owner, self._shelf())
        return shelf


class _Shelf:
    """The graphs of one function on one module, by kind of arguments."""

    def __init__(self, recorder: Recorder, keep: int, state: State | None) -> None:
        self.recorder, self._keep, self._state = recorder, keep, state
        self._forms: OrderedDict[Any, _Form] = OrderedDict()
        self._lock = threading.RLock()

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        leaves, spec = (list(args), None) if _is_flat(args, kwargs) else pytree.tree_flatten((args, kwargs))
        kind = _kind(leaves)
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        if kind is None or self.recorder.refuses(tensors):
            return fn(*args, **kwargs)
        with self._lock:
            key = (len(leaves) if spec is None else spec, kind, _settings())
            form = self._forms.get(key)
            if form is None:
                form = self._forms[key] = _Form(self.recorder, self._state)
                while len(self._forms) > self._keep:
                    self._forms.popitem(last=False)
            else:
                self._forms.move_to_end(key)
            return form.call(_Call(fn, args, kwargs, leaves, spec, tensors))


class _Call:
    """One call: the function, and its arguments whole and as leaves."""

    __slots__ = ("args", "fn", "kwargs", "leaves", "spec", "tensors")

    def __init__(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        leaves: list[Any],
        spec: Any,
        tensors: list[torch.Tensor],
    ) -> None:
        self.fn, self.args, self.kwargs = fn, args, kwargs
        self.leaves, self.spec, self.tensors = leaves, spec, tensors

    def plainly(self) -> Any:
        return self.fn(*self.args, **self.kwargs)

    def on(self, tensors: Sequence[torch.Tensor]) -> Callable[[], Any]:
        """Return the same call with other tensors."""
        given = iter(tensors)
        leaves = [next(given) if isinstance(leaf, torch.Tensor) else leaf for leaf in self.leaves]
        args, kwargs = (leaves, {}) if self.spec is None else pytree.tree_unflatten(leaves, self.spec)
        return lambda: self.fn(*args, **kwargs)

    def modules(self) -> list[nn.Module]:
        owner = getattr(self.fn, "__self__", self.fn)
        return [owner] if isinstance(owner, nn.Module) else []


class _Form:
    """One kind of arguments: first a plain call, then a recording, then replays."""

    def __init__(self, recorder: Recorder, state: State | None) -> None:
        self._recorder, self._state = recorder, state
        self._refused = False
        self._holdings: Holdings | None = None
        self._extra: Sequence[torch.Tensor] = ()
        self._recording: Recording | None = None
        self._calm = 0  # plain calls since the module last changed
        self._patience = 1

    def call(self, call: _Call) -> Any:
        if self._refused:
            return call.plainly()
        if self._holdings is not None and self._same():
            if self._recording is None and self._calm >= self._patience and not self._record(call):
                return call.plainly()
            if self._recording is not None and self._recording.refresh():
                return self._recording.replay(call.tensors)
        if self._recording is not None:
            self._recording, self._holdings = None, None
            self._patience = min(2 * self._patience, PATIENCE)
        return self._plain(call)

    def _same(self) -> bool:
        assert self._holdings is not None
        if self._state is not None:
            now = self._state()
            if len(now) != len(self._extra) or any(a is not b for a, b in zip(now, self._extra, strict=True)):
                return False
        return self._holdings.same()

    def _plain(self, call: _Call) -> Any:
        """Call the function for its result, and see whether it may be recorded."""
        if self._holdings is None or not self._same():
            self._extra = tuple(self._state()) if self._state is not None else ()
            self._holdings, self._calm = Holdings(call.modules(), self._extra), 0
        held = self._holdings
        hooked = held.hooked(isinstance(call.fn, nn.Module))
        why = held.strange or ("a module has forward hooks" if hooked else "")
        if not why and held.tensors and self._recorder.refuses(held.tensors):
            why = "a tensor of the module lies on another device"
        if why:
            self._refuse(call, why)
            return call.plainly()
        before = None if self._calm else _copies(call.tensors)
        result = self._recorder.run(call.plainly)
        self._calm += 1
        why = self._objection(call, before, result)
        if why:
            self._refuse(call, why)
        return result

    def _objection(self, call: _Call, before: list[torch.Tensor] | None, result: Any) -> str:
        """Return why the call that was just made cannot be repeated by a graph, or an empty text."""
        assert self._holdings is not None
        if before is not None and not all(map(_equal, call.tensors, before)):
            return "it writes to its inputs"
        if not self._same() or not self._holdings.unmoved():
            return "it replaces tensors or numbers of its module"
        theirs = self._holdings.storages() | {storage(t) for t in call.tensors}
        for leaf in pytree.tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                if not is_plain(leaf) or self._recorder.refuses([leaf]):
                    return "it returns a tensor of another kind or device"
                if leaf.numel() and storage(leaf) in theirs:
                    return "it returns memory of its inputs or of its module"
            elif not isinstance(leaf, PLAIN):
                return f"it returns a {type(leaf).__name__}"
        return ""

    def _record(self, call: _Call) -> bool:
        assert self._holdings is not None
        try:
            self._recording = Recording(self._recorder, call.on, call.tensors)
            if not self._holdings.same():
                raise RuntimeError("it replaces tensors of its module")
            return True
        except Exception as error:  # a function may refuse to be recorded in any way; it still works
            self._recording = None
            self._refuse(call, f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}")
            return False

    def _refuse(self, call: _Call, why: str) -> None:
        self._refused = True
        self._holdings = self._recording = None
        name = getattr(call.fn, "__qualname__", type(call.fn).__name__)
        text = f"{name} is called plainly instead of replayed as a CUDA graph: {why}"
        warnings.warn(text, GraphedWarning, stacklevel=6)


def _is_flat(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return not kwargs and all([isinstance(a, torch.Tensor) or type(a) in PLAIN for a in args])


def _kind(leaves: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return what tells calls apart, None if a leaf is something that is not understood."""
    found: list[Any] = []
    for leaf in leaves:
        if is_plain(leaf):
            found.append((leaf.shape, leaf.stride(), leaf.dtype, leaf.device))
        elif type(leaf) in PLAIN:
            found.append((type(leaf), repr(leaf) if type(leaf) is float else leaf))  # 0.0 is not -0.0
        else:
            return None
    return tuple(found)


def _settings() -> tuple[Any, ...]:
    """Return the global settings that decide which kernels are chosen."""
    precision = torch._C._get_fp32_precision_getter
    kinds = (precision("cuda", "matmul"), precision("cuda", "conv"), precision("cuda", "rnn"))
    return (*kinds, torch.are_deterministic_algorithms_enabled())


def _copies(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    with torch.no_grad():
        return [_bits(t).clone() for t in tensors]


def _equal(now: torch.Tensor, before: torch.Tensor) -> bool:
    return torch.equal(_bits(now), before)


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor's memory, gaps included, as bytes: any dtype and NaN can be compared so."""
    extent = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    size, start = tensor.element_size(), tensor.storage_offset()
    whole = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(tensor.untyped_storage())
    return whole[start * size : (start + extent) * size if tensor.numel() else start * size]
