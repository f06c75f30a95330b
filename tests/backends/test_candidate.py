"""Loading programs and giving them the reference's weights."""

import inspect
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from kernelevo.backends.beside import written
from kernelevo.backends.candidate import adopt, load_candidate, plain_tensors
from kernelevo.backends.seeding import seeded
from kernelevo.errors import BuildError, ToolchainMissing

GOOD = """
import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.fc = nn.Linear(n, n)
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x):
        return self.fc(x)
"""


class Model(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.fc = nn.Linear(n, n)
        self.register_buffer("count", torch.zeros(1))


def fresh(cls: type[nn.Module], *args: int, seed: int = 0) -> nn.Module:
    with seeded(seed):
        return cls(*args)


def test_a_program_becomes_a_class_with_a_real_file(tmp_path: Path) -> None:
    cls = load_candidate(GOOD, tmp_path)
    assert cls.__name__ == "ModelNew" and "self.fc(x)" in inspect.getsource(cls)
    assert Path(inspect.getfile(cls)).parent == tmp_path
    before = Path(inspect.getfile(cls)).stat().st_mtime_ns
    load_candidate(GOOD, tmp_path)
    assert Path(inspect.getfile(cls)).stat().st_mtime_ns == before


def test_a_read_only_folder_that_has_the_file_will_do(tmp_path: Path) -> None:
    load_candidate(GOOD, tmp_path)
    mode = tmp_path.stat().st_mode
    os.chmod(tmp_path, 0o555)
    try:
        assert load_candidate(GOOD, tmp_path)
    finally:
        os.chmod(tmp_path, mode)


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_other_line_ends_are_read_back_too(tmp_path: Path, ends: str) -> None:
    """Where a program is judged its folder is read-only: the file must not be written again there."""
    text = GOOD.replace("\n", ends)
    file = Path(inspect.getfile(load_candidate(text, tmp_path)))
    before = file.stat()
    load_candidate(text, tmp_path)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert file.read_bytes() == text.encode()


def test_threads_may_write_one_file_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drop-in that two threads call first must not be given up because of it."""
    together, plain, failed = threading.Barrier(2), Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        together.wait(10)  # both have written, neither has put its file in place
        return plain(self, target)

    def write() -> None:
        try:
            written("x = 1\n", tmp_path / "program.py")
        except OSError as error:
            failed.append(error)

    monkeypatch.setattr(Path, "replace", replace)
    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and [p.name for p in tmp_path.iterdir()] == ["program.py"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("class ModelNew(:\n", "SyntaxError"),
        ("import no_such_module_here\n", "ModuleNotFoundError"),
        ("x = 1\ny = x / 0\n", "ZeroDivisionError"),
        ("raise SystemExit(0)\n", "SystemExit"),
        ("x = 1\n", "defines no class ModelNew"),
        ("class ModelNew: pass\n", "not a torch.nn.Module"),
        ("ModelNew = 3\n", "not a torch.nn.Module"),
        ("a = '\x00'\n", "null bytes"),
    ],
)
def test_bad_programs_are_build_errors(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BuildError, match=says):
        load_candidate(text, tmp_path)


def test_the_log_shows_the_programs_own_lines_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        load_candidate("def f():\n    return 1 / 0\nf()\n", tmp_path)
    assert 'File "program.py", line 2' in caught.value.log and str(tmp_path) not in caught.value.log
    assert "importlib" not in caught.value.log


SEVERAL = """
import layers_of_it
from pathlib import Path
from . import shapes_of_it

class ModelNew(layers_of_it.Base):
    factor = float(Path(__file__).with_name("factor.txt").read_text())

    def forward(self, x):
        return shapes_of_it.wide(super().forward(x) * self.factor)
"""
BESIDE = {
    "layers_of_it.py": GOOD.replace("ModelNew", "Base"),
    "shapes_of_it.py": "from layers_of_it import torch\n\ndef wide(x):\n    return torch.cat([x, x])\n",
    "factor.txt": "3.0",
}


@pytest.fixture
def own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a program's import leaves in this process ends with the test; a judge's child ends anyway."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(f"{tmp_path}/"):
            del sys.modules[name]


def test_files_of_a_program_find_one_another(tmp_path: Path, own_names: None) -> None:
    cls = load_candidate(SEVERAL, tmp_path, BESIDE)
    module, x = cls(4), torch.randn(2, 4)
    wanted = torch.nn.functional.linear(x, module.fc.weight, module.fc.bias) * 3.0
    torch.testing.assert_close(module(x), torch.cat([wanted, wanted]))
    (folder,) = tmp_path.iterdir()
    assert {p.name for p in folder.iterdir()} == {"program.py", *BESIDE}
    assert inspect.getsource(sys.modules["layers_of_it"]) == BESIDE["layers_of_it.py"]


def test_a_read_only_folder_with_all_files_will_do_and_nothing_that_a_build_compiled_is_run(
    tmp_path: Path, own_names: None
) -> None:
    load_candidate(SEVERAL, tmp_path, BESIDE)
    (folder,) = tmp_path.iterdir()
    assert not (folder / "__pycache__").exists()
    times = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    load_candidate(SEVERAL, tmp_path, BESIDE)
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == times
    del sys.modules["layers_of_it"]  # as in another process
    load_candidate(SEVERAL, tmp_path, {**BESIDE, "factor.txt": "4.0"})
    assert len(list(tmp_path.iterdir())) == 2  # other content is another program


@pytest.mark.parametrize("path", ["math.py", "torch/__init__.py", "layers_of_it.py"])
def test_a_file_with_the_name_of_an_imported_module_is_refused(
    tmp_path: Path, own_names: None, path: str
) -> None:
    load_candidate(SEVERAL, tmp_path / "one", BESIDE)
    with pytest.raises(BuildError, match="name of a module that is imported already"):
        load_candidate(GOOD, tmp_path / "two", {path: "x = 1\n"})


def test_the_log_names_the_file_that_raises(tmp_path: Path, own_names: None) -> None:
    with pytest.raises(BuildError) as caught:
        load_candidate("from . import faulty\n", tmp_path, {"faulty.py": "def f():\n    1 / 0\nf()\n"})
    assert '"faulty.py", line 2, in f' in caught.value.log and '"program.py", line 1' in caught.value.log
    assert str(tmp_path) not in caught.value.log


def test_our_own_errors_pass(tmp_path: Path) -> None:
    text = "from kernelevo.errors import ToolchainMissing\nraise ToolchainMissing('no compiler')\n"
    with pytest.raises(ToolchainMissing):
        load_candidate(text, tmp_path)


def test_strict_load(tmp_path: Path) -> None:
    reference = fresh(Model, 3)
    reference.count += 5
    nn.init.normal_(reference.fc.weight)
    module, how = adopt(load_candidate(GOOD, tmp_path), reference.eval(), [3], {}, 0)
    assert how == "strict" and not module.training
    assert torch.equal(module.fc.weight, reference.fc.weight) and module.count == 5
    module.count += 1
    assert reference.count == 5


RENAMED = GOOD.replace(
    "self.fc = nn.Linear(n, n)",
    "lin = nn.Linear(n, n)\n"
    "        self.w = nn.Parameter(lin.weight.t().contiguous())\n"
    "        self.b = lin.bias",
)


def test_renaming_and_transposing_pass_by_seed(tmp_path: Path) -> None:
    module, how = adopt(load_candidate(RENAMED, tmp_path), fresh(Model, 3, seed=9), [3], {}, 9)
    assert how == "by seed" and module.training


def test_concatenation_passes_by_seed(tmp_path: Path) -> None:
    text = GOOD.replace(
        "self.fc = nn.Linear(n, n)",
        "lin = nn.Linear(n, n)\n        self.all = nn.Parameter(torch.cat([lin.weight.flatten(), lin.bias]))",
    )
    assert adopt(load_candidate(text, tmp_path), fresh(Model, 3), [3], {}, 0).weights == "by seed"


@pytest.mark.parametrize(
    "change",
    [
        ("lin.weight.t().contiguous()", "lin.weight.t() * 2"),  # folded
        ("lin = nn.Linear(n, n)", "torch.rand(1); lin = nn.Linear(n, n)"),  # other draws
        ("self.b = lin.bias", "self.b = lin.bias; self.extra = torch.ones(3)"),  # baked-in values
        ("self.b = lin.bias", "self.b = None"),  # dropped
    ],
)
def test_other_values_are_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    with pytest.raises(BuildError, match="does not take over the reference's weights"):
        adopt(load_candidate(RENAMED.replace(*change), tmp_path), fresh(Model, 3), [3], {}, 0)


def test_by_seed_needs_the_references_own_seed(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="sorted"):
        adopt(load_candidate(RENAMED, tmp_path), fresh(Model, 3, seed=1), [3], {}, 2)


def test_plain_attributes_are_compared(tmp_path: Path) -> None:
    class Stateful(Model):
        def __init__(self, n: int) -> None:
            super().__init__(n)
            self.h = torch.randn(n)

    text = GOOD.replace("self.register_buffer", "self.h = torch.randn(n)\n        self.register_buffer")
    assert adopt(load_candidate(text, tmp_path), fresh(Stateful, 3), [3], {}, 0).weights == "strict"
    for bad in ("torch.zeros(n)", "torch.randn(n + 1)[1:]", "torch.randn(n).double()"):
        with pytest.raises(BuildError, match="attribute 'h'"):
            adopt(
                load_candidate(text.replace("torch.randn(n)", bad), tmp_path), fresh(Stateful, 3), [3], {}, 0
            )


def test_a_constructor_that_raises_is_a_build_error(tmp_path: Path) -> None:
    cls = load_candidate(GOOD, tmp_path)
    with pytest.raises(BuildError, match="TypeError"):
        adopt(cls, fresh(Model, 3), [], {}, 0)


def test_plain_tensors_looks_into_containers() -> None:
    module = nn.Sequential(nn.Identity())
    module[0].state = {"a": [torch.ones(1)], "b": (torch.ones(2),)}
    assert sorted(plain_tensors(module)) == ["0.state['a'][0]", "0.state['b'][0]"]
