"""Ratios to eager that are kept per device."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.errors import InputError
from kernelevo.kernels.baselines import kept
from kernelevo.kernels.baselines.kept import KeptRatios, Ratio, key

RATIO = Ratio("ops/gemm", "compile-max-autotune", 0.5, 0.49, 0.51, "fp32-accurate", "2026-01-31", None)


def test_what_is_put_is_found_again_by_every_reader(tmp_path):
    first = KeptRatios.of_device("NVIDIA H100 80GB HBM3", tmp_path)
    assert first.path.name == "nvidia-h100-80gb-hbm3.json" and first.find("a") is None
    other = KeptRatios.of_device("NVIDIA H100 80GB HBM3", tmp_path)
    first.put("a", RATIO)
    other.put("b", Ratio("t", "compile-max-autotune", 2.0, None, None, "tf32", "2026-01-31"))
    again = KeptRatios(first.path)
    assert again.find("a") == RATIO and again.find("b").slowdown == 2.0
    assert [p.name for p in tmp_path.iterdir()] == [first.path.name]


@pytest.mark.parametrize("text", ["[1", "[]", '{"a": 1}', '{"a": {"task": "t"}}'])
def test_a_damaged_file_is_refused_and_kept(tmp_path, text):
    path = tmp_path / "gpu.json"
    path.write_text(text)
    if text == "[]":
        path.write_text(json.dumps({"a": {**RATIO.__dict__, "slowdown": -1.0}}))
    with pytest.raises(InputError, match="no file of kept baselines"):
        KeptRatios(path)
    assert path.exists()


@pytest.mark.parametrize("slowdown", [0.0, -1.0, math.nan, math.inf])
def test_an_impossible_ratio_is_not_kept(tmp_path, slowdown):
    known = KeptRatios(tmp_path / "gpu.json")
    with pytest.raises(ValueError, match="positive"):
        known.put("a", Ratio("t", "compile-max-autotune", slowdown, None, None, "tf32", "2026-01-31"))
    assert not known.path.exists()


texts = st.text(max_size=8)


@given(st.tuples(texts, texts, texts, texts), st.tuples(texts, texts, texts, texts))
def test_keys_differ_where_anything_differs(a, b):
    def named(facts):
        digest, inputs, baseline, version = facts
        return key(digest, inputs, baseline, {"torch": version})

    assert (named(a) == named(b)) == (a == b)


def test_the_folder_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv(kept.FOLDER, str(tmp_path))
    assert kept.default_folder() == tmp_path
    monkeypatch.delenv(kept.FOLDER)
    assert kept.default_folder().name in ("baselines", "_baselines")
