"""A winner's processes: what each of them meets, and what none of them can tell apart."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from kernelevo.kernels.hearing import Hearing
from kernelevo.kernels.parameters import NO_NAMES


def case(name: str, *, half: bool = False) -> Any:
    only = frozenset({name}) if half else NO_NAMES
    return None, SimpleNamespace(name=name, parameters=SimpleNamespace(only=only))


CASES = [*(case(f"kind {n}") for n in range(8)), case("one", half=True), case("other", half=True)]


def late(seed: int, again: Any) -> list[str]:
    nothing: Any = None
    hearing = Hearing(nothing, nothing, nothing, random.Random(seed), final=True, again=again)
    early, after = hearing._parted(list(CASES))
    assert not early
    return [each.name for _, each in after]


def test_the_first_process_of_a_winner_meets_every_case() -> None:
    assert late(1, None) == [each.name for _, each in CASES]


@pytest.mark.parametrize("seed", range(20))
def test_each_other_one_meets_a_secret_half_with_both_halves_of_the_parameters(seed: int) -> None:
    met = late(seed, "fp32-accurate")
    assert len(met) == len(set(met)) == 5 and {"one", "other"} <= set(met)


def test_the_others_are_drawn_anew_and_in_any_order() -> None:
    draws = [late(seed, "fp32-accurate") for seed in range(60)]
    assert {name for met in draws for name in met} == {each.name for _, each in CASES}
    assert len({met[0] for met in draws}) > 5
