"""References from source: seeds, sizes, errors."""

import copy
import io
import pickle
import random

import numpy as np
import pytest
import torch

from kernelevo.backends.reference import SourceReference, load_reference
from kernelevo.errors import BadProgram, BadSetting, InputError, TaskNotFound

TEXT = """
import torch
import torch.nn as nn

batch = 8
width = 4
INIT = "default"
SIZES = {"small": {"batch": 2}, "v0": {"width": 3}}
VARIANTS = {"he": {"INIT": "he"}}


class Model(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.fc = nn.Linear(n, n)
        if INIT == "he":
            nn.init.kaiming_normal_(self.fc.weight)
        self.h = torch.randn(n)

    def forward(self, x):
        return self.fc(x) + self.h


class ModelV0(Model):
    def forward(self, x):
        return self.fc(x)


def get_inputs():
    return [torch.randn(batch, width)]


def get_init_inputs():
    return [width]
"""


def spec(**more: object) -> dict[str, object]:
    return {"kind": "source", "text": TEXT, "filename": "t.py", **more}


def test_equal_seeds_give_equal_weights_inputs_and_plain_state() -> None:
    reference = load_reference(spec())
    a, b, c = reference.build(3), reference.build(3), reference.build(4)
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    assert torch.equal(a.h, b.h) and not torch.equal(a.h, c.h)
    assert torch.equal(reference.inputs(5)[0], reference.inputs(5)[0])
    assert not torch.equal(reference.inputs(5)[0], reference.inputs(6)[0])
    assert a.training


def test_weights_are_those_of_kernelbench_seeding() -> None:
    reference = load_reference(spec())
    torch.manual_seed(42)
    assert torch.equal(torch.randn(8, 4), reference.inputs(42)[0])
    torch.manual_seed(42)
    assert torch.equal(torch.nn.Linear(4, 4).weight, reference.build(42).fc.weight)


def test_global_random_states_are_left_alone() -> None:
    reference = load_reference(spec())
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    reference.build(1)
    reference.inputs(1)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    assert (before[2] == np.random.get_state()[1]).all()


def test_sizes_v0_and_variants() -> None:
    assert load_reference(spec(size="small")).inputs(0)[0].shape == (2, 4)
    old = load_reference(spec(size="v0"))
    assert type(old.build(0)).__name__ == "ModelV0" and old.init_args(0) == [3]
    plain, he = load_reference(spec()).build(0), load_reference(spec(variant="he")).build(0)
    assert he.fc.weight.std() > 1.5 * plain.fc.weight.std()
    with pytest.raises(BadSetting, match="has no size 'huge'"):
        load_reference(spec(size="huge"))


def test_built_modules_pickle_and_copy() -> None:
    module = load_reference(spec()).build(0)
    again = pickle.loads(pickle.dumps(module))
    assert torch.equal(again.h, module.h)
    assert torch.equal(copy.deepcopy(module).fc.weight, module.fc.weight)
    torch.save(module.state_dict(), io.BytesIO())


def test_own_class_needs_get_inputs() -> None:
    text = "from torch import nn\nclass Net(nn.Module):\n    pass\n"
    with pytest.raises(BadProgram, match="no get_inputs") as caught:
        load_reference({"kind": "source", "text": text, "filename": "net.py", "entry": "Net"})
    assert "add to the file" in str(caught.value)
    text += "def get_inputs():\n    return []\n"
    assert load_reference({"kind": "source", "text": text, "entry": "Net"}).init_args(0) == []


@pytest.mark.parametrize(
    ("old", "new", "kind", "says"),
    [
        ("class Model(nn.Module)", "class Modle(nn.Module)", TaskNotFound, "no class 'Model'"),
        ("def get_inputs", "def get_input", BadProgram, "no get_inputs"),
        ("class Model(nn.Module):", "class Model(nn.Module:", BadProgram, "not valid Python"),
        ("class Model(nn.Module)", "class Model(nn.Modul)", BadProgram, "raises AttributeError"),
        ("class Model(nn.Module)", "class Model(object)", TaskNotFound, "not a torch.nn.Module"),
    ],
)
def test_bad_files_are_told_apart(old: str, new: str, kind: type[InputError], says: str) -> None:
    with pytest.raises(kind, match=says):
        load_reference(spec(text=TEXT.replace(old, new)))


def test_errors_inside_the_file_name_the_line() -> None:
    with pytest.raises(BadProgram, match=r"get_inputs\(\.\.\.\) raises NameError[\s\S]*line \d+"):
        load_reference(spec(text=TEXT.replace("torch.randn(batch", "torch.randn(bath"))).inputs(0)
    with pytest.raises(BadProgram, match=r"(?s)raises TypeError.*must run by itself"):
        load_reference(spec(text=TEXT.replace("return [width]", "return []"))).build(0)
    with pytest.raises(BadProgram, match=r"(?s)raises TypeError.*def get_init_inputs"):
        load_reference(spec(text=TEXT.replace("def get_init_inputs", "def get_init_input"))).build(0)
    with pytest.raises(BadProgram, match="expected a list"):
        load_reference(
            spec(text=TEXT.replace("return [torch.randn(batch, width)]", "return torch.ones(1)"))
        ).inputs(0)


def test_init_inputs_may_be_keywords() -> None:
    reference = load_reference(spec(text=TEXT.replace("return [width]", "return {'n': width}")))
    assert (reference.init_args(0), reference.init_kwargs(0)) == ([], {"n": 4})
    assert reference.build(0).fc.in_features == 4


def test_a_constructor_without_arguments_needs_no_init_inputs() -> None:
    text = TEXT.replace("def get_init_inputs", "def other").replace("(self, n)", "(self, n=4)")
    assert load_reference(spec(text=text)).build(0).fc.in_features == 4


def test_unknown_kind() -> None:
    with pytest.raises(BadSetting, match="unknown"):
        load_reference({"kind": "sauce"})


def test_source_reference_has_a_module_of_its_own() -> None:
    a, b = SourceReference(TEXT), SourceReference(TEXT)
    assert a.module_name != b.module_name
