"""Shared buffers: aligned, sealed, zero copy, and a child's late writes reach no copy of ours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelevo.sandbox.sharedmem import ALIGNMENT, Buffer, Slot, lay_out

dtypes = st.sampled_from(["float32", "float64", "bfloat16", "bool", "int64", "uint8", "complex64"])
shapes = st.lists(st.integers(0, 9), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=5), st.tuples(dtypes, shapes), max_size=6))
def test_slots_are_aligned_and_do_not_overlap(tensors):
    slots, size = lay_out(tensors)
    end = 0
    for slot in slots:
        assert slot.offset % ALIGNMENT == 0
        assert slot.offset >= end
        end = slot.offset + slot.nbytes
        assert Slot.from_json(slot.to_json()) == slot
    assert end <= size


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=5), st.tuples(dtypes, shapes), min_size=1, max_size=6))
def test_views_keep_their_values_apart(tensors):
    with Buffer(tensors, child_writes=True) as buffer:
        for i, name in enumerate(tensors):
            buffer.view(name)[...] = i % 2 if tensors[name][0] == "bool" else i
        for i, name in enumerate(tensors):
            wanted = i % 2 if tensors[name][0] == "bool" else i
            assert (buffer.copy(name) == wanted).all()
            assert list(buffer.view(name).shape) == list(tensors[name][1])


def test_an_unknown_dtype_is_refused():
    with pytest.raises(ValueError, match="quint8"):
        lay_out({"x": ("quint8", [1])})


TENSORS = {"x": ("float32", [3, 5]), "y": ("float64", [2]), "n": ("float32", [0, 4])}


def test_the_child_writes_into_our_memory_without_a_copy(spawn, warm):
    with Buffer(TENSORS, child_writes=True) as buffer:
        buffer.view("x")[...] = np.arange(15).reshape(3, 5)
        buffer.view("y")[...] = 0.5
        child = spawn(
            "add_one", {"layout": buffer.layout, "writes": True}, zygote=warm, fds={"buffer": buffer.fileno()}
        )
        facts = child.channel.recv(10.0)
        assert facts["x"] == [[3, 5], "torch.float32", 0]
        assert facts["y"][2] == 0
        child.stop()
        assert (buffer.view("x") == np.arange(15).reshape(3, 5) + 1).all()
        kept = buffer.copy("y")
        child.resume()
        child.channel.send("go on")
        assert child.channel.recv(5.0) == "late write done"
        assert (kept == 1.5).all()  # what was taken at the stop stays as it was
        assert (buffer.view("y") == 0).all()


def test_a_protected_buffer_never_changes(spawn, warm):
    with Buffer(TENSORS, child_writes=False) as buffer:
        buffer.view("x")[...] = 7
        child = spawn(
            "add_one", {"layout": buffer.layout, "writes": True}, zygote=warm, fds={"buffer": buffer.fileno()}
        )
        child.channel.recv(10.0)
        child.channel.send("go on")
        child.channel.recv(5.0)
        assert (buffer.view("x") == 7).all()


@pytest.mark.parametrize("child_writes", [True, False])
def test_the_size_is_sealed(spawn, child_writes):
    with Buffer(TENSORS, child_writes=child_writes) as buffer:
        child = spawn("grow_buffer", fds={"buffer": buffer.fileno()})
        assert child.channel.recv(5.0) == "PermissionError"
