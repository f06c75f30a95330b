import pytest
import torch
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.rewrites.scan import RecurrentScan
from tests.graphs.firing import called, draw, fire


class Sliced(nn.Module):
    """A loop over the slices of a projected sequence; returns what ``wanted`` says."""

    def __init__(self, size, *, axis=0, wanted="stack", activation=torch.tanh, reverse=False):
        super().__init__()
        self.into, self.over = nn.Linear(5, size), nn.Linear(size, size)
        self.axis, self.wanted, self.activation, self.reverse = axis, wanted, activation, reverse

    def forward(self, x, h):
        given = self.into(x)
        order = range(x.shape[self.axis])
        states = []
        for step in reversed(order) if self.reverse else order:
            h = self.activation(given.select(self.axis, step) + self.over(h))
            states.append(h)
        return torch.stack(states, self.axis) if self.wanted == "stack" else (h, states[1] * 2)


class Cat(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.Linear(7 + 9, 9), nn.Linear(9, 3)

    def forward(self, x, h):
        outputs = []
        for step in x:
            h = torch.tanh(self.cell(torch.cat([step, h], dim=1)))
            outputs.append(self.out(h))
        return torch.stack(outputs)


@pytest.mark.parametrize("wanted", ["stack", "last"])
@pytest.mark.parametrize("axis", [0, 1])
def test_loops_over_slices(axis, wanted):
    torch.manual_seed(0)
    x = draw(5, 3, 5) if axis == 0 else draw(3, 5, 5)
    for net in (
        Sliced(17, axis=axis, wanted=wanted),
        Sliced(17, axis=axis, wanted=wanted, activation=torch.relu, reverse=True),
    ):
        places, captured = fire(RecurrentScan(), net, x, draw(3, 17))
        assert places == 1
        assert sum("linear" in str(node.target) for node in captured.graph.nodes) == 1


def test_with_the_rewrites_that_split_the_layer_first():
    torch.manual_seed(0)
    captured = capture(Cat(), (draw(6, 2, 7), draw(2, 9)))
    names = ["split-steps", "batched-steps", "recurrent-scan"]
    assert [a.places > 0 for a in apply_reported(captured, names)] == [True, True, True]
    calls = [n for n in captured.graph.nodes if n.op == "call_function"]
    assert len(calls) < 10
    assert captured.mismatch() == ""


def test_other_loops_do_not_match():
    assert fire(RecurrentScan(), Sliced(4, activation=torch.sigmoid), draw(5, 3, 5), draw(3, 4))[0] == 0
    assert fire(RecurrentScan(), Sliced(4), draw(3, 3, 5), draw(3, 4))[0] == 0

    class Fed(nn.Module):
        """Feeds its own result back as the next input."""

        def __init__(self):
            super().__init__()
            self.into, self.over = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, h):
            for _ in range(6):
                h = torch.tanh(self.into(h) + self.over(h))
            return h

    assert fire(RecurrentScan(), Fed(), draw(3, 4))[0] == 0


class Stacked(nn.Module):
    """A loop over the slices of its input; makes something of these slices, stacked, too."""

    def __init__(self, made):
        super().__init__()
        self.over, self.made = nn.Linear(4, 4), made

    def forward(self, x, h):
        steps = [x[step] for step in range(len(x))]
        for step in steps:
            h = torch.tanh(step + self.over(h))
        return self.made(torch.stack(steps)), h


@pytest.mark.parametrize("made", [lambda whole: whole, lambda whole: whole.flatten(0, 1)])
def test_a_stack_that_is_returned_does_not_become_the_input_itself(made):
    places, captured = fire(RecurrentScan(), Stacked(made), draw(5, 3, 4), draw(3, 4))
    assert places == 1
    x = captured.inputs[0]
    whole, _ = captured.gm(*captured.inputs)
    assert whole.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
    assert torch.equal(whole.reshape(x.shape), x)


def test_a_stack_that_stays_inside_is_the_tensor_that_was_sliced():
    places, captured = fire(RecurrentScan(), Stacked(lambda whole: whole * 2), draw(5, 3, 4), draw(3, 4))
    assert places == 1 and not any("stack" in name for name in called(captured))
    places, captured = fire(RecurrentScan(), Stacked(lambda whole: whole.mul_(2)), draw(5, 3, 4), draw(3, 4))
    assert places == 1
    x = captured.inputs[0].clone()
    captured.gm(*captured.inputs)
    assert torch.equal(captured.inputs[0], x)
