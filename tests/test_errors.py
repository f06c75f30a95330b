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


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ([f"3/{n}" for n in range(1, 51)], "3/1 to 50"),
        (["3/1", "3/2"], "3/1, 3/2"),
        (["3/1", "3/2", "3/3", "3/5", "3/6", "3/7", "3/8", "a"], "3/1 to 3, 3/5 to 8, a"),
        (["9", "10", "11", "11b", "12"], "9 to 11, 11b, 12"),
        (["v1", "v2", "w3"], "v1, v2, w3"),
        (["", "0", "1", "2"], ", 0 to 2"),
    ],
)
def test_names_that_count_up_are_told_as_a_range(known: list[str], told: str) -> None:
    assert errors.closest("?", known) == f"known: {told}"
