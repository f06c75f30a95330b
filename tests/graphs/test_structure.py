from collections import namedtuple
from typing import NamedTuple

import pytest
import torch
from torch import nn

from kernelevo.errors import CaptureError
from kernelevo.graphs.capture import capture
from kernelevo.graphs.dispatch import capture_each, print_dispatch
from kernelevo.graphs.printing import print_program
from kernelevo.kernels.programs.guard import read
from kernelevo.kernels.reference.tree import flatten
from tests.graphs.programs import difference, load

Pair = namedtuple("Pair", "first second")


class Output(NamedTuple):
    logits: torch.Tensor
    add: torch.Tensor | None = None  # an operator's name too

    def best(self):
        return self.logits.argmax(-1)


class Shaped(nn.Module):
    def forward(self, x):
        return x * 2, x.shape


class Largest(nn.Module):
    def forward(self, x):
        return x.max(-1)


class Kept(nn.Module):
    def forward(self, x):
        return {"top": x.topk(2), "sorted": [x.sort(stable=True)]}


class Named(nn.Module):
    def forward(self, x):
        return Output(x + 1)


class Mixed(nn.Module):
    def forward(self, x):
        return Output(x + 1, x * 3), Pair(x.shape, (x.min(0), Pair(1, Output(x - 1))))


@pytest.mark.parametrize("module", [Shaped(), Largest(), Kept(), Named(), Mixed()])
def test_results_have_the_structure_that_the_judge_compares(module, tmp_path):
    x = torch.randn(3, 4)
    captured = capture(module, (x,))
    text = print_program(captured)
    program = load(text, tmp_path, module)
    assert difference(captured, program) == ""
    assert flatten(program(x))[0] == flatten(module(x))[0]
    assert type(program(x)).__name__ == type(module(x)).__name__
    assert not read(text).problem and read(text).form == "declared"


class Takes(nn.Module):
    def forward(self, pair, shape, largest):
        return pair.first.reshape(shape) * pair.second["s"] + largest.values


def test_arguments_may_be_named_tuples_and_shapes(tmp_path):
    module, x = Takes(), torch.randn(3, 4)
    inputs = (Pair(x.flatten(), {"s": torch.ones(4)}), x.shape, torch.randn(3, 4, 5).max(-1))
    captured = capture(module, inputs)
    program = load(print_program(captured), tmp_path, module)
    assert difference(captured, program) == ""


def test_programs_of_several_kinds_of_call_share_a_named_tuple(tmp_path):
    module, sets = Named(), [(torch.randn(3, 4),), (torch.randn(2, 4),)]
    text = print_dispatch(capture_each(module, sets))
    program = load(text, tmp_path, module)
    assert text.count("typing.NamedTuple") == 1
    for inputs in sets:
        assert flatten(program(*inputs))[0] == flatten(module(*inputs))[0]
        assert torch.equal(program(*inputs).logits, module(*inputs).logits)


class Nameless(nn.Module):
    def forward(self, x):
        return namedtuple("Nameless", "a def", rename=True)(x, x + 1)


def test_fields_without_names_are_refused():
    with pytest.raises(CaptureError, match="namedtuple"):
        capture(Nameless(), (torch.randn(3),))
