"""Vision transformer: linear patch embedding, class token, six encoder layers, a two-layer head.

As shipped the encoder reads its input as (sequence, batch, features) although it gets (batch, tokens,
features): attention runs over the batch axis, tokens never mix, and since only the class token is read the
output does not depend on the image at all. The variant ``@batchfirst`` corrects the axis.
"""

import torch
from torch import Tensor, nn

BATCH = 2
IMAGE_SIZE = 224
PATCH_SIZE = 16
CLASSES = 10
DIM = 512
DEPTH = 6
HEADS = 8
MLP_DIM = 2048
CHANNELS = 3
DROPOUT = 0.0
EMBEDDING_DROPOUT = 0.0
DRAW = "rand"
BATCH_FIRST = False

SIZES = {"small": {}, "v0": {"DRAW": "randn"}}
VARIANTS = {"batchfirst": {"BATCH_FIRST": True}}


class Model(nn.Module):
    """ViT classifier that reads the class token."""

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        classes: int,
        dim: int,
        depth: int,
        heads: int,
        mlp_dim: int,
        channels: int = 3,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        patches = (image_size // patch_size) ** 2
        self.patch_size = patch_size
        self.position = nn.Parameter(torch.randn(1, patches + 1, dim))
        self.embed = nn.Linear(channels * patch_size**2, dim)
        self.class_token = nn.Parameter(torch.randn(1, 1, dim))
        self.dropout = nn.Dropout(embedding_dropout)
        layer = nn.TransformerEncoderLayer(dim, heads, mlp_dim, dropout, batch_first=BATCH_FIRST)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(
            nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, classes)
        )

    def forward(self, image: Tensor) -> Tensor:
        side = self.patch_size
        grid = image.unfold(2, side, side).unfold(3, side, side)
        patches = grid.reshape(image.shape[0], -1, image.shape[1] * side * side)
        tokens = self.embed(patches)
        class_token = self.class_token.expand(image.shape[0], -1, -1)
        tokens = torch.cat([class_token, tokens], dim=1) + self.position
        return self.head(self.encoder(self.dropout(tokens))[:, 0])


def get_init_inputs() -> list[int | float]:
    return [
        IMAGE_SIZE,
        PATCH_SIZE,
        CLASSES,
        DIM,
        DEPTH,
        HEADS,
        MLP_DIM,
        CHANNELS,
        DROPOUT,
        EMBEDDING_DROPOUT,
    ]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, CHANNELS, IMAGE_SIZE, IMAGE_SIZE)]
