"""U-Net of four levels whose activation is a softmax over the width of the map.

The eighteen BatchNorms work on batch statistics. Softmax makes the activations small (they sum to one along a
row), and the BatchNorm after the next convolution blows them up again, errors included.
"""

import torch
from torch import Tensor, nn

BATCH = 8
IN_CHANNELS = 8
OUT_CHANNELS = 4
FEATURES = 64
HEIGHT = 64
WIDTH = 512
DRAW = "rand"

SIZES = {"small": {"BATCH": 2, "HEIGHT": 32, "WIDTH": 256}, "v0": {"DRAW": "randn"}}


def double(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return two 3x3 convolutions, each with BatchNorm and a softmax along the row."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.Softmax(dim=-1),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.Softmax(dim=-1),
    )


class Model(nn.Module):
    """Encoder, bottleneck, decoder with skip connections, a 1x1 convolution."""

    def __init__(self, in_channels: int, out_channels: int, features: int) -> None:
        super().__init__()
        widths = [features, 2 * features, 4 * features, 8 * features]
        before = [in_channels, *widths]
        self.encoders = nn.ModuleList(double(a, b) for a, b in zip(before, widths, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = double(widths[-1], 2 * widths[-1])
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths))
        self.decoders = nn.ModuleList(double(2 * w, w) for w in reversed(widths))
        self.final = nn.Conv2d(features, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for encoder in self.encoders:
            skips.append(encoder(x))
            x = self.pool(skips[-1])
        x = self.bottleneck(x)
        for up, decoder, skip in zip(self.ups, self.decoders, reversed(skips), strict=True):
            x = decoder(torch.cat([up(x), skip], dim=1))
        return self.final(x)


def get_init_inputs() -> list[int]:
    return [IN_CHANNELS, OUT_CHANNELS, FEATURES]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, IN_CHANNELS, HEIGHT, WIDTH)]
