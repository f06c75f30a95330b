"""Convolutional vision transformer: a strided convolution, one linear map of all its results, six layers.

The whole image becomes one token, so each encoder layer attends over two: the class token and the image.
"""

import torch
from torch import Tensor, nn

BATCH = 10
IMAGE_SIZE = 32
CLASSES = 1000
DIM = 128
HEADS = 4
DRAW = "rand"

SIZES = {"small": {}, "v0": {"DRAW": "randn"}}


class Model(nn.Module):
    """Classifier that reads the class token."""

    def __init__(
        self,
        classes: int,
        dim: int = 512,
        heads: int = 8,
        depth: int = 6,
        mlp_ratio: int = 4,
        patch_size: int = 4,
        channels: int = 3,
        image_size: int = 32,
    ) -> None:
        super().__init__()
        patches = (image_size // patch_size) ** 2
        self.conv = nn.Conv2d(channels, dim, patch_size, stride=patch_size)
        self.project = nn.Linear(dim * patches, dim)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, heads, mlp_ratio * dim, dropout=0.0, batch_first=True)
            for _ in range(depth)
        )
        self.head = nn.Linear(dim, classes)

    def forward(self, image: Tensor) -> Tensor:
        token = self.project(self.conv(image).flatten(1))[:, None]
        x = torch.cat([self.class_token.expand(image.shape[0], -1, -1), token], dim=1)
        for layer in self.layers:
            x = layer(x)
        return self.head(x[:, 0])


def get_init_inputs() -> list[int]:
    return [CLASSES, DIM, HEADS]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)]
