"""Task names and the loader."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.backends.reference import load_reference
from kernelevo.errors import BadProgram, BadSetting, TaskNotFound
from kernelevo.tasks import bundled, load_task, resolve

MODULE = '''
"""A tiny task."""
import torch
N = 4
SIZES = {"small": {"N": 2}}
VARIANTS = {"big": {"N": 8}}
class Model(torch.nn.Module):
    def forward(self, x): return x
class Other(torch.nn.Module):
    def forward(self, x): return x
def get_inputs(): return [torch.rand(N)]
def get_init_inputs(): return []
'''
EVALUATOR = '''
def tour(program):
    """Find a short tour."""
    return 1.0
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(MODULE)
    (tmp_path / "tsp.py").write_text(EVALUATOR)
    (tmp_path / "broken.py").write_text("class Model(:\n")
    (tmp_path / "nested.py").write_text(f"X = {'-' * 200_000}1\n")
    (tmp_path / "noinputs.py").write_text("class Model:\n    pass\n")
    (tmp_path / "table.py").write_text(MODULE.replace('"N": 2', '"N": 1 + one'))
    return tmp_path


def test_files_of_editors_that_mark_utf8_are_read_as_python_reads_them(folder: Path):
    for name in ("net.py", "tsp.py"):
        (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())
    task = load_task("net.py", folder=folder)
    assert task.options["size"] == "small" and not task.options["reference"]["text"].startswith("\ufeff")
    assert "short tour" in load_task("tsp.py:tour", folder=folder).goal


def test_bundled_task_is_plain_data():
    task = load_task("kernelbench:3/13", size="full")
    assert task.name == "kernelbench:3/13"
    assert task.evaluator == "kernel"
    reference = task.options["reference"]
    assert reference["kind"] == "source" and reference["entry"] == "Model"
    assert reference["filename"] == "kernelbench_tasks/level3/13_DenseNet121TransitionLayer.py"
    assert "class Model" in reference["text"]
    assert "transition layer" in task.goal
    assert json.loads(json.dumps(task.to_json())) == task.to_json()


@pytest.mark.parametrize("name", ["kernelbench:3/013", "kernelbench:3/13"])
def test_number_may_have_leading_zeros(name):
    assert resolve(name).name == "kernelbench:3/13"


def test_default_size_is_small_on_cpu_and_full_on_cuda():
    assert load_task("ops/gemm").options["size"] == "small"
    assert load_task("ops/gemm", device="cuda:0").options["size"] == "full"


def test_a_class_for_the_first_shapes_is_a_size_by_itself(folder: Path):
    with pytest.raises(BadSetting, match="has no size 'v0'"):
        load_task("net.py", size="v0", folder=folder)
    (folder / "net.py").write_text(MODULE.replace("class Other", "class ModelV0"))
    spec = load_task("net.py", size="v0", folder=folder).options["reference"]
    assert spec["size"] == "v0" and type(load_reference(spec).build(0)).__name__ == "ModelV0"


@pytest.mark.parametrize(
    ("name", "kind", "symbol"),
    [
        ("net.py", "module file", "Model"),
        ("net.py:Other", "module file", "Other"),
        ("tsp.py:tour", "evaluator", "tour"),
        ("net.py@big", "module file", "Model"),
    ],
)
def test_names_in_files(folder, name, kind, symbol):
    resolved = resolve(name, folder=folder)
    assert (resolved.kind, resolved.symbol) == (kind, symbol)


def test_file_task(folder):
    task = load_task("net.py:Other@big", folder=folder)
    reference = task.options["reference"]
    assert reference["entry"] == "Other" and reference["variant"] == "big"
    assert reference["filename"] == str(folder / "net.py")
    assert task.options["size"] == "small"


def test_evaluator_task(folder):
    task = load_task("tsp.py:tour", folder=folder)
    assert task.evaluator == f"{folder / 'tsp.py'}:tour"
    assert task.goal == "Find a short tour."


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("kernelbench:3/133", TaskNotFound, "kernelbench:3/13"),
        ("ops/gem", TaskNotFound, "did you mean 'ops/gemm'"),
        ("kernelbench:3", TaskNotFound, "kernelevo bench kernelbench:3"),
        ("ops", TaskNotFound, "kernelevo bench ops"),
        ("nested.py", BadProgram, "cannot be read"),
        ("", TaskNotFound, "known:"),
        ("nets.py", TaskNotFound, "did you mean 'net.py'"),
        ("nowhere/net.py", TaskNotFound, "no file"),
        ("net.py:Mode", TaskNotFound, "did you mean 'Model'"),
        ("tsp.py", TaskNotFound, "tsp.py:NAME"),
        ("noinputs.py", TaskNotFound, "get_inputs"),
        ("broken.py", BadProgram, "cannot be read"),
        ("net.py@bigger", TaskNotFound, "did you mean 'big'"),
        ("table.py", BadSetting, "literal"),
    ],
)
def test_bad_names_say_what_why_now(folder, name, error, says):
    with pytest.raises(error) as caught:
        load_task(name, folder=folder)
    assert says in str(caught.value)
    assert caught.value.now and caught.value.exit_code == 2


@pytest.mark.parametrize(
    "setting", [{"size": "smal"}, {"device": "gpu"}, {"policy": "all"}, {"device": "cuda:x"}]
)
def test_bad_settings(setting):
    with pytest.raises(BadSetting):
        load_task("ops/gemm", **setting)


def test_a_foreign_table_of_the_same_name_is_no_size_table(folder):
    (folder / "foreign.py").write_text(MODULE.replace('SIZES = {"small": {"N": 2}}', "SIZES = [1, 2]"))
    assert load_task("foreign.py", folder=folder).options["size"] == "full"


def test_options_are_laid_over_ours():
    assert load_task("ops/gemm", options={"budget": 3}).options["budget"] == 3


def test_every_bundled_task_loads():
    for name in bundled():
        assert load_task(name, size="full").name == name


def test_loading_imports_no_torch():
    code = "import sys, kernelevo.tasks as t; t.load_task('ops/gemm'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tables_may_have_a_type_beside_them(folder):
    typed = MODULE.replace("SIZES =", "SIZES: dict[str, dict] =").replace("VARIANTS =", "VARIANTS: dict =")
    (folder / "typed.py").write_text(f'{typed}\nOBJECTIVES: dict = {{"metrics": {{"speed": "higher"}}}}\n')
    options = load_task("typed.py@big", folder=folder).options
    assert options["size"] == "small" and options["reference"]["variant"] == "big"
    assert list(options["objectives"]["metrics"]) == ["speed"]


MADE = '''
from kernelevo import cascade, evaluator
AIM = """Pack
    well."""
@evaluator("packed", goal=AIM)
def packed(program):
    """How it is done."""
    return 1.0
plain = evaluator("plain", goal="Be plain.")(cascade(packed, packed, bars=[0.5]))
LIMIT = 3
'''


def test_an_evaluator_may_be_what_a_call_made_and_say_its_goal_itself(folder):
    (folder / "made.py").write_text(MADE)
    assert load_task("made.py:plain", folder=folder).goal == "Be plain."
    assert load_task("made.py:packed", folder=folder).goal == "Pack\nwell."
    for odd in ("made.py:LIMIT", "made.py:plain@big"):
        with pytest.raises(TaskNotFound):
            load_task(odd, folder=folder)


def test_a_folder_may_have_any_sign_in_its_name(folder):
    odd = folder / "me@home:v1.py"
    odd.mkdir()
    (odd / "net.py").write_text(MODULE)
    for name, symbol, variant in (("net.py", "Model", None), ("net.py:Other@big", "Other", "big")):
        resolved = resolve(f"{odd}/{name}")
        assert (resolved.path, resolved.symbol, resolved.variant) == (odd / "net.py", symbol, variant)
    assert resolve("me@home:v1.py/net.py@big", folder=folder).variant == "big"


@pytest.mark.parametrize(
    "name", ["~nobody_of_that_name/net.py", "x" * 5000 + ".py", "a\0b.py", "kernelbench:3/" + "1" * 5000]
)
def test_names_that_no_file_can_have(name):
    with pytest.raises(TaskNotFound):
        resolve(name)


def test_a_file_may_begin_with_a_byte_order_mark(folder):
    (folder / "marked.py").write_text(MODULE, encoding="utf-8-sig")
    assert "\ufeff" not in load_task("marked.py", folder=folder).options["reference"]["text"]
    (folder / "marks.py").write_text(EVALUATOR, encoding="utf-8-sig")
    assert load_task("marks.py:tour", folder=folder).goal == "Find a short tour."
