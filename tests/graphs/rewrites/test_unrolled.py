"""Loops that take the slice of a step when the step before is done, as loops are usually written."""

import pytest
import torch
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.unrolled import BatchedSteps
from tests.graphs.firing import draw, fire
from tests.graphs.programs import difference, load

NAMES = ["split-steps", "batched-steps", "recurrent-scan"]


class Textbook(nn.Module):
    def __init__(self, step):
        super().__init__()
        self.i, self.h = nn.Linear(8, 16), nn.Linear(16, 16)
        self.step = step

    def forward(self, x):
        h, states = x.new_zeros(x.shape[0], 16), []
        for t in range(x.shape[1]):
            h = torch.tanh(self.i(self.step(x, t)) + self.h(h))
            states.append(h)
        return torch.stack(states, 1)


class Joined(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(8 + 16, 16)

    def forward(self, x):
        h, states = x.new_zeros(x.shape[0], 16), []
        for t in range(x.shape[1]):
            h = torch.tanh(self.cell(torch.cat([x[:, t], h], 1)))
            states.append(h)
        return torch.stack(states, 1)


@pytest.mark.parametrize(
    "step",
    [
        lambda x, t: x[:, t],
        lambda x, t: x[:, t : t + 1][:, 0],
        lambda x, t: x.split(1, 1)[t][:, 0] if t else x[:, 0],
        lambda x, t: x[:, -1 - t],
    ],
)
def test_the_layer_on_the_inputs_leaves_the_loop(step, tmp_path):
    module = Textbook(step)
    captured = capture(module, (draw(2, 9, 8),))
    applied = {a.name: a.places for a in apply_reported(captured, NAMES)}
    assert applied["batched-steps"] == 1
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


@pytest.mark.parametrize("module", [Textbook(lambda x, t: x[:, t]), Joined()])
def test_the_whole_loop_is_one_call_then(module):
    captured = capture(module, (draw(2, 9, 8),))
    applied = {a.name: a.places for a in apply_reported(captured, NAMES)}
    assert applied["batched-steps"] == applied["recurrent-scan"] == 1
    assert captured.mismatch() == ""


class Written(nn.Module):
    """The tensor whose slices are taken is written to in each step, or made from the state."""

    def __init__(self, between):
        super().__init__()
        self.i, self.h = nn.Linear(8, 8), nn.Linear(8, 8)
        self.between = between

    def forward(self, x):
        x, h = x * 1, x.new_zeros(x.shape[0], 8)
        for t in range(x.shape[1]):
            h = torch.tanh(self.i(x[:, t]) + self.h(h))
            x = self.between(x, h, t)
        return h


@pytest.mark.parametrize(
    "between",
    [
        lambda x, h, t: x.add_(1),
        lambda x, h, t: (x[:, -1].mul_(2), x)[1],
        lambda x, h, t: x + h[:, None],
        lambda x, h, t: x * 2,
    ],
)
def test_slices_of_what_changes_meanwhile_stay(between):
    places, captured = fire(BatchedSteps(), Written(between), draw(2, 5, 8))
    assert places == 0 and captured.mismatch() == ""
