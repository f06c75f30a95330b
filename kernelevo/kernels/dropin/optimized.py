"""Drop-in: a proven program in the place of the original module, with its names, weights and habits."""

from __future__ import annotations

import copy
import os
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from operator import is_
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.backends.arguments import Parameters
from kernelevo.backends.beside import visiting
from kernelevo.backends.cache import default_root
from kernelevo.backends.candidate import load_candidate
from kernelevo.backends.packing import refresh
from kernelevo.core import Program
from kernelevo.errors import InputError, KernelEvoError
from kernelevo.kernels.dropin import traced
from kernelevo.kernels.dropin.circumstances import autocast, watched
from kernelevo.kernels.dropin.fixed import Fixed
from kernelevo.kernels.dropin.holdings import Holdings
from kernelevo.kernels.dropin.sharing import share, share_plain
from kernelevo.kernels.dropin.signature import Signature, unusual
from kernelevo.kernels.reference.strides import laid_out
from kernelevo.kernels.reference.tree import Leaf, flatten, unflatten

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
_OWN_HOOKS = tuple(name for name in vars(nn.Module()) if name not in (*_SHARED, "training"))

ALIGNMENT = 64
"""Bytes: torch's own tensors begin at multiples of it, as all inputs of a judge do; parts of them may not."""


_TURNS: dict[str, threading.RLock] = {}
"""By program: who calls it. What it keeps (scratch, a variable of its C++) is one for all copies."""


def _renew() -> None:
    """Give a forked child locks that nobody holds: whoever held one is not in it."""
    _TURNS.update({program: threading.RLock() for program in _TURNS})


os.register_at_fork(after_in_child=_renew)


class FallbackWarning(UserWarning):
    """A call went to the original module instead of the optimised program."""


class Optimized(nn.Module):
    """A module that runs a proven program and is, in all else, the original.

    It shares the original's parameters, buffers and submodules: the state dict keeps its keys, ``.to``,
    ``train`` and ``eval`` work, attributes are set where the original has them, later changes are followed.
    Whenever a call is not of a proven kind the original runs, with one warning that says why: a gradient is
    needed, autocast is on, a dtype, shape, stride, device, mode or attribute was not proven, a forward hook
    below it would not be called, the call is being transformed or recorded, or an input that was the same in
    every judged call has other values; likewise for a submodule of another class, an attribute that was not
    there, hooks of all modules and forward derivatives. Replicas of ``DataParallel`` are the original's.
    Threads take turns. What is written into a parameter's memory without a word (``parameter.data.copy_``, a
    broadcast, another process) a program that packs weights sees within 16 calls on the CPU, and within some
    1000 on a device: ``kernelevo.refresh()`` says it at once.

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
        hidden["_outputs"] = tuple(map(traced.output_spec, proven))
        hidden["_fixed"] = tuple(Fixed(one.fixed) for one in proven)
        _TURNS.setdefault(program.id, threading.RLock())
        hidden["_turns"] = program.id
        hidden["_init"] = (tuple(init_args), dict(init_kwargs or {}))
        hidden["_folder"] = folder
        hidden["_program"] = None
        hidden["_bound"] = ()
        hidden["_place"] = None
        hidden["_failure"] = ""
        hidden["_taken"] = Parameters.of(original)
        hidden["_structures"], hidden["_seen"] = {}, None
        hidden["_usual"] = False
        hidden["_warned"] = set()
        hidden["_number"] = traced.enter(self)

    # ------------------------------------------------------------------ being the original

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.__dict__["_original"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_original" not in self.__dict__ or name in self.__dict__ or hasattr(type(self), name):
            super().__setattr__(name, value)
        else:
            setattr(self._original, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__:
            super().__delattr__(name)
        else:
            delattr(self._original, name)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the original's, in its own way."""
        return self._original.state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Load into the original, in its own way."""
        if kwargs.get("assign") or len(args) > 2:
            self._let_go()
        return self._original.load_state_dict(*args, **kwargs)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._original._load_from_state_dict(*args, **kwargs)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Optimized:
        self._original._apply(fn, recurse)
        self._let_go()
        return self

    def _replicate_for_data_parallel(self) -> nn.Module:
        self._tell("DataParallel runs replicas of the original on its devices")
        replica: nn.Module = self._original._replicate_for_data_parallel()
        return replica

    def train(self, mode: bool = True) -> Optimized:
        """Set train or eval mode, of the original too."""
        super().train(mode)
        self._original.train(mode)
        return self

    def extra_repr(self) -> str:
        """Say what this stands in for."""
        return f"optimised {type(self._original).__name__}, proven on {len(self._proven)} kind(s) of call"

    def __deepcopy__(self, memo: dict[int, Any]) -> Optimized:
        return self._twin(copy.deepcopy(self._original, memo), lambda held: copy.deepcopy(held, memo))

    def __copy__(self) -> Optimized:
        return self._twin(copy.copy(self._original), copy.copy)

    def _twin(self, original: nn.Module, copied: Callable[[Any], Any]) -> Optimized:
        args, kwargs = self._init
        original.training = self.training
        twin = Optimized(
            original, self._made, self._proven, init_args=args, init_kwargs=kwargs, folder=self._folder
        )
        twin.__dict__.update({name: copied(self.__dict__[name]) for name in _OWN_HOOKS})
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        self._original.training = self.training
        made = (self._original, self._made, self._proven, *self._init)
        return (_rebuild, made, {name: self.__dict__[name] for name in _OWN_HOOKS})

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
            return traced.call(self, args, kwargs)
        structure, leaves = self._flat(args, kwargs)
        proven, why = self._fitting(structure, leaves)
        if proven is None:
            return self._fall_back(why, args, kwargs)
        if any(isinstance(v, torch.Tensor) and v.data_ptr() % ALIGNMENT for v in leaves):
            args, kwargs = pytree.tree_map_only(torch.Tensor, _aligned, (args, kwargs))
        with _TURNS[self._turns], torch.no_grad():
            if not (self._usual and torch.is_inference_mode_enabled()):
                result = self._program(*args, **kwargs)
            else:  # what it made and kept in inference mode could not be written to outside of it
                with torch.inference_mode(False), torch.no_grad():
                    result = self._program(*args, **kwargs)
            return laid_out(result, proven.outputs)

    def _flat(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """Return a call's structure and leaves; the text of a plain list of tensors is made once."""
        if kwargs or not all(isinstance(v, torch.Tensor) for v in args):
            return flatten((args, kwargs))
        known: dict[int, str] = self._structures
        if len(args) not in known:
            known[len(args)] = flatten((args, kwargs))[0]
        return known[len(args)], args

    def _fall_back(self, why: str, args: Any, kwargs: Any) -> Any:
        self._tell(why, stacklevel=6)
        self._original.training = self.training
        return self._original(*args, **kwargs)

    def _tell(self, why: str, stacklevel: int = 3) -> None:
        """Warn that the original runs, once for each kind of reason: what stands before a semicolon."""
        kind = why.partition(";")[0]
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(
                f"the original {type(self._original).__name__} runs instead of the optimised program: {why}",
                FallbackWarning,
                stacklevel=stacklevel,
            )

    def _fitting(self, structure: str, leaves: Sequence[Any]) -> tuple[Signature | None, str]:
        """Return the kind of call that this is, or None and why it must go to the original."""
        tensors = [v for v in leaves if isinstance(v, torch.Tensor)]
        if traced.needs_gradient(self, tensors):
            return None, traced.GRADIENT
        if any(map(autocast, {"cpu", *(t.device.type for t in tensors)})):
            return None, "autocast is on"
        if why := watched() or next((f"an input is {why}" for t in tensors if (why := unusual(t))), ""):
            return None, why
        reasons = [
            s.mismatch(structure, leaves) or fixed.differs(leaves)
            for s, fixed in zip(self._proven, self._fixed, strict=True)
        ]
        if all(reasons):
            others = len(reasons) - 1
            return None, str(reasons[0]) + (f", and {others} other kind(s) of call" if others else "")
        if why := self._elsewhere(tensors):
            return None, why
        which = reasons.index("")
        proven: Signature = self._proven[which]
        known = self._as_seen()
        if known is not None and which in known:
            return proven, ""
        self._original.training = self.training
        why = proven.differs(self._original) or str(self._bind())
        if why:
            return None, why
        if known is None:  # of the original: of this module it would be a circle of references
            self.__dict__["_seen"] = (self.training, Holdings(self._original), {which})
        else:
            known.add(which)
        return proven, ""

    def _let_go(self) -> None:
        """Keep nothing that was made from weights that are gone: a program, packed copies of them."""
        refresh()
        self.__dict__["_program"], self.__dict__["_bound"], self.__dict__["_seen"] = None, (), None

    def _elsewhere(self, tensors: Sequence[torch.Tensor]) -> str:
        """Say which GPU of several a call is for, if it is not the one that the program was loaded on."""
        places = {t.device.index for t in tensors if t.device.type == "cuda"}
        if not places:
            return ""
        here = torch.cuda.current_device()
        if places == {here} and self._place in (here, None):
            return ""
        wanted = here if self._place is None else self._place
        return (
            f"the program runs on cuda:{wanted} alone; inputs lie on {sorted(places)}, cuda:{here} is current"
        )

    def _as_seen(self) -> set[int] | None:
        """Return which kinds of call the program took while all was as now; None if something changed."""
        if self._seen is None:
            return None
        training, held, known = self._seen
        found: set[int] = known
        original = self._original
        shared = self._parameters is original._parameters and self._buffers is original._buffers
        same = shared and self._modules is original._modules and self.training is training and held.same()
        return found if same else None

    # ------------------------------------------------------------------ the program

    def _bind(self) -> str:
        """Load the program once, and let its modules use the very dictionaries of the original's.

        For other modules or parameters it is made anew: one that packs weights, and goes by how often these
        were written to, would take a new parameter for an old one.
        """
        if self._failure:
            return str(self._failure)
        children = tuple(child for _, child in self._original.named_modules(remove_duplicate=False))
        changing = {name for one in self._proven for name in one.mutated}  # other ones while a graph is run
        kept = (b for name, b in self._original.named_buffers() if name not in changing)
        tensors = (*self._original.parameters(), *kept)
        held, places = (*children, *tensors), [t.data_ptr() for t in tensors]
        try:
            if (
                self._program is not None
                and len(held) == len(self._bound)
                and all(map(is_, held, self._bound))
                and places == self._places
            ):
                share_plain(self._original, self._program)  # other tensors may be there now
                return ""
            folder = self._folder or default_root() / "programs"
            args, kwargs = self._init
            usual = not any(t.is_inference() for t in (*tensors, *self._original.buffers()))
            inside = torch.inference_mode(not usual and torch.is_inference_mode_enabled())
            with torch.random.fork_rng(devices=[]), visiting(folder), inside:
                program = load_candidate(self._made.source, folder, self._made.beside)(*args, **kwargs)
            share(self._original, program)
        except Exception as error:  # whatever a program does on another machine, the original still works
            text = error.what if isinstance(error, KernelEvoError) else f"{type(error).__name__}: {error}"
            self.__dict__["_failure"] = f"the program cannot be loaded here; {text}"
            return str(self._failure)
        self.__dict__["_program"], self.__dict__["_bound"] = program, held
        self.__dict__["_places"], self.__dict__["_usual"] = places, usual
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            self.__dict__["_place"] = torch.cuda.current_device()
        program.train(self.training)
        return ""

    def _run_flat(
        self, leaves: Sequence[Any], structure: str, buffers: Mapping[str, torch.Tensor]
    ) -> list[Any]:
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


def _home(module: nn.Module, name: str) -> tuple[dict[str, Any], str]:
    path, _, last = name.rpartition(".")
    return module.get_submodule(path)._buffers, last


def _rebuild(
    original: nn.Module, program: Program, proven: Sequence[Signature], args: Any, kwargs: Any
) -> Optimized:
    return Optimized(original, program, proven, init_args=args, init_kwargs=kwargs)
