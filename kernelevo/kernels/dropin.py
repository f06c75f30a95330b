"""Drop-in: a proven program in the place of the original module, with its names, weights and habits."""

from __future__ import annotations

import copy
import itertools
import warnings
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.backends.arguments import Parameters
from kernelevo.backends.beside import visiting
from kernelevo.backends.cache import default_root
from kernelevo.backends.candidate import load_candidate, plain_tensors
from kernelevo.core import Program
from kernelevo.errors import InputError, KernelEvoError
from kernelevo.kernels.holdings import Holdings
from kernelevo.kernels.signature import Signature, weights_of
from kernelevo.kernels.strides import laid_out
from kernelevo.kernels.tree import Leaf, flatten, unflatten

_SHARED = (
    "_parameters",
    "_buffers",
    "_modules",
    "_non_persistent_buffers_set",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
_LIVE: weakref.WeakValueDictionary[int, Optimized] = weakref.WeakValueDictionary()
_NUMBERS = itertools.count(1)


ALIGNMENT = 64
"""Bytes: torch's own tensors begin at multiples of it, as all inputs of a judge do; parts of them may not."""


class FallbackWarning(UserWarning):
    """A call went to the original module instead of the optimised program."""


class Optimized(nn.Module):
    """A module that runs a proven program and is, in all else, the original.

    It shares the original's parameters, buffers and submodules: the state dict keeps its keys, ``.to``,
    ``train`` and ``eval`` work, later changes are followed. Whenever a call is not of a proven kind the
    original runs, with one warning that says why: a gradient is needed, autocast is on, or a dtype, shape,
    stride, device or mode was not proven.

    Args:
        original: the module to stand in for; it is used, not copied.
        program: what it runs.
        proven: the calls it was proven on, see ``Signature.of``.
        init_args: constructor arguments of the program's ``ModelNew``.
        init_kwargs: keyword arguments of the same.
        folder: where the program's text is put for import; None for a folder in the build cache.
    """

    def __init__(
        self,
        original: nn.Module,
        program: Program,
        proven: Sequence[Signature],
        *,
        init_args: Sequence[Any] = (),
        init_kwargs: Mapping[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        if not proven:
            raise InputError("a drop-in needs at least one signature that the program was proven on")
        hidden = self.__dict__
        hidden["_original"] = original
        for name in _SHARED:
            hidden[name] = original.__dict__[name]
        hidden["training"] = original.training
        hidden["_made"], hidden["_proven"] = program, tuple(proven)
        hidden["_outputs"] = tuple(_output_spec(s) for s in proven)
        hidden["_init"] = (tuple(init_args), dict(init_kwargs or {}))
        hidden["_folder"] = folder
        hidden["_program"] = None
        hidden["_bound"] = ()
        hidden["_failure"] = ""
        hidden["_taken"] = Parameters.of(original)
        hidden["_structures"], hidden["_seen"] = {}, (None, None, None)
        hidden["_warned"] = set()
        hidden["_number"] = next(_NUMBERS)
        _LIVE[hidden["_number"]] = self

    # ------------------------------------------------------------------ being the original

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.__dict__["_original"], name)

    def train(self, mode: bool = True) -> Optimized:
        """Set train or eval mode, of the original too."""
        super().train(mode)
        self._original.train(mode)
        return self

    def extra_repr(self) -> str:
        """Say what this stands in for."""
        return f"optimised {type(self._original).__name__}, proven on {len(self._proven)} kind(s) of call"

    def __deepcopy__(self, memo: dict[int, Any]) -> Optimized:
        return self._twin(copy.deepcopy(self._original, memo))

    def __copy__(self) -> Optimized:
        return self._twin(copy.copy(self._original))

    def _twin(self, original: nn.Module) -> Optimized:
        args, kwargs = self._init
        original.training = self.training
        return Optimized(
            original, self._made, self._proven, init_args=args, init_kwargs=kwargs, folder=self._folder
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self._original, self._made, self._proven, *self._init))

    @property
    def original(self) -> nn.Module:
        """The module that this stands in for."""
        module: nn.Module = self._original
        return module

    # ------------------------------------------------------------------ calls

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program where it is proven, else the original; arguments by name count as by position."""
        if kwargs and (ordered := self._taken.by_position(args, kwargs)) is not None:
            args, kwargs = ordered, {}
        if torch.compiler.is_compiling():
            return _traced(self, args, kwargs)
        structure, leaves = self._flat(args, kwargs)
        proven, why = self._fitting(structure, leaves)
        if proven is None:
            return self._fall_back(why, args, kwargs)
        if any(isinstance(v, torch.Tensor) and v.data_ptr() % ALIGNMENT for v in leaves):
            args, kwargs = pytree.tree_map_only(torch.Tensor, _aligned, (args, kwargs))
        with torch.no_grad():
            return laid_out(self._program(*args, **kwargs), proven.outputs)

    def _flat(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """Return a call's structure and leaves; the text of a plain list of tensors is made once."""
        if kwargs or not all(isinstance(v, torch.Tensor) for v in args):
            return flatten((args, kwargs))
        known: dict[int, str] = self._structures
        if len(args) not in known:
            known[len(args)] = flatten((args, kwargs))[0]
        return known[len(args)], args

    def _fall_back(self, why: str, args: Any, kwargs: Any) -> Any:
        kind = why.partition(";")[0]
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(
                f"the original {type(self._original).__name__} runs instead of the optimised program: {why}",
                FallbackWarning,
                stacklevel=5,
            )
        self._original.training = self.training
        return self._original(*args, **kwargs)

    def _fitting(self, structure: str, leaves: Sequence[Any]) -> tuple[Signature | None, str]:
        """Return the kind of call that this is, or None and why it must go to the original."""
        tensors = [v for v in leaves if isinstance(v, torch.Tensor)]
        if torch.is_grad_enabled() and (
            any(t.requires_grad for t in tensors) or any(p.requires_grad for p in self.parameters())
        ):
            return None, "a gradient may be needed; call it under torch.no_grad() or torch.inference_mode()"
        if any(map(_autocast, {"cpu", *(t.device.type for t in tensors)})):
            return None, "autocast is on"
        reasons = [s.mismatch(structure, leaves) for s in self._proven]
        fitting = [s for s, reason in zip(self._proven, reasons, strict=True) if not reason]
        if not fitting:
            others = len(reasons) - 1
            return None, str(reasons[0]) + (f", and {others} other kind(s) of call" if others else "")
        if self._as_seen(fitting[0]):
            return fitting[0], ""
        why = self._weights_differ(fitting[0]) or str(self._bind())
        if why:
            return None, why
        # of the original: of this module it would be a circle of references
        self.__dict__["_seen"] = (fitting[0], self.training, Holdings(self._original))
        return fitting[0], ""

    def _as_seen(self, proven: Signature) -> bool:
        """Tell whether this is as it was at the latest call of that kind that the program took."""
        known, training, held = self._seen
        original = self._original
        shared = self._parameters is original._parameters and self._buffers is original._buffers
        return (
            known is proven
            and self.training is training
            and shared
            and self._modules is original._modules
            and held.same()
        )

    def _weights_differ(self, proven: Signature) -> str:
        modes = {name: child.training for name, child in self.named_modules()}
        if modes != proven.modes:
            changed = [n or "the module" for n, m in modes.items() if proven.modes.get(n) is not m]
            return f"train/eval mode is not the proven one; it differs in {', '.join(changed[:3]) or 'names'}"
        held = weights_of(self)
        if held != proven.weights:
            changed = [n for n in {*held, *proven.weights} if held.get(n) != proven.weights.get(n)]
            return f"a parameter or buffer is not of the proven kind; see {sorted(changed)[0]}"
        return ""

    # ------------------------------------------------------------------ the program

    def _bind(self) -> str:
        """Load the program once, and let its modules use the very dictionaries of the original's."""
        if self._failure:
            return str(self._failure)
        children = tuple(child for _, child in self._original.named_modules(remove_duplicate=False))
        if (
            self._program is not None
            and len(children) == len(self._bound)
            and all(map(_same, children, self._bound))
        ):
            return ""
        try:
            folder = self._folder or default_root() / "programs"
            args, kwargs = self._init
            with torch.random.fork_rng(devices=[]), visiting(folder):
                program = load_candidate(self._made.source, folder, self._made.beside)(*args, **kwargs)
            share(self._original, program)
        except Exception as error:  # whatever a program does on another machine, the original still works
            text = error.what if isinstance(error, KernelEvoError) else f"{type(error).__name__}: {error}"
            self.__dict__["_failure"] = f"the program cannot be loaded here; {text}"
            return str(self._failure)
        self.__dict__["_program"], self.__dict__["_bound"] = program, children
        program.train(self.training)
        return ""

    def run(self, leaves: Sequence[Any], structure: str, buffers: Mapping[str, torch.Tensor]) -> list[Any]:
        """Run on flat inputs with some buffers replaced for this call (what a traced graph asks for)."""
        args, kwargs = unflatten(structure, list(leaves))
        homes = [_home(self._original, name) for name in buffers]
        kept = [home[last] for home, last in homes]
        try:
            for (home, last), value in zip(homes, buffers.values(), strict=True):
                home[last] = value
            with torch.no_grad():
                result = self.forward(*args, **kwargs)
        finally:
            for (home, last), value in zip(homes, kept, strict=True):
                home[last] = value
        return flatten(result)[1]


def _aligned(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor with these strides at an address like those that the program was proven on."""
    if not tensor.data_ptr() % ALIGNMENT:
        return tensor
    flat = tensor.as_strided((Leaf.of(tensor).extent,), (1,)).clone()
    return flat.as_strided(tensor.shape, tensor.stride())


def _autocast(kind: str) -> bool:
    """Tell whether autocast is on for a kind of device; some kinds (``meta``) know no autocast."""
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def _same(a: object, b: object) -> bool:
    return a is b


def _home(module: nn.Module, name: str) -> tuple[dict[str, Any], str]:
    path, _, last = name.rpartition(".")
    return module.get_submodule(path)._buffers, last


def share(original: nn.Module, program: nn.Module) -> None:
    """Let a program's modules hold the very parameters and buffers of the original's.

    Raises:
        InputError: if the program has other names (a program proven "by seed" cannot be a drop-in).
    """
    theirs = dict(program.named_modules(remove_duplicate=False))
    if program.state_dict().keys() != original.state_dict().keys():
        raise InputError("the program's weights have other names", now="search with this module")
    for path, module in original.named_modules(remove_duplicate=False):
        if not module._parameters and not module._buffers:
            continue
        twin = theirs.get(path)
        if twin is None or any(
            {k for k, v in getattr(twin, kind).items() if v is not None}
            != {k for k, v in getattr(module, kind).items() if v is not None}
            for kind in ("_parameters", "_buffers")
        ):
            raise InputError(f"the program's {path!r} holds other tensors", now="search with this module")
        twin._parameters, twin._buffers = module._parameters, module._buffers
        twin._non_persistent_buffers_set = module._non_persistent_buffers_set
    for name, value in plain_tensors(original).items():
        path, _, last = name.rpartition(".")
        if "[" not in name and path in theirs and isinstance(getattr(theirs[path], last, None), torch.Tensor):
            object.__setattr__(theirs[path], last, value)


def _rebuild(
    original: nn.Module, program: Program, proven: Sequence[Signature], args: Any, kwargs: Any
) -> Optimized:
    return Optimized(original, program, proven, init_args=args, init_kwargs=kwargs)


# ---------------------------------------------------------------------- under an outer torch.compile


def _traced(module: Optimized, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What dynamo traces: one opaque operator where the call is proven, else the original itself."""
    original = module.__dict__["_original"]
    for index, proven in enumerate(module.__dict__["_proven"]):
        spec = module.__dict__["_outputs"][index]
        if torch.is_grad_enabled() or kwargs or spec is None or proven.mismatch(proven.structure, args):
            continue
        tensors = [v for v in args if isinstance(v, torch.Tensor)]
        named = dict(original.named_buffers())
        state = [p for _, p in original.named_parameters()]
        changed = [named[name] for name in proven.mutated]
        flat = torch.ops.kernelevo.run(module.__dict__["_number"], index, tensors, state, changed)
        for buffer, new in zip(changed, flat[len(flat) - len(changed) :], strict=True):
            buffer.copy_(new)
        found = iter(flat)
        results = [next(found) if isinstance(kind, Leaf) else kind for kind in proven.outputs]
        return results[0] if spec == "one" else pytree.tree_unflatten(results, spec)
    return original(*args, **kwargs)


def _output_spec(proven: Signature) -> Any:
    """Return how to build the output while tracing: ``"one"`` leaf, a spec, or None if it cannot be traced.

    Only calls with plain positional arguments are traced as one operator, and only results of tensors and
    None: a number may follow from the inputs.
    """
    if flatten((proven.inputs, {}))[0] != proven.structure:
        return None
    if any(not isinstance(kind, Leaf) and kind is not None for kind in proven.outputs):
        return None
    if proven.output_structure == flatten(0)[0]:
        return "one"
    try:
        return pytree.treespec_loads(proven.output_structure)
    except (ValueError, TypeError, KeyError):  # a container without a serialiser
        return None


def _run(
    number: int,
    index: int,
    inputs: list[torch.Tensor],
    state: list[torch.Tensor],
    buffers: list[torch.Tensor],
) -> list[torch.Tensor]:
    """Run for real: outputs, then the new values of the buffers; ``state`` is for the tracer alone."""
    module = _LIVE[number]
    proven: Signature = module.__dict__["_proven"][index]
    given = iter(inputs)
    leaves = [next(given) if isinstance(kind, Leaf) else kind for kind in proven.inputs]
    changed = [b.clone() for b in buffers]
    flat = module.run(leaves, proven.structure, dict(zip(proven.mutated, changed, strict=True)))
    return [*(v for v in flat if isinstance(v, torch.Tensor)), *changed]


def _fake(
    number: int,
    index: int,
    inputs: list[torch.Tensor],
    state: list[torch.Tensor],
    buffers: list[torch.Tensor],
) -> list[torch.Tensor]:
    proven: Signature = _LIVE[number].__dict__["_proven"][index]
    outputs = [
        torch.empty_strided(kind.shape, kind.stride, dtype=kind.torch_dtype, device=kind.device)
        for kind in proven.outputs
        if isinstance(kind, Leaf)
    ]
    return [*outputs, *map(torch.empty_like, buffers)]


_LIBRARY = torch.library.Library("kernelevo", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define(  # type: ignore[no-untyped-call]
    "run(int number, int index, Tensor[] inputs, Tensor[] state, Tensor[] buffers) -> Tensor[]"
)
_LIBRARY.impl("run", _run, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
torch.library.register_fake("kernelevo::run", _fake, lib=_LIBRARY)
