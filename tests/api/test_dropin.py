"""From a run to a drop-in: the module's file wherever the folder lies now, on the device of the task."""

import dataclasses
import shutil

import pytest
import torch
from torch import nn

from kernelevo.api.dropin import UnchangedWarning, drop_in
from kernelevo.core import Program
from kernelevo.errors import MachineError, TaskNotFound
from kernelevo.tasks import freeze

PROGRAM = Program.single("""
from torch import nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(__import__("torch").empty(3, 4))

    def forward(self, x, pair):
        return nn.functional.linear(x, self.weight) + pair[0]
""")


class Shifted(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3, 4))

    def forward(self, x, pair):
        return nn.functional.linear(x, self.weight) + pair[0]


@pytest.fixture
def task(tmp_path):
    inputs = (torch.rand(2, 4), (torch.rand(3), 1.0))
    return freeze(Shifted(), inputs, tmp_path / "run")


def on(task, device):
    return dataclasses.replace(task, options={**task.options, "device": device})


def test_a_moved_run_folder_still_has_its_module(task, tmp_path):
    before = drop_in(task, PROGRAM, tmp_path / "run").state_dict()
    shutil.move(tmp_path / "run", tmp_path / "kept")
    after = drop_in(task, PROGRAM, tmp_path / "kept").state_dict()
    assert torch.equal(before["weight"], after["weight"])
    freeze(Shifted(), (torch.rand(2, 4), (torch.rand(3), 1.0)), tmp_path / "other")
    with pytest.raises(TaskNotFound):  # a file of that name with another module
        drop_in(task, PROGRAM, tmp_path / "other")


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x.relu_()


def test_what_a_drop_in_leaves_alone_is_warned_of(tmp_path):
    counting = freeze(Counts(), torch.randn(8), tmp_path / "counting")
    with pytest.warns(UnchangedWarning, match="changes calls, input 0, and one of the drop-in does not"):
        drop_in(counting, PROGRAM, tmp_path / "counting")


def test_weights_and_inputs_are_proven_on_the_device_of_the_task(task, tmp_path):
    fast = drop_in(on(task, "meta"), PROGRAM, tmp_path / "run")
    (proven,) = fast._proven
    leaves = [*proven.weights.values(), *proven.inputs[:2], *proven.outputs]
    assert {leaf.device for leaf in leaves} == {"meta"} and proven.inputs[2] == 1.0
    assert fast.weight.device.type == "meta"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_program_for_a_gpu_is_refused_where_none_is(task, tmp_path):
    with pytest.raises(MachineError, match="The program is for cuda, and torch finds no GPU here"):
        drop_in(on(task, "cuda"), PROGRAM, tmp_path / "run")
