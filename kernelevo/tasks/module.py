"""From a live module to a Task: the module and its inputs are kept in a file that any process can read."""

from __future__ import annotations

import hashlib
import inspect
import math
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernelevo.backends import pickled
from kernelevo.backends.arguments import Parameters
from kernelevo.backends.candidate import plain_tensors
from kernelevo.core import Task
from kernelevo.errors import BadProgram, BadSetting, refused
from kernelevo.tasks.load import check_settings

if TYPE_CHECKING:
    from torch import nn

FILE, KIND = "module.pkl", "pickle"
LONGEST = 40_000
"""Characters of classes' text that a task keeps."""


def is_live(task: Task) -> bool:
    """Whether a task is a module that was given from Python, see ``freeze``."""
    spec = task.options.get("reference")
    return isinstance(spec, Mapping) and spec.get("kind") == KIND


def freeze(
    module: nn.Module,
    inputs: Any,
    folder: Path,
    *,
    weights: Sequence[float] | None = None,
    name: str | None = None,
    device: str = "cpu",
    policy: str = "any",
) -> Task:
    """Keep a live module with its inputs in a folder and return the task of making it faster.

    The module is deep-copied by pickling, so later changes to it do not reach the task; it keeps its weights,
    its buffers and its train or eval mode. The text of its classes is kept beside it, as far as there is any:
    without a graph nothing else says what its forward computes.

    Args:
        module: any ``nn.Module`` that cloudpickle can take.
        inputs: one tensor; one tuple, the arguments of ``forward``; a dict of them by name; or a list of
            such sets.
        folder: where to write ``module.pkl``; made if it is missing.
        weights: how much each input set counts in the score (a geometric mean); equal if None.
        name: name of the task; the class's name if None.
        device: where programs are judged.
        policy: ``"any"`` or ``"no-aten"``.

    Raises:
        BadSetting: for something that is not a module, weights that do not fit, an unknown device or policy.
        BadProgram: no inputs, a module or input that cannot be pickled, or a sparse tensor.
        StoreError, Unwritable: if the folder cannot be made or written.
    """
    from torch import nn

    check_settings(device, policy)
    if isinstance(module, type) or not isinstance(module, nn.Module):
        raise BadSetting(
            f"Expected a live torch.nn.Module, got {module!r:.80}.",
            now="pass an instance, e.g. optimize(MyModule(), inputs)",
        )
    sets = input_sets(inputs, module)
    parts = _weights(weights, len(sets))
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pickled.write(path, module, sets)
    except OSError as error:
        raise refused(f"the module cannot be kept in {folder}.", error) from error
    kind = type(module).__name__
    spec = {
        "kind": KIND,
        "path": str(path.resolve()),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "sets": len(sets),
        "weights": parts,
        "classes": _classes(module),
    }
    mode = "train" if module.training else "eval"
    goal = (
        f"Make this PyTorch module ({kind}, {mode} mode, {len(sets)} input set(s)) faster on {device}, "
        f"with the same results (within 1e-5 of an fp64 evaluation), parameters and side effects.\n\n{module}"
    )
    return Task(
        name or kind,
        goal,
        (),
        "kernel",
        {"reference": spec, "device": device, "size": "full", "policy": policy},
    )


def _classes(module: nn.Module) -> str:
    """Return the text of a module's classes that are not PyTorch's own: each once, outer ones first.

    Classes of submodules come before those that any of them derive from. One whose text is not to be had (it
    was typed into a prompt) is left out; so is what does not fit into ``LONGEST``, which is then said.
    """
    from torch import nn

    own = dict.fromkeys(type(part) for part in module.modules())
    derived = dict.fromkeys(base for kind in own for base in kind.__mro__ if issubclass(base, nn.Module))
    texts: list[str] = []
    room = LONGEST
    for kind in {**own, **derived}:
        if kind.__module__.partition(".")[0] == "torch":
            continue
        try:
            text = textwrap.dedent(inspect.getsource(kind)).strip()
        except (OSError, TypeError, SyntaxError):
            continue
        if len(text) > room:
            text = f"# class {kind.__qualname__} is left out: {len(text)} characters"
        texts.append(text)
        room -= len(text)
    return "\n\n\n".join(texts)


def _refuse_layouts(module: nn.Module, sets: Sequence[tuple[Any, ...]]) -> None:
    """Refuse tensors whose values do not lie in memory by shape and strides, as a judge draws them."""
    import torch
    from torch.utils import _pytree as pytree

    given = [(f"input {i}", leaf) for one in sets for i, leaf in enumerate(pytree.tree_leaves(one))]
    held = (*module.named_parameters(), *module.named_buffers(), *plain_tensors(module).items())
    for name, tensor in (*held, *given):
        if isinstance(tensor, torch.Tensor) and tensor.layout is not torch.strided:
            kind = str(tensor.layout).removeprefix("torch.")
            raise BadProgram(
                f"{type(module).__name__} cannot be optimised: {name} is a {kind} tensor.",
                why="programs are checked and timed on tensors that lie in memory by shape and strides",
                now="optimise a submodule that works on dense tensors, or give the dense form (to_dense)",
            )


def input_sets(inputs: Any, module: nn.Module) -> list[tuple[Any, ...]]:
    """Return input sets as a list of argument tuples.

    A tensor is one set of one argument; a tuple, or a dict of arguments by name, is one set; a list holds
    sets.

    Args:
        inputs: what the user gave.
        module: whose forward takes them; its signature says in which places named ones belong.

    Raises:
        BadProgram: for an empty list, for names that cannot be put in their places, for a sparse tensor in
            the module or its inputs, or for anything else.
    """
    import torch

    sets = inputs if isinstance(inputs, list) else [inputs]
    if not sets or not all(isinstance(one, torch.Tensor | tuple | Mapping) for one in sets):
        raise BadProgram(
            f"The inputs are a {type(inputs).__name__} that cannot be understood.",
            why="expected a tensor, a tuple of arguments, a dict of arguments by name, or a non-empty list "
            "of those (input sets)",
            now="e.g. optimize(module, (x, h0)), optimize(module, {'x': x}) or optimize(module, [(x1, h1), "
            "(x2, h2)])",
        )
    found = [_arguments(one, module) for one in sets]
    _refuse_layouts(module, found)
    return found


class FixedInputWarning(UserWarning):
    """An input's values are all the same, and a program is proven, and used, with these alone."""


def warn_of_fixed(sets: Sequence[tuple[Any, ...]], *, stacklevel: int) -> None:
    """Warn of each tensor among the inputs that will be drawn as it is in every call: a mask of ones, zeros.

    Args:
        sets: as from ``input_sets``.
        stacklevel: whose call is shown: 1 that of this function, 2 its caller's, and so on.
    """
    import torch
    from torch.utils import _pytree as pytree

    for number, one in enumerate(sets):
        for place, leaf in enumerate(pytree.tree_leaves(one)):
            if not isinstance(leaf, torch.Tensor) or leaf.is_meta or not pickled.is_fixed(leaf):
                continue
            where = f" of input set {number}" if len(sets) > 1 else ""
            held = "is empty" if not leaf.numel() else f"is {leaf.flatten()[0].item():g} everywhere"
            if leaf.numel() and not (leaf == leaf.flatten()[0]).all():  # infinities stay in their places
                held = "holds one finite number alone"
            warnings.warn(
                f"input {place}{where} {held}: programs are proven with just these values, and calls with "
                "others go to the original module; give an input in which they differ unless it stays so",
                FixedInputWarning,
                stacklevel=stacklevel + 1,
            )


def _arguments(given: Any, module: nn.Module) -> tuple[Any, ...]:
    if not isinstance(given, Mapping):
        return given if isinstance(given, tuple) else (given,)
    taken = Parameters.of(module)
    ordered = taken.by_position((), given)
    if ordered is None:
        named, places = (", ".join(map(str, names)) or "nothing" for names in (given, taken.names))
        raise BadProgram(
            f"{type(module).__name__} cannot be given {named} by position.",
            why=f"its forward takes {places} by position; a program is called in no other way",
            now="name arguments of these and leave out none that it needs, or wrap the module in one whose "
            "forward takes what you want to give",
        )
    return ordered


def _weights(weights: Sequence[float] | None, count: int) -> list[float]:
    try:
        given = [1.0] * count if weights is None else [float(w) for w in weights]
    except (TypeError, ValueError) as error:
        raise BadSetting(
            f"weights={weights!r} are no numbers.", why=str(error), now="e.g. weights=[3, 1]"
        ) from error
    if len(given) != count or not all(math.isfinite(w) and w > 0 for w in given):
        raise BadSetting(
            f"{len(given)} weights {given} do not fit {count} input sets.",
            why="one positive number for each input set",
            now="leave weights out to count all sets alike",
        )
    return [w / sum(given) for w in given]
