"""Level 3 from 25 on: forwards at ``small``, and values against other ways to compute the same."""

import pytest
import torch
from torch.nn import functional as F

from tests.kernelbench_tasks.tasks_of_level3 import reference, run

NORMED = {25: 4, 26: 44, 27: 6, 45: 18, 46: 1}  # BatchNorms, all on batch statistics
QUICK = (25, 26, 27, 29, 32, 49)
SECONDS = (30, 33, 36, 37, 38, 40, 41, 42, 45, 46, 48)


def check_forward(number):
    task = reference(number, "small")
    module, inputs = task.build(0), task.inputs(0)
    output = run(module, *inputs)
    assert output.dtype == torch.float32 and torch.isfinite(output).all() and output.std() > 0
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)]
    assert len(norms) == NORMED.get(number, 0)
    assert all(m.num_batches_tracked == 1 and m.running_var.ne(1).any() for m in norms)


@pytest.mark.parametrize("number", QUICK)
def test_forward_at_small(number):
    check_forward(number)


@pytest.mark.slow
@pytest.mark.parametrize("number", SECONDS)
def test_forward_of_slower_ones_at_small(number):
    check_forward(number)


def recurrence(module, x):
    """Mamba-2 one position after another, in fp64: what the chunks must add up to."""
    a, b, c, x = (t.double() for t in (module.A, module.B, module.C, x))
    state, outputs = torch.zeros(*x[:, 0].shape, b.shape[-1], dtype=torch.float64), []
    for t in range(x.shape[1]):
        state = a[:, t].exp()[..., None, None] * state + x[:, t, :, :, None] * b[:, t, :, None]
        outputs.append((state * c[:, t, :, None]).sum(-1))
    return torch.stack(outputs, dim=1), state


@pytest.mark.parametrize("number", [48, 49])
def test_chunks_of_mamba_are_the_recurrence(number):
    task = reference(number, "v0")
    module, (x,) = task.build(0).double(), task.inputs(0)
    for parameter in (module.A, module.B, module.C):
        parameter.data = parameter.data[:2]
    with torch.no_grad():
        output, state = recurrence(module, x[:2])
    wanted = output if number == 48 else state
    found = run(module, x[:2].double())
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() < 1e-9 * wanted.abs().max()


def test_49_drops_what_c_is_for():
    task = reference(49, "v0")
    module, (x,) = task.build(0), task.inputs(0)
    before = run(module, x)
    module.C.data.zero_()
    assert torch.equal(run(module, x), before)


def test_33_reads_its_state_in_v0_and_an_argument_today():
    task = reference(33, "v0")
    module, (x,) = task.build(0), task.inputs(0)
    assert "state" not in module.state_dict()
    first, second = run(module, x), run(module, x)
    assert not torch.equal(first, second)
    assert torch.equal(run(task.build(0), x), first)
    task = reference(33)
    today = task._class(8, 16, 4)
    x, h0 = torch.rand(3, 8), torch.rand(3, 16)
    assert torch.equal(run(today, x, h0), run(today, x, h0))
    assert torch.equal(today.state, torch.tanh(today.cell(torch.cat([x, h0], dim=1))))


@pytest.mark.parametrize(("number", "which"), [(36, 0), (37, 1)])
def test_lstm_returns_its_last_state(number, which):
    task = reference(number, "small")
    module, (x, h0, c0) = task.build(0), task.inputs(0)
    x, h0, c0 = x[:2, :8], h0[:, :2].contiguous(), c0[:, :2].contiguous()
    assert torch.equal(run(module, x, h0, c0), run(module.lstm, x, (h0, c0))[1][which])
    before = run(module, x, h0, c0)
    torch.nn.init.zeros_(module.fc.weight)
    assert torch.equal(run(module, x, h0, c0), before)


@pytest.mark.parametrize("number", [40, 41, 42])
def test_gru_returns_steps_or_last_states(number):
    task = reference(number, "small")
    module, (x, h0) = task.build(0), task.inputs(0)
    steps, state = run(module.gru, x[:8], h0)
    assert torch.equal(run(module, x[:8], h0), steps if number == 41 else state)
    if number != 40:  # the backward direction ends at the first step
        assert torch.equal(steps[0, :, 256:], state[-1]) and torch.equal(steps[-1, :, :256], state[-2])


@pytest.mark.parametrize("number", [36, 38, 40, 42])
def test_v0_of_recurrent_networks_owns_its_states(number):
    task = reference(number, "v0")
    module, (x,) = task.build(0), task.inputs(0)
    x = x[:4] if number >= 40 else x[:, :4]
    assert not {"h0", "c0"} & set(module.state_dict())
    first = run(module, x)
    assert torch.equal(run(module, x), first) and torch.equal(run(task.build(0), x), first)
    module.h0 = module.h0 + 1
    assert not torch.equal(run(module, x), first)


def test_swin_windows_do_not_see_what_a_shift_brought_together():
    module = reference(30, "small").build(0)
    block = module.layers[1]  # shifted by 3 rows and columns, 56 tokens a side
    x = torch.rand(1, 56 * 56, 96)
    changed = x.clone().view(1, 56, 56, 96)
    changed[:, 0, 0] += 1
    moved = (run(block, changed.view(1, -1, 96)) - run(block, x)).abs().amax(-1).view(56, 56) > 1e-6
    rows, columns = torch.nonzero(moved, as_tuple=True)
    assert moved[:3, :3].all() and rows.max() == columns.max() == 2


def test_swin_mlp_mixes_within_shifted_windows():
    module = reference(29, "small").build(0)
    x = torch.rand(1, 56 * 56, 96)
    for block, side in ((module.layers[0], 7), (module.layers[1], 3)):
        changed = x.clone().view(1, 56, 56, 96)
        changed[:, 0, 0] += torch.rand(96)
        moved = (run(block, changed.view(1, -1, 96)) - run(block, x)).abs().amax(-1).view(56, 56) > 1e-6
        rows, columns = torch.nonzero(moved, as_tuple=True)
        assert rows.max() == columns.max() == side - 1


def test_ghost_clusters_take_weight_and_are_dropped():
    task = reference(46, "small")
    module, (x,) = task.build(0), task.inputs(0)
    x = x[:4]
    output = run(module, x)
    logits = F.batch_norm(x.reshape(400, 512) @ module.clusters, None, None, training=True)
    share = torch.softmax(logits, dim=1)[:, :32].reshape(4, 100, 32)
    apart = x[:, :, :, None] - module.centres
    wanted = F.normalize((share[:, :, None] * apart).sum(1), dim=1).reshape(4, -1)
    assert torch.allclose(output, F.normalize(wanted), atol=1e-6)


def test_units_of_shufflenet_mix_their_groups():
    module = reference(25, "small").build(0)
    x = torch.rand(2, 240, 8, 8)
    module.shortcut[1].weight.data.zero_()  # the shortcut sees all channels
    changed = x.clone()
    changed[:, :80] = torch.rand(2, 80, 8, 8)  # the first group of three
    moved = (run(module, changed) - run(module, x)).abs().amax((0, 2, 3)) > 1e-6
    assert all(part.any() for part in moved.split(160))
