"""Baggage: which files go with a task to another machine, and that programs are judged by them there."""

import sys
from pathlib import Path

import pytest

from kernelevo.api.baggage import baggage
from kernelevo.core import Program, Task
from kernelevo.core.parcel import DELIVERED
from kernelevo.engine import evaluation
from kernelevo.tasks import load_task

EVALUATOR = '''"""Counts letters."""
import json
import math
from pathlib import Path
import sys
sys.path.insert(0, str(Path(__file__).parent))
import letters_of_ana

WEIGHTS = Path(__file__).parent / "data" / "weights.json"
ELSEWHERE = "../secret.txt", "/etc/hostname", "", "no such file", "x" * 5000

def count(source: str) -> float:
    """Many letters."""
    weights = json.loads((Path(__file__).parent / "data/weights.json").read_text())
    return sum(weights.get(c, 0.0) for c in letters_of_ana.of(source))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ana"
    (made / "data").mkdir(parents=True)
    (made / "count.py").write_text(EVALUATOR)
    (made / "letters_of_ana.py").write_text("import deeper\ndef of(text): return list(text)\n")
    (made / "deeper.py").write_text("import count\n")
    (made / "unused.py").write_text("")
    (made / "data" / "weights.json").write_text('{"a": 2.0}')
    (tmp_path / "secret.txt").write_text("mine")
    return made


def names(task: Task, folder: Path) -> list[str]:
    return sorted(str(Path(path).relative_to(folder)) for path in baggage(task).files)


def test_an_evaluator_takes_what_its_text_names_and_nothing_else(folder: Path) -> None:
    task = load_task(f"{folder / 'count.py'}:count")
    assert names(task, folder) == ["count.py", "data/weights.json", "deeper.py", "letters_of_ana.py"]


def test_a_foreign_folder_goes_as_a_whole(folder: Path) -> None:
    for hidden in (".git/config", "__pycache__/x.pyc"):
        (folder / hidden).parent.mkdir()
        (folder / hidden).write_text("")
    found = names(Task("f", "", evaluator=f"folder:{folder}"), folder)
    assert found == ["count.py", "data/weights.json", "deeper.py", "letters_of_ana.py", "unused.py"]


def test_a_live_module_goes_and_what_names_no_file_takes_nothing(folder: Path) -> None:
    kept = folder / "module.pkl"
    kept.write_bytes(b"weights")
    task = Task("live", "", options={"reference": {"kind": "pickle", "path": str(kept)}})
    assert names(task, folder) == ["module.pkl"]
    for plain in (
        Task("m", "", options={"reference": {"kind": "source", "text": ""}}),
        Task("t", "", (), "tsp"),
    ):
        assert not baggage(plain).files


def test_programs_are_judged_by_what_was_delivered(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_task(f"{folder / 'count.py'}:count")
    parcel = baggage(task)
    folder.rename(tmp_path / "not here")
    parcel.unpack(tmp_path / "node")
    monkeypatch.setenv(DELIVERED, str(tmp_path / "node"))
    monkeypatch.setattr(sys, "path", [*sys.path])  # the file adds its folder
    judged = evaluation.judge("kernelevo.evaluators:load", task, Program.single("banana"))
    assert judged.evaluation.score == 6.0


def test_a_package_beside_it_goes_as_a_whole(folder: Path) -> None:
    for name in ("roads_of_ana/__init__.py", "roads_of_ana/deep/est.py", "roads_of_ana/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "short.py").write_text("from roads_of_ana.deep import est\ndef f(program): return 1.0\n")
    found = names(load_task(f"{folder / 'short.py'}:f"), folder)
    assert found == ["roads_of_ana/__init__.py", "roads_of_ana/deep/est.py", "short.py"]


APART = '''from pathlib import Path
from roads_of_ana import lengths
HERE = Path(__file__).parent
def f(program):
    """Weights from a folder whose files no text names."""
    return sum(float(file.read_text()) for file in (HERE / "data").glob("*.txt")) + lengths.COUNT
'''


def test_a_folder_that_is_named_goes_as_a_whole_unless_it_is_too_large(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "short.py").write_text(APART)
    for name, text in {
        "data/one.txt": "1.5",
        "data/deep/two.txt": "2",
        "data/.hidden": "",
        "roads_of_ana/__init__.py": "",
        "roads_of_ana/lengths.py": "import beside_the_package\nCOUNT = beside_the_package.COUNT\n",
        "beside_the_package.py": "COUNT = 3\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    task = load_task(f"{folder / 'short.py'}:f")
    modules = ["beside_the_package.py", "roads_of_ana/__init__.py", "roads_of_ana/lengths.py", "short.py"]
    data = ["data/deep/two.txt", "data/one.txt", "data/weights.json"]
    assert names(task, folder) == sorted([*modules, *data])
    monkeypatch.setattr("kernelevo.api.baggage.LARGEST", sum((folder / m).stat().st_size for m in modules))
    assert names(task, folder) == modules
