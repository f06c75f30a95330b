import pytest
import torch
from torch import nn

from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.batchnorm import BatchNormAct, BatchNormPool, snippet
from tests.few import few
from tests.graphs.firing import draw, fire, warmed
from tests.graphs.programs import load


class Residual(nn.Module):
    def __init__(self, both, relu=True):
        super().__init__()
        self.one, self.two = nn.BatchNorm2d(3), nn.BatchNorm2d(3) if both else nn.Identity()
        self.relu = nn.ReLU(inplace=both) if relu else nn.Identity()

    def forward(self, x, z):
        return self.relu(self.one(x) + self.two(z))


@pytest.mark.parametrize("size", few([2, 3], 1))
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("shape", [(2, 3, 12, 38), (1, 5, 7, 9)])
def test_pool(size, train, shape):
    for norm in (nn.BatchNorm2d(shape[1]), nn.BatchNorm2d(shape[1], affine=False, eps=0.1, momentum=0.3)):
        chain = warmed(nn.Sequential(norm, nn.ReLU(), nn.AvgPool2d(size))).train(train)
        assert fire(BatchNormPool(), chain, draw(*shape) * 3 + 100)[0] == 1
    bare = nn.Sequential(nn.BatchNorm2d(shape[1]), nn.AvgPool2d(size), nn.Conv2d(shape[1], 2, 1)).train(train)
    assert fire(BatchNormPool(), bare, draw(*shape))[0] == 1


@pytest.mark.parametrize("train", few([True, False], 1))
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (4, 3, 33, 16)])
def test_sums_and_relu(train, shape):
    for module in (Residual(False), Residual(True), Residual(False, relu=False), Residual(True, relu=False)):
        assert fire(BatchNormAct(), warmed(module).train(train), draw(*shape), draw(*shape, seed=1))[0] == 1
    chain = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.BatchNorm2d(4), nn.ReLU()
    )
    assert fire(BatchNormAct(), warmed(chain).train(train), draw(*shape))[0] == 2
    line = nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()).train(train)
    assert fire(BatchNormAct(), line, draw(shape[0], 3, 9))[0] == 1


def test_statistics_of_sparse_data_are_as_accurate_as_torchs():
    x = draw(8, 4, 64, 64).abs() * (draw(8, 4, 64, 64, seed=1) > 1.3)
    x[0, :, 0, 0] = 0.9  # not like most others
    exact = x.double().mean((0, 2, 3)), x.double().var((0, 2, 3), correction=0)
    affine = snippet().function("batchnorm_statistics")(x, None, None, None, None, True, 0.1, 1e-5).double()
    scale = (exact[1] + 1e-5).rsqrt()
    torch.testing.assert_close(affine[0], scale, rtol=2e-7, atol=0)
    torch.testing.assert_close(affine[1], -exact[0] * scale, rtol=4e-7, atol=0)


def test_what_does_not_match():
    overlapping = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(3, stride=2))
    assert fire(BatchNormPool(), overlapping, draw(2, 3, 9, 9))[0] == 0
    assert (
        fire(BatchNormPool(), nn.Sequential(nn.BatchNorm2d(3), nn.Tanh(), nn.AvgPool2d(2)), draw(2, 3, 4, 4))[
            0
        ]
        == 0
    )
    assert fire(BatchNormAct(), nn.Sequential(nn.BatchNorm2d(3), nn.Tanh()), draw(2, 3, 4, 4))[0] == 0

    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x):
            y = self.norm(x)
            return torch.relu(y) + y * 2

    assert fire(BatchNormAct(), Shared(), draw(2, 3, 4, 4))[0] == 0


@pytest.mark.parametrize("train", [True, False])
def test_images_in_another_layout_than_at_capture(train, tmp_path):
    x, z = draw(2, 3, 12, 8), draw(2, 3, 12, 8, seed=1)
    pool = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(2))
    chain = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU())
    cases = (
        (BatchNormPool(), pool, (x,)),
        (BatchNormAct(), chain, (x,)),
        (BatchNormAct(), Residual(False), (x, z)),
        (BatchNormAct(), Residual(True), (x, z)),
    )
    for rewrite, module, inputs in cases:
        warmed(module).train(train)
        places, captured = fire(rewrite, module, *inputs)
        program = load(print_program(captured), tmp_path, module)
        assert places == 1
        for last in (0, len(inputs) - 1):  # the one, and the other that is added
            other = list(inputs)
            other[last] = other[last].to(memory_format=torch.channels_last)
            with torch.no_grad():
                torch.testing.assert_close(program(*other), module(*other), atol=1e-6, rtol=1e-5)
