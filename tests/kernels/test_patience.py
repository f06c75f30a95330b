"""How long a program's build may take: as long as the module's own first call asks for."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernelevo.core import Artifact, Program
from kernelevo.kernels import stages


@pytest.mark.parametrize(("least", "forward"), [(0.1, 40.0), (400.0, 400.0)])
def test_a_slow_modules_programs_may_be_as_slow(monkeypatch, least, forward):
    for name in ("resting", "translated"):
        monkeypatch.setattr(stages, name, lambda *_: nullcontext())
    limits = []
    channel = SimpleNamespace(recv=lambda limit: limits.append(limit) or {"weights": "strict"})
    found = stages.Stages(Path())._hear_build(SimpleNamespace(channel=channel), least)
    assert found == {"weights": "strict"} and limits == [stages.BUILD_PATIENCE, forward]


@pytest.mark.parametrize(("took", "patience"), [(None, 20.0), (3.0, 20.0), (25.0, 50.0), (110.0, 120.0)])
def test_a_constructor_has_the_time_later_that_it_had_when_it_was_built(
    monkeypatch, tmp_path, took, patience
):
    monkeypatch.setattr(stages, "Session", lambda *given: given[-1])
    artifact = Artifact(Program.single("x = 1"), folder=tmp_path, facts={"build_seconds": took})
    ground = SimpleNamespace(zygote=None, setting=None, patience=20.0)
    made = stages.Stages(Path())
    monkeypatch.setattr(made, "_run_limits", lambda *_: None)
    assert made.enter(ground, artifact) == patience
