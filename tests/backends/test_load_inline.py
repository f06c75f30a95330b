"""An unchanged upstream-style program that uses torch's own inline extensions."""

from pathlib import Path

import pytest
import torch
from torch import nn

from kernelevo.backends.candidate import adopt, load_candidate

PROGRAM = r'''
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
torch::Tensor relu_forward(torch::Tensor x) { return x.clamp_min(0); }
"""
relu = load_inline(name="kernelevo_smoke_relu", cpp_sources=[source], functions=["relu_forward"])


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = relu

    def forward(self, x):
        return self.relu.relu_forward(x)
'''


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_load_inline_programs_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "extensions"))
    cls = load_candidate(PROGRAM, tmp_path)
    module = adopt(cls, nn.ReLU(), [], {}, 0).module
    x = torch.randn(5)
    assert torch.equal(module(x), x.relu())
