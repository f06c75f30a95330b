"""oneDNN's packed layers: what is fused into their calls keeps what PyTorch's own activation keeps."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import packed_linear
from kernelevo.graphs.rewrites.layout import PackedConvolution
from kernelevo.graphs.rewrites.packed_linear import PackedLinear
from tests.graphs.firing import called, draw, fire
from tests.graphs.programs import load

pytestmark = pytest.mark.skipif(not packed_linear.available(), reason="oneDNN's private operators are absent")
ACTIVATIONS = (
    nn.ReLU(), nn.ReLU(inplace=True), nn.Tanh(), nn.Sigmoid(), nn.SiLU(), nn.GELU(), nn.GELU("tanh"),
)  # fmt: skip


@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
def test_nan_and_infinity_pass_as_they_do_in_torch(act, tmp_path):
    cases = (
        (PackedLinear(), nn.Linear(16, 16), draw(4, 16)),
        (PackedConvolution(), nn.Conv2d(8, 16, 3), draw(4, 8, 8, 8)),
    )
    for rewrite, layer, x in cases:
        module = nn.Sequential(layer, act).eval()
        places, captured = fire(rewrite, module, x)
        assert places == 1
        program = load(print_program(captured), tmp_path, module)
        given = x.clone()
        for image, far in zip(given, (math.nan, math.inf, -math.inf, 1e30), strict=True):
            image.flatten()[-1] = far
        with torch.no_grad():
            torch.testing.assert_close(program(given), module(given), equal_nan=True, atol=1e-5, rtol=1e-5)


def test_a_relu_is_written_over_the_result_that_it_reads():
    chain = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2), nn.Tanh())
    assert called(fire(PackedLinear(), chain, draw(3, 4))[1]) == [
        "packed_linear",
        "relu_.default",
        "packed_linear",
    ]
    images = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Conv2d(6, 2, 1))
    names = called(fire(PackedConvolution(), images, draw(2, 4, 8, 8))[1])
    assert names == ["packed_convolution_0", "relu_.default", "packed_convolution_1"]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_build_that_loses_nan_is_not_used(keeps, monkeypatch):
    real = torch.ops.mkldnn

    def pointwise(*given):
        found = real._linear_pointwise(*given)
        return found if keeps else found.nan_to_num()

    build = SimpleNamespace(_reorder_linear_weight=real._reorder_linear_weight, _linear_pointwise=pointwise)
    monkeypatch.setattr(torch, "ops", SimpleNamespace(mkldnn=build))
    assert packed_linear.available.__wrapped__() is keeps
