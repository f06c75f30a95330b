"""The native comparison agrees with numpy's."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kernelevo.backends import native, toolchain

floats = st.floats(width=16)


def in_numpy(out: np.ndarray, oracle: np.ndarray, *tolerances: float) -> native.Comparison:
    exact = native._widened(oracle, oracle.dtype.name)
    return native._compare_in_numpy(native._widened(out, out.dtype.name), exact, *tolerances)


@settings(max_examples=150, deadline=None)
@given(
    dtype=st.sampled_from(["float16", "float32", "float64"]),
    values=hnp.arrays(np.float16, hnp.array_shapes(max_dims=3, max_side=12), elements=floats),
    noise=hnp.arrays(np.float64, (1728,), elements=st.sampled_from([0.0, 1e-6, -2e-5, 1.0, np.nan, np.inf])),
    tolerances=st.tuples(*[st.sampled_from([0.0, 1e-5, 1e-2])] * 3),
)
def test_native_equals_numpy(dtype, values, noise, tolerances) -> None:
    with np.errstate(all="ignore"):
        out = values.astype(dtype)
        oracle = values.astype(np.float64) + noise[: values.size].reshape(values.shape)
    ours, theirs = native.compare(out, oracle, *tolerances), in_numpy(out, oracle, *tolerances)
    for name in ("violations", "mismatches", "not_finite", "count"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.worst_index == theirs.worst_index
    for name in ("max_abs_error", "max_rel_error", "worst"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-12, nan_ok=True)


def test_every_half_value_is_widened_exactly() -> None:
    bits = np.arange(65536, dtype=np.uint16)
    out = bits.view(np.float16)
    found = native.compare(out, out.astype(np.float64), 0.0, 0.0)
    assert found.max_abs_error == 0 and found.passed
    with np.errstate(invalid="ignore"):  # signalling NaNs among them
        exact = (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    found = native.compare(bits, exact, 0.0, 0.0, dtype="bfloat16")
    assert found.max_abs_error == 0 and found.passed


def test_figures_of_a_known_case() -> None:
    out = np.array([1.0, 2.1, np.nan, np.inf, -np.inf, 0.0], dtype=np.float32)
    oracle = np.array([1.0, 2.0, np.nan, np.inf, np.inf, 0.5])
    found = native.compare(out, oracle, 1e-5, 1e-5, slack=0.2)
    assert (found.violations, found.mismatches, found.worst_index) == (1, 1, 5)
    assert found.max_abs_error == 0.5 and found.max_rel_error == 1.0 and found.worst == pytest.approx(2.5)
    assert not found.passed and native.compare(oracle, oracle, 0, 0).passed


def test_large_arrays_in_blocks() -> None:
    rng = np.random.default_rng(0)
    oracle = rng.standard_normal(3 * 4096 + 5)
    out = oracle.copy()
    out[9000] += 0.5
    out[12290] += 0.25
    found = native.compare(out, oracle, 1e-5, 0.0)
    assert (found.violations, found.worst_index) == (2, 9000)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scales=st.lists(st.sampled_from([0.0, 1e-42, 1e-9, 1e-6, 1e-3, 1.0, 1e30]), min_size=4, max_size=4),
    out=st.sampled_from(["float16", "float32", "float64"]),
    exact=st.sampled_from(["float32", "float64"]),
    special=st.sampled_from([None, np.nan, np.inf, -np.inf]),
    atol=st.sampled_from([0.0, 1e-5, np.finfo(np.float64).max]),
)
def test_blocks_that_add_nothing_are_passed_over_rightly(seed, scales, out, exact, special, atol) -> None:
    """Errors that grow, shrink and vanish from one block to the next, on values of every size."""
    rng = np.random.default_rng(seed)
    size = 4096 * len(scales) + int(rng.integers(9))
    with np.errstate(all="ignore"):
        values = (rng.standard_normal(size) * 10.0 ** rng.integers(-8, 4, size)).astype(exact)
        noise = rng.standard_normal(size) * np.repeat([*scales, 1e-6], 4096)[:size]
        answer = (values + noise * (rng.random(size) < 0.5)).astype(out)
    if special is not None:
        values[rng.integers(size, size=3)] = special
        answer[rng.integers(size)] = special
    ours = native.compare(answer, values, atol, 1e-5)
    theirs = in_numpy(answer, values, atol, 1e-5, 0.0)
    assert ours == theirs


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.int16])
def test_whole_numbers(dtype) -> None:
    out = np.array([0, 1, 1], dtype=dtype)
    assert native.compare(out, np.array([0.0, 1, 1]), 1e-5, 0).passed
    assert native.compare(out, np.array([0.0, 1, 0]), 1e-5, 0).violations == 1


def test_complex_strided_empty_and_scalar() -> None:
    out = np.array([1 + 2j, 3 - 1j], dtype=np.complex64)
    assert native.compare(out, out.astype(np.complex128), 1e-6, 0).count == 4
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert native.compare(base.T, base.T.astype(np.float64), 0, 0).passed
    assert native.compare(np.empty((0, 3), np.float32), np.empty((0, 3)), 0, 0).passed
    assert native.compare(np.float32(2).reshape(()), np.float64(2).reshape(()), 0, 0).count == 1
    with pytest.raises(ValueError, match="shapes differ"):
        native.compare(np.zeros(2, np.float32), np.zeros(3), 0, 0)


def test_without_a_compiler_numpy_stands_in(private_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    native._loaded.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    try:
        assert "no C++ compiler" in (native.missing() or "")
        out = np.array([1.0, 2.5], dtype=np.float32)
        assert native.compare(out, np.array([1.0, 2.0]), 1e-5, 0).violations == 1
    finally:
        native._loaded.cache_clear()


def test_a_compiler_that_takes_too_long_lets_numpy_stand_in(
    private_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 300)

    if toolchain.ninja() is None:
        pytest.skip("ninja is not installed")
    toolchain.compiler()
    native._loaded.cache_clear()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "run", late)
            assert "timed out" in (native.missing() or "")
    finally:
        native._loaded.cache_clear()


def test_built_with_ninja_here() -> None:
    if toolchain.ninja() is None:
        pytest.skip("ninja is not installed")
    assert native.missing() is None
