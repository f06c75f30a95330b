"""Every test here has a secret of its own instead of this machine's."""

import pytest

from kernelevo.evaluators import secret


@pytest.fixture(autouse=True)
def own_secret(tmp_path, monkeypatch):
    monkeypatch.setenv(secret.FOLDER, str(tmp_path / "state"))
