"""Exact values: against other formulas, published values, and what is not a construction."""

import json
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelevo.errors import BadProgram
from kernelevo.evaluators.mathematics import geometry, kissing, recheck, records, step_functions, uncertainty
from kernelevo.evaluators.mathematics.problems import PROBLEMS
from kernelevo.evaluators.mathematics.reading import NotOne

whole = st.lists(st.integers(0, 10**14), min_size=1, max_size=40)
nan, inf = math.nan, math.inf
ONE_CIRCLE = [[0.5, 0.5, 0.5]]


def grid(radius, moved=0.0):
    """25 touching circles in five rows, and a small one between four of them."""
    rows = [[0.1 + 0.2 * (i % 5), 0.1 + 0.2 * (i // 5), radius] for i in range(25)]
    return [*rows, [0.2 + moved, 0.2, 0.1 * (math.sqrt(2) - 1)]]


@given(whole, whole)
def test_convolution_equals_the_definition(a, b):
    expected = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            expected[i + j] += x * y
    assert step_functions.convolved(a, b) == expected


def test_touching_circles_lose_no_more_than_rounding():
    circles = geometry.repaired_circles(grid(0.1), 26)
    assert geometry.is_packing(circles)
    assert float(geometry.total_radius(circles)) == pytest.approx(2.5 + 0.1 * (math.sqrt(2) - 1), abs=1e-14)


@pytest.mark.parametrize("slack", [1e-6, 1e-9])
def test_slack_gains_nothing(slack):
    honest = geometry.total_radius(geometry.repaired_circles(grid(0.1), 26))
    greedy = geometry.total_radius(geometry.repaired_circles(grid(0.1 + slack), 26))
    assert greedy < honest


@settings(max_examples=25)
@given(st.lists(st.tuples(*[st.floats(0.05, 0.95)] * 2, st.floats(0, 0.05)), min_size=4, max_size=4))
def test_whatever_is_repaired_is_a_packing(rows):
    try:
        circles = geometry.repaired_circles([list(r) for r in rows], 4)
    except NotOne:
        return
    assert geometry.is_packing(circles)
    assert all(c[2] <= Fraction(r[2]) for c, r in zip(circles, rows, strict=True))


def test_distance_ratio_of_a_square_grid():
    points = [[x, y] for x in range(4) for y in range(4)]
    assert geometry.squared_distance_ratio(geometry.distinct_points(points, 16)) == 18


def test_distances_are_never_a_matter_of_a_few_steps_of_doubles():
    problem, step = PROBLEMS["minmax_distance"], 1.5876e-162  # its square is half of the smallest double
    tiny = problem.repair([[x * step, y * step] for x in range(4) for y in range(4)])
    assert problem.fast(tiny) == pytest.approx(18)
    wide = problem.repair([*([k * 1e-200, 0.0] for k in range(15)), [9e39, 0.0]])
    assert problem.fast(wide) == inf and problem.ratio(inf, 12.9) == 0


def test_heilbronn_moves_points_to_the_border_and_not_further():
    points = geometry.points_in_triangle([[0.6, 0.6], [-1e-9, 0.5], [0.2, 0.2]], 3)
    assert points[0] == [Fraction(1, 2), Fraction(1, 2)]
    assert points[1] == [0, Fraction(1, 2)]
    assert geometry.smallest_triangle([[0, 0], [1, 0], [0, 1]]) == 1


def test_overlap_of_known_functions():
    flat = step_functions.repaired_overlap([0.5] * 100)
    assert step_functions.overlap(flat) == Fraction(1, 2)
    # Erdős' first example: 1 in the middle half, overlap 1/2 as well; Swinnerton-Dyer's are better
    middle = step_functions.repaired_overlap([0] * 25 + [1] * 50 + [0] * 25)
    assert step_functions.overlap(middle) == Fraction(1, 2)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20).filter(lambda v: len(v) % 2 == 0))
def test_repaired_overlap_keeps_its_promise(values):
    heights = step_functions.repaired_overlap(values)
    assert 2 * sum(heights) == len(heights) * step_functions.UNIT
    assert all(0 <= h <= step_functions.UNIT for h in heights)


def test_autocorrelation_of_a_constant_is_two():
    assert step_functions.autocorrelation(step_functions.repaired_autocorrelation([3.0] * 10)) == 2


@given(st.lists(st.floats(0.1, 5), min_size=2, max_size=12))
def test_autocorrelation_is_what_numpy_says(values):
    exact = step_functions.autocorrelation(step_functions.repaired_autocorrelation(values))
    v = np.array(values)
    assert float(exact) == pytest.approx(2 * len(v) * np.convolve(v, v).max() / v.sum() ** 2, rel=1e-9)


def test_kissing_drops_what_is_too_near_and_no_more():
    roots = [[s if k == i else t if k == j else 0 for k in range(11)]
             for i in range(11) for j in range(i) for s in (1, -1) for t in (1, -1)]  # fmt: skip
    assert len(kissing.repaired(roots)) == 220
    assert len(kissing.repaired([*roots, roots[0], [0] * 11])) == 220
    assert len(kissing.repaired([*roots, [1] + [0] * 10])) == 220
    huge = [[x * 10**12 for x in row] for row in roots[:40]]
    assert kissing.is_configuration(kissing.repaired(huge))
    assert len(kissing.repaired([[x * 10**12 for x in row] for row in [*roots, [1] + [0] * 10]])) == 220


def test_as_many_vectors_as_may_come_are_sorted_out_in_no_time():
    """Nearly all of these are too near to others: 22 s for one program, counted anew after each."""
    rng = np.random.default_rng(1)
    began = time.monotonic()
    kept = kissing.repaired(rng.integers(-9, 10, (kissing.MOST, kissing.DIMENSION)).tolist())
    assert time.monotonic() - began < 8.0
    assert kissing.is_configuration(kept) and 2 <= len(kept) < 100


def test_uncertainty_of_one_touching_point_is_what_was_published():
    pytest.importorskip("flint")
    # AlphaEvolve (May 2025) reports 0.3521 for the Hermite polynomials up to H_12
    above, value = uncertainty.bound(uncertainty.repaired({"points": [2.25]}))
    assert value == pytest.approx(0.35212, abs=1e-5)
    assert uncertainty.confirmed(uncertainty.repaired({"points": [2.25]}), above)
    assert not uncertainty.confirmed(uncertainty.repaired({"points": [2.25]}), above - Fraction(1, 1000))


BAD = {
    "circle_packing": [None, [], "rows", [[0.5, 0.5, nan]] * 26, [[0.5, 0.5, 0.1]] * 26, [[0.5, 0.5]] * 26,
                       [["0.5", 0.5, 0.1]] * 26, [[True, 0.5, 0.1]] * 26, [[0.5, 0.5, inf]] * 26, 2.7,
                       {"sum": 2.7}, np.empty((0, 3)), [[0.5, 0.5, -1.0]] * 26],
    "minmax_distance": [[[0.0, 0.0]] * 16, [[10**5000, 0.0]] * 16, [[nan, 0.0]] * 16, [[0.0, 0.0]] * 15],
    "heilbronn_triangle": [[[nan, nan]] * 11, [[0.1, 0.1]] * 10, [[0.1, 1e300]] * 11],
    "erdos_minimum_overlap": [[], [nan, nan], [0.5], [0.5] * 3, [inf, 0.0], 0.38, [[0.5, 0.5], 4.9999]],
    "autocorrelation_1": [[], [nan], [0.0, 0.0], [-1.0, 2.0], [inf], ([1.0], 1.5)],
    "kissing_number": [[], [[0] * 11], [[1.0] * 11], [[1e-3] * 11], [[1] * 10], [[True] * 11],
                       [[10**41] * 11], [[-(10**5000)] * 11]],
    "uncertainty": [[2.25], ({"points": [2.25]}, 0.1), {"points": [2.25], "bound": 0.1},
                    *({"points": z} for z in ([], [nan], [-1.0], [0.0], [1e6], [1.0] * 17))],
}  # fmt: skip


@pytest.mark.parametrize(("name", "given"), [(n, g) for n, all_ in BAD.items() for g in all_])
def test_what_is_no_construction_is_refused(name, given):
    with pytest.raises(NotOne):
        PROBLEMS[name].repair(given)


def test_points_in_a_row_have_no_triangle():
    construction = PROBLEMS["heilbronn_triangle"].repair([[k / 20, k / 20] for k in range(11)])
    assert PROBLEMS["heilbronn_triangle"].exact(construction) == 0


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_every_problem_has_a_record_with_source_and_date(name):
    row = records.record(name)
    assert row.source and row.date >= "2025"
    assert PROBLEMS[name].ratio(row.value, row.value) == 1
    better = row.value * (1.1 if PROBLEMS[name].direction == "up" else 0.9)
    assert PROBLEMS[name].ratio(better, row.value) > 1  # no cap


def some(name):
    rng = np.random.default_rng(7)
    return {
        "circle_packing": grid(0.09),
        "circle_packing_32": [[(i % 6) / 6 + 1 / 12, (i // 6) / 6 + 1 / 12, 1 / 12] for i in range(32)],
        "minmax_distance": rng.random((16, 2)),
        "heilbronn_triangle": rng.dirichlet([1, 1, 1], 11)[:, :2],
        "erdos_minimum_overlap": rng.random(24),
        "autocorrelation_1": rng.random(25),
        "kissing_number": [[3 * (i == j) for j in range(11)] for i in range(11)],
        "uncertainty": {"points": [2.2, 6.5]},
    }[name]


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_the_second_computation_agrees_with_the_first(name):
    if name == "uncertainty":
        pytest.importorskip("flint")
    problem = PROBLEMS[name]
    construction = problem.repair(some(name))
    exact = problem.exact(construction)
    assert recheck.recheck(recheck.saved(name, construction)) == exact
    assert problem.fast(construction) == pytest.approx(float(exact), rel=1e-12)


def test_the_second_computation_is_a_command(tmp_path, capsys):
    file = tmp_path / "construction.json"
    problem = PROBLEMS["circle_packing"]
    construction = problem.repair(some("circle_packing"))
    file.write_text(recheck.saved("circle_packing", construction))
    assert recheck.main([str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["decimal"] == float(problem.exact(construction))
    file.write_text("{}")
    for arguments, words in (
        ([str(file)], "not a saved construction"),
        ([str(tmp_path / "nope.json")], "cannot be read"),
        ([], "usage"),
    ):
        assert recheck.main(arguments) == 2
        said = capsys.readouterr()
        assert words in said.err and "Traceback" not in said.err and not said.out


def test_the_second_computation_refuses_what_is_not_valid():
    overlapping = recheck.saved("circle_packing", [[Fraction(x) for x in row] for row in grid(0.1, 0.001)])
    texts = ["", "{}", "[]", json.dumps({"problem": "nothing", "construction": []}), overlapping]
    for name, wrong in (
        ("circle_packing", ONE_CIRCLE), ("circle_packing", []), ("circle_packing", [["1/2", "1/2", "1/2"]]),
        ("circle_packing", [["1/2"]] * 26), ("minmax_distance", [["0", "0"], ["1", "0"]]),
        ("minmax_distance", [["1e3000000000", "0"]] * 16),
        ("minmax_distance", [[0, 0]] * 16), ("heilbronn_triangle", [["1/3", "1/3"]] * 3),
        ("autocorrelation_1", [0.5, 0.5]), ("autocorrelation_1", []), ("kissing_number", [[1.0] * 11]),
        ("kissing_number", "none"), ("erdos_minimum_overlap", [[1]]), ("erdos_minimum_overlap", None),
    ):  # fmt: skip
        texts.append(json.dumps({"problem": name, "construction": wrong}))
    for text in texts:
        with pytest.raises(BadProgram):
            recheck.recheck(text)
