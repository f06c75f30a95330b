"""Zygotes shared by the sandbox tests: one with torch, one without; both know the test entries."""

import os
from pathlib import Path

import pytest

from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.zygote import Zygote


def _start(preload):
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), before or ""])
    try:
        return Zygote((*preload, "misbehaviour"), threads=2)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def plain():
    with _start(()) as zygote:
        yield zygote


@pytest.fixture(scope="session")
def warm():
    with _start(("torch",)) as zygote:
        yield zygote


@pytest.fixture
def spawn(plain, tmp_path):
    """Spawn an entry of ``misbehaviour.py``; every child is gone at the end of the test."""
    children = []

    def start(entry, payload=None, *, stage="run", zygote=None, fds=None, **limits):
        where = tmp_path / f"scratch{len(children)}"
        child = (zygote or plain).spawn(
            f"misbehaviour:{entry}", payload or {}, limits=Limits(stage, where, **limits), fds=fds
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.close()
