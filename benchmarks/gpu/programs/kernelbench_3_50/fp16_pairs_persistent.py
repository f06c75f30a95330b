"""Task 50 on the half-precision units at fp32 accuracy: every operand is a pair of fp16 planes.

A float divided by a power of two of its row lies within fp16's range, and is there the sum of two fp16
numbers up to 2^-22 of itself (TF32 has no more bits, at half the speed). A product is then three fp16
products, low * high + high * low + high * high; what each short run of columns gives is added by the plain
units, since the matrix units truncate. A pair takes as much memory as the float, so it is whoever *writes*
a tensor who splits it: the rows of x once, the weight once and for all, queries, keys and values by the
product that makes them. Three kernels in all; no score is ever stored, and the projection that nobody calls
is not computed.

The scale of what a product writes must be known before the product is: |x w + b| <= |x| |w| + |b|, by
Cauchy and Schwarz. That bound is a few times too large, which costs nothing: values down to 2^-18 of it
keep their 22 bits, and below that the error is 2^-40 of the bound, less than the rounding of the sum
itself. The weights relu(scores) have no bound worth the name: each row of a block of them takes its scale
from its largest.

The products are persistent: each multiprocessor goes through its tiles in one loop, so that the copy engine
(TMA) fetches the next tile's operands while the last one's results are written.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor, nn
from triton.tools.tensor_descriptor import TensorDescriptor

import kernelevo

Pair = tuple[Tensor, Tensor, Tensor]  # high and low plane, unit of each row

TUNE = {
    "ROWS": [128, 64],
    "COLUMNS": [128, 64],
    "INNER": [64, 32],
    "BAND": [8, 16],
    "STAGES": [3, 2],
    "QUERIES": [128, 64],
    "KEYS": [64, 32],
    "ATTENTION_STAGES": [2, 3],
}
AOT = {
    "split_rows": {
        "signature": {"high_ptr": "*fp16", "low_ptr": "*fp16"},
        "constexprs": {"BLOCK": 1024},
    },
    "product_to_pair": {
        "signature": {
            "a_high": "tensordesc<fp16[128, 64]>", "a_low": "tensordesc<fp16[128, 64]>",
            "w_high": "tensordesc<fp16[128, 64]>", "w_low": "tensordesc<fp16[128, 64]>",
            "y_high_ptr": "*fp16", "y_low_ptr": "*fp16",
        },
        "num_warps": 8,
        "num_stages": 3,
    },
    "relu_attention": {
        "signature": {"high_ptr": "*fp16", "low_ptr": "*fp16", "scale": "fp32"},
        "constexprs": {"SIZE": 64},
        "num_warps": 8,
        "num_stages": 3,
    },
}  # fmt: skip


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
def times(a_high, a_low, b_high, b_low):
    """a @ b of two pairs, the small products first."""
    y = tl.dot(a_low, b_high)
    y = tl.dot(a_high, b_low, y)
    return tl.dot(a_high, b_high, y)


@triton.jit
def split_rows(
    x_ptr, high_ptr, low_ptr, unit_ptr, square_ptr, columns, group, BLOCK: tl.constexpr
):  # fmt: skip
    """One row of x as a pair, its unit, and the largest squared length among each ``group`` of rows."""
    row = tl.program_id(0)
    c = tl.arange(0, BLOCK)
    at = row.to(tl.int64) * columns + c
    x = tl.load(x_ptr + at, mask=c < columns, other=0.0)
    unit = unit_of(tl.max(tl.abs(x), 0))
    high, low = split(x * inverse(unit))
    tl.store(high_ptr + at, high, mask=c < columns)
    tl.store(low_ptr + at, low, mask=c < columns)
    tl.store(unit_ptr + row, unit)
    tl.atomic_max(square_ptr + row // group, tl.sum(x * x, 0))


@triton.jit
def tile_of(tile, rows, columns, ROWS: tl.constexpr, COLUMNS: tl.constexpr, BAND: tl.constexpr):
    """First row and column of a tile; the tiles of BAND rows run together and share caches."""
    row_tiles, column_tiles = tl.cdiv(rows, ROWS), tl.cdiv(columns, COLUMNS)
    band = tile // (BAND * column_tiles)
    height = tl.minimum(row_tiles - band * BAND, BAND)
    within = tile % (BAND * column_tiles)
    return (band * BAND + within % height) * ROWS, (within // height) * COLUMNS


@triton.jit
def linear_tile(
    a_high, a_low, a_unit_ptr, w_high, w_low, w_unit_ptr, bias_ptr, row, column,
    rows, columns, inner, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """One tile of a @ w^T + bias; ``inner`` is a multiple of INNER."""
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, inner, INNER):
        total += times(
            a_high.load([row, start]),
            a_low.load([row, start]),
            w_high.load([column, start]).T,
            w_low.load([column, start]).T,
        )
    r, c = row + tl.arange(0, ROWS), column + tl.arange(0, COLUMNS)
    total = total * tl.load(a_unit_ptr + r, mask=r < rows, other=1.0)[:, None]
    total = total * tl.load(w_unit_ptr + c, mask=c < columns, other=1.0)[None, :]
    return total + tl.load(bias_ptr + c, mask=c < columns, other=0.0)[None, :]


@triton.jit
def product_to_pair(
    a_high, a_low, a_unit_ptr, w_high, w_low, w_unit_ptr, bias_ptr, square_ptr, limit_ptr,
    y_high_ptr, y_low_ptr, y_unit_ptr, rows, columns, inner, group,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr, BAND: tl.constexpr,
):  # fmt: skip
    """a @ w^T + bias as a pair; ``square`` bounds squared lengths of rows of a, ``limit`` w's and bias."""
    tiles = tl.cdiv(rows, ROWS) * tl.cdiv(columns, COLUMNS)
    for tile in tl.range(tl.program_id(0), tiles, tl.num_programs(0), flatten=True):
        row, column = tile_of(tile, rows, columns, ROWS, COLUMNS, BAND)
        y = linear_tile(
            a_high, a_low, a_unit_ptr, w_high, w_low, w_unit_ptr, bias_ptr, row, column,
            rows, columns, inner, ROWS, COLUMNS, INNER,
        )  # fmt: skip
        r, c = row + tl.arange(0, ROWS), column + tl.arange(0, COLUMNS)
        longest = tl.sqrt(tl.load(square_ptr + r // group, mask=r < rows, other=0.0))
        unit = unit_of(longest * tl.load(limit_ptr) + tl.load(limit_ptr + 1))
        high, low = split(y * inverse(unit)[:, None])
        at = r[:, None].to(tl.int64) * columns + c[None, :]
        inside = (r[:, None] < rows) & (c[None, :] < columns)
        tl.store(y_high_ptr + at, high, mask=inside)
        tl.store(y_low_ptr + at, low, mask=inside)
        tl.store(y_unit_ptr + r, unit, mask=(r < rows) & (column == 0))


@triton.jit
def relu_attention(
    high_ptr, low_ptr, unit_ptr, y_ptr, heads, length, scale,
    SIZE: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    """Causal relu(scale q k^T) v for a block of queries of a head, from rows of queries, keys and values."""
    width = heads * SIZE
    blocks = tl.cdiv(length, QUERIES)
    block = blocks - 1 - tl.program_id(0) % blocks  # the longest come first
    batch, head = (tl.program_id(0) // blocks) // heads, (tl.program_id(0) // blocks) % heads
    r = block * QUERIES + tl.arange(0, QUERIES)
    j = tl.arange(0, KEYS)
    d = tl.arange(0, SIZE)[None, :]
    start = (batch.to(tl.int64) * length) * (3 * width) + head * SIZE
    high, low = high_ptr + start, low_ptr + start
    row = tl.minimum(r, length - 1)[:, None] * (3 * width)
    q_high, q_low = tl.load(high + row + d), tl.load(low + row + d)
    total = tl.zeros((QUERIES, SIZE), tl.float32)
    for first in range(0, tl.minimum(length, (block + 1) * QUERIES), KEYS):
        seen = tl.minimum(first + j, length - 1)[:, None] * (3 * width) + width
        k_high, k_low = tl.load(high + seen + d), tl.load(low + seen + d)
        scores = times(q_high, q_low, tl.trans(k_high), tl.trans(k_low))
        scores = tl.where(first + j[None, :] <= r[:, None], tl.maximum(scores, 0.0), 0.0)
        unit = unit_of(tl.max(scores, 1))[:, None]
        p_high, p_low = split(scores * inverse(unit))
        seen += width
        total += times(p_high, p_low, tl.load(high + seen + d), tl.load(low + seen + d)) * unit
    unit = tl.load(unit_ptr + batch * length)  # of the whole sequence: queries, keys and values
    y = y_ptr + (batch.to(tl.int64) * length) * width + head * SIZE + r[:, None] * width + d
    tl.store(y, total * unit * unit * unit * scale, mask=r[:, None] < length)


def weight_pair(weight: Tensor) -> Pair:
    """Return a weight [out, in] as two fp16 planes, and the unit of each row: ``unit_of`` in PyTorch."""
    weight = weight.detach()
    exponent = (weight.abs().amax(1).view(torch.int32) >> 23).clamp(60, 240)
    unit = ((exponent - 14) << 23).view(torch.float32)
    scaled = weight / unit[:, None]
    high = scaled.half()
    return high, (scaled - high.float()).half(), unit


def limits(weight: Tensor, bias: Tensor) -> Tensor:
    """Return the length of the longest row of a weight, and the largest bias."""
    return torch.stack((weight.detach().norm(dim=1).max(), bias.detach().abs().max()))


def is_causal(mask: Tensor) -> bool:
    """Tell whether the mask lets each position see itself and what came before, no more."""
    return bool(torch.equal(mask == 0, torch.ones_like(mask, dtype=torch.bool).triu(1)))


def split_linear_pair(a: Pair, layer: nn.Linear, squares: Tensor, group: int) -> Pair:
    """Return ``layer`` of a pair as a pair; ``squares`` bounds squared lengths of each ``group`` of rows."""
    (rows, inner), columns = a[0].shape, layer.out_features
    y = pair(rows, columns, a[0].device)
    product_to_pair[product_grid(rows, columns, a[0].device)](
        *tiled(a, "ROWS"), *tiled(kernelevo.packed(weight_pair, layer.weight), "COLUMNS"), layer.bias,
        squares,
        kernelevo.packed(limits, layer.weight, layer.bias), *y, rows, columns, inner, group,
        **product_tiles(),
    )  # fmt: skip
    return y


def tiled(planes: Pair, height: str) -> tuple[TensorDescriptor, TensorDescriptor, Tensor]:
    """Return a pair whose planes the copy engine reads in tiles."""
    tile = [TUNE[height][0], TUNE["INNER"][0]]
    high, low, unit = planes
    return TensorDescriptor.from_tensor(high, tile), TensorDescriptor.from_tensor(low, tile), unit


def product_grid(rows: int, columns: int, device: torch.device) -> tuple[int]:
    """Return as many programs as the device runs at once, or tiles if they are fewer."""
    tiles = triton.cdiv(rows, TUNE["ROWS"][0]) * triton.cdiv(columns, TUNE["COLUMNS"][0])
    at_once = torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 2
    return (min(tiles, at_once),)


def product_tiles() -> dict[str, int]:
    tiles = {name: TUNE[name][0] for name in ("ROWS", "COLUMNS", "INNER", "BAND")}
    return {**tiles, "num_warps": 8, "num_stages": TUNE["STAGES"][0]}


def pair(rows: int, columns: int, device: torch.device) -> Pair:
    """Return room for two planes and the units of their rows."""
    planes = (torch.empty(rows, columns, dtype=torch.float16, device=device) for _ in range(2))
    return (*planes, torch.empty(rows, device=device))


class ModelNew(nn.Module):
    """Multi-head causal attention with ReLU weights."""

    def __init__(self, embedding: int, heads: int, longest: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(embedding, 3 * embedding)
        self.c_proj = nn.Linear(embedding, embedding)
        self.register_buffer("bias", torch.tril(torch.ones(longest, longest))[None, None])

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        size = width // self.heads
        if width % 64 or size not in (16, 32, 64, 128) or not kernelevo.packed(is_causal, self.bias):
            return self.plainly(x)
        x = x.contiguous()
        rows = pair(batch * length, width, x.device)
        squares = torch.zeros(batch, device=x.device)
        split_rows[(batch * length,)](
            x, *rows, squares, width, length, BLOCK=triton.next_power_of_2(width), num_warps=4
        )
        projected = split_linear_pair(rows, self.c_attn, squares, length)
        y = torch.empty_like(x)
        relu_attention[(triton.cdiv(length, TUNE["QUERIES"][0]) * batch * self.heads,)](
            *projected, y, self.heads, length, 1.0 / math.sqrt(size),
            SIZE=size, QUERIES=TUNE["QUERIES"][0], KEYS=TUNE["KEYS"][0],
            num_warps=8, num_stages=TUNE["ATTENTION_STAGES"][0],
        )  # fmt: skip
        return y

    def plainly(self, x: Tensor) -> Tensor:
        """As forward, by PyTorch, for what the kernels do not fit."""
        batch, length, width = x.shape
        heads = (batch, length, self.heads, width // self.heads)
        query, key, value = (part.view(heads).transpose(1, 2) for part in self.c_attn(x).split(width, dim=2))
        scores = (query @ key.transpose(-2, -1)) * (1.0 / math.sqrt(heads[-1]))
        scores = scores.masked_fill(self.bias[:, :, :length, :length] == 0, -math.inf)
        return (torch.relu(scores) @ value).transpose(1, 2).reshape(batch, length, width)
