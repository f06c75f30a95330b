"""The starter solutions: their place, their form, and their values where no GPU is needed."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.tasks import bundled
from kernelevo.tasks.library import solutions

ALL = [(name, path) for name, paths in solutions().items() for path in paths]
TRITON = [(name, path) for name, path in ALL if "triton.jit" in path.read_text(encoding="utf-8")]


def test_every_folder_belongs_to_a_task():
    assert len(ALL) >= 3
    for name, path in ALL:
        assert name in bundled()
        assert path.parent.name == name.replace(":", "_").replace("/", "_")


@pytest.mark.parametrize(("name", "path"), ALL)
def test_form(name, path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    classes = [n.name for n in tree.body if isinstance(n, ast.ClassDef)]
    assert "ModelNew" in classes


@pytest.mark.parametrize(("name", "path"), TRITON)
def test_values_in_tritons_interpreter(name, path, tmp_path):
    script = Path(__file__).with_name("solution_values.py")
    done = subprocess.run(
        [sys.executable, str(script), name, str(path)],
        env={**os.environ, "TRITON_INTERPRET": "1", "TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    train, evaluate = json.loads(done.stdout)
    assert train <= 1 and evaluate <= 1
