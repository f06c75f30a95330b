"""A winner's processes: what each of them meets, and what none of them can tell apart."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from kernelevo.kernels.cases.parameters import NO_NAMES
from kernelevo.kernels.hearing import Hearing

TIMED, SHIPPED = (SimpleNamespace(only=NO_NAMES) for _ in range(2))


def case(name: str, parameters: Any = TIMED, *, half: bool = False) -> Any:
    held = SimpleNamespace(only=frozenset({name})) if half else parameters
    return None, SimpleNamespace(name=name, parameters=held)


CASES = [
    *(case(f"kind {n}") for n in range(7)),
    case("shipped", SHIPPED),
    case("one", half=True),
    case("other", half=True),
]


def parted(seed: int, again: Any = None, *, final: bool = True) -> tuple[list[str], list[str]]:
    nothing: Any = None
    ground: Any = SimpleNamespace(pool=SimpleNamespace(timed=TIMED))
    hearing = Hearing(ground, nothing, nothing, random.Random(seed), final=final, again=again)
    early, late = hearing._parted(list(CASES))
    return [each.name for _, each in early], [each.name for _, each in late]


def late(seed: int, again: Any) -> list[str]:
    early, after = parted(seed, again)
    assert not early
    return after


def alike_first(names: list[str]) -> bool:
    kinds = [name.startswith("kind") for name in names]
    return kinds == sorted(kinds, reverse=True)


def test_what_nothing_is_written_for_comes_first_so_that_it_looks_like_a_timed_call() -> None:
    before, after = parted(1, final=False)
    assert sorted([*before, *after]) == sorted(each.name for _, each in CASES)
    assert alike_first(before) and alike_first(after) and after[0].startswith("kind")
    assert all(alike_first(late(seed, "fp32-accurate")) for seed in range(20))


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
