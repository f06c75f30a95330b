"""Inputs: the distributions a program is tried on, and perturbed parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils import _pytree as pytree

from kernelevo.kernels.reference.tree import reals

NOTHING: Mapping[str, str] = MappingProxyType({})
SHIPPED = "shipped"
DISTRIBUTIONS = (SHIPPED, "normal", "signed", "small", "large", "sparse", "rows", "outlier", "odd")
"""As the task ships them; standard normal; uniform in [-1, 1); shipped times 1e-2; shipped times 1e2; one
value in ten kept, none of one row; rows that are nearly constant; one value of each row far larger than the
others; one sample or row, never the first, times 1e2."""
# Of such a row. Whether the mean of a constant row comes out exact is luck, PyTorch's or a program's, and a
# normalisation makes three hundred times as much of what is left.
_UNEVEN = 1e-3
_FEW_HALVES = 64
_LEAST_SORTED = 8  # values that are in order by chance in one draw of twenty thousand
_ALIKE = 1e-5  # relative: sums that were made one, not those of many random numbers
# Times the deviation, and at least this: exp of it is beyond fp32.
_FAR = 128.0
_LEAST_SPREAD = 0.1  # of gains that are all one, and biases of zero
_EDIT = 0.3  # of the deviation; one that is far larger costs Winograd's products the digits of its channel


class Source(Protocol):
    """Where input sets come from (a reference of the backends room)."""

    def inputs(self, seed: int) -> tuple[Any, ...]:
        """Return one set of arguments of ``forward``, on the CPU; equal seeds give equal values."""
        ...


def is_free(first: Any, second: Any) -> bool:
    """Tell whether a leaf looks like freely drawn reals, given two draws of it.

    Masks, one-hot rows, lengths, constants and index tensors are not free: they mean something, so they are
    only ever redrawn as the task draws them. Nor are reals with a structure that both draws have: sorted,
    triangular, symmetric, of rows that sum to one.
    """
    if not (isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor)):
        return False
    if not first.is_floating_point() or first.numel() < 2 or first.shape != second.shape:
        return False
    sample = first.flatten()[:65536].float()
    if not bool(torch.isfinite(sample).all()) or torch.equal(first, second):
        return False
    # uniform numbers from 0 to 1 have 256 values in bfloat16, 2048 in float16
    most = _FEW_HALVES if first.itemsize == 2 else 4096 // 2
    distinct = np.unique(sample.numpy()).size > max(1, min(sample.numel() // 2, most))
    return distinct and not _structured(first, second)


def _structured(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Tell whether two draws share what a module may rely on, and other distributions would not have."""
    zeros = first == 0
    if int(zeros.sum()) > 1 and torch.equal(zeros, second == 0):
        return True
    if all(map(_symmetric, (first, second))):
        return True
    long = [d for d, size in enumerate(first.shape) if size >= _LEAST_SORTED]
    if any(_sorted(first, d) and _sorted(second, d) for d in long):
        return True
    return any(_sums(first, d) == _sums(second, d) != "" for d in long)


def _symmetric(matrices: torch.Tensor) -> bool:
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2] or matrices.shape[-1] < 2:
        return False
    return bool(torch.allclose(matrices.float(), matrices.mT.float(), rtol=1e-3, atol=1e-5))


def _sorted(values: torch.Tensor, dim: int) -> bool:
    steps = values.narrow(dim, 1, values.shape[dim] - 1) - values.narrow(dim, 0, values.shape[dim] - 1)
    return bool((steps >= 0).all()) or bool((steps <= 0).all())


def _sums(values: torch.Tensor, dim: int) -> str:
    """Name what is the same for all vectors along a dimension, their sum or their length; "" for neither."""
    for name, sums in (("sum", values.double().sum(dim)), ("length", values.double().square().sum(dim))):
        most = float(sums.abs().max())
        if sums.numel() > 1 and most > 0 and float(sums.max() - sums.min()) < _ALIKE * most:
            return f"{name} {most:.2g}"
    return ""


def free_leaves(source: Source, seed: int) -> list[bool]:
    """Tell for each leaf of an input set whether its values may be replaced by other distributions."""
    first = pytree.tree_leaves(source.inputs(seed))
    second = pytree.tree_leaves(source.inputs(seed + 1))
    return [is_free(a, b) for a, b in zip(first, second, strict=True)]


def draw(source: Source, distribution: str, seed: int, free: Sequence[bool]) -> tuple[Any, ...]:
    """Draw one input set.

    Args:
        source: the task's own draws.
        distribution: one of ``DISTRIBUTIONS``.
        seed: equal seeds give equal values.
        free: for each leaf whether the distribution applies to it; others stay as shipped.

    Raises:
        ValueError: for a name that is not in ``DISTRIBUTIONS``.
    """
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"unknown distribution {distribution!r}")
    shipped = source.inputs(seed)
    if distribution == SHIPPED:
        return shipped
    generator = torch.Generator().manual_seed(seed ^ 0x5DEECE66D)
    leaves, spec = pytree.tree_flatten(shipped)
    changed = [
        _redraw(leaf, distribution, generator) if may else leaf
        for leaf, may in zip(leaves, free, strict=True)
    ]
    return tuple(pytree.tree_unflatten(changed, spec))


def _redraw(leaf: torch.Tensor, distribution: str, generator: torch.Generator) -> torch.Tensor:
    result = torch.empty_like(leaf)
    match distribution:
        case "normal":
            return result.copy_(torch.randn(leaf.shape, generator=generator))
        case "signed":
            return result.copy_(torch.rand(leaf.shape, generator=generator) * 2 - 1)
        case "small":
            return result.copy_(leaf * 1e-2)
        case "large":
            return result.copy_(leaf * 1e2)
        case "sparse":
            kept = torch.rand(leaf.shape, generator=generator) < 0.1
            if leaf.ndim > 1 and leaf.numel():  # one row is nothing but zeros, as padding is
                rows = kept.view(-1, leaf.shape[-1])
                rows[int(torch.randint(len(rows), (), generator=generator))] = False
            return result.copy_(leaf * kept)
        case "outlier":
            return result.copy_(_with_outliers(leaf, generator))
        case "odd":
            return result.copy_(_with_an_odd_one(leaf, generator))
        case _:  # rows
            noise = torch.randn(leaf.shape, generator=generator)
            return result.copy_(leaf[..., :1] * (1 + _UNEVEN * noise))


def _with_outliers(leaf: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return a copy in which one value of each row is far from the others, with the sign that it had.

    In a third of the rows it is the first, in a third the last: what a loop forgets is there.
    """
    rows = leaf.reshape(-1, leaf.shape[-1])
    count, width = rows.shape
    place = torch.randint(width, (count,), generator=generator)
    kind = torch.randint(3, (count,), generator=generator)
    place = torch.where(kind == 0, 0, torch.where(kind == 1, width - 1, place)).unsqueeze(1)
    far = _FAR * max(1.0, float(leaf.float().std(correction=0)))
    size = far * (1 + 0.5 * torch.rand(count, 1, generator=generator))
    value = torch.copysign(size, rows.gather(1, place).float()).to(leaf.dtype)
    return rows.scatter(1, place, value).view(leaf.shape)


def _with_an_odd_one(leaf: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return a copy in which one slice of a secret dimension, never its first, is a hundred times as large.

    The dimension is none of a row's own where there is another: who looks at the first row, or the first
    sample, sees nothing of it.
    """
    long = [d for d, size in enumerate(leaf.shape) if size > 1]
    outer = [d for d in long if d < leaf.ndim - 1] or long
    result = leaf.clone()
    if outer:
        dim = outer[int(torch.randint(len(outer), (), generator=generator))]
        result.select(dim, int(torch.randint(1, leaf.shape[dim], (), generator=generator))).mul_(1e2)
    return result


def statistics(module: nn.Module) -> frozenset[str]:
    """Return the names of running statistics that a module reads and does not update: those of eval mode."""
    return frozenset(
        f"{name}.{part}" if name else part
        for name, child in module.named_modules()
        if isinstance(child, _NormBase) and child.track_running_stats and not child.training
        for part in ("running_mean", "running_var")
    )


def tied(module: nn.Module) -> dict[str, str]:
    """Return name -> first name of what a state holds under several names: shared layers, tied weights.

    Args:
        module: fresh from its constructor.
    """
    first: dict[Any, str] = {}
    found = {}
    for name, value in module.state_dict(keep_vars=True).items():
        if isinstance(value, torch.Tensor) and value.numel():
            place = (value.data_ptr(), value.dtype, tuple(value.shape), value.stride())
            if first.setdefault(place, name) != name:
                found[name] = first[place]
    return found


def perturbed(
    state: Mapping[str, torch.Tensor],
    parameters: frozenset[str],
    seed: int,
    same: Mapping[str, str] = NOTHING,
    only: Collection[str] | None = None,
    *,
    relative: bool = False,
    positive: Collection[str] = (),
) -> dict[str, torch.Tensor]:
    """Return a state with other parameter values of about the same size.

    Parameters get noise of a tenth of their own deviation (at least 0.01), so biases of 0 and gains of 1
    move; ``relative``, of a tenth of each value, so that what is positive stays so. Float buffers move only
    where they are one-dimensional and constant, as fresh running statistics are: a mask or a table is not a
    weight. Positive constants stay positive.

    Args:
        state: the module's state dict.
        parameters: which of its names are parameters.
        seed: equal seeds give equal values.
        same: see ``tied``.
        only: names that change, those of ``same`` with the ones that they follow; None for all.
        relative: see above.
        positive: names whose values stay positive in any case, as variances are.
    """
    generator = torch.Generator().manual_seed(seed)
    result = {}
    for name, value in state.items():
        if only is not None and name not in only:
            result[name] = value
            continue
        real = value.is_floating_point()
        if not (real or value.is_complex()) or not value.numel():
            result[name] = value.clone()
            continue
        kind = torch.float32 if real else torch.complex64
        noise = torch.randn(value.shape, generator=generator, dtype=kind).to(value.dtype)
        if name in parameters:
            wide = reals(value.to(torch.promote_types(value.dtype, kind)))
            spread = float(wide.std(correction=0)) if value.numel() > 1 else 0.0
            if name in positive:
                result[name] = value * torch.exp(0.1 * noise)
            elif relative:
                result[name] = value * (1 + 0.1 * noise)
            else:
                result[name] = value + noise * max(0.1 * spread, 0.01)
        elif real and value.ndim == 1 and bool((value == value[0]).all()):
            above = bool(value[0] > 0)
            result[name] = value * torch.exp(0.1 * noise) if above else value + 0.1 * noise
        else:
            result[name] = value.clone()
    # with other values under each name, the order in which they are taken over would decide
    return {name: result[same.get(name, name)] for name in result}


def all_alike(values: torch.Tensor) -> bool:
    """Tell whether a tensor holds one positive number again and again, as fresh gains do."""
    flat = values.flatten()
    return len(flat) > 1 and bool((flat == flat[0]).all()) and bool(flat[0] > 0)


def with_another_row(values: torch.Tensor, seed: int, *, relative: bool = False) -> torch.Tensor:
    """Return a tensor of which one row, or of a vector one number, is moved; never the first.

    Each number of it moves by a part of the deviation of all, or more: as by an edit.

    Args:
        values: at least two rows.
        seed: equal seeds give equal values.
        relative: each value keeps its sign.
    """
    generator = torch.Generator().manual_seed(seed)
    row = int(torch.randint(1, len(values), (), generator=generator))
    noise = torch.randn(values[row].shape, generator=generator).to(values.dtype)
    result = values.clone()
    if relative:
        result[row] *= 1.5 + noise.abs()
    else:
        far = _EDIT * max(float(values.float().std(correction=0)), _LEAST_SPREAD)
        result[row] += far * torch.copysign(1 + noise.abs(), noise)
    return result


def some_turned(values: torch.Tensor, seed: int) -> torch.Tensor:
    """Return a tensor of which some numbers, at the least one, have the other sign."""
    generator = torch.Generator().manual_seed(seed)
    signs = torch.where(torch.rand(values.shape, generator=generator) < 0.25, -1.0, 1.0)
    signs.view(-1)[int(torch.randint(values.numel(), (), generator=generator))] = -1.0
    return values * signs.to(values.dtype)


def enlarged(values: torch.Tensor, seed: int) -> torch.Tensor:
    """Return a matrix 8 to 32 times as large, as a trained one may be beside a fresh one."""
    share = torch.rand((), generator=torch.Generator().manual_seed(seed))
    return values * 2.0 ** (3 + 2 * share.to(values.dtype))


def shifted(values: torch.Tensor, seed: int) -> torch.Tensor:
    """Return a vector whose numbers are moved by up to 6 either way: gates stay open, units rest."""
    generator = torch.Generator().manual_seed(seed)
    moves = 12 * torch.rand(values.shape, generator=generator) - 6
    return values + moves.to(values.dtype)


def varies(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Tell whether a buffer is drawn by the constructor, given what two seeds have made of it."""
    alike = first.shape == second.shape and first.is_floating_point() and first.numel() > 1
    return alike and not torch.equal(first, second)
