"""How long a program's build may take: as long as the module's own first call asks for."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernelevo.kernels import stages


@pytest.mark.parametrize(("least", "forward"), [(0.1, 40.0), (400.0, 400.0)])
def test_a_slow_modules_programs_may_be_as_slow(monkeypatch, least, forward):
    for name in ("resting", "translated"):
        monkeypatch.setattr(stages, name, lambda *_: nullcontext())
    limits = []
    channel = SimpleNamespace(recv=lambda limit: limits.append(limit) or {"weights": "strict"})
    found = stages.Stages(Path())._hear_build(SimpleNamespace(channel=channel), least)
    assert found == {"weights": "strict"} and limits == [stages.BUILD_PATIENCE, forward]
