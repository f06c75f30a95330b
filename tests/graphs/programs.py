"""Printed programs as live modules, for tests."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path

from torch import nn

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.execution import observe

_numbers = itertools.count()


def load(text: str, folder: Path, module: nn.Module) -> nn.Module:
    """Import a program from a file, construct ModelNew and give it the weights of ``module``."""
    name = f"printed_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    program = loaded.ModelNew()
    program.load_state_dict(module.state_dict(), strict=True)
    return program.train(module.training)


def difference(captured: Captured, program: nn.Module) -> str:
    """Return how two calls of a program differ from those of the captured module."""
    return captured.reference.mismatch(observe(program, captured.calls))
