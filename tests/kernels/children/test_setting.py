"""The survey: what a module takes and returns must be something that can be handed over and checked."""

import random

import pytest

from kernelevo.backends.reference import SourceReference
from kernelevo.errors import InputError
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.children.setting import survey

TEXT = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        return RESULT


def get_inputs():
    return [torch.rand(4, 8)]


def get_init_inputs():
    return [8]
"""


def surveyed(result, **changes):
    text = TEXT.replace("RESULT", result)
    for was, now in changes.values():
        text = text.replace(was, now)
    reference = SourceReference(text)
    pool = Pool(reference, random.Random(1), "cpu")
    case, seed = pool.first, pool.base_seed
    module = pool.build(seed)
    return survey(module, case.args, case.truth, reference.init_args(seed), reference.init_kwargs(seed))


@pytest.mark.parametrize("result", ["None", "()", "'a text'", "x[:, :0]", "{'a': None, 'b': [x[:0]]}"])
def test_a_module_by_whose_outputs_nothing_could_be_wrong_is_refused(result):
    with pytest.raises(InputError, match="nothing by which it could be checked") as refused:
        surveyed(result)
    assert "tensors that it computes" in refused.value.now


@pytest.mark.parametrize(
    "result", ["x", "float(x.sum())", "(None, x[0, 0] > 0)", "self.calls.add_(1) and None"]
)
def test_a_number_or_a_buffer_is_enough(result):
    found = surveyed(result)
    (taken,) = found.inputs.leaves
    assert taken.shape == (4, 8) and len(found.outputs["leaves"]) == 1 + result.startswith("(None")


@pytest.mark.parametrize(
    ("result", "change", "words"),
    [
        ("{1, 2}", (), "forward returns a set"),
        ("x", ("return [8]", "return [torch.float32]"), "not plain data"),
        (
            "x",
            ("return [torch.rand(4, 8)]", "return [torch.rand(4, 8), {1}]"),
            "an argument of forward is a set",
        ),
    ],
)
def test_what_cannot_be_handed_over_is_named(result, change, words):
    with pytest.raises(InputError, match=words) as refused:
        surveyed(result, a=change or ("", ""), b=("forward(self, x)", "forward(self, x, y=0)"))
    assert refused.value.now
