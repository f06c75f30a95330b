"""Features: what makes programs alike, and that they are the same in every process."""

import subprocess
import sys
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kernelevo.core import Evaluation, Program, Verdict
from kernelevo.population import Features
from kernelevo.population.agglomeration import agglomerate, balanced, distances
from kernelevo.population.features import UNIT, distance
from kernelevo.population.tokens import c_tokens, python_tokens, structure

RELU = """import torch
import kernelevo

SOURCE = r'''
extern "C" void relu(const float* x, float* y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] : 0;  // clamp
}
'''


class ModelNew(torch.nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        kernelevo.cpp(SOURCE).relu(x, y, x.numel())
        return y
"""
RENAMED = (
    RELU.replace(" y", " result")
    .replace("y,", "result,")
    .replace("clamp", "no negative values")
    .replace("> 0", "> 0.0")
    + "# a remark\n"
)
MATMUL = """import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(width, width))

    def forward(self, x):
        for step in range(3):
            x = torch.matmul(x, self.weight.t()) + x.mean(dim=0)
        return torch.softmax(x, dim=-1)
"""


def vector(source: str, features: Features | None = None, **metrics: object) -> np.ndarray:
    verdict = Verdict(Program.single(source), Evaluation.ok(1.0, **metrics))  # type: ignore[arg-type]
    return (features or Features())(verdict).astype(np.float64)


def test_names_comments_and_numbers_hardly_count_but_operations_do() -> None:
    near, far = distance(vector(RELU), vector(RENAMED)), distance(vector(RELU), vector(MATMUL))
    assert distance(vector(RELU), vector(RELU)) == pytest.approx(0.0, abs=1e-9)
    assert near < 0.05 and far > 0.3


def test_code_inside_a_string_is_read() -> None:
    other = RELU.replace("x[i] > 0 ? x[i] : 0", "expf(x[i]) / (1 + expf(-x[i]))")
    assert 0.01 < distance(vector(RELU), vector(other)) < distance(vector(RELU), vector(MATMUL))
    found = structure(RELU)
    assert found is not None
    assert {"extern", "float", "relu", "int64_t"} <= set(python_tokens(RELU, found))
    tokens = c_tokens("float a = b; // c\nf(a.x, 1.5f, threadIdx.x);")
    assert " ".join(tokens) == "float v = v ; f ( a . x , 0 , threadIdx . x ) ;"


def test_measured_facts_and_tests_tell_equal_texts_apart() -> None:
    plain = vector(RELU)
    fat = vector(RELU, registers=255)
    assert distance(fat, vector(RELU, registers=250)) < distance(fat, vector(RELU, registers=16))
    assert distance(plain, vector(RELU, latency_ms=7.0)) == pytest.approx(
        0.0, abs=1e-9
    )  # not a program's fact
    passed, failed = ([{"name": str(n), "score": s} for n in range(6)] for s in (1.0, 0.0))
    assert distance(vector(RELU, tests=passed), vector(RELU, tests=failed)) > 0.15
    odd = vector(
        RELU, tests=[{"name": "a", "score": None}, {"score": float("inf")}, {"name": "b", "score": "x"}]
    )
    assert distance(plain, odd) == pytest.approx(0.0, abs=1e-9)


def test_embeddings_keep_their_angles() -> None:
    rng = Random(0)
    one = [rng.gauss(0, 1) for _ in range(1536)]
    near = [x + 0.2 * rng.gauss(0, 1) for x in one]
    far = [rng.gauss(0, 1) for _ in range(1536)]
    given_by = {"a": one, "b": near, "c": far}
    features = Features(embed=lambda program: given_by.get(program.source))
    alike, unlike = (distance(vector("a", features), vector(other, features)) for other in ("b", "c"))
    assert alike < 0.5 * unlike
    assert len(vector("none", features)) == features.size > Features().size


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["program.py", "kernel.cu"]))
def test_any_text_has_a_vector_of_one_length(text: str, path: str) -> None:
    found = Features()(Verdict(Program({path: text}), Evaluation.ok(1.0))).astype(np.float64)
    length = float(np.sqrt(found @ found))
    assert length == 0.0 or length == pytest.approx(UNIT, rel=0.01)
    if text.strip() and len(text.split()) > 3 and "#" not in text and "'" not in text and '"' not in text:
        assert length > 0


def test_equal_in_every_process() -> None:
    code = (
        "from tests.population.test_features import vector, RELU; import zlib;"
        "print(zlib.crc32(vector(RELU, registers=3).tobytes()))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1 and said.pop().strip().isdigit()


def families(count: int, each: int, rng: np.random.RandomState) -> tuple[np.ndarray, list[int]]:
    centres = rng.randn(count, 40)
    labels = [family for family in range(count) for _ in range(each)]
    return np.rint(1000 * (centres[labels] + 0.15 * rng.randn(len(labels), 40))), labels


def test_agglomeration_finds_families_and_leaves_one_family_alone() -> None:
    vectors, labels = families(10, 12, np.random.RandomState(0))
    groups = agglomerate(vectors, within=0.3, at_most=50)
    assert sorted(map(tuple, groups)) == [tuple(range(s, s + 12)) for s in range(0, 120, 12)]
    assert all(len({labels[row] for row in group}) == 1 for group in groups)
    alone, _ = families(1, 30, np.random.RandomState(1))
    assert len(agglomerate(alone, within=0.3, at_most=50)) == 1
    assert len(agglomerate(vectors, within=0.0, at_most=7)) == 7
    assert agglomerate(np.zeros((0, 4)), exactly=3) == []


def test_agglomeration_is_average_linkage() -> None:
    angles = np.array([0.0, 0.1, 0.5, 0.75])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    apart = distances(vectors)
    linked = (apart[0, 2] + apart[1, 2]) / 2
    assert apart[0, 2] == pytest.approx(1 - np.cos(0.5))
    assert apart[2, 3] < linked  # so 2 joins 3, not the first two
    assert agglomerate(vectors, exactly=2) == [[0, 1], [2, 3]]


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(0, 14), st.integers(0, 1000))
def test_balanced_groups_are_a_partition_without_loners(count: int, rows: int, seed: int) -> None:
    vectors = np.rint(100 * np.random.RandomState(seed).randn(rows, 6))
    groups = balanced(vectors, count)
    assert sorted(row for group in groups for row in group) == list(range(rows))
    assert len(groups) == min(count, rows)
    if rows >= 2 * count:
        assert min(map(len, groups)) >= 2


def test_what_a_judge_tells_of_kernels_tells_equal_texts_apart() -> None:
    def row(registers: int, shared: int) -> dict[str, object]:
        return {
            "name": "k",
            "language": "cuda",
            "registers": registers,
            "spill_bytes": None,
            "shared_bytes": shared,
        }

    thin, fat = vector(RELU, kernels=[row(32, 0)]), vector(RELU, kernels=[row(255, 48_000), row(64, 0)])
    assert distance(thin, fat) > 0.01
    assert distance(thin, vector(RELU, kernels=[row(32, 0)])) == pytest.approx(0.0, abs=1e-9)
    assert distance(vector(RELU), vector(RELU, kernels=[])) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("penalty", [-1.7e308, 1.7e308, -(10**400)], ids=["lowest", "largest", "beyond"])
def test_the_largest_numbers_are_scores_of_tests_too(penalty: float) -> None:
    def tested(last: float) -> np.ndarray:
        return vector(MATMUL, tests=[{"name": "a", "score": 0.5}, {"name": "b", "score": last}])

    failed, passed = tested(penalty), tested(0.7)
    assert float(failed @ failed) ** 0.5 == pytest.approx(UNIT, rel=0.01)
    assert distance(failed, tested(penalty)) == pytest.approx(0.0, abs=1e-9)
    assert 0.01 < distance(failed, passed) < 0.5
    assert distance(failed, vector(MATMUL)) < 1.0
