"""NetVLAD with ghost clusters in two passes over the features, with a small kernel between them.

The BatchNorm of the logits takes statistics over all features of all images, so nothing can be assigned before
all logits are known: x has to be read twice, and is read no third time. The first pass multiplies by the
clusters and leaves the logits (a tenth of x) with the moments of each tile; one program per channel then joins
the moments and moves the running statistics; the second pass takes an image: softmax, sums of the assigned
features, centres and both norms, with the whole descriptor in registers. Products are three TF32 products, so
that they keep fp32's accuracy and both passes run at the speed of memory. The second pass begins with the images
that the first has read last: the L2 still holds them. The launches of a small batch take longer than its work,
so they are replayed as a CUDA graph.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

TUNE = {
    "ROWS": [128, 64],
    "FEW_ROWS": [32, 16],
    "INNER": [32, 64],
    "WARPS": [8, 4],
    "STAGES": [3, 2],
    "CHUNK": [16, 32],
    "POOL_WARPS": [8, 16],
}
AOT = {
    "logits_of_tile": {
        "constexprs": {"CHANNELS": 48, "WIDTH": 64, "ROWS": 128, "INNER": 32},
        "num_warps": 8,
        "num_stages": 3,
    },
    "join_moments": {
        "signature": {"batches_ptr": "*i64"},
        "constexprs": {"PARTS": 2048, "MOMENTUM": 0.1, "EPS": 1e-5},
        "num_warps": 4,
    },
    "pool": {
        "constexprs": {"CHANNELS": 48, "WIDTH": 64, "KEPT": 32, "DIM": 512, "COUNT": 128, "CHUNK": 16},
        "num_warps": 8,
    },
}
MOST_RECORDED = 1 << 22  # numbers that are copied for a CUDA graph in less time than its launches take
MOST_ACCUMULATORS = 32768  # of one descriptor, in the registers of one program


@triton.jit
def logits_of_tile(
    x_ptr,
    clusters_ptr,
    logits_ptr,
    means_ptr,
    squares_ptr,
    rows,
    dim,
    CHANNELS: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    INNER: tl.constexpr,
):
    """ROWS features times all clusters; mean of each column, and its sum of squared distances from it."""
    tile = tl.program_id(0)
    row = tile * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, WIDTH)
    k = tl.arange(0, INNER)
    row_in, column_in = row[:, None] < rows, column[None, :] < CHANNELS
    x = x_ptr + row[:, None].to(tl.int64) * dim + k[None, :]
    clusters = clusters_ptr + k[:, None] * CHANNELS + column[None, :]
    total = tl.zeros((ROWS, WIDTH), tl.float32)
    for start in range(0, dim, INNER):
        a = tl.load(x, mask=row_in & (k[None, :] < dim - start), other=0.0)
        b = tl.load(clusters, mask=column_in & (k[:, None] < dim - start), other=0.0)
        total = tl.dot(a, b, total, input_precision="tf32x3")
        x += INNER
        clusters += INNER * CHANNELS
    place = row[:, None].to(tl.int64) * CHANNELS + column[None, :]
    tl.store(logits_ptr + place, total, mask=row_in & column_in)
    count = tl.minimum(rows - tile * ROWS, ROWS).to(tl.float32)
    mean = tl.sum(total, 0) / count  # rows outside are zero
    far = tl.where(row_in, total - mean[None, :], 0.0)
    place = column * tl.num_programs(0) + tile
    tl.store(means_ptr + place, mean, mask=column < CHANNELS)
    tl.store(squares_ptr + place, tl.sum(far * far, 0), mask=column < CHANNELS)


@triton.jit
def join_moments(
    means_ptr,
    squares_ptr,
    weight_ptr,
    bias_ptr,
    running_mean_ptr,
    running_var_ptr,
    batches_ptr,
    affine_ptr,
    tiles,
    tile_rows,
    rows,
    PARTS: tl.constexpr,
    MOMENTUM: tl.constexpr,
    EPS: tl.constexpr,
):
    """One channel: moments of all rows from those of the tiles; what BatchNorm multiplies by and adds."""
    channel = tl.program_id(0)
    part = tl.arange(0, PARTS)
    inside = part < tiles
    place = channel * tiles + part
    means = tl.load(means_ptr + place, mask=inside, other=0.0).to(tl.float64)
    squares = tl.load(squares_ptr + place, mask=inside, other=0.0).to(tl.float64)
    counts = tl.where(inside, tl.minimum(rows - part * tile_rows, tile_rows), 0).to(tl.float64)
    mean = tl.sum(means * counts, 0) / rows
    far = means - mean
    square = tl.sum(squares + far * far * counts, 0)
    scale = tl.load(weight_ptr + channel) / tl.sqrt(square / rows + EPS)
    shift = tl.load(bias_ptr + channel) - mean * scale
    tl.store(affine_ptr + channel, scale.to(tl.float32))
    tl.store(affine_ptr + tl.num_programs(0) + channel, shift.to(tl.float32))
    before = tl.load(running_mean_ptr + channel).to(tl.float64)
    tl.store(running_mean_ptr + channel, (before + (mean - before) * MOMENTUM).to(tl.float32))
    before = tl.load(running_var_ptr + channel).to(tl.float64)
    tl.store(running_var_ptr + channel, (before + (square / (rows - 1) - before) * MOMENTUM).to(tl.float32))
    if channel == 0:
        tl.store(batches_ptr, tl.load(batches_ptr) + 1)


@triton.jit
def pool(
    x_ptr,
    logits_ptr,
    affine_ptr,
    centres_ptr,
    y_ptr,
    count,
    CHANNELS: tl.constexpr,
    WIDTH: tl.constexpr,
    KEPT: tl.constexpr,
    DIM: tl.constexpr,
    COUNT: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """The descriptor [DIM, KEPT] of one image, the last image first."""
    image = (tl.num_programs(0) - 1 - tl.program_id(0)).to(tl.int64)
    column = tl.arange(0, WIDTH)
    scale = tl.load(affine_ptr + column, mask=column < CHANNELS, other=0.0)
    shift = tl.load(affine_ptr + CHANNELS + column, mask=column < CHANNELS, other=-float("inf"))
    kept, d = tl.arange(0, KEPT), tl.arange(0, DIM)
    total = tl.zeros((DIM, KEPT), tl.float32)
    weights = tl.zeros((KEPT,), tl.float32)
    for start in range(0, COUNT, CHUNK):
        feature = start + tl.arange(0, CHUNK)
        inside = feature < count
        row = image * count + feature
        place = row[:, None] * CHANNELS + column[None, :]
        logits = tl.load(logits_ptr + place, mask=inside[:, None] & (column[None, :] < CHANNELS), other=0.0)
        logits = logits * scale[None, :] + shift[None, :]
        top = tl.max(logits, 1)
        below = tl.sum(tl.exp(logits - top[:, None]), 1)
        place = row[:, None] * CHANNELS + kept[None, :]  # once more, without ghosts: they lie in the L1
        logits = tl.load(logits_ptr + place, mask=inside[:, None], other=0.0)
        logits = logits * tl.load(affine_ptr + kept)[None, :] + tl.load(affine_ptr + CHANNELS + kept)[None, :]
        assigned = tl.exp(logits - top[:, None]) / below[:, None]
        assigned = tl.where(inside[:, None], assigned, 0.0)
        x = tl.load(x_ptr + row[None, :] * DIM + d[:, None], mask=inside[None, :], other=0.0)
        total = tl.dot(x, assigned, total, input_precision="tf32x3")
        weights += tl.sum(assigned, 0)
    place = d[:, None] * KEPT + kept[None, :]
    total -= weights[None, :] * tl.load(centres_ptr + place)
    lengths = tl.sqrt(tl.sum(total * total, 0))
    total = total / tl.maximum(lengths, 1e-12)[None, :]
    length = tl.sqrt(tl.sum(tl.sum(total * total, 0), 0))
    tl.store(y_ptr + image * (DIM * KEPT) + place, total / tl.maximum(length, 1e-12))


class ModelNew(nn.Module):
    """NetVLAD; powers of two of kept clusters (16 at least) and of the dimension, else PyTorch."""

    def __init__(self, clusters: int, dim: int, ghosts: int) -> None:
        super().__init__()
        scale = 1.0 / math.sqrt(dim)
        self.kept = clusters
        self.clusters = nn.Parameter(scale * torch.randn(dim, clusters + ghosts))
        self.norm = nn.BatchNorm1d(clusters + ghosts)
        self.centres = nn.Parameter(scale * torch.randn(1, dim, clusters))

    def fits(self, x: Tensor) -> bool:
        dim, kept = x.shape[2], self.kept
        powers = dim & (dim - 1) == 0 and kept & (kept - 1) == 0
        return x.is_cuda and self.training and powers and kept >= 16 and dim * kept <= MOST_ACCUMULATORS

    def plainly(self, x: Tensor) -> Tensor:
        batch, count, dim = x.shape
        logits = self.norm(x.reshape(batch * count, dim) @ self.clusters)
        assigned = torch.softmax(logits, dim=1)[:, : self.kept].reshape(batch, count, self.kept)
        shift = assigned.sum(dim=1, keepdim=True) * self.centres
        residuals = (assigned.transpose(1, 2) @ x).transpose(1, 2) - shift
        return F.normalize(F.normalize(residuals, dim=1).reshape(batch, dim * self.kept))

    def forward(self, x: Tensor) -> Tensor:
        if not self.fits(x):
            return self.plainly(x)
        return self.recorded(x) if x.numel() <= MOST_RECORDED else self.by_kernels(x.contiguous())

    @kernelevo.graphed
    def recorded(self, x: Tensor) -> Tensor:
        return self.by_kernels(x.contiguous())

    def by_kernels(self, x: Tensor) -> Tensor:
        batch, count, dim = x.shape
        rows, channels, norm = batch * count, self.clusters.shape[1], self.norm
        width = max(triton.next_power_of_2(channels), 16)
        high = TUNE["ROWS" if rows >= 1 << 15 else "FEW_ROWS"][0]
        tiles = triton.cdiv(rows, high)
        logits = torch.empty(rows, channels, device=x.device)
        means, squares = torch.empty(2, channels, tiles, device=x.device)
        logits_of_tile[(tiles,)](
            x,
            self.clusters,
            logits,
            means,
            squares,
            rows,
            dim,
            CHANNELS=channels,
            WIDTH=width,
            ROWS=high,
            INNER=TUNE["INNER"][0],
            num_warps=TUNE["WARPS"][0] if high >= 128 else 4,
            num_stages=TUNE["STAGES"][0],
        )
        affine = torch.empty(2 * channels, device=x.device)
        join_moments[(channels,)](
            means,
            squares,
            norm.weight,
            norm.bias,
            norm.running_mean,
            norm.running_var,
            norm.num_batches_tracked,
            affine,
            tiles,
            high,
            rows,
            PARTS=triton.next_power_of_2(tiles),
            MOMENTUM=norm.momentum,
            EPS=norm.eps,
        )
        y = torch.empty(batch, dim * self.kept, device=x.device)
        chunk = TUNE["CHUNK"][0]
        pool[(batch,)](
            x,
            logits,
            affine,
            self.centres,
            y,
            count,
            CHANNELS=channels,
            WIDTH=width,
            KEPT=self.kept,
            DIM=dim,
            COUNT=triton.cdiv(count, chunk) * chunk,
            CHUNK=chunk,
            num_warps=TUNE["POOL_WARPS"][0],
        )
        return y
