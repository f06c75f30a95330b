import copy
import itertools
import warnings

import pytest
import torch
from torch import nn

from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.recurrent import RecurrentLayers
from tests.few import few
from tests.graphs.firing import draw, fire


class Wrapped(nn.Module):
    def __init__(self, net, wanted):
        super().__init__()
        self.net, self.wanted = net, wanted

    def forward(self, x, *states):
        given = None if not states else states if len(states) > 1 else states[0]
        output, state = self.net(x, given)
        last = output[:, -1] if self.net.batch_first else output[-1]
        return {"output": output, "state": state, "last": last, "all": (output, state)}[self.wanted]


CASES = list(itertools.product((nn.GRU, nn.LSTM, nn.RNN), (False, True), ("last", "all")))


QUICK = [(nn.GRU, True, "all"), (nn.LSTM, False, "last")]


@pytest.mark.parametrize(("kind", "both", "wanted"), few(CASES, QUICK))
def test_layers_in_all_forms(kind, both, wanted):
    torch.manual_seed(0)
    for batch_first, bias in ((False, True), (True, False)):
        net = kind(5, 19, 2, bidirectional=both, batch_first=batch_first, bias=bias)
        states = [draw(4 if both else 2, 3, 19, seed=i) for i in range(2 if kind is nn.LSTM else 1)]
        x = draw(3, 4, 5) if batch_first else draw(4, 3, 5)
        assert fire(RecurrentLayers(), Wrapped(net, wanted), x, *(states if bias else ()))[0] == 1


@pytest.mark.parametrize(("batch", "hidden"), few([(1, 1), (7, 130), (13, 64), (2, 33)], 2))
def test_sizes_with_tails(batch, hidden):
    torch.manual_seed(0)
    for net in (nn.GRU(3, hidden), nn.LSTM(3, hidden), nn.RNN(3, hidden, nonlinearity="relu")):
        assert fire(RecurrentLayers(), net, draw(3, batch, 3))[0] == 1


@pytest.mark.slow
def test_a_state_that_is_kept_for_long_gathers_little_error():
    """A gate that is nearly one is rounded alike at each step: in PyTorch's own sums that error adds up."""
    torch.manual_seed(0)
    net = nn.GRU(8, 32)
    with torch.no_grad():
        net.bias_hh_l0[32:64] = 9.0
    x, far = draw(400, 2, 8), 190 * (1 + draw(1, 2, 32).abs())
    captured = fire(RecurrentLayers(), net, x, far)[1]
    with torch.no_grad():
        exact = copy.deepcopy(net).double()(x.double(), far.double())[0]
        own, found = ((answer(x, far)[0] - exact).abs().max() for answer in (net, captured.gm))
    assert found < own / 4


def test_state_drawn_inside_forward_is_drawn_as_before():
    class Drawn(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.LSTM(4, 8)

        def forward(self, x):
            h = torch.randn(1, x.shape[1], 8)
            return self.net(x, (h, torch.randn(1, x.shape[1], 8)))[0]

    assert fire(RecurrentLayers(), Drawn(), draw(3, 2, 4))[0] == 1


def test_the_last_step_needs_one_step_backwards():
    net = Wrapped(nn.GRU(4, 8, 1, bidirectional=True), "last")
    captured = fire(RecurrentLayers(), net, draw(6, 2, 4))[1]
    text = print_program(captured)
    assert "slice" in text
    assert "gru.input" not in text


def test_projections_and_dropout_do_not_match():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that oneDNN has no such LSTM
        assert fire(RecurrentLayers(), nn.LSTM(4, 8, proj_size=3), draw(3, 2, 4))[0] == 0
    assert fire(RecurrentLayers(), nn.GRU(4, 8, 2, dropout=0.5), draw(3, 2, 4))[0] == 0
    assert fire(RecurrentLayers(), nn.Linear(4, 8), draw(3, 4))[0] == 0
