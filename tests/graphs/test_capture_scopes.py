import pytest
import torch
from torch import nn

from kernelevo.errors import CaptureError
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from tests.graphs.programs import difference, load


class Rotary(nn.Module):
    """The rotary embedding of Llama-type models: its angles stay in fp32 under any autocast."""

    def __init__(self, width):
        super().__init__()
        frequencies = 1 / 10000 ** (torch.arange(0, width, 2).float() / width)
        self.register_buffer("inv_freq", frequencies, persistent=False)

    @torch.no_grad()
    def forward(self, x, at):
        inverse = self.inv_freq[None, :, None].float().expand(at.shape[0], -1, 1)
        with torch.autocast(device_type="cpu", enabled=False):
            angles = (inverse @ at[:, None, :].float()).transpose(1, 2)
            angles = torch.cat((angles, angles), -1)
            return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


class Rotated(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.rotary = Rotary(8)

    def forward(self, x, at):
        y = self.linear(x)
        cos, sin = self.rotary(y, at)
        return y * cos + y.roll(4, -1) * sin


class Nest(nn.Module):
    """Regions within regions, of which several have parts of the same names, and an empty one."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.rotary = Rotary(8)
        self.submod_1 = nn.Linear(8, 8)

    def forward(self, x, at):
        y = self.linear(x)
        cos, sin = self.rotary(y, at)
        with torch.no_grad():
            z = cos + self.submod_1(x)
            with torch.enable_grad():
                z = z + sin * self.linear(cos)
            with torch.autocast("cpu", enabled=False):
                z = z * torch.tensor(3.0)
                with torch.no_grad():
                    z = z + torch.ones(8)
                    with torch.autocast("cpu", enabled=False):
                        z = z.exp() * torch.tensor(0.5)
        return y * cos + sin, z


@pytest.mark.parametrize("module", [Rotated(), Nest()])
def test_a_region_without_autocast_is_part_of_the_graph(module, tmp_path):
    captured = capture(module, (torch.randn(2, 3, 8), torch.arange(6).view(2, 3)))
    program = load(print_program(captured), tmp_path, module)
    assert difference(captured, program) == ""


class Lowered(nn.Module):
    def __init__(self, enabled):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.enabled = enabled

    def forward(self, x):
        with torch.autocast("cpu", enabled=self.enabled):
            y = self.linear(x).float()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.linear(y).float()


@pytest.mark.parametrize("enabled", [True, False])
def test_a_region_with_autocast_is_refused(enabled):
    with pytest.raises(CaptureError, match="enabled autocast"):
        capture(Lowered(enabled), (torch.randn(3, 8),))
