"""Tensors in one block of memory that parent and child share."""

import json
import os
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.kernels.children.arena import Arena, Layout, dense, mapped_at
from kernelevo.kernels.reference.tree import Leaf

leaves = st.lists(
    st.builds(
        lambda shape, dtype: dense(torch.empty(shape, dtype=dtype)),
        st.lists(st.integers(0, 5), max_size=3),
        st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool]),
    ),
    min_size=1,
    max_size=6,
)


@given(leaves, st.integers(1, 3))
def test_tensors_lie_on_pages_of_their_own_and_keep_their_values_apart(found, count):
    layout = Layout.of(found).repeated(count)
    assert Layout.from_json(json.loads(json.dumps(layout.to_json()))) == layout
    spans = [(at, at + max(leaf.nbytes, 1)) for at, leaf in zip(layout.offsets, layout.leaves, strict=True)]
    assert all(start % 4096 == 0 for start, _ in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    arena = Arena(layout.nbytes)
    try:
        views = layout.views(arena.block)
        for number, view in enumerate(views):
            view.fill_(number % 2)
        for number, (view, leaf) in enumerate(zip(layout.views(arena.block), layout.leaves, strict=True)):
            assert Leaf.of(view) == leaf and bool((view == number % 2).all())
    finally:
        arena.close()


def test_both_see_the_same_pages_and_their_size_is_sealed():
    arena = Arena(5000)
    other = Arena(5000, os.dup(arena.fd))
    try:
        other.block[4999] = 7
        assert int(arena.block[4999]) == 7
        for size in (1 << 20, 4096):
            with pytest.raises(PermissionError):
                os.ftruncate(other.fd, size)
        places = mapped_at(os.getpid(), arena.inode)
        starts = {arena.block.data_ptr(), other.block.data_ptr()}
        assert starts <= {start for start, _ in places} and all(end - start >= 5000 for start, end in places)
    finally:
        arena.close()
        other.close()


def test_what_has_gaps_is_laid_out_row_by_row():
    base = torch.arange(24.0).view(4, 6)
    assert dense(base.t()).stride == (1, 6)  # dense in its own order
    assert dense(base[:, ::2]).stride == (3, 1)
