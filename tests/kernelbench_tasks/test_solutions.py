"""The starter solutions: their place, their form, and their values where no GPU is needed."""

import ast
import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.backends import nvrtc
from kernelevo.backends import triton as ahead
from kernelevo.core import Program
from kernelevo.tasks import bundled, load_task
from kernelevo.tasks.library import shelves, solutions
from tests.few import few

ALL = [(name, path) for name, paths in solutions("cuda").items() for path in paths]
TRITON = [(name, path) for name, path in ALL if "triton.jit" in path.read_text(encoding="utf-8")]
SOME_TRITON = few(TRITON, 1)
QUEUED = [  # for the next time on a GPU
    pytest.param(path.parent.name, path, marks=pytest.mark.slow)
    for path in sorted((Path(__file__).parents[2] / "benchmarks" / "gpu" / "programs").glob("*/*.py"))
    if "triton.jit" in path.read_text(encoding="utf-8")
]
CUDA = [(name, path) for name, path in ALL if "kernelevo.cuda(" in path.read_text(encoding="utf-8")]

RECORDED = [(name, path) for name, path in ALL if path.with_suffix(".json").is_file()]
SHELVES = ("cpu", "cpu-avx2")
MEASURED = [(name, path) for s in SHELVES for name, paths in solutions(s).items() for path in paths]
ON_THE_CPU = pytest.mark.parametrize(
    ("name", "path"), MEASURED, ids=[f"{path.parts[-3]}-{name}-{path.stem}" for name, path in MEASURED]
)


@ON_THE_CPU
def test_a_measured_program_has_its_record(name, path):
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["task"] == name
    assert record["program_id"] == Program.single(path.read_text(encoding="utf-8")).id
    assert 1 < record["metrics"]["score_low"] <= record["score"] <= record["metrics"]["score_high"]
    assert record["metrics"]["precision"] == "fp32-accurate"
    assert record["hardware"]["cpu"]["name"] and record["kernelevo"]["commit"]
    assert shelves("cpu", record["hardware"]["cpu"]["features"])[0] == path.parts[-3]


@pytest.mark.parametrize(("name", "path"), RECORDED, ids=[f"{n}-{p.stem}" for n, p in RECORDED])
def test_a_program_that_was_measured_on_a_device_has_its_record(name, path):
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["task"] == name and record["score"] > 1
    assert record["program_id"] == Program.single(path.read_text(encoding="utf-8")).id
    assert record["metrics"]["precision"] == "fp32-accurate" and record["metrics"]["cases"] >= 2
    assert record["hardware"]["gpu"]["name"] and record["kernelevo"]["sources"]


@pytest.mark.slow
@ON_THE_CPU
def test_a_measured_program_still_builds_and_gives_the_modules_values(name, path, tmp_path):
    """No judgement: that has an fp64 oracle and many inputs, and takes minutes."""
    import torch

    from kernelevo.backends.candidate import adopt, load_candidate
    from kernelevo.backends.reference import load_reference
    from kernelevo.backends.seeding import seeded
    from kernelevo.kernels.reference.tree import flatten

    text = path.read_text(encoding="utf-8")
    if "generated for vectors of" in text and path.parts[-3] != shelves("cpu")[0]:
        pytest.skip("Inductor's code for vectors of another width: it refuses to be built here")
    task = load_reference(load_task(name, size="small").options["reference"])
    reference, inputs = task.build(1), task.inputs(1)
    candidate = load_candidate(text, tmp_path)
    ours = adopt(candidate, task.build(1), task.init_args(1), task.init_kwargs(1), 1).module
    pristine = copy.deepcopy(reference).double()

    def left(module, dtype=torch.float32):
        """Return what a call gives, then the buffers by name."""
        given = [t.to(dtype) if isinstance(t, torch.Tensor) and t.is_floating_point() else t for t in inputs]
        with torch.no_grad(), seeded(2):
            results = [t for t in flatten(module(*given))[1] if isinstance(t, torch.Tensor)]
        assert results
        return dict(enumerate(results)) | dict(module.named_buffers())

    got, wanted = left(ours), left(reference)
    assert [k for k in got if isinstance(k, int)] == [k for k in wanted if isinstance(k, int)]
    for key, value in got.items():
        if key not in wanted:  # a table of the program's own
            continue
        tolerance = 1e-4 * max(1.0, float(wanted[key].abs().max()))
        assert value.shape == wanted[key].shape
        if (
            float((value - wanted[key]).abs().max()) > tolerance
        ):  # then by PyTorch's own error, as the judge does
            theirs = left(copy.deepcopy(pristine), torch.float64)[key]
            own = float((wanted[key] - theirs).abs().max())
            assert float((value - theirs).abs().max()) <= 4 * own


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


@pytest.mark.parametrize(("name", "path"), SOME_TRITON)
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


@pytest.mark.parametrize(("name", "path"), [*SOME_TRITON, *QUEUED])
def test_triton_compiles_without_a_gpu(name, path, tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    text = path.read_text(encoding="utf-8")
    kernels = ahead.compile_source(text, tmp_path, arch="sm_90")
    jitted = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.decorator_list]
    launched = {n.name for n in jitted if f"{n.name}[" in text}  # the others are called by these
    assert launched and launched <= set(kernels)


@pytest.mark.parametrize(("name", "path"), CUDA)
def test_cuda_compiles_without_a_gpu_and_spills_nothing(name, path, tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (source,) = (
        ast.literal_eval(n.value)
        for n in tree.body
        if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name) and n.targets[0].id == "SOURCE"
    )
    cubin = nvrtc.compile_cubin(source, arch="sm_90")
    # what was measured as it is may keep a few bytes in memory
    assert cubin.code and ("0 bytes spill stores" in cubin.log or path.with_suffix(".json").is_file())


@pytest.mark.gpu
@pytest.mark.parametrize(("name", "path"), ALL)
def test_values_on_a_gpu(name, path, tmp_path):
    import torch

    from kernelevo.backends.candidate import adopt, load_candidate
    from kernelevo.backends.reference import load_reference

    task = load_reference(load_task(name, size="small").options["reference"])
    reference, inputs = task.build(1), [x.cuda() for x in task.inputs(1)]
    candidate = load_candidate(path.read_text(encoding="utf-8"), tmp_path)
    ours = adopt(candidate, reference, task.init_args(1), task.init_kwargs(1), 1).module.cuda()
    own = task.build(1).cuda()
    exact = reference.cuda().double()
    with torch.no_grad():
        triples = [(ours(*inputs), own(*inputs), exact(*(x.double() for x in inputs)))]
    triples += zip(ours.buffers(), own.buffers(), exact.buffers(), strict=True)
    for got, plain, wanted in triples:
        gap, e_ref = (got - wanted).abs(), float((plain - wanted).abs().max())
        assert bool((gap <= torch.clamp(1e-5 + 1e-5 * wanted.abs(), min=4 * e_ref)).all())
