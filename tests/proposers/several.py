"""What a program for several input sets must do: be right on each, and refuse any other shape."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from kernelevo.backends.candidate import load_candidate
from kernelevo.core import Program


def assert_right_on_each(
    program: Program, module: torch.nn.Module, sets: Sequence[torch.Tensor], folder: Path
) -> None:
    """Load a program with the module's weights and compare it on every set (batches of other sizes)."""
    made = load_candidate(program.source, folder)()
    made.load_state_dict(module.state_dict())
    with torch.no_grad():
        for x in sets:
            torch.testing.assert_close(made(x), module(x), atol=1e-5, rtol=1e-5)
        with pytest.raises(ValueError, match="only"):
            made(sets[-1][:5])
