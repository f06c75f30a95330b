"""Candidate: a program's text as a class, and the class as a module that holds the reference's weights.

Loading runs the program's text. Only the judge's child processes do that for programs of unknown origin.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from kernelevo.backends.beside import lay_beside, written
from kernelevo.backends.seeding import seeded
from kernelevo.backends.toolchain import TRITON_FUSION
from kernelevo.core.program import ENTRY
from kernelevo.errors import BuildError, KernelEvoError

if TYPE_CHECKING:
    import torch
    from torch import nn

ENTRY_CLASS = "ModelNew"
NOTHING: Mapping[str, str] = MappingProxyType({})

How = Literal["strict", "by seed"]


class Adopted(NamedTuple):
    """A candidate with the reference's weights, and how it came by them."""

    module: nn.Module
    weights: How


def load_candidate(source: str, folder: Path, beside: Mapping[str, str] = NOTHING) -> type[nn.Module]:
    """Write a program's text into a file of the folder, import it and return its class ``ModelNew``.

    The file's name holds the text's hash; a folder that already has it is only read (the run stage may not
    write). Triton and dynamo find the source in that file. A program of several files gets a folder of its
    own there: its modules import one another by name or relatively, and find other files beside
    ``__file__``.

    Args:
        source: text of the entry.
        folder: what may be written.
        beside: the program's other files, path -> text.

    Raises:
        BuildError: if the text does not parse, raises on import, or has no ``ModelNew``; ``log`` holds the
            traceback through the program's own lines.
        MachineError: as raised inside (a compiler that is missing, a build refused in the run stage).
    """
    return _entry_class(getattr(import_program(source, folder, beside), ENTRY_CLASS, None))


def import_program(source: str, folder: Path, beside: Mapping[str, str] = NOTHING) -> Any:
    """Write a program's text into a file of the folder and import it, as :func:`load_candidate` does.

    Raises:
        BuildError: if the text does not parse or raises on import, or a file beside it has the name of a
            module that is imported already.
        MachineError: as raised inside.
    """
    # Triton's default for fused multiply-add changes between releases; a program's numbers should not
    os.environ.setdefault(TRITON_FUSION, "1")
    whole = json.dumps([source, sorted(beside.items())]) if beside else source
    name = f"kernelevo_candidate_{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
    path = folder / name / ENTRY if beside else folder / f"{name}.py"
    written(source, path)
    spec = importlib.util.spec_from_file_location(
        name, path, submodule_search_locations=[str(path.parent)] if beside else None
    )
    assert spec is not None and spec.loader is not None  # a path that ends in .py always has a loader
    module = importlib.util.module_from_spec(spec)
    if beside:
        lay_beside(beside, path.parent)
    sys.modules[name] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except BaseException as error:
        del sys.modules[name]
        raise _as_build_error(error, path, "the program fails when it is imported") from error
    return module


def adopt(
    candidate: type[nn.Module],
    reference: nn.Module,
    init_args: Sequence[Any],
    init_kwargs: Mapping[str, Any],
    seed: int,
) -> Adopted:
    """Construct a candidate after the seed and give it the reference's weights and mode.

    First by ``load_state_dict(strict=True)``. If that is refused (a program may rename or fuse parameters),
    both sides must hold the same values: all parameters, buffers and tensors held as plain attributes,
    flattened and sorted per dtype, must be equal. So for this second rule ``reference`` must be fresh from
    its constructor after the same seed. With a strict load, plain-attribute tensors that both sides hold
    under one name are compared too.

    Args:
        candidate: class from :func:`load_candidate`.
        reference: module on the CPU; its state is copied, not shared.
        init_args: positional arguments of the constructor.
        init_kwargs: keyword arguments of the constructor.
        seed: seed with which the reference was constructed.

    Raises:
        BuildError: if the constructor raises, or neither rule holds.
        MachineError: as raised inside the constructor.
    """
    try:
        with seeded(seed):
            module = candidate(*init_args, **init_kwargs)
    except BaseException as error:
        raise _as_build_error(error, _file_of(candidate), f"{ENTRY_CLASS}(...) raises") from error
    try:
        module.load_state_dict(reference.state_dict(), strict=True)
        how: How = "strict"
    except (RuntimeError, KeyError, TypeError, AttributeError) as refused:
        with seeded(seed):
            module = candidate(*init_args, **init_kwargs)  # a refused load may have copied some of the values
        difference = _difference_of_values(module, reference)
        if difference:
            raise BuildError(
                "the program does not take over the reference's weights",
                why=f"{difference}; load_state_dict says: {refused}",
                now="give ModelNew the parameter and buffer names and shapes of Model",
            ) from refused
        how = "by seed"
    except BaseException as error:
        raise _as_build_error(error, _file_of(candidate), "load_state_dict raises") from error
    if how == "strict":
        _compare_plain(module, reference)
    module.train(reference.training)
    return Adopted(module, how)


def plain_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return the tensors that a module and its children hold as plain attributes, by dotted name.

    Lists, tuples and dicts of tensors are looked into; parameters and registered buffers are not among them.
    """
    found: dict[str, torch.Tensor] = {}
    for prefix, child in module.named_modules():
        for name, value in vars(child).items():
            if name not in ("_parameters", "_buffers", "_modules"):
                found.update(_tensors(f"{prefix}.{name}" if prefix else name, value))
    return found


def _tensors(name: str, value: Any, depth: int = 0) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield name, value
    elif depth < 3 and isinstance(value, list | tuple):
        for i, entry in enumerate(value):
            yield from _tensors(f"{name}[{i}]", entry, depth + 1)
    elif depth < 3 and isinstance(value, dict):
        for key, entry in value.items():
            yield from _tensors(f"{name}[{key!r}]", entry, depth + 1)


def _entry_class(found: Any) -> type[nn.Module]:
    from torch import nn

    if isinstance(found, type) and issubclass(found, nn.Module):
        return found
    raise BuildError(
        f"the program defines no class {ENTRY_CLASS}"
        if found is None
        else f"{ENTRY_CLASS} is not a torch.nn.Module class",
        now=f"define class {ENTRY_CLASS}(torch.nn.Module) with the constructor and forward of Model",
    )


def _as_build_error(error: BaseException, path: Path | None, what: str) -> BaseException:
    """Turn what a program raised into a BuildError; our own errors and Ctrl-C stay what they are."""
    if isinstance(error, KernelEvoError | KeyboardInterrupt):
        return error
    log = _trimmed(error, path)
    return BuildError(f"{what}: {type(error).__name__}", why=str(error)[:500], log=log)


def _trimmed(error: BaseException, path: Path | None) -> str:
    """Return the traceback from the program's own first line on, its folder cut off."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [i for i, frame in enumerate(frames) if path is not None and _belongs(frame.filename, path)]
    kept = frames[own[0] :] if own else traceback.StackSummary()
    text = "".join(traceback.format_list(list(kept)) + traceback.format_exception_only(error))
    if path is None:
        return text
    return text.replace(f"{path.parent}/", "") if path.name == ENTRY else text.replace(str(path), ENTRY)


def _belongs(file: str, entry: Path) -> bool:
    """Whether a file is a program's entry, or lies in the folder of one of several files."""
    return file == str(entry) or (entry.name == ENTRY and entry.parent in Path(file).parents)


def _file_of(candidate: type) -> Path | None:
    file = getattr(sys.modules.get(candidate.__module__), "__file__", None)
    return Path(file) if file else None


def _difference_of_values(module: nn.Module, reference: nn.Module) -> str:
    """Return how the two bags of values differ, or an empty text."""
    ours, theirs = _bag(module), _bag(reference)
    for dtype in sorted(ours.keys() | theirs.keys(), key=str):
        a, b = ours.get(dtype), theirs.get(dtype)
        if a is None or b is None or a.numel() != b.numel():
            counts = [0 if t is None else t.numel() for t in (a, b)]
            return f"it holds {counts[0]} values of {dtype}, the reference {counts[1]}"
        if not _same(a, b):
            return f"after the same seed its sorted {dtype} values differ from the reference's"
    return ""


def _bag(module: nn.Module) -> dict[torch.dtype, torch.Tensor]:
    """All values of a module by dtype, sorted; shared parameters count once."""
    import torch

    tensors: dict[int, torch.Tensor] = {id(t): t for t in module.parameters()}
    tensors.update({id(t): t for t in module.buffers()})
    tensors.update({id(t): t for t in plain_tensors(module).values()})
    flat: dict[torch.dtype, list[torch.Tensor]] = {}
    for tensor in tensors.values():
        value = tensor.detach().cpu()
        value = torch.view_as_real(value) if value.is_complex() else value
        flat.setdefault(tensor.dtype, []).append(value.reshape(-1))
    return {dtype: torch.cat(parts).sort().values for dtype, parts in flat.items()}


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal values, NaN counted as equal to NaN."""
    same = a == b
    if a.is_floating_point() or a.is_complex():
        same = same | (a.isnan() & b.isnan())
    return bool(same.all())


def _compare_plain(module: nn.Module, reference: nn.Module) -> None:
    theirs = plain_tensors(reference)
    for name, ours in plain_tensors(module).items():
        other = theirs.get(name)
        if other is None:
            continue
        alike = ours.shape == other.shape and ours.dtype == other.dtype
        if not alike or not _same(ours.detach().cpu(), other.detach().cpu()):
            raise BuildError(
                f"the tensor attribute {name!r} differs from the reference's after the same seed",
                why="it is no parameter and no buffer, so load_state_dict does not carry it over",
                now="construct it as Model does, in the same order of random draws",
            )
