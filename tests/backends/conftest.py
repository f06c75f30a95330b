"""A build cache of its own for every test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernelevo.backends import cpp as cpp_module
from kernelevo.backends import toolchain


@pytest.fixture
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Point this process at an empty cache, outside any stage, and forget what is loaded."""
    for name in ("KERNELEVO_STAGE", "KERNELEVO_CACHE_SHARED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cpp_module, "_loaded", {})
    toolchain.compiler.cache_clear()
    yield tmp_path / "cache"
    toolchain.compiler.cache_clear()
