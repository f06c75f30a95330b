"""A winner's processes: what each of them meets, and what none of them can tell apart."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from kernelevo.kernels.cases.parameters import NO_NAMES
from kernelevo.kernels.hearing import Hearing
from kernelevo.kernels.reference.gaps import Gap, Report
from kernelevo.kernels.verdict import Notes

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


def rough(times: float, e_ref: float, *, name: str = "output") -> Report:
    fine = Gap("output[1]", True, max_abs=1.0, e_ref=1e-9)
    return Report((Gap(name, True, max_abs=times * e_ref, e_ref=e_ref, fine=False), fine))


@pytest.mark.parametrize(
    ("reports", "group", "label"),
    [
        ([(rough(50, 1e-6), "small"), (rough(400, 1e-2), "large")], "large", "tf32"),
        ([(rough(400, 1e-2), "large"), (rough(50, 1e-6), "small")], "large", "tf32"),  # in any order
        ([(rough(9000, 1e-6), "small"), (rough(400, 1e-2), "large")], "small", "lower"),
        ([], None, "fp32-accurate"),
    ],
)
def test_a_class_is_told_by_the_coarsest_case_and_by_what_tf32_does_there(reports, group, label) -> None:
    """On inputs a hundred times as large TF32 is off by as much more: no other case's error says that."""
    errors, asked = {"small": (2e-4,), "large": (2.0,)}, []
    pool = SimpleNamespace(e_tf32=lambda which: asked.append(which) or errors[which])
    notes = Notes()
    ground: Any = SimpleNamespace(pool=pool)
    nothing: Any = None
    hearing = Hearing(ground, nothing, notes, random.Random(1))
    hearing._take(Report((Gap("output", True),)), nothing, shipped=True)
    for report, of in reports:
        hearing._take(report, of, shipped=False)
    assert hearing._precision() == label and asked == ([group] if group else [])
