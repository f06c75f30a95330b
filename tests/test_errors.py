import pickle

import pytest

from kernelevo import errors


def test_a_message_has_three_parts() -> None:
    text = str(errors.BadSetting("budget '0' is empty", why="a budget is above zero", now="--budget 90s"))
    assert text.splitlines() == [
        "budget '0' is empty",
        "  why  a budget is above zero",
        "  now  --budget 90s",
    ]


@pytest.mark.parametrize("kind", [errors.BadSetting, errors.SandboxError, errors.BuildError])
def test_errors_cross_processes(kind: type[errors.KernelEvoError]) -> None:
    again = pickle.loads(pickle.dumps(kind("what", why="why", now="now")))
    assert type(again) is kind
    assert (again.what, again.why, again.now) == ("what", "why", "now")


def test_a_build_error_keeps_its_log() -> None:
    again = pickle.loads(pickle.dumps(errors.BuildError("no", log="line 3: error")))
    assert again.log == "line 3: error"


def test_exit_codes() -> None:
    assert [errors.InputError("").exit_code, errors.MachineError("").exit_code] == [2, 3]
    assert errors.KernelEvoError("").exit_code == 4


def test_closest_names_the_likely_one_and_the_known_ones() -> None:
    assert errors.closest("tune2", ["tune", "rewrite"]) == "did you mean 'tune'? known: rewrite, tune"
    assert errors.closest("xyz", []) == "known: (none)"
    assert errors.closest("99", ["10", "2", "28@he", "28", "1"]).endswith("known: 1, 2, 10, 28, 28@he")
