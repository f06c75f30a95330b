"""What a child says of its outputs is read as if an enemy had written it."""

import pytest
import torch

from kernelevo.core import Status
from kernelevo.kernels.children.answer import Batch
from kernelevo.kernels.children.filling import memory
from kernelevo.kernels.children.results import describe, parse, places, ranges, resolved
from kernelevo.kernels.faults.failed import Failed

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


class Memory:
    """Reads this process's memory as a session reads its child's."""

    def __init__(self, *results):
        self.said = describe(list(results))

    def read(self):
        found = []
        for _, kinds, tensors in parse(self.said, len(self.said["results"])):
            for kind, (address, leaf) in zip(kinds, tensors, strict=True):
                raw = torch.frombuffer(bytearray(memory(address, leaf.nbytes).tobytes()), dtype=torch.uint8)
                found.append(resolved(raw.view(leaf.torch_dtype).as_strided(leaf.shape, leaf.stride), kind))
        return found


def test_what_a_view_puts_off_is_done_when_it_is_read():
    """Conjugates and their imaginary parts lie in memory as if nothing had been asked."""
    x = torch.randn(3, 4, dtype=torch.complex64)
    results = [x, x.conj(), x.conj().imag, x.conj().t(), x.real]
    for value, right in zip(Memory(*results).read(), results, strict=True):
        assert torch.equal(value, right.clone()) and value.dtype is right.dtype


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float16])
def test_a_child_that_says_so_of_what_cannot_be_negated_is_read_all_the_same(dtype):
    stored = torch.ones(3, dtype=dtype)
    assert torch.equal(resolved(stored, {"conjugated": True, "negated": True}), stored)


def test_places_leave_out_what_the_module_hands_out():
    held, made = torch.ones(3), [torch.ones(3), torch.ones(3)]
    parsed = parse(describe([(made[0], held, 5), (made[1], held, 5)]), 2)
    own = [places(result, (False, True, False)) for result in parsed]
    assert own == [[(made[0].data_ptr(), 12)], [(made[1].data_ptr(), 12)]]
    assert places(parsed[0]) == places(parsed[0], (True,)) == [*own[0], (held.data_ptr(), 12)]


@pytest.mark.parametrize("kind", ["plain", ["plain"], 5, None])
def test_kinds_that_are_none_break_the_protocol(kind):
    """A text or a list has no field ``dtype`` either, and would be taken for a plain value."""
    with pytest.raises(Failed) as caught:
        parse({"structures": ["*"], "kinds": [kind], "results": [[0, [[0, 0]]]]}, 1)
    assert caught.value.status is Status.REJECTED and "does not describe its outputs" in caught.value.saw


@pytest.mark.parametrize("dtype", ["quint8", "qint32", "bits8"])
def test_types_whose_memory_is_not_plain_break_the_protocol(dtype):
    told = said([3], [1])
    told["kinds"][0]["dtype"] = dtype
    with pytest.raises(Failed, match="does not describe its outputs"):
        parse(told, 1)
