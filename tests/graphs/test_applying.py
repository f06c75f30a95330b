import pytest
import torch
from torch import nn

from kernelevo.errors import BadSetting
from kernelevo.graphs.applying import Applied, apply_one, apply_rewrites
from kernelevo.graphs.capture import capture


class Scale:
    """Puts a factor behind every linear layer: wrong unless it is one."""

    describes = "test"

    def __init__(self, factor):
        self.name, self.factor = "scale", factor

    def apply(self, captured):
        for node in list(captured.graph.nodes):
            if node.target is torch.ops.aten.linear.default:
                with captured.graph.inserting_after(node):
                    made = captured.graph.call_function(torch.ops.aten.mul.Tensor, (node, self.factor))
                node.replace_all_uses_with(made, delete_user_cb=lambda user, made=made: user is not made)
                return 1
        return 0


class Breaks:
    name, describes = "breaks", "test"

    def apply(self, captured):
        for node in list(captured.graph.nodes):
            if node.op == "call_function":
                node.target = torch.ops.aten.bmm.default
        return 1


def test_a_right_rewrite_stays():
    captured = capture(nn.Linear(4, 4), (torch.randn(3, 4),))
    assert apply_one(captured, Scale(1.0)) == Applied("scale", 1)
    assert len([n for n in captured.graph.nodes if n.op == "call_function"]) == 2


@pytest.mark.parametrize(("rewrite", "words"), [(Scale(1.001), "largest error"), (Breaks(), "Error")])
def test_a_wrong_rewrite_is_rolled_back(rewrite, words):
    captured = capture(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), (torch.randn(3, 4),))
    before = str(captured.graph)
    applied = apply_one(captured, rewrite)
    assert applied.places == 0
    assert words in applied.refused
    assert str(captured.graph) == before
    assert captured.mismatch() == ""


def test_no_match_changes_nothing():
    captured = capture(nn.ReLU(), (torch.randn(3, 4),))
    assert apply_one(captured, Scale(1.0)) == Applied("scale", 0)


def test_unknown_names_are_refused():
    captured = capture(nn.ReLU(), (torch.randn(3, 4),))
    with pytest.raises(BadSetting, match="no graph rewrite named"):
        apply_rewrites(captured, ["nonsense"])
