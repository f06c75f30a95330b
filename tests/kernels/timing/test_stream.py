"""A call's values, written where children compute, are those that the host would write."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.kernels.cases.inputs import DISTRIBUTIONS, free_leaves
from kernelevo.kernels.children.filling import HostFiller
from kernelevo.kernels.timing.stream import _WINDOWS, Stream, _offset
from tests.kernels.references import Ref


def stream_of(draw, **more):
    ref = Ref(torch.nn.Identity, draw)
    return Stream(ref, free_leaves(ref, 0), DISTRIBUTIONS, random.Random(1), **more)


def several():
    """One leaf of more than two chunks, one that is drawn anew, a constant, a number."""
    return [
        torch.rand(3, 50_000), torch.randint(0, 9, (7,)), torch.tril(torch.ones(5, 5)), 4, torch.rand(11),
    ]  # fmt: skip


def test_filling_is_writing():
    stream, kinds = stream_of(several), set()
    for _ in range(40):
        pick = stream.pick()
        kinds.add(pick.distribution)
        wanted, found = (
            [torch.full_like(v, 3) for v in stream.leaves(pick) if isinstance(v, torch.Tensor)]
            for _ in range(2)
        )
        stream.write(pick, wanted)
        piece = stream.fill(pick, [v.data_ptr() for v in found])
        HostFiller().fill(piece.rows)
        assert all(torch.equal(a, b) for a, b in zip(wanted, found, strict=True))
        assert len(piece.rows) >= 5  # chunk by chunk
    assert kinds == {"shipped", "normal", "signed", "small", "large"}


@pytest.mark.parametrize(
    "draw",
    [lambda: [torch.rand(8, 8).double()], lambda: [torch.rand(8, 8).t()], lambda: [torch.rand(64).half()]],
    ids=["double", "transposed", "half"],
)
def test_what_only_the_host_can_write_is_left_to_it(draw):
    stream = stream_of(draw)
    pick = stream.pick()
    assert stream.fill(pick, [0]) is None
    assert torch.equal(stream.near(pick)[0], stream.leaves(pick)[0])


def test_without_room_for_copies_the_host_writes():
    class Full:
        place = "cpu"

        def fill(self, rows):
            raise AssertionError("nothing is to be written")

    stream = stream_of(several, writer=Full())
    pick = stream.pick()
    assert stream.fill(pick, [1, 2, 3, 4]) is not None
    torch_to, torch.Tensor.to = torch.Tensor.to, _refuse
    try:
        other = stream_of(several, writer=Full())
        pick = other.pick()
        assert other.fill(pick, [1, 2, 3, 4]) is None
    finally:
        torch.Tensor.to = torch_to
    assert other.fill(pick, [1, 2, 3, 4]) is not None  # there may be room later


def _refuse(*_, **__):
    raise torch.OutOfMemoryError("no room")


def columns():
    """The first column holds numbers of classes, the second one shares."""
    kinds = torch.randint(0, 50, (4096, 1)).float()
    return [torch.cat([kinds, torch.rand(4096, 1), torch.randn(4096, 6)], 1)]


def test_columns_stay_in_their_places():
    """A number of a class that came from another column would make the module itself raise."""
    stream = stream_of(columns)
    assert stream.windows
    picks = [pick for pick in (stream.pick() for _ in range(60)) if pick.distribution == "shipped"]
    assert len({pick.offset for pick in picks}) > 20
    for pick in picks:
        (value,) = stream.leaves(pick)
        assert value[:, 0].min() >= 0 and 20 < value[:, 0].max() < 50  # times a factor from 0.9 to 1
        assert value[:, 1].min() >= 0 and value[:, 1].max() < 1


@given(st.lists(st.integers(1, 40), max_size=4), st.integers(0, 1 << 18), st.integers(0, 9))
def test_windows_begin_at_whole_samples_where_many_fit(shape, room, seed):
    rng = random.Random(seed)
    offset = _offset(shape, room, rng)
    assert 0 <= offset <= room
    step = 1
    for size in reversed(shape[1:]):
        if step * size * _WINDOWS > room:
            break
        step *= size
    assert offset % step == 0
