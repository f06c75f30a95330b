"""Checks that the split-precision kernels share: Triton's interpreter, and TF32 operands emulated."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import torch


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
