"""A winner on its own: one file or one package gives the same values where kernelevo is not to be had."""

import os
import subprocess
import sys

import pytest

from kernelevo.api.standalone import standalone
from kernelevo.errors import BadProgram, BadSetting
from tests.few import few

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


def run_in(folder, home, code=TRY, *arguments):
    environment = {**os.environ, "KERNELEVO_CACHE": str(home), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("form", few(["file", "package"], 1))
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


@pytest.mark.slow
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


def test_a_module_of_somebody_elses_with_the_same_name_is_neither_taken_nor_lost(tmp_path):
    whole = standalone("from helper import ModelNew\n", [], {"helper.py": "class ModelNew:\n    pass\n"})
    for path, text in whole.as_package().items():
        (tmp_path / "exported" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "exported" / path).write_text(text)
    code = (
        "import sys, types\nfor name in ('helper', 'helper.part'):\n"
        "    sys.modules[name] = types.ModuleType(name)\ntheirs = dict(sys.modules)\nimport exported\n"
        "print(exported.ModelNew.__module__, [n for n, m in theirs.items() if sys.modules.get(n) is not m])\n"
    )
    assert run_in(tmp_path, tmp_path / "cache", code) == ["helper []"]


def test_a_name_of_several_lines_stays_in_the_note():
    text = standalone("X = 1\n", ["two\nlines.py: 1.50x", "", "end"]).as_file()
    assert text == "# two\n# lines.py: 1.50x\n#\n# end\nX = 1\n"


def test_only_what_is_used_goes_along():
    whole = standalone(PROGRAM)
    assert {"backends/cpp.py", "backends/packing.py", "_csrc/include/kernelevo.h"} <= set(whole.runtime)
    assert not {"backends/cuda.py", "_csrc/launch.cpp", "core/program.py"} & set(whole.runtime)
    assert "_csrc/launch.cpp" in standalone("import kernelevo as k\nK = k.cuda('')\n").runtime
    assert standalone(PROGRAM).package == whole.package


# ways to come by kernelevo, and what `packed` is called then
IMPORTS = {
    "plain": ("import kernelevo", "kernelevo.packed"),
    "comment": ("import kernelevo  # note", "kernelevo.packed"),
    "last": ("import torch, kernelevo", "kernelevo.packed"),
    "first": ("import kernelevo, torch.nn as nn  # note", "kernelevo.packed"),
    "renamed": ("import os, kernelevo as k, \\\n    sys", "k.packed"),
    "names": ("from kernelevo import (  # note\n    packed as p,\n)", "p"),
    "continued": ("from \\\n    kernelevo import packed", "packed"),
    "bytes": ('ACCENTS = "é\u2028"; import kernelevo; import os', "kernelevo.packed"),
    "block": ("if True: import torch, kernelevo\nelse:\n    import kernelevo", "kernelevo.packed"),
}
ONE = '''"""Thrice.
import kernelevo
in a text stays as it is, \u2028 too."""
from __future__ import annotations

import torch
{statement}


def twice(weight):
    return weight + weight


class ModelNew(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))

    def forward(self, x):
        return x * {packed}(twice, self.weight)
'''
TRY_ALL = """
import importlib, sys
sys.modules["kernelevo"] = None
import torch
for name in sys.argv[1:]:
    try:
        exported = importlib.import_module(name)
        with torch.no_grad():
            value = exported.ModelNew()(torch.full((1, 2), 1.5)).tolist()
        print(name, value, exported.__doc__.split("\\n")[1])
    except Exception as error:
        print(name, repr(error))
"""


@pytest.mark.slow
def test_every_way_to_import_ours_runs_where_it_is_not_installed(tmp_path):
    there = tmp_path / "there"
    for name, (statement, packed) in IMPORTS.items():
        whole = standalone(ONE.format(statement=statement, packed=packed))
        package = {f"{name}_package/{path}": text for path, text in whole.as_package().items()}
        for path, text in {f"{name}_file.py": whole.as_file(), **package}.items():
            (there / path).parent.mkdir(parents=True, exist_ok=True)
            (there / path).write_text(text)
    names = [f"{name}_{form}" for name in IMPORTS for form in ("file", "package")]
    assert run_in(there, tmp_path / "cache", TRY_ALL, *names) == [
        f"{name} [[3.0, 3.0]] import kernelevo" for name in names
    ]


def test_imports_change_and_nothing_else():
    whole = standalone(ONE.format(statement="import os, kernelevo as k  # note", packed="k.packed"))
    own = f"import os; import {whole.package} as k  # note"
    assert whole.source == ONE.format(statement=own, packed="k.packed")
    beside = f"import os; from . import {whole.package} as k  # note"
    assert whole.as_package()["__init__.py"].endswith(
        ONE.format(statement=beside, packed="k.packed").partition("annotations\n\n")[2]
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("import torch\n\nimport kernelevo  # noqa\nX = 1\n", "import torch\n\nX = 1\n"),
        ("import torch, kernelevo\n", "import torch\n"),
        ("import kernelevo, torch.nn as nn  # note\n", "import torch.nn as nn  # note\n"),
        ("X = 1; import kernelevo\r\nY = 2\r\n", "X = 1; pass\r\nY = 2\r\n"),
        (
            "try:\n    import kernelevo\nexcept ImportError:\n    X = 1\n",
            "try:\n    pass\nexcept ImportError:\n    X = 1\n",
        ),
        ('X = """\nimport kernelevo\n"""\nfrom torch import nn\n', None),
        ("from .kernelevo import nn\nfrom kernelevo_too import nn\nimport kernelevo_too\n", None),
    ],
)
def test_an_import_of_ours_that_is_not_used_goes(text, left):
    whole, kept = standalone(text), text if left is None else left
    assert whole.source == kept and not whole.runtime
    assert whole.as_file() == f"\n{kept}" and whole.as_package() == {"__init__.py": f"\n{kept}"}


def test_a_program_that_needs_nothing_of_ours_stays_as_it_is():
    text = "import torch\n\n\nclass ModelNew(torch.nn.ReLU):\n    pass\n"
    whole = standalone(text, ["Fast."])
    assert whole.as_file() == f"# Fast.\n{text}" and whole.as_package() == {"__init__.py": f"# Fast.\n{text}"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def (", "not valid Python"),
        ("import kernelevo\nkernelevo.nothing()\n", "nothing"),
        ("import torch, kernelevo.backends.cpp\n", "kernelevo.backends.cpp, which cannot go along"),
        ("from kernelevo import cpp\nfrom kernelevo.core import Task\n", "kernelevo.core, which cannot"),
        ("from kernelevo import Program\n", "kernelevo.Program, which cannot go along"),
        ("import kernelevo\nkernelevo.execute(None)\n", "kernelevo.execute, which cannot go along"),
    ],
)
def test_what_cannot_go_along_is_said(text, words):
    with pytest.raises(BadProgram, match=words):
        standalone(text)


def test_a_cache_that_is_no_folder_is_done_without(tmp_path):
    (tmp_path / "cache").write_text("a file")
    _try_file(tmp_path, tmp_path / "cache")


def test_the_runtime_in_a_shared_cache_can_be_read_by_others(tmp_path):
    _try_file(tmp_path, tmp_path / "cache")
    written = [p for p in (tmp_path / "cache" / "standalone").rglob("*") if p.is_file()]
    assert written and all(p.stat().st_mode & 0o044 == 0o044 for p in written if p.suffix != ".pyc")


def _try_file(tmp_path, cache):
    """Run an exported file that needs the runtime and builds nothing."""
    text = PROGRAM.replace("LIBRARY = kernelevo.cpp", "TEXTS = str")
    text = text.replace("LIBRARY.twice(x, y, x.numel())", "y = 2 * x")
    (tmp_path / "exported.py").write_text(standalone(text).as_file())
    code = "import exported, torch; print(exported.ModelNew()(torch.ones(1, 3)).tolist())"
    assert run_in(tmp_path, cache, code) == ["[[6.0, 24.0]]"]


def test_two_programs_in_one_process_find_the_names_that_each_uses(tmp_path):
    first = standalone("from kernelevo import graphed\nUSED = graphed\n")
    second = standalone("from kernelevo import graphed, packed\nUSED = graphed, packed\n")
    assert first.package != second.package
    (tmp_path / "first.py").write_text(first.as_file())
    (tmp_path / "second.py").write_text(second.as_file())
    said = run_in(tmp_path, tmp_path / "home", "import first, second; print(first.USED is second.USED[0])")
    assert "False" in said  # each has a runtime of its own
