"""The probe reports what holds here, as plain data."""

import json
from contextlib import nullcontext

import pytest

from kernelevo.sandbox import landlock, seccomp
from kernelevo.sandbox.channel import PeerClosed
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.tier import SandboxTier, _tried, probe


def test_the_probe_finds_no_gap_where_the_kernel_offers_everything(plain):
    tier = probe(plain)
    assert json.loads(json.dumps(tier.to_json())) == tier.to_json()
    if landlock.abi() >= 6 and not seccomp.supported():
        assert tier.gaps == ()
        assert tier.complete
    assert tier.run["fork a process"].startswith("refused")
    assert tier.facts["read"] == plain.facts["read"]


def test_a_gap_is_named():
    tier = SandboxTier({"open a socket": "allowed"}, {"read a file outside": "refused: EACCES"}, {})
    assert tier.gaps == ("run: open a socket",)
    assert not tier.complete


@pytest.mark.parametrize("missing", ["landlock", "seccomp"])
def test_a_missing_mechanism_is_reported_not_a_crash(monkeypatch, missing, tmp_path):
    """Run in this process's own zygote with the mechanism switched off."""
    if missing == "landlock":
        monkeypatch.setattr(landlock, "syscall", lambda *_: (_ for _ in ()).throw(OSError(38, "none")))
        assert landlock.abi() == 0
        assert landlock.Ruleset([landlock.Rule("/usr", landlock.READ)]).enforce() is False
    else:
        monkeypatch.setattr(seccomp, "is_x86_64", lambda: False)
        assert "x86-64" in seccomp.supported()
        assert seccomp.enforce("run", 1) is False


class Ended:
    """A child that the second of its acts ends, as a filter of somebody else's does; its own zygote, too."""

    def spawn(self, entry, payload, *, limits):
        self.acts = iter(payload["acts"])
        return nullcontext(self)

    @property
    def channel(self):
        return self

    def recv(self, timeout):
        if next(self.acts) == "trace":
            raise PeerClosed("it is gone")
        return "refused: EPERM"

    def kill(self):
        return None

    def exit_reason(self):
        return "SIGSYS"


def test_acts_after_one_that_ends_the_child_are_tried_too(tmp_path):
    found = _tried(Ended(), {}, Limits("run", tmp_path), ["open", "trace", "fork"])
    assert found == {
        "open": "refused: EPERM", "trace": "ended: SIGSYS (it is gone)", "fork": "refused: EPERM",
    }  # fmt: skip
