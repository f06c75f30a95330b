"""A task's own draws: one form for all of them, and nothing that asks for a gradient."""

import random

import pytest
import torch

from kernelevo.errors import InputError
from kernelevo.kernels.cases.draws import Draws
from kernelevo.kernels.cases.pool import Pool
from tests.kernels.references import Ref


def draws_of(draw):
    return Draws(Ref(torch.nn.Identity, draw))


@pytest.mark.parametrize(
    "draw, words",
    [
        (lambda: [torch.rand(3), random.random()], "argument 1 of forward"),
        (lambda: [torch.rand(random.randrange(1, 10**6))], r"argument 0 .* float32\["),
        (lambda: [torch.rand(2)] * random.randrange(1, 40), "nothing"),
    ],
    ids=["a number", "a shape", "how many"],
)
def test_what_is_no_value_of_a_tensor_is_the_same_in_every_draw(draw, words):
    """A process is told it once: with another one in each call every program would be wrong."""
    source = draws_of(draw)
    source.inputs(1)
    source.inputs(1)
    with pytest.raises(InputError, match=words):
        source.inputs(2)


def test_plain_arguments_that_stay_are_fine():
    source = draws_of(lambda: [torch.rand(3), 0.5, None, {"mode": "fast"}])
    assert source.inputs(1)[1:] == source.inputs(2)[1:] == (0.5, None, {"mode": "fast"})


def test_inputs_that_ask_for_a_gradient_can_be_judged():
    """Values are written and compared by numpy, which takes no such tensor."""
    ref = Ref(lambda: torch.nn.Linear(8, 4), lambda: [{"x": torch.rand(5, 8, requires_grad=True)}])
    (given,) = Draws(ref).inputs(1)
    assert not given["x"].requires_grad

    class Named(torch.nn.Linear):
        def forward(self, given):
            return super().forward(given["x"])

    ref = Ref(lambda: Named(8, 4), lambda: [{"x": torch.rand(5, 8, requires_grad=True)}])
    pool = Pool(ref, random.Random(0))
    pool.fill()
    assert pool.free == [True] and "normal" in pool.judgeable()
