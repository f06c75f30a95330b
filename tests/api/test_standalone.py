"""A winner on its own: one file or one package gives the same values where kernelevo is not to be had."""

import os
import subprocess
import sys

import pytest

from kernelevo.api.standalone import standalone
from kernelevo.errors import BadProgram, BadSetting

PROGRAM = '''"""Doubles, then multiplies."""

from __future__ import annotations

import torch
from torch import nn

import kernelevo
from kernelevo import packed

TEXT = "import kernelevo in a text stays \\\\n as it is"
LIBRARY = kernelevo.cpp(r"""
#include <kernelevo.h>
extern "C" void twice(const float* x, float* y, long n) { for (long i = 0; i < n; ++i) y[i] = 2 * x[i]; }
""")


def pack(weight):
    return weight.t().contiguous()


class ModelNew(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).view(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.empty_like(x)
        LIBRARY.twice(x, y, x.numel())
        return y @ packed(pack, self.weight)
'''
TRY = """
import pickle, sys
sys.modules["kernelevo"] = None  # as if it were not installed
import exported, torch
with torch.no_grad():
    made = exported.ModelNew()
    print(made(torch.ones(1, 3)).tolist(), exported.__doc__, exported.TEXT)
    made.weight.mul_(2.0)
    print(made(torch.ones(1, 3)).tolist(), type(pickle.loads(pickle.dumps(exported.LIBRARY))).__module__)
"""


def run_in(folder, home, code=TRY):
    environment = {**os.environ, "KERNELEVO_CACHE": str(home), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("form", ["file", "package"])
def test_it_runs_where_kernelevo_is_not_installed(form, tmp_path):
    whole = standalone(PROGRAM, ["What it is.", "", "How to use it."])
    files = {"exported.py": whole.as_file()} if form == "file" else whole.as_package()
    root = tmp_path / "there" if form == "file" else tmp_path / "there" / "exported"
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    first, second = run_in(tmp_path / "there", tmp_path / "cache")
    assert first == r"[[6.0, 24.0]] Doubles, then multiplies. import kernelevo in a text stays \n as it is"
    assert second.startswith("[[12.0, 48.0]]") and "_kernelevo_" in second
    start = (root / ("exported.py" if form == "file" else "__init__.py")).read_text()
    assert start.startswith("# What it is.\n#\n# How to use it.\n")


def parted():
    """The program as three files: what it builds, what it packs, the module."""
    library = PROGRAM.index("LIBRARY = ")
    pack, module = PROGRAM.index("def pack"), PROGRAM.index("class ModelNew")
    imports = "from library import LIBRARY\nfrom .parts.packing import pack\n"
    return PROGRAM[:library] + imports + PROGRAM[module:], {
        "library.py": f"import kernelevo\n{PROGRAM[library:pack]}",
        "parts/packing.py": PROGRAM[pack:module],
        "parts/notes.txt": "import kernelevo\n",
    }


def test_a_program_of_several_files_runs_there_too_and_leaves_names_to_others(tmp_path):
    entry, beside = parted()
    whole = standalone(entry, ["What it is."], beside)
    assert whole.runtime.keys() == standalone(PROGRAM).runtime.keys()
    with pytest.raises(BadSetting, match="several files"):
        whole.as_file()
    there = tmp_path / "there"
    for path, text in whole.as_package().items():
        (there / "exported" / path).parent.mkdir(parents=True, exist_ok=True)
        (there / "exported" / path).write_text(text)
    assert (there / "exported/program/parts/notes.txt").read_text() == beside["parts/notes.txt"]
    (there / "library.py").write_text("LIBRARY = 'of somebody else'\n")
    names = 'import library\nassert library.LIBRARY == "of somebody else"\n'
    first, second = run_in(there, tmp_path / "cache", TRY + names)
    assert first.startswith("[[6.0, 24.0]]")
    assert second.startswith("[[12.0, 48.0]]") and "_kernelevo_" in second
    bare = standalone("from helper import ModelNew\n", [], {"helper.py": "class ModelNew:\n    pass\n"})
    assert set(bare.as_package()) == {"__init__.py", "program/program.py", "program/helper.py"}


def test_only_what_is_used_goes_along():
    whole = standalone(PROGRAM)
    assert {"backends/cpp.py", "backends/packing.py", "_csrc/include/kernelevo.h"} <= set(whole.runtime)
    assert not {"backends/cuda.py", "_csrc/launch.cpp", "core/program.py"} & set(whole.runtime)
    assert "_csrc/launch.cpp" in standalone("import kernelevo as k\nK = k.cuda('')\n").runtime
    assert standalone(PROGRAM).package == whole.package


def test_a_program_that_needs_nothing_of_ours_stays_as_it_is():
    text = "import torch\n\n\nclass ModelNew(torch.nn.ReLU):\n    pass\n"
    whole = standalone(text, ["Fast."])
    assert whole.as_file() == f"# Fast.\n{text}" and whole.as_package() == {"__init__.py": f"# Fast.\n{text}"}


@pytest.mark.parametrize(
    ("text", "words"), [("def (", "not valid Python"), ("import kernelevo\nkernelevo.nothing()\n", "nothing")]
)
def test_what_cannot_go_along_is_said(text, words):
    with pytest.raises(BadProgram, match=words):
        standalone(text)
