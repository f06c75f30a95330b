"""NetVLAD pooling of local features into one descriptor, with ghost clusters.

Ghosts take their share of the soft assignment (BatchNorm on batch statistics, softmax over all clusters) and
are dropped, so that features which fit no kept cluster count less.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 2048
FEATURES = 100
CLUSTERS = 32
DIM = 512
GHOSTS = 16
DRAW = "rand"

SIZES = {"small": {"BATCH": 512}, "v0": {"BATCH": 32, "DRAW": "randn"}}


class Model(nn.Module):
    """Sums the residuals of the features to soft-assigned cluster centres, normalised twice."""

    def __init__(self, clusters: int, dim: int, ghosts: int) -> None:
        super().__init__()
        scale = 1.0 / math.sqrt(dim)
        self.kept = clusters
        self.clusters = nn.Parameter(scale * torch.randn(dim, clusters + ghosts))
        self.norm = nn.BatchNorm1d(clusters + ghosts)
        self.centres = nn.Parameter(scale * torch.randn(1, dim, clusters))

    def forward(self, x: Tensor) -> Tensor:
        batch, count, dim = x.shape
        logits = self.norm(x.reshape(batch * count, dim) @ self.clusters)
        assigned = torch.softmax(logits, dim=1)[:, : self.kept].reshape(batch, count, self.kept)
        shift = assigned.sum(dim=1, keepdim=True) * self.centres
        residuals = (assigned.transpose(1, 2) @ x).transpose(1, 2) - shift
        return F.normalize(F.normalize(residuals, dim=1).reshape(batch, dim * self.kept))


def get_init_inputs() -> list[int]:
    return [CLUSTERS, DIM, GHOSTS]


def get_inputs() -> list[Tensor]:
    return [getattr(torch, DRAW)(BATCH, FEATURES, DIM)]
