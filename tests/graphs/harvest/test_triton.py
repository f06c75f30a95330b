"""Triton harvest: compiles for every architecture without a device; values by the interpreter."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from kernelevo.backends.triton import compile_source
from kernelevo.backends.tune import read_table
from kernelevo.graphs.capture import capture
from kernelevo.graphs.dispatch import capture_each, print_dispatch
from kernelevo.graphs.harvest.triton import harvest_triton
from kernelevo.graphs.printing import print_program


class Net(nn.Module):
    def __init__(self, width: int = 256):
        super().__init__()
        self.norm, self.first, self.second = nn.LayerNorm(width), nn.Linear(width, 64), nn.Linear(64, 32)
        self.batch = nn.BatchNorm1d(32)

    def forward(self, x):
        y = nn.functional.gelu(self.first(self.norm(x)), approximate="tanh")
        y = torch.relu(self.batch(self.second(y)))
        return y.softmax(-1), y.amax(1)


def text_of(width: int) -> str:
    torch.manual_seed(0)
    return print_program(harvest_triton(capture(Net(width), (torch.randn(16, width),))))


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(2500)  # wide enough for a looped reduction


@pytest.mark.parametrize(
    "arch",
    ["sm_90", pytest.param("sm_80", marks=pytest.mark.slow), pytest.param("sm_100", marks=pytest.mark.slow)],
)
def test_every_kernel_compiles_without_a_device(text, arch, tmp_path):
    built = compile_source(text, tmp_path, arch=arch)
    assert len(built) >= 3 and all(k.cubin for k in built.values())


def test_the_program_does_not_know_inductor(text):
    assert "_inductor" not in text and "triton_helpers" not in text and "async_compile" not in text


@pytest.mark.slow
def test_two_shapes_in_one_program_keep_their_kernels_apart(tmp_path):
    torch.manual_seed(0)
    module = Net(256)
    captures = capture_each(module, [(torch.randn(rows, 256),) for rows in (16, 48)])
    made = [harvest_triton(captured) for captured in captures]
    text = print_dispatch(made)
    apart = [set(compile_source(print_program(one), tmp_path / f"{i}")) for i, one in enumerate(made)]
    built = compile_source(text, tmp_path / "both")
    assert all(k.cubin for k in built.values())
    assert len(built) > max(map(len, apart)) and set.union(*apart) <= set(built)
    functions = {n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
    assert set(built) <= functions and {"_harvest_run", "_harvest_run_2"} <= functions
    read = set(re.findall(r"TUNE\[['\"](\w+)['\"]\]", text))
    assert read == set(read_table(text))


INTERPRET = """
import sys, torch
sys.path.insert(0, sys.argv[2])
import importlib.util
spec = importlib.util.spec_from_file_location("program", sys.argv[1])
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)
data = torch.load(sys.argv[3])
model = program.ModelNew()
model.load_state_dict(data["state"])
out = [model(x) for x in data["inputs"]]
torch.save({"out": out, "state": model.state_dict()}, sys.argv[3])
"""
DEVICE_FUNCTIONS = """
@triton.jit
def _ld_rsqrt(x):
    return 1.0 / tl.sqrt(x)


@triton.jit
def _ld_tanh(x):
    return 2.0 / (1.0 + tl.exp(-2.0 * x)) - 1.0


@triton.jit
def _ld_exp(x):
    return tl.exp(x)
"""


@pytest.mark.parametrize("width", [256, pytest.param(2500, marks=pytest.mark.slow)])
def test_values_and_buffers_by_the_interpreter(width, tmp_path):
    source = text_of(width).replace('device="cuda"', 'device="cpu"').replace("is_cuda", "is_cpu")
    source = re.sub(r"\blibdevice\.(\w+)\(", r"_ld_\1(", source)
    source = source.replace("from triton.language.extra import libdevice", DEVICE_FUNCTIONS)
    torch.manual_seed(1)
    module, inputs = Net(width), [torch.randn(16, width) for _ in range(2)]
    path, data = tmp_path / "program.py", tmp_path / "data.pt"
    path.write_text(source)
    torch.save({"state": module.state_dict(), "inputs": inputs}, data)
    done = subprocess.run(
        [sys.executable, "-c", INTERPRET, str(path), str(Path(__file__).parents[3]), str(data)],
        capture_output=True, text=True, check=False, env={**os.environ, "TRITON_INTERPRET": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = torch.load(data)
    with torch.no_grad():
        for x, out in zip(inputs, found["out"], strict=True):
            for mine, theirs in zip(out, module(x), strict=True):
                torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)
    for name, value in module.state_dict().items():
        torch.testing.assert_close(found["state"][name], value, atol=1e-5, rtol=1e-5, msg=name)


@pytest.mark.gpu
def test_values_on_the_device(text, tmp_path):
    import importlib.util

    path = tmp_path / "program.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("triton_program", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    module, x = Net(2500).cuda(), torch.randn(16, 2500, device="cuda")
    made = program.ModelNew().cuda()
    made.load_state_dict(module.state_dict())
    with torch.no_grad():
        for _ in range(2):
            for mine, theirs in zip(made(x), module(x), strict=True):
                torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)
    for name, value in module.state_dict().items():
        torch.testing.assert_close(made.state_dict()[name], value, atol=1e-5, rtol=1e-5, msg=name)
