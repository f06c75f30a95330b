"""Stitching: a model with some of its submodules replaced, whether it agrees, and what it gains."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from kernelevo.device.lease import Lease
from kernelevo.device.statistics import Estimate, estimate, log_ratio
from kernelevo.errors import InputError
from kernelevo.graphs.copying import copied_module
from kernelevo.kernels.children.setting import refuse_outputs
from kernelevo.kernels.hotspots import unusable
from kernelevo.kernels.reference.correctness import compare
from kernelevo.kernels.reference.gaps import Report
from kernelevo.kernels.reference.oracle import evaluate, observe

BLOCKS, BLOCK_SECONDS = 12, 0.2


def stitched(model: nn.Module, parts: Mapping[str, Callable[[nn.Module], nn.Module]]) -> nn.Module:
    """Return a copy of a model with some submodules replaced, each in all places where it stands.

    Args:
        model: it is not changed.
        parts: a name of each submodule, and what makes its replacement from the copy's own one, so that
            weights which several modules share stay shared.
    """
    twin = copied_module(model)
    inner = {path: twin.get_submodule(path) for path in parts}
    instead = {inner[path]: make(inner[path]) for path, make in parts.items()}
    for owner in list(twin.modules()):
        for name, child in list(owner._modules.items()):
            if child is not None and child in instead:
                setattr(owner, name, instead[child])
    return twin


def names_of(model: nn.Module, paths: Iterable[str]) -> tuple[str, ...]:
    """Return all names of some submodules: one that stands in several places has several."""
    meant = {model.get_submodule(path) for path in paths}
    return tuple(name for name, module in model.named_modules(remove_duplicate=False) if module in meant)


def agree(original: nn.Module, replaced: nn.Module, args: tuple[Any, ...], seed: int = 0) -> Report:
    """Compare a replacement with what it stands for by the rule that programs are judged by (1e-5, fp64)."""
    truth = evaluate(lambda: copied_module(original), None, args, seed)
    found = observe(copied_module(replaced), copy.deepcopy(args), seed)
    return compare(found, truth.ref32, truth.oracle, truth.e_ref, truth.e_buffers)


def refuse(model: nn.Module, sets: Sequence[tuple[Any, ...]]) -> None:
    """Refuse a model whose answers could not be compared in the end, before anything is searched.

    Args:
        model: it is not changed.
        sets: argument tuples of its forward; an answer may be of another kind for each.

    Raises:
        InputError: if it returns what a program cannot, or by which none could be wrong.
        BadProgram: if it cannot be run, in its own precision or in fp64.
    """
    for args in sets:
        try:
            truth = evaluate(lambda: copied_module(model), None, args, 0)
        except InputError:
            raise
        except Exception as error:  # the model's own code
            raise unusable(model, error) from error
        refuse_outputs(model, truth)


def gain(
    original: nn.Module, replaced: nn.Module, sets: Sequence[tuple[Any, ...]], blocks: int = BLOCKS
) -> Estimate:
    """Time a model against its replacement in this process, in ABBA blocks, alone on the machine.

    The parts were judged where they could not cheat; this says what they add up to, by this process's clock.

    Args:
        original: the model.
        replaced: the same with parts replaced.
        sets: argument tuples; each block goes through all of them.
        blocks: how many.
    """
    first, second = copied_module(original), copied_module(replaced)

    def seconds(module: nn.Module, calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            for args in sets:
                module(*args)
        return (time.perf_counter() - start) / calls

    with torch.no_grad(), Lease("cpu"):
        warm = [seconds(m, 2) for m in (first, second)]
        calls = max(1, round(BLOCK_SECONDS / max(*warm, 1e-6)))
        ratios = []
        for _ in range(blocks):
            a, b, c, d = (seconds(m, calls) for m in (first, second, second, first))
            ratios.append(log_ratio([a, d], [b, c]))
    return estimate(ratios)
