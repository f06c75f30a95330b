"""What doctor says of a sandbox that cannot forbid everything."""

import pytest

from kernelevo.api.doctor import ENDPOINT, _endpoint, _memory, _processor, examine
from kernelevo.device import allowance
from kernelevo.sandbox import tier

REFUSED = {"open a socket": "refused: EPERM"}


@pytest.mark.parametrize(
    ("version", "acts", "told", "truncates"),
    [
        (0, {"read a file outside": "allowed"}, "allowed: run: read a file outside", True),
        (2, REFUSED, "every forbidden act was refused; Landlock 2, user 65534", True),
        (3, REFUSED, "every forbidden act was refused; Landlock 3, user 65534", False),
        (6, REFUSED, "every forbidden act was refused; Landlock 6, user 65534", False),
    ],
)
def test_a_landlock_that_knows_no_truncation_is_named(monkeypatch, version, acts, told, truncates):
    facts = {"landlock": version, "seccomp": True, "identity": "user 65534", "bubblewrap": None}
    monkeypatch.setattr(tier, "probe", lambda: tier.SandboxTier(acts, {}, facts))
    (row,) = [row for row in examine()["checks"] if row["name"] == "sandbox"]
    assert row["ok"] is (acts is REFUSED)
    assert row["says"].startswith(told)
    assert ("truncates files" in row["says"] and "needs version 3" in row["says"]) is truncates


def test_what_a_containers_quota_grants_is_told(monkeypatch):
    plain = {"name": "A", "cores": 8, "cores_online": 8, "cpu_quota": None}
    assert _processor(plain) == "A, 8 cores"
    small = {**plain, "cores": 2, "cpu_quota": 2.5}
    assert _processor(small) == "A, 2 cores: control groups grant 2.5 of 8, in whole cores"
    monkeypatch.setattr(allowance, "memory_left", lambda: 3_000_000_000)
    assert ", of which control groups grant 3.0 GB more" in _memory(16_000_000_000)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ({}, "no key and no base URL: model-free proposers only"),
        ({"OPENAI_API_KEY": "k"}, "OPENAI_API_KEY set"),
        ({"KERNELEVO_BASE_URL": "http://user:secret@host/v1"}, "KERNELEVO_BASE_URL set"),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://host"}, "OPENAI_API_KEY and OPENAI_BASE_URL set"),
    ],
)
def test_an_endpoint_may_need_no_key(monkeypatch, there, says):
    """And neither a key nor an address, which may hold a password, is printed."""
    for name in ENDPOINT:
        monkeypatch.delenv(name, raising=False)
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    row = _endpoint()
    assert row["says"] == says and row["ok"] is bool(there)
