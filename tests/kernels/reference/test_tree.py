"""Structures of outputs: equal texts mean equal structures, whoever's file defines the named tuple."""

from typing import NamedTuple

import torch

from kernelevo.kernels.reference.tree import flatten, unflatten


def pair(first="values", second="sums", name="Pair"):
    return NamedTuple(name, [(first, torch.Tensor), (second, torch.Tensor)])


def test_plain_containers_are_rebuilt():
    tree = {"a": [1, None], "b": (torch.ones(2),)}
    structure, leaves = flatten(tree)
    found = unflatten(structure, leaves)
    assert found["a"] == [1, None] and found["b"][0] is leaves[2]


def test_named_tuples_are_alike_by_their_names():
    """A program's file defines its own: as classes they differ, and each would be another structure."""
    ours, theirs = pair(), pair()
    theirs.__module__ = "kernelevo_candidate"
    assert ours is not theirs
    one, leaves = flatten({"out": ours(torch.ones(2), torch.zeros(2))})
    assert one == flatten({"out": theirs(torch.ones(2), torch.zeros(2))})[0] and len(leaves) == 2
    others = [pair(second="means"), pair("sums", "values"), pair(name="Other")]
    assert all(flatten({"out": kind(1, 2)})[0] != one for kind in others)
    assert flatten({"out": (1, 2)})[0] != one != flatten({"other": ours(1, 2)})[0]


def test_what_sort_and_topk_return_has_a_structure():
    x = torch.rand(3, 5)
    one, leaves = flatten(torch.topk(x, 2))
    assert one == flatten(torch.topk(x, 4))[0] and len(leaves) == 2
    assert one not in (flatten(torch.sort(x))[0], flatten(tuple(leaves))[0])
