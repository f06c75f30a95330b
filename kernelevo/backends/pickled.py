"""PickledReference: a live module and its input sets, kept in a file, with further inputs drawn like them."""

from __future__ import annotations

import copy
import os
import pickle
import sys
import sysconfig
import types
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kernelevo.backends.seeding import seeded
from kernelevo.core import here
from kernelevo.errors import BadProgram, TaskNotFound, ToolchainMissing

if TYPE_CHECKING:
    import torch
    from torch import nn

_FORMAT = 2
_INSTALLED = ("site-packages", "dist-packages")
_SCRIPT = "kernelevo_main"


def write(path: Path, module: nn.Module, inputs: Sequence[Sequence[Any]]) -> None:
    """Keep a live module and its input sets in a file; :class:`PickledReference` reads it elsewhere.

    Args:
        path: file to write; replaced atomically.
        module: any module that cloudpickle can take.
        inputs: input sets, each the positional arguments of ``forward``.

    Raises:
        BadProgram: if there is no input set, or the module cannot be pickled.
        ToolchainMissing: without cloudpickle.
    """
    try:
        import cloudpickle
    except ImportError as error:
        raise ToolchainMissing(
            "a live module cannot be kept: cloudpickle is not installed",
            why="pickle refuses classes that are defined in a script or a notebook",
            now="pip install cloudpickle (pure Python), or give the module as a file: kernelevo run model.py",
        ) from error

    if not inputs:
        raise BadProgram("no inputs were given", now="pass one input set, or a list of them")
    try:
        body = cloudpickle.dumps({"module": module, "inputs": [tuple(one) for one in inputs]})
    except Exception as error:  # pickling runs the user's __reduce__ and __getstate__: anything may come
        raise BadProgram(
            f"{type(module).__name__} cannot be pickled",
            why=f"{type(error).__name__}: {error}",
            now="drop attributes such as locks, files or generators from the module before optimising it",
        ) from error
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        pickle.dump({"format": _FORMAT, "paths": _own_paths()}, file)
        file.write(body)
    partial.replace(path)


def _own_paths() -> list[str]:
    """Return the folders that this process imports from and another may not: a script's, a notebook's.

    What is installed, or comes with Python, the other process has of its own, maybe in another version.
    """
    library = [sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")]
    found = []
    for entry in sys.path:
        folder = Path(os.path.abspath(entry))  # an empty entry is the working folder
        theirs = any(map(folder.is_relative_to, library)) or not set(_INSTALLED).isdisjoint(folder.parts)
        if folder.is_dir() and not theirs:
            found.append(str(folder))
    return list(dict.fromkeys(found))


def _read(path: Path) -> dict[str, Any]:
    """Read a file of :func:`write`, or one pickle of ``{"module", "inputs"}``.

    The class of a module may be defined in a file beside the script that was run: the folders of that process
    become the last ones of this one's ``sys.path``.
    """
    with path.open("rb") as file:
        reader = _Reader(file)
        data: dict[str, Any] = reader.load()
        if "paths" in data:
            sys.path += [p for p in data["paths"] if p not in sys.path and os.path.isdir(p)]
            reader = _Reader(file)
            data = reader.load()
    for scope in reader.scopes.values():
        _name(scope)
    return data


class _Reader(pickle.Unpickler):
    """Reads a pickle, and keeps the globals of the functions in it that came as their code.

    Args:
        file: of the pickle.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.scopes: dict[int, dict[str, Any]] = {}  # by identity: functions of one script share theirs

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return what a name means; what makes functions of code also keeps their globals."""
        found = super().find_class(module_name, global_name)
        if (module_name.partition(".")[0], global_name) != ("cloudpickle", "_make_function"):
            return found

        def make(*given: Any) -> Any:
            function = found(*given)
            self.scopes[id(function.__globals__)] = function.__globals__
            return function

        return make


def _name(scope: dict[str, Any]) -> None:
    """Give the globals of another process's script a module of their own, if they are such.

    TorchDynamo looks a function's globals up in the module that they name: in ``__main__`` it would find
    those of this process.
    """
    name = str(scope.get("__name__"))
    if name != "__main__" and not name.startswith(_SCRIPT):  # the second: pickled where it had been read
        return
    count = sum(known.startswith(_SCRIPT) for known in sys.modules)
    scope["__name__"] = f"{_SCRIPT}_{count}" if count else _SCRIPT
    module = types.ModuleType(scope["__name__"])
    vars(module).update(scope)
    sys.modules[module.__name__] = module


class PickledReference:
    """A live module read back from a file (see :func:`write`).

    ``build`` ignores its seed: the given weights are the weights. Seed 0 gives the first given input set;
    any other seed draws one like the given set number ``seed % sets``.

    Args:
        path: file made by :func:`write`, or a cloudpickle of ``{"module", "inputs"}``.
        only: number of the one given input set to use; None for all of them.

    Raises:
        TaskNotFound: if the file is not there.
        BadProgram: if it cannot be read back.
    """

    def __init__(self, path: str | Path, only: int | None = None) -> None:
        try:
            data = _read(here(Path(path)))
            self._module: nn.Module = data["module"]
            given = [tuple(one) for one in data["inputs"]]
            self._given: list[tuple[Any, ...]] = given if only is None else [given[only]]
        except FileNotFoundError as error:
            raise TaskNotFound(
                f"the pickled module {path} is not there", now="run optimize() again on the live module"
            ) from error
        except Exception as error:  # unpickling runs arbitrary constructors of the user's classes
            raise BadProgram(
                f"the pickled module {path} cannot be read back",
                why=f"{type(error).__name__}: {error}",
                now="unpickling needs the same packages and the same source files as when it was made",
            ) from error

    @property
    def module_name(self) -> str:
        """Name of the Python module of the live module's class."""
        return type(self._module).__module__

    @property
    def sets(self) -> int:
        """Number of input sets that were given."""
        return len(self._given)

    def given(self, index: int) -> tuple[Any, ...]:
        """Return a copy of the given input set number ``index``; tensors lie on the CPU."""
        return tuple(_on_cpu(a) for a in self._given[index])

    def input_sets(self) -> list[tuple[Any, ...]]:
        """Return copies of all given input sets."""
        return [self.given(i) for i in range(self.sets)]

    def init_args(self, seed: int) -> list[Any]:
        """Return no arguments: a live module has no known constructor call."""
        return []

    def init_kwargs(self, seed: int) -> dict[str, Any]:
        """Return no arguments: a live module has no known constructor call."""
        return {}

    def build(self, seed: int) -> nn.Module:
        """Return a deep copy of the module, on the CPU."""
        return copy.deepcopy(self._module).cpu()

    def inputs(self, seed: int) -> tuple[Any, ...]:
        """Return the first given set for seed 0, else a set drawn like a given one (:func:`resemble`)."""
        if seed == 0:
            return self.given(0)
        given = self.given(seed % self.sets)
        with seeded(seed):
            return tuple(_redraw(a) for a in given)


def _on_cpu(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone(memory_format=torch.preserve_format)
    return _over(value, _on_cpu)


def _redraw(value: Any) -> Any:
    import torch

    return resemble(value) if isinstance(value, torch.Tensor) else _over(value, _redraw)


def _over(value: Any, function: Any) -> Any:
    """Apply the function inside lists, tuples and dicts; return anything else as a copy."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(function(v) for v in value))
    if isinstance(value, list | tuple):
        return type(value)(function(v) for v in value)
    if isinstance(value, dict):
        return {k: function(v) for k, v in value.items()}
    return copy.deepcopy(value)


def resemble(given: torch.Tensor) -> torch.Tensor:
    """Draw a tensor like the given one: same shape, dtype and strides, a distribution fitted to its values.

    Floating (and complex) values: half of the draws are the given values in another order, their signs
    redrawn where both signs occur; the other half are normal with the same mean and deviation, kept within
    the given range where all values have one sign. NaN and infinity stay where they are. Integers are drawn
    evenly from the observed range, booleans at the observed rate. Draws come from torch's global generator.
    """
    import torch

    fresh = torch.empty_like(given)
    if given.numel() == 0:
        return fresh
    if given.dtype == torch.bool:
        rate = given.double().mean().item()
        return fresh.copy_(torch.rand(given.shape) < rate)
    if given.is_complex():
        return fresh.copy_(torch.complex(resemble(given.real.clone()), resemble(given.imag.clone())))
    if not given.is_floating_point():
        low, high = int(given.min()), int(given.max())
        end = min(high + 1, torch.iinfo(torch.int64).max)  # the largest number itself cannot be drawn
        return fresh.copy_(torch.randint(low, end, given.shape) if end > low + 1 else given)
    finite = torch.isfinite(given)
    values = given[finite].double()
    if values.numel() == 0:
        return fresh.copy_(given)
    drawn = _fit(values)
    result = given.clone()
    result[finite] = drawn.to(given.dtype)
    return fresh.copy_(result)


def is_fixed(given: torch.Tensor) -> bool:
    """Tell whether :func:`resemble` draws nothing but the given tensor itself, whatever it draws."""
    import torch

    if given.is_complex():
        return is_fixed(given.real) and is_fixed(given.imag)
    values = given[torch.isfinite(given)] if given.is_floating_point() else given
    return values.numel() == 0 or bool((values == values.flatten()[0]).all())


def _fit(values: torch.Tensor) -> torch.Tensor:
    """Draw as many values as there are, like them."""
    import torch

    both_signs = bool((values < 0).any()) and bool((values > 0).any())
    if torch.rand(()) < 0.5:
        mixed = values[torch.randperm(values.numel())]
        signs = torch.randint(0, 2, mixed.shape).double() * 2 - 1
        return mixed * signs if both_signs else mixed
    spread = values.std(correction=0)
    normal = values.mean() + spread * torch.randn(values.shape, dtype=torch.float64)
    return normal if both_signs else normal.clamp(values.min(), values.max())
