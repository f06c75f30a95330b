"""Ratings against published ones, relative scores, paired comparison, generators and scorers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.evaluators.combinatorial import rating, scoring
from kernelevo.evaluators.combinatorial.problem import (
    PUBLIC,
    Case,
    WrongAnswer,
    digest,
    private_seed,
    tokens,
    whole,
)
from kernelevo.evaluators.combinatorial.problems import PROBLEMS, references
from kernelevo.evaluators.combinatorial.rating import Result

# performances and ratings as shown on the public history pages of two participants (first system)
TOURIST = [3254, 2119, 2471, 1297, 1446], [2254, 2299, 2382, 2382, 2383]
CHOKUDAI = [1338, 2399, 2531, 2789, 2269], [343, 1453, 1850, 2160, 2215]


@pytest.mark.parametrize(("performances", "expected"), [TOURIST, CHOKUDAI])
def test_first_rating_is_what_was_published(performances, expected):
    for n, value in enumerate(expected, 1):
        assert rating.first_rating(performances[:n]) == pytest.approx(value, abs=0.5)


def test_second_rating_is_what_was_published():
    # the first of these participants on 2025-07-06; days from each contest's end
    days = [1533, 1471, 540, 455, 350]
    results = [Result(p, d) for p, d in zip(TOURIST[0], days, strict=True)]
    assert rating.rating(results) == pytest.approx(2180, abs=1)


def test_rating_stays_positive_and_weights_count():
    assert 0 < rating.rating([Result(-2000)]) < 1
    assert rating.rating([Result(2000, weight=0.5)]) < rating.rating([Result(2000)])
    with pytest.raises(ValueError, match="no contest"):
        rating.rating([])


def test_performance_between_ranks_on_ties_and_beyond():
    table = [(1, 3000), (2, 2600), (2, 2400), (10, 1700)]
    assert rating.performance(1, table) == 3000
    assert rating.performance(2, table) == 2500
    assert rating.performance(1.5, table) == 2750
    assert rating.performance(6, table) == 2100
    assert rating.performance(18, table) == 900
    assert rating.performance(1, table[1:]) == 2600
    for rank, rows in ((0.5, table), (1, table[:1])):
        with pytest.raises(ValueError, match="rank"):
            rating.performance(rank, rows)


def test_pool_strengths_order_a_pool():
    strong, middle, weak = [1.0] * 20, [0.9] * 19 + [1.0], [0.1] * 20
    found = rating.pool_strengths([weak, strong, middle])
    assert found[1] > found[2] > found[0]
    assert sum(found) / 3 == pytest.approx(1500)
    assert rating.pool_strengths([strong, strong]) == pytest.approx([1500, 1500])


# the documented behaviour of contests, with the numbers of ALE-Bench's own table of examples
@pytest.mark.parametrize(
    ("score", "others", "kind", "expected"),
    [
        (400, [100, 200, None, 300, None], "rank_max", 1000),
        (300, [200, 400, None, 100, 100], "rank_max", 833),
        (400, [100, 200, None, 300, None], "rank_min", 500),
        (50, [200, 400, None, 100, 100], "rank_min", 1000),
        (100, [100, 200, None, 300, None], "rank_min", 917),
        (100, [200, 400, None, 100, 100], "rank_min", 833),
        (150, [300, 75], "max", 500),
        (150, [300, 75], "min", 500),
        (600, [300, None], "max", 1000),
        (None, [300], "max", 0),
    ],
)
def test_contest_scores(score, others, kind, expected):
    assert scoring.contest_score(score, others, kind, 1000) == expected


def test_relative_scores_have_no_cap():
    assert scoring.relative(200, 100, "max") == 2
    assert scoring.relative(50, 100, "min") == 2
    assert scoring.relative(None, 100, "min") == 0


def test_a_few_lucky_cases_are_not_better():
    old = [0.5] * 100
    lucky = [0.5] * 98 + [0.7, 0.45]
    assert not scoring.paired(lucky, old).better
    assert scoring.paired([0.52] * 50 + [0.5] * 50, old).better
    assert scoring.paired(old, old).hopeless
    assert scoring.paired([0.4] * 5, [0.5] * 5).hopeless
    with pytest.raises(ValueError, match="no cases"):
        scoring.paired([], [])


PINNED = {
    "delivery_routes": "192c043724ff6ecc", "strip_packing": "0027ade471835cb5",
    "noisy_graphs": "e4ab8cf9cc3b7478", "noisy_peaks": "1372c895326eb445",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_cases_are_the_same_everywhere(name):
    cases = [PROBLEMS[name].case(i, b"a secret") for i in range(8)]
    assert digest(cases) == PINNED[name]
    assert len({c.stratum for c in cases}) == 4
    assert digest([PROBLEMS[name].case(i, b"a secret") for i in range(8)]) == digest(cases)


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_best_known_table_belongs_to_the_generator(name):
    table = scoring.best_known(name)
    assert len(table.scores) == PUBLIC and min(table.scores) > 0
    assert table.problem_version == PROBLEMS[name].version
    assert len(references(name)) >= 3


def test_private_seeds_need_the_secret():
    one = [private_seed(b"a", "noisy_peaks", i) for i in range(20)]
    assert len(set(one)) == 20
    assert not set(one) & {private_seed(b"b", "noisy_peaks", i) for i in range(20)}
    case = PROBLEMS["delivery_routes"].case(one[0])
    assert case == PROBLEMS["delivery_routes"].case(one[0])


@given(st.text(max_size=12))
def test_integers_are_read_strictly(token):
    try:
        value = whole(token, 0, 10**6, "x")
    except WrongAnswer:
        return
    assert token.removeprefix("-").isdigit() and value == int(token)


@pytest.mark.parametrize("token", ["1.0", "nan", "1e3", "٣", "1_0", "+1", "--1", "", "9" * 30, "-1", "11"])
def test_what_is_no_integer_in_range(token):
    with pytest.raises(WrongAnswer):
        whole(token, 0, 10, "x")


def test_too_much_output():
    with pytest.raises(WrongAnswer, match="more than"):
        tokens("1 " * 600_000)


def routes_case():
    return Case(0, "x", "", ([(0, 0), (3, 4), (0, 10)], [0, 5, 6], 10))


@pytest.mark.parametrize(("output", "score"), [("2 1 1 1 2", 30), ("2\n1 2\n1 1\n", 30)])
def test_routes_are_measured(output, score):
    assert PROBLEMS["delivery_routes"].score(routes_case(), output) == score


@pytest.mark.parametrize(
    "output",
    [
        "",
        "1 2 1 2",
        "2 1 1 1 1",
        "1 1 1",
        "2 1 1 1 2 7",
        "2 1 1 1 3",
        "2 1 1 1",
        "Score = 1",
        "2 1 1 1 nan",
        "3",
    ],
)
def test_wrong_routes(output):
    with pytest.raises(WrongAnswer):
        PROBLEMS["delivery_routes"].score(routes_case(), output)


def strip_case():
    return Case(0, "x", "", ([(4, 6), (6, 4)], 10))


def test_strips_are_measured():
    score = PROBLEMS["strip_packing"].score
    assert score(strip_case(), "0 0 0 4 0 0") == 6
    assert score(strip_case(), "0 0 1 0 4 0") == 8


@pytest.mark.parametrize(
    "output",
    [
        "",
        "0 0 0",
        "0 0 0 0 0 0",
        "0 0 0 5 0 0",
        "-1 0 0 4 0 0",
        "0 0 2 4 0 0",
        "0 0 0 4.0 0 0",
        "0 0 0 4 0 0 0",
    ],
)
def test_wrong_strips(output):
    with pytest.raises(WrongAnswer):
        PROBLEMS["strip_packing"].score(strip_case(), output)
