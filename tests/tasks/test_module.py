"""freeze: live modules become tasks."""

import json
import threading

import pytest
import torch

from kernelevo.backends.reference import load_reference
from kernelevo.errors import BadProgram, BadSetting
from kernelevo.tasks import freeze, input_sets
from kernelevo.tasks.module import FixedInputWarning, _classes, warn_of_fixed


def test_round_trip_keeps_values_mode_and_inputs(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).eval()
    x = torch.randn(5, 4)
    task = freeze(module, x, tmp_path / "new" / "folder", name="mine")
    assert task.name == "mine" and "eval mode" in task.goal and "Linear" in task.goal
    assert json.loads(json.dumps(task.to_json())) == task.to_json()
    reference = load_reference(task.options["reference"])
    back = reference.build(0)
    assert not back.training
    assert torch.equal(back(reference.inputs(0)[0]), module(x))
    with torch.no_grad():
        module[0].weight.zero_()
    assert not torch.equal(reference.build(0)[0].weight, module[0].weight)


def test_a_local_class_can_be_frozen(tmp_path):
    class Local(torch.nn.Module):
        def forward(self, x, y):
            return x + y

    task = freeze(Local(), (torch.ones(2), torch.ones(2)), tmp_path)
    reference = load_reference(task.options["reference"])
    assert torch.equal(reference.build(0)(*reference.inputs(0)), torch.full((2,), 2.0))


class Gate(torch.nn.Module):
    def forward(self, x):
        return torch.cumsum(x, 1) * 3.25


class Inner(Gate):
    pass


def test_the_text_of_its_own_classes_is_kept_once_each(tmp_path, monkeypatch):
    class Outer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = torch.nn.Sequential(Inner(), Inner(), torch.nn.Linear(4, 4))

        def forward(self, x):
            return self.parts(x) if x.sum().item() > 0 else x

    def kept():
        return freeze(Outer(), torch.ones(1, 4), tmp_path).options["reference"]["classes"]

    text = kept()
    compile(text, "classes.py", "exec")
    names = ["class Outer(", "class Inner(", "class Gate("]
    assert [text.count(name) for name in names] == [1, 1, 1]
    assert sorted(names, key=text.index) == names  # what it derives from last
    assert "x.sum().item() > 0" in text and "cumsum" in text and "class Linear" not in text
    monkeypatch.setattr("kernelevo.tasks.module.LONGEST", 120)
    assert "class Outer is left out" in kept().replace(Outer.__qualname__, "Outer")


def test_classes_without_a_text_are_left_out(tmp_path):
    space = {"torch": torch, "__name__": "typed"}
    exec("class Typed(torch.nn.Module):\n    def forward(self, x):\n        return x\n", space)
    module = torch.nn.Sequential(torch.nn.Linear(4, 4))
    assert freeze(module, torch.ones(1, 4), tmp_path).options["reference"]["classes"] == ""
    assert _classes(space["Typed"]()) == ""


def test_digest_follows_the_module(tmp_path):
    one, two = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    digests = {freeze(m, torch.ones(1, 2), tmp_path).digest for m in (one, two)}
    assert len(digests) == 2


def test_input_sets_and_weights(tmp_path):
    a, b = torch.ones(1), torch.zeros(1)
    net = torch.nn.Identity()
    assert input_sets(a, net) == [(a,)]
    assert input_sets((a, b), net) == [(a, b)]
    assert input_sets([a, (b,), {"input": b}], net) == [(a,), (b,), (b,)]
    task = freeze(torch.nn.Identity(), [a, b], tmp_path, weights=[3, 1])
    assert task.options["reference"]["weights"] == [0.75, 0.25]
    assert task.options["reference"]["sets"] == 2


def test_inputs_that_are_one_value_everywhere_are_told_by_their_place():
    x, mask = torch.arange(4.0), torch.ones(4, dtype=torch.bool)
    causal = torch.triu(torch.full((3, 3), -torch.inf), 1)
    with pytest.warns(FixedInputWarning) as seen:
        warn_of_fixed([(x, {"mask": mask}), (x, torch.full((2,), 0.5), torch.empty(0), causal)], stacklevel=1)
    told = [str(w.message).split(":")[0] for w in seen]
    assert told == [
        "input 1 of input set 0 is 1 everywhere",
        "input 1 of input set 1 is 0.5 everywhere",
        "input 2 of input set 1 is empty",
        "input 3 of input set 1 holds one finite number alone",
    ]
    assert {w.filename for w in seen} == {__file__}
    warn_of_fixed([(x, 3, None)], stacklevel=1)  # nothing is said, which would be an error here


def test_what_cannot_be_pickled_is_refused(tmp_path):
    module = torch.nn.Identity()
    module.lock = threading.Lock()
    with pytest.raises(BadProgram, match="cannot be pickled"):
        freeze(module, torch.ones(1), tmp_path)
    with pytest.raises(BadProgram, match="cannot be pickled"):
        freeze(torch.nn.Identity(), (threading.Lock(),), tmp_path)


@pytest.mark.parametrize("inputs", [[], None, 3, ["x"]])
def test_inputs_that_cannot_be_understood(tmp_path, inputs):
    with pytest.raises(BadProgram, match="inputs"):
        freeze(torch.nn.Identity(), inputs, tmp_path)


class Masked(torch.nn.Module):
    def forward(self, x, mask=None, scale=2.0, *, loud=False):
        return scale * (x if mask is None else x * mask)


def test_arguments_by_name_are_put_in_their_places(tmp_path):
    x, mask = torch.randn(3), torch.tensor([1.0, 0.0, 1.0])
    reference = load_reference(freeze(Masked(), {"mask": mask, "x": x}, tmp_path).options["reference"])
    assert torch.equal(reference.build(0)(*reference.inputs(0)), 2 * x * mask)
    assert input_sets({"x": x, "scale": 3.0}, Masked()) == [(x, None, 3.0)]


@pytest.mark.parametrize("names", [["mask"], ["x", "loud"], ["x", "masks"]])
def test_names_that_have_no_place_are_refused_with_those_that_have(tmp_path, names):
    with pytest.raises(BadProgram, match=", ".join(names)) as told:
        freeze(Masked(), dict.fromkeys(names, torch.ones(1)), tmp_path)
    assert "x, mask, scale" in str(told.value)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [], 3, "abc"])
def test_weights_that_do_not_fit(tmp_path, weights):
    with pytest.raises(BadSetting, match="weights"):
        freeze(torch.nn.Identity(), [torch.ones(1), torch.ones(1)], tmp_path, weights=weights)


@pytest.mark.parametrize("module", [torch.nn.Linear, torch.relu, None])
def test_what_is_no_live_module(tmp_path, module):
    with pytest.raises(BadSetting, match="live"):
        freeze(module, torch.ones(1), tmp_path)


class Graph(torch.nn.Module):
    """A layer of a graph network: a matrix of neighbours, mostly zeros."""

    def __init__(self, neighbours, buffer):
        super().__init__()
        self.linear = torch.nn.Linear(4, 4)
        if buffer:
            self.register_buffer("neighbours", neighbours)
        else:
            self.kept = [neighbours]

    def forward(self, x):
        return (self.neighbours if "neighbours" in self._buffers else self.kept[0]) @ self.linear(x)


@pytest.mark.parametrize(
    ("module", "inputs", "words"),
    [
        (Graph(torch.eye(4).to_sparse(), True), torch.ones(4, 4), "neighbours is a sparse_coo tensor"),
        (Graph(torch.eye(4).to_sparse(), False), torch.ones(4, 4), r"kept\[0\] is a sparse_coo tensor"),
        (
            torch.nn.ReLU(),
            [(torch.eye(4).to_sparse(),), (torch.eye(4),)],
            "input 0 is a sparse_coo tensor",
        ),
        (torch.nn.ReLU(), torch.ones(3).to_mkldnn(), "input 0 is a _mkldnn tensor"),
    ],
)
def test_tensors_that_do_not_lie_by_shape_and_strides_are_refused(tmp_path, module, inputs, words):
    with pytest.raises(BadProgram, match=words):
        freeze(module, inputs, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(BadProgram, match=words):
        input_sets(inputs, module)  # what the search of a model's hotspots asks
    dense = Graph(torch.eye(4), True)
    assert freeze(dense, torch.ones(4, 4), tmp_path / "dense").options["reference"]["sets"] == 1
