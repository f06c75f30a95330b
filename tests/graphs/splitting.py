"""Checks that the split-precision kernels share: Triton's interpreter, and TF32 operands emulated."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch

from kernelevo.graphs.split_dot import WAYS

QUICK_WAYS = [WAYS[0], *(pytest.param(way, marks=pytest.mark.slow) for way in WAYS[1:])]
"""The ways of a split, all but the first in slow tests."""


def interpret(script: str, kernels: str, tune: Mapping[str, object], folder: Path) -> None:
    """Run a script where Triton interprets; it gets the path of the kernels' text and the tuned values."""
    path = folder / "kernels.py"
    path.write_text(kernels)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), repr(dict(tune))],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        env={**os.environ, "TRITON_INTERPRET": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def tf32(x: torch.Tensor) -> torch.Tensor:
    """Round to ten bits of mantissa, halves away from zero, as the conversion instruction does."""
    bits = x.view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


def interpreted(kernels: str) -> str:
    """Return a text whose wrappers launch on the CPU and whose bf16 parts stay fp32, with equal values.

    The interpreter keeps bf16 as its bits, which its matrix product would take for integers.
    """
    launched = re.sub(r"if not \w+\.is_cuda:", "if False:", kernels)
    return launched.replace(".to(tl.bfloat16)", ".to(tl.bfloat16).to(tl.float32)")


def bf16(x: torch.Tensor) -> torch.Tensor:
    """Round to bf16, to nearest."""
    return x.to(torch.bfloat16).float()


# of each way: the parts of an operand, what is summed in the kernel's order (the largest last), and how many
# columns one matrix instruction takes
EMULATED = {
    "tf32": ((tf32,), ((0, 0),), 8),
    "tf32x3": ((tf32, tf32), ((1, 0), (0, 1), (0, 0)), 8),
    "bf16x3": ((bf16, bf16), ((1, 0), (0, 1), (0, 0)), 16),
    "bf16x6": ((bf16, bf16, bf16), ((1, 1), (2, 0), (0, 2), (1, 0), (0, 1), (0, 0)), 16),
}


def emulated(a: torch.Tensor, b: torch.Tensor, way: str, step: int = 32) -> torch.Tensor:
    """Return a @ b as the kernels do: within a step cut off as matrix units do, sums of steps rounded."""
    rounded, pairs, columns = EMULATED[way]
    parts_a, parts_b = _parts(a, rounded), _parts(b, rounded)
    total = torch.zeros(a.shape[0], b.shape[1])
    for start in range(0, a.shape[1], step):
        end = min(start + step, a.shape[1])
        product = torch.zeros_like(total)
        for i, j in pairs:
            if (i, j) == pairs[-1]:
                product = torch.where(product.isnan(), 0.0, product)
            for at in range(start, end, columns):
                k = slice(at, min(at + columns, end))
                product = _cut(product.double() + parts_a[i][:, k].double() @ parts_b[j][k].double())
        total = total + product
    return total


def _parts(x: torch.Tensor, rounded: Sequence[Callable[[torch.Tensor], torch.Tensor]]) -> list[torch.Tensor]:
    parts = []
    for narrow in rounded:
        parts.append(narrow(x))
        x = x - parts[-1]
    return parts


def _cut(x: torch.Tensor) -> torch.Tensor:
    """Return fp64 values in fp32, what does not fit cut off."""
    nearest = x.float()
    beyond = nearest.double().abs() > x.abs()
    return torch.where(beyond, torch.nextafter(nearest, torch.zeros_like(nearest)), nearest)
