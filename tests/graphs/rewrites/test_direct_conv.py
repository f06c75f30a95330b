import pytest
import torch
from torch import nn

from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.direct_conv import DirectConvolution
from tests.graphs.firing import draw, fire
from tests.graphs.programs import load


class Branches(nn.Module):
    """Two convolutions of one squeezed image, side by side."""

    def __init__(self, squeezed, one, three):
        super().__init__()
        self.squeeze = nn.Conv2d(3, squeezed, 1)
        self.one, self.three = nn.Conv2d(squeezed, one, 1), nn.Conv2d(squeezed, three, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.one(x)), self.three(x)], 1)


@pytest.mark.parametrize(("sizes", "image"), [((6, 16, 8), (2, 3, 16, 32)), ((5, 3, 11), (1, 3, 9, 37))])
def test_branches_that_are_concatenated(sizes, image):
    torch.manual_seed(0)
    places, captured = fire(DirectConvolution(), Branches(*sizes), draw(*image))
    assert places == 3
    assert sum(node.op == "call_function" for node in captured.graph.nodes) == 2


@pytest.mark.parametrize("padding", [0, 2, (1, 0)])
@pytest.mark.parametrize("kernel", [5, (1, 3)])
def test_kernels_and_paddings(padding, kernel):
    torch.manual_seed(0)
    for bias in (True, False):
        chain = nn.Sequential(
            nn.Conv2d(1, 7, kernel, padding=padding, bias=bias), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        )
        assert fire(DirectConvolution(), chain, draw(3, 1, 20, 28))[0] == 1


def test_what_does_not_match():
    for conv in (
        nn.Conv2d(9, 4, 3),
        nn.Conv2d(3, 4, 3, stride=2),
        nn.Conv2d(3, 4, 3, dilation=2),
        nn.Conv2d(4, 4, 3, groups=2),
    ):
        assert fire(DirectConvolution(), conv, draw(1, conv.in_channels, 20, 40))[0] == 0
    assert fire(DirectConvolution(), nn.Conv2d(3, 4, 3), draw(1, 3, 8, 8))[0] == 0


class Twice(nn.Module):
    """One branch that stands in a concatenation twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        y = self.conv(x)
        return torch.cat([y, y], 1)


def test_a_branch_that_is_concatenated_with_itself():
    assert fire(DirectConvolution(), Twice(), draw(1, 3, 20, 40))[0] == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_images_in_another_layout_than_at_capture(channels, tmp_path):
    module = nn.Sequential(nn.Conv2d(channels, 7, 3, padding=1), nn.ReLU()).eval()
    x = draw(2, channels, 20, 24)
    places, captured = fire(DirectConvolution(), module, x)
    program = load(print_program(captured), tmp_path, module)
    assert places == 1
    for other in (x.to(memory_format=torch.channels_last), x.mT.contiguous().mT, x[:1].expand(2, -1, -1, -1)):
        with torch.no_grad():
            torch.testing.assert_close(program(other), module(other), atol=1e-6, rtol=1e-5)
