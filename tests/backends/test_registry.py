"""What doctor is told about the backends."""

import pytest

from kernelevo.backends import registry, toolchain
from kernelevo.core import Backend


def test_every_language_is_a_backend() -> None:
    assert [b.language for b in registry.BACKENDS] == ["cpp", "cuda", "triton"]
    assert all(isinstance(b, Backend) for b in registry.BACKENDS)


def test_missing_things_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "package", lambda *a: None)
    monkeypatch.setattr(toolchain, "triton", lambda: None)
    told = registry.facts()
    assert "cuda.core" in (told["missing"]["cuda"] or "") and "Triton" in (told["missing"]["triton"] or "")
    assert told["not runnable"]["cpp"] is None
