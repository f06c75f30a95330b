"""What a child says of its outputs is read as if an enemy had written it."""

import pytest

from kernelevo.core import Status
from kernelevo.kernels.answer import Batch
from kernelevo.kernels.failed import Failed
from kernelevo.kernels.results import parse, ranges

HUGE = 10**400
SIZES = {
    "no size that torch has": ([HUGE], [0]),
    "a stride that none has": ([1], [HUGE]),
    "a product that overflows": ([1 << 40, 1 << 40], [0, 0]),
    "one of three": ([1 << 39, 1 << 39, 1 << 39], [0, 0, 0]),
    "empty and beyond any size": ([0, HUGE], [1, 1]),
    "below zero": ([-1], [1]),
}


def said(shape, stride):
    kind = {"exact": True, "dtype": "float32", "shape": shape, "stride": stride, "device": "cpu"}
    return {"structures": ["*"], "kinds": [kind], "results": [[0, [[0, 4096]]]]}


@pytest.mark.parametrize("shape, stride", SIZES.values(), ids=SIZES)
def test_sizes_that_no_tensor_has_break_the_protocol(shape, stride):
    """Each of them would raise where the output is put together, as if the judge itself were broken."""
    with pytest.raises(Failed) as caught:
        parse(said(shape, stride), 1)
    assert caught.value.status is Status.REJECTED and "does not describe its outputs" in caught.value.saw


def test_plain_sizes_are_read():
    ((structure, _, ((address, leaf),)),) = parse(said([2, 0, 3], [3, 3, 1]), 1)
    assert (structure, address, leaf.nbytes) == ("*", 4096, 0)
    assert parse(said([], []), 1)[0][2][0][1].nbytes == 4


@pytest.mark.parametrize("places", [[[float("inf"), 1]], [[0]], 5, [[0, "x"]]])
def test_places_that_are_none_break_the_protocol(places):
    with pytest.raises(Failed, match="does not say where its inputs lie"):
        ranges({"ranges": places})


@pytest.mark.parametrize("number", [HUGE, -HUGE, float("nan"), float("inf"), "5", None])
def test_clocks_that_are_none_count_for_nothing(number):
    batch = Batch.of(3, 1.5, {"ns": number, "mhz": number, "missing": number})
    assert (batch.seconds, batch.own_seconds, batch.megahertz, batch.missing) == (1.5, 0.0, None, {})
