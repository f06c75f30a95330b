"""Every shipped note: its form, and its sample compiled and compared with PyTorch in fp64."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import kernelevo
from kernelevo.backends import nvrtc
from kernelevo.backends import triton as ahead
from kernelevo.knowledge import KnowledgeBase
from kernelevo.knowledge.base import built_in
from kernelevo.knowledge.kinds import KINDS
from tests.cuda_on_host.host import HostCuda
from tests.knowledge import cpp_samples, cuda_samples, triton_samples

NOTES = {note.id: note for note in built_in()}
QUICK = {"cpu-register-tile", "cpu-images-in-lanes", "cuda-gemm-epilogue"}
# what a search has to find a note for
WANTED = (
    "memory-bound", "launch-bound", "occupancy", "bank conflicts", "reduction", "softmax", "layer norm",
    "attention", "gemm epilogue", "split precision products", "convolution gemm", "depthwise",
    "persistent rnn", "scan", "fp32 accuracy", "triton idioms", "cuda idioms", "openmp", "avx",
)  # fmt: skip


def of(language):
    return sorted(id for id, note in NOTES.items() if note.language == language)


def some(names):
    return [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in names]


def close(ours, wanted):
    assert bool(((ours - wanted).abs() <= 1e-5 + 1e-5 * wanted.abs()).all())


def test_every_note_has_all_it_needs():
    assert len(NOTES) >= 24
    for note in NOTES.values():
        assert note.title and note.symptoms and note.source and note.sample, note.id
        assert 40 <= len(note.text.split()) <= 200, note.id
        assert set(note.kinds) <= set(KINDS), note.id
        assert not any(len(line) > 120 for line in note.sample.splitlines()), note.id
    assert set(of("cpp")) == set(cpp_samples.CHECKS)
    assert set(of("cuda")) == set(cuda_samples.CHECKS)
    assert set(of("triton")) == set(triton_samples.CHECKS)
    assert of("python") == ["linear-maps-commute", "packed-weights"]


@pytest.mark.parametrize("words", WANTED)
def test_there_is_a_note_for_every_symptom(words):
    (best, *_) = KnowledgeBase().search(words, limit=1)
    assert any(word in f"{best.title} {best.symptoms}".lower() for word in words.split())


@pytest.mark.parametrize("name", some(of("cpp")))
def test_cpp_samples(name):
    ours, wanted = cpp_samples.CHECKS[name](kernelevo.cpp(NOTES[name].sample))
    close(ours, wanted)


@pytest.mark.parametrize("name", of("cuda"))
def test_cuda_samples_compile_without_a_gpu(name, tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    assert nvrtc.compile_cubin(NOTES[name].sample, arch="sm_90").spills == 0


@pytest.mark.parametrize("name", some(of("cuda")))
@pytest.mark.parametrize("backwards", [False, True])
def test_cuda_samples_on_the_host(name, backwards):
    close(*cuda_samples.CHECKS[name](HostCuda(NOTES[name].sample, backwards=backwards)))


@pytest.mark.slow
@pytest.mark.parametrize("name", of("triton"))
def test_triton_samples_compile_without_a_gpu(name, tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    assert len(ahead.compile_source(NOTES[name].sample, tmp_path, arch="sm_90")) == 1


@pytest.mark.slow
def test_triton_samples_in_the_interpreter(tmp_path):
    files = {name: tmp_path / f"{name}.py" for name in of("triton")}
    for name, path in files.items():
        path.write_text(NOTES[name].sample)
    done = subprocess.run(
        [sys.executable, triton_samples.__file__, *(f"{n}={p}" for n, p in files.items())],
        env={**os.environ, "TRITON_INTERPRET": "1", "TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert set(found) == set(files) and max(found.values()) <= 1, found


def namespace(name):
    found = {"__name__": name}
    exec(compile(NOTES[name].sample, str(Path(name)), "exec"), found)
    return found


def test_packed_weights_follow_changes():
    module = namespace("packed-weights")["ModelNew"](10, 8)
    x = torch.randn(3, 10)
    with torch.no_grad():
        for _ in range(2):
            close(module(x), F.linear(x.double(), module.fc.weight.double(), module.fc.bias.double()))
            module.fc.weight.mul_(2)


def test_pooling_commutes_with_a_projection():
    x, w = torch.randn(2, 6, 8, 8), torch.randn(4, 6, 1, 1)
    ours = namespace("linear-maps-commute")["pool_of_projection"](x, w)
    close(ours, F.avg_pool2d(F.conv2d(x.double(), w.double()), 2))
