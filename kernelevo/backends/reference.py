"""Reference: the trusted PyTorch module of a task, built and fed from a seed.

A spec is plain JSON data (``Task.options["reference"]``):

- ``{"kind": "source", "text": ..., "filename": ..., "size": "full", "variant": None, "entry": "Model"}``, a
  KernelBench-format file (sizes and variants: :mod:`kernelevo.backends.taskfile`) or the user's own file;
- ``{"kind": "pickle", "path": ...}``, a live module (see :mod:`kernelevo.backends.pickled`); its ``classes``
  are text for readers alone.

Loading runs the text: only for code the user trusts, never for a candidate.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from kernelevo.backends import taskfile
from kernelevo.backends.seeding import seeded
from kernelevo.errors import BadProgram, BadSetting, TaskNotFound, closest

if TYPE_CHECKING:
    import torch
    from torch import nn

HOW_TO_ADD_INPUTS = (
    "add to the file:  def get_inputs(): return [torch.randn(8, 128)]   # what forward takes\n"
    "                  def get_init_inputs(): return []                 # what __init__ takes, if any"
)
_RUNS_BY_ITSELF = "the reference must run by itself before it can be made faster"


class Reference(Protocol):
    """What the judge and the proposers may ask of a reference."""

    @property
    def module_name(self) -> str:
        """Name of the Python module that holds the class, or of the class's own module for a pickle."""
        ...

    def init_args(self, seed: int) -> list[Any]:
        """Return the positional constructor arguments."""
        ...

    def init_kwargs(self, seed: int) -> dict[str, Any]:
        """Return the keyword constructor arguments (usually none)."""
        ...

    def build(self, seed: int) -> nn.Module:
        """Return a new module on the CPU; equal seeds give equal weights."""
        ...

    def inputs(self, seed: int) -> tuple[Any, ...]:
        """Return one set of arguments of ``forward``; tensors lie on the CPU."""
        ...

    def input_sets(self) -> list[tuple[Any, ...]]:
        """Return every input set that programs must be right for, at seed 0: of a file there is one."""
        ...


class SourceReference:
    """A reference that a file's text defines.

    Args:
        text: the whole file.
        filename: its name, for messages.
        size: ``"full"`` or another size the file has.
        variant: name in the file's ``VARIANTS``, or None.
        entry: class to build; for ``Model`` at size ``v0`` it is ``ModelV0`` where the file has that class.

    Raises:
        BadProgram: if the text does not parse, raises, or lacks ``get_inputs``.
        BadSetting: for an unknown size or variant.
        TaskNotFound: if the class is not there.
    """

    def __init__(
        self,
        text: str,
        *,
        filename: str = "task.py",
        size: str = taskfile.FULL,
        variant: str | None = None,
        entry: str = "Model",
    ) -> None:
        values = taskfile.overrides(text, size, variant, filename)
        tree = taskfile.parse(text, filename)
        if size == taskfile.V0 and f"{entry}V0" in taskfile.classes(tree):
            entry = f"{entry}V0"
        self.filename, self.entry, self.size, self.variant = filename, entry, size, variant
        _require(tree, entry, filename)
        source = taskfile.with_constants(text, values, filename)
        self._module = taskfile.execute(source, filename, prefix="kernelevo_task")
        self._class = _module_class(self._module, entry, filename)

    @property
    def module_name(self) -> str:
        """Name of the Python module that the file was executed as."""
        return self._module.__name__

    def init_args(self, seed: int) -> list[Any]:
        """Return the positional constructor arguments that ``get_init_inputs`` gives."""
        return self._init(seed)[0]

    def init_kwargs(self, seed: int) -> dict[str, Any]:
        """Return the keyword constructor arguments: ``get_init_inputs`` may return a dict."""
        return self._init(seed)[1]

    def build(self, seed: int) -> nn.Module:
        """Seed, ask for the constructor's arguments, seed again, construct: as KernelBench does."""
        args, kwargs = self._init(seed)
        with seeded(seed):
            module: nn.Module = self._call(
                self.entry,
                lambda: self._class(*args, **kwargs),
                _RUNS_BY_ITSELF
                if hasattr(self._module, "get_init_inputs")
                else "add to the file:  def get_init_inputs(): return [...]   # what the constructor takes",
            )
        tensors = (*module.parameters(), *module.buffers())
        return module if all(map(_stays, tensors)) else module.cpu()

    def inputs(self, seed: int) -> tuple[Any, ...]:
        """Return what ``get_inputs`` gives after seeding; tensors lie on the CPU."""
        import torch

        with seeded(seed):
            drawn = self._call("get_inputs", self._module.get_inputs)
        if isinstance(drawn, torch.Tensor) or not isinstance(drawn, list | tuple):
            raise BadProgram(
                f"{self.filename}: get_inputs() returns a {type(drawn).__name__}",
                why="expected a list, one entry for each argument of forward",
                now="return [x] for a single tensor",
            )
        return tuple(a.cpu() if isinstance(a, torch.Tensor) and not _stays(a) else a for a in drawn)

    def input_sets(self) -> list[tuple[Any, ...]]:
        """Return the one input set that the file draws at seed 0."""
        return [self.inputs(0)]

    def _init(self, seed: int) -> tuple[list[Any], dict[str, Any]]:
        draw = getattr(self._module, "get_init_inputs", None)
        if draw is None:
            return [], {}
        with seeded(seed):
            given = self._call("get_init_inputs", draw)
        if isinstance(given, Mapping):
            return [], dict(given)
        if not isinstance(given, list | tuple):
            raise BadProgram(
                f"{self.filename}: get_init_inputs() returns a {type(given).__name__}",
                why="expected a list, one entry for each argument of the constructor",
                now="return [] if it takes none",
            )
        return list(given), {}

    def _call(self, name: str, function: Any, now: str = _RUNS_BY_ITSELF) -> Any:
        try:
            return function()
        except Exception as error:
            place = taskfile.where(error, str(self._module.__file__))
            raise BadProgram(
                f"{self.filename}: {name}(...) raises {type(error).__name__}",
                why=f"{error}" + (f" ({place})" if place else ""),
                now=now,
            ) from error


def _stays(tensor: torch.Tensor) -> bool:
    """True on the CPU, and on the meta device, where a module is built only to count its bytes."""
    return tensor.device.type in ("cpu", "meta")


def load_reference(spec: Mapping[str, Any]) -> Reference:
    """Load the reference that a spec describes. Runs its code: for trusted references only.

    Raises:
        BadSetting: for a spec of an unknown kind.
        InputError: as :class:`SourceReference` and :class:`kernelevo.backends.pickled.PickledReference`.
    """
    kind = spec.get("kind")
    if kind == "source":
        return SourceReference(
            spec["text"],
            filename=spec.get("filename") or "task.py",
            size=spec.get("size") or taskfile.FULL,
            variant=spec.get("variant"),
            entry=spec.get("entry") or "Model",
        )
    if kind == "pickle":
        from kernelevo.backends.pickled import PickledReference

        return PickledReference(spec["path"], spec.get("set"))
    raise BadSetting(
        f"a reference of kind {kind!r} is unknown",
        why=closest(str(kind), ["source", "pickle"]),
        now="use one of these",
    )


def _require(tree: ast.Module, entry: str, filename: str) -> None:
    """Check by name what the file must define, before any of it runs."""
    bound = {name for name, _ in taskfile.bound_names(tree.body)}
    known = taskfile.classes(tree)
    if entry not in bound and "*" not in bound:
        raise TaskNotFound(
            f"{filename} has no class {entry!r}",
            why=closest(entry, known),
            now=f"name the class: {filename}:{known[0]}" if known else "define an nn.Module in it",
        )
    if "get_inputs" not in bound and "*" not in bound:
        raise BadProgram(
            f"{filename} has no get_inputs",
            why="the judge draws its own inputs from a seed and must know their shapes",
            now=HOW_TO_ADD_INPUTS,
        )


def _module_class(module: Any, entry: str, filename: str) -> type[nn.Module]:
    from torch import nn

    found = getattr(module, entry, None)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise TaskNotFound(
            f"{entry!r} in {filename} is not a torch.nn.Module class",
            why=f"it is {'absent' if found is None else f'a {type(found).__name__}'}",
            now="name a class derived from torch.nn.Module",
        )
    return found
