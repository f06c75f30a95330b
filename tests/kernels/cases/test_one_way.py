"""Numbers of which some are seen."""

import random
from statistics import mean

import pytest

from kernelevo.kernels.cases.one_way import OneWay


def test_equal_secrets_give_equal_numbers_and_others_do_not():
    one, two, other = OneWay(5), OneWay(5), OneWay(6)
    drawn = [
        (r.getrandbits(31), r.random(), r.randrange(1000), r.getrandbits(600)) for r in (one, two, other)
    ]
    assert drawn[0] == drawn[1] and not set(drawn[0]) & set(drawn[2])


def test_every_number_comes_equally_often():
    rng = OneWay(1)
    found = [rng.randrange(10) for _ in range(5000)]
    assert all(400 < found.count(i) < 600 for i in range(10))
    assert abs(mean(rng.random() for _ in range(5000)) - 0.5) < 0.02
    assert min(rng.random() for _ in range(100)) >= 0 and rng.getrandbits(0) == 0
    ones = sum(rng.getrandbits(512).bit_count() for _ in range(200))
    assert abs(ones / (200 * 512) - 0.5) < 0.01
    items = list(range(50))
    rng.shuffle(items)
    assert sorted(items) == list(range(50)) != items and len(set(rng.sample(items, 9))) == 9


def test_seeding_changes_nothing_and_nothing_is_told():
    rng, twin = OneWay(2), OneWay(2)
    rng.seed(1)
    assert rng.getrandbits(64) == twin.getrandbits(64)
    with pytest.raises(NotImplementedError):
        rng.getstate()
    with pytest.raises(ValueError, match="non-negative"):
        rng.getrandbits(-1)
    assert isinstance(rng, random.Random)
