"""Task 1 with many rows (size full) on the half-precision units at fp32 accuracy: operands are fp16 pairs.

Floor at full, 128 rows, 16384 -> 16384 -> 16384 -> 8192: 2.7 GB of weights, 0.56 ms at 4.8 TB/s; 172 Gflop,
which are 515 as three fp16 products, 0.52 ms at 990 Tflop/s (plain fp32: 2.9 ms at 60). Memory and matrix units
are in balance, and there is no time to write the weights down a second time: they may change between calls.

A float divided by a power of two lies within fp16's range, and is there the sum of two fp16 numbers up to
2^-22 of itself. With 128 rows a tile of weights meets one tile of rows only, so that each weight is split
exactly once although the multiplying loop does it, on its way from memory. What the weights are divided by
follows from each short run of a row by itself: the result of a step goes to the total through the plain units
anyway, since the matrix units truncate, and is multiplied there.

The rows are split between the layers, with the true maximum of each, which the layer before has recorded: 8 MB
against the 1 GB of a layer. Tiles of 128 columns are 128 programs for the wide layers, a wave of 132 all but
full; the last layer has half the columns, and tiles of half the width.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor, nn
from triton.tools.tensor_descriptor import TensorDescriptor

import kernelevo

TUNE = {
    # columns and inputs of a tile, warps, stages: one program per multiprocessor, then two
    "SHAPE": ["128 64 8 3", "64 64 4 2", "128 32 8 4", "64 32 4 3", "128 64 8 2"],
    "RECORDED": [False, True],
}
ROWS = 128
PROGRAMS = 100  # fewer than these leave multiprocessors idle: narrower tiles then
AOT = {
    "split_rows": {"signature": {"high_ptr": "*fp16", "low_ptr": "*fp16"}, "constexprs": {"BLOCK": 2048}},
    "product": {
        "signature": {
            "w_tiles": "tensordesc<fp32[128, 64]>",
            "x_high_tiles": "tensordesc<fp16[128, 64]>",
            "x_low_tiles": "tensordesc<fp16[128, 64]>",
        },
        "constexprs": {"LAST": False, "ROWS": 128, "OUT": 128, "INNER": 64},
        "num_warps": 8,
        "num_stages": 3,
    },
}


@triton.jit
def unit_of(bound):
    """The power of two by which numbers up to ``bound`` are divided to lie within 2^15."""
    exponent = tl.minimum(tl.maximum(bound.to(tl.int32, bitcast=True) >> 23, 60), 240)
    return ((exponent - 14) << 23).to(tl.float32, bitcast=True)


@triton.jit
def inverse(unit):
    """1 / unit for a power of two, exactly."""
    return ((254 << 23) - unit.to(tl.int32, bitcast=True)).to(tl.float32, bitcast=True)


@triton.jit
def split(x):
    """x as a sum of two fp16 numbers."""
    high = x.to(tl.float16)
    return high, (x - high.to(tl.float32)).to(tl.float16)


@triton.jit
def split_rows(x_ptr, most_ptr, high_ptr, low_ptr, columns, BLOCK: tl.constexpr):
    """A piece of one row as a pair, in units that follow from the row's largest magnitude."""
    row = tl.program_id(0)
    c = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    at = row.to(tl.int64) * columns + c
    x = tl.load(x_ptr + at, mask=c < columns, other=0.0)
    high, low = split(x * inverse(unit_of(tl.load(most_ptr + row))))
    tl.store(high_ptr + at, high, mask=c < columns)
    tl.store(low_ptr + at, low, mask=c < columns)


@triton.jit
def product(
    w_tiles, x_high_tiles, x_low_tiles, x_most_ptr, bias_ptr, y_ptr, y_most_ptr, rows, columns, inner,
    LAST: tl.constexpr, ROWS: tl.constexpr, OUT: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """OUT columns of x @ w^T + bias for ROWS rows; unless LAST after ReLU, with the maximum of each row.

    What a tile reads beyond the operands is zero.
    """
    column, row = tl.program_id(0) * OUT, tl.program_id(1) * ROWS
    total = tl.zeros((ROWS, OUT), tl.float32)
    for start in range(0, inner, INNER):
        w = w_tiles.load([column, start])
        high, low = x_high_tiles.load([row, start]), x_low_tiles.load([row, start])
        unit = unit_of(tl.max(tl.abs(w), 1))
        w_high, w_low = split(w * inverse(unit)[:, None])
        part = tl.dot(low, w_high.T)  # the small products first
        part = tl.dot(high, w_low.T, part)
        part = tl.dot(high, w_high.T, part)
        total += part * unit[None, :]
    r, c = row + tl.arange(0, ROWS), column + tl.arange(0, OUT)
    y = total * unit_of(tl.load(x_most_ptr + r, mask=r < rows, other=0.0))[:, None]
    y += tl.load(bias_ptr + c, mask=c < columns, other=0.0)[None, :]
    if not LAST:
        y = tl.where(y < 0.0, 0.0, y)  # keeps NaN
        tl.atomic_max(y_most_ptr + r, tl.max(y, 1), mask=r < rows)
    at = r[:, None].to(tl.int64) * columns + c[None, :]
    tl.store(y_ptr + at, y, mask=(r[:, None] < rows) & (c[None, :] < columns))


def mlp(x: Tensor, layers: list[nn.Linear]) -> Tensor:
    """Return the result of linear layers, of which all but the last are followed by ReLU."""
    rows = x.shape[0]
    widest, inner, warps, stages = map(int, TUNE["SHAPE"][0].split())
    most = torch.zeros(len(layers), rows, device=x.device)
    largest = torch.linalg.vector_norm(x, float("inf"), dim=1)
    for i, layer in enumerate(layers):
        pair = torch.empty(2, *x.shape, dtype=torch.float16, device=x.device)
        split_rows[(rows, triton.cdiv(x.shape[1], 2048))](
            x, largest, *pair, x.shape[1], BLOCK=2048, num_warps=4
        )
        y = torch.empty(rows, layer.out_features, device=x.device)
        out = widest if triton.cdiv(layer.out_features, widest) * triton.cdiv(rows, ROWS) >= PROGRAMS else 64
        grid = (triton.cdiv(layer.out_features, out), triton.cdiv(rows, ROWS))
        product[grid](
            TensorDescriptor.from_tensor(layer.weight.detach(), [out, inner]),
            *(TensorDescriptor.from_tensor(plane, [ROWS, inner]) for plane in pair),
            largest, layer.bias, y, most[i], rows, layer.out_features, x.shape[1],
            LAST=i == len(layers) - 1, ROWS=ROWS, OUT=out, INNER=inner, num_warps=warps, num_stages=stages,
        )  # fmt: skip
        x, largest = y, most[i]
    return x


class ModelNew(nn.Module):
    """The perceptron; by PyTorch for few rows and widths that the kernels do not take."""

    def __init__(self, in_features: int, hidden: list[int], out_features: int) -> None:
        super().__init__()
        widths = [in_features, *hidden]
        layers: list[nn.Module] = []
        for before, after in zip(widths, hidden, strict=False):
            layers += [nn.Linear(before, after), nn.ReLU()]
        layers.append(nn.Linear(widths[-1], out_features))
        self.layers = nn.Sequential(*layers)

    def fits(self, x: Tensor) -> bool:
        layers = list(self.layers)[::2]  # the copy engine wants multiples of 16 bytes
        fit = all(layer.in_features % 8 == 0 and layer.weight.data_ptr() % 16 == 0 for layer in layers)
        return x.is_cuda and x.dim() == 2 and x.shape[0] >= 16 and fit

    def forward(self, x: Tensor) -> Tensor:
        if not self.fits(x):
            return self.layers(x)
        x = x.contiguous()
        return self.recorded(x) if TUNE["RECORDED"][0] else mlp(x, list(self.layers)[::2])

    @kernelevo.graphed
    def recorded(self, x: Tensor) -> Tensor:
        return mlp(x, list(self.layers)[::2])
