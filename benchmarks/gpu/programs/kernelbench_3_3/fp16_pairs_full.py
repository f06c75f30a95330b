"""Task 3 with many rows (size full) on the half-precision units at fp32 accuracy: operands are fp16 pairs.

Floor at full, 1024 rows, 8192 -> sixteen of 1024 -> 8192: 66.6 Gflop, which are 200 as three fp16 products:
0.20 ms at 990 Tflop/s (plain fp32: 1.1 ms at 60). The weights may change between calls, so they are split in
every call, 130 MB read and 130 MB written: 0.06 ms at 4.8 TB/s. 25 launches, replayed as a CUDA graph.

A float divided by a power of two of its row lies within fp16's range, and is there the sum of two fp16
numbers up to 2^-22 of itself (TF32 has no more bits, at half the speed). A product is then low * high + high
* low + high * high; what each step gives is added to the total by the plain units, since the matrix units
truncate. A layer writes its result as a pair, so that no multiplying loop converts anything. The scale of
that pair must be known before the result is: no number of a row is larger than the largest of the row before
times the largest sum of magnitudes of a weight's row, plus the largest bias. Each layer records the true
maximum of every row, from which the next bound is made, so that bounds do not drift over seventeen layers. A
bound that is 2^10 times too large still leaves 22 bits to values down to 2^-8 of the largest.

Hidden layers of 1024 x 1024 have 128 tiles of 128 x 64, one for nearly every multiprocessor of an H200.
"""

import functools

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

import kernelevo

TUNE = {
    "ROWS": [128, 64],
    "COLUMNS": [128, 64],
    "INNER": [64, 32],
    "BAND": [8, 16],
    "WARPS": [8, 4],
    "STAGES": [3, 2],
    "FEW_ROWS": [128, 64],
    "FEW_COLUMNS": [64, 128],
    "FEW_INNER": [64, 128],
    "FEW_WARPS": [8, 4],
    "FEW_STAGES": [4, 3, 2],
    "ASIDE": [False, True],  # split later weights while the first layer is multiplied
    "RECORDED": [True, False],
}
AOT = {
    "split_rows": {
        "signature": {"high_ptr": "*fp16", "low_ptr": "*fp16"},
        "constexprs": {"BLOCK": 8192},
        "num_warps": 8,
    },
    "split_weights": {
        "signature": {"high_ptr": "*fp16", "low_ptr": "*fp16"},
        "constexprs": {"BLOCK": 1024},
        "num_warps": 4,
    },
    "product": {
        "signature": {
            "a_high_ptr": "*fp16", "a_low_ptr": "*fp16", "w_high_ptr": "*fp16", "w_low_ptr": "*fp16",
            "y_high_ptr": "*fp16", "y_low_ptr": "*fp16",
        },
        "constexprs": {"LAST": False},
        "num_warps": 8,
        "num_stages": 3,
    },
}  # fmt: skip
TOGETHER = 5  # layers of equal shape whose weights one launch splits
FILLED = 256  # programs below which the tiles for few are taken
MOST_SHARED = 224 << 10  # bytes that the stages of one program may take


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
def split_rows(x_ptr, high_ptr, low_ptr, unit_ptr, most_ptr, columns, BLOCK: tl.constexpr):
    """One row of x as a pair, its unit, and its largest magnitude."""
    row = tl.program_id(0)
    c = tl.arange(0, BLOCK)
    at = row.to(tl.int64) * columns + c
    x = tl.load(x_ptr + at, mask=c < columns, other=0.0)
    most = tl.max(tl.abs(x), 0)
    unit = unit_of(most)
    high, low = split(x * inverse(unit))
    tl.store(high_ptr + at, high, mask=c < columns)
    tl.store(low_ptr + at, low, mask=c < columns)
    tl.store(unit_ptr + row, unit)
    tl.store(most_ptr + row, most)


@triton.jit
def split_weights(
    w0_ptr, w1_ptr, w2_ptr, w3_ptr, w4_ptr, b0_ptr, b1_ptr, b2_ptr, b3_ptr, b4_ptr,
    high_ptr, low_ptr, unit_ptr, limit_ptr, columns, BLOCK: tl.constexpr,
):  # fmt: skip
    """One row of the weight of one of up to five layers as a pair, and its unit.

    limit [layers, 2]: the largest sum of magnitudes of a weight's row, and the largest magnitude of a bias.
    """
    row, layer = tl.program_id(0), tl.program_id(1)
    w_ptr, b_ptr = w0_ptr, b0_ptr
    if layer == 1:
        w_ptr, b_ptr = w1_ptr, b1_ptr
    elif layer == 2:
        w_ptr, b_ptr = w2_ptr, b2_ptr
    elif layer == 3:
        w_ptr, b_ptr = w3_ptr, b3_ptr
    elif layer == 4:
        w_ptr, b_ptr = w4_ptr, b4_ptr
    c = tl.arange(0, BLOCK)
    w = tl.load(w_ptr + row.to(tl.int64) * columns + c, mask=c < columns, other=0.0)
    size = tl.abs(w)
    unit = unit_of(tl.max(size, 0))
    high, low = split(w * inverse(unit))
    to = layer * tl.num_programs(0) + row
    at = to.to(tl.int64) * columns + c
    tl.store(high_ptr + at, high, mask=c < columns)
    tl.store(low_ptr + at, low, mask=c < columns)
    tl.store(unit_ptr + to, unit)
    tl.atomic_max(limit_ptr + 2 * layer, tl.sum(size, 0))
    tl.atomic_max(limit_ptr + 2 * layer + 1, tl.abs(tl.load(b_ptr + row)))


@triton.jit
def product(
    a_high_ptr, a_low_ptr, a_unit_ptr, a_most_ptr, w_high_ptr, w_low_ptr, w_unit_ptr, bias_ptr, limit_ptr,
    y_high_ptr, y_low_ptr, y_unit_ptr, y_most_ptr, y_ptr, rows, columns, inner, LAST: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr, BAND: tl.constexpr,
):  # fmt: skip
    """One tile of a @ w^T + bias: with LAST as floats, else after ReLU as a pair with each row's maximum.

    ``inner`` is a multiple of INNER; rows beyond the last repeat it. Tiles of BAND rows run together and
    share caches.
    """
    tile = tl.program_id(0)
    row_tiles, column_tiles = tl.cdiv(rows, ROWS), tl.cdiv(columns, COLUMNS)
    band = tile // (BAND * column_tiles)
    height = tl.minimum(row_tiles - band * BAND, BAND)
    within = tile % (BAND * column_tiles)
    row, column = (band * BAND + within % height) * ROWS, (within // height) * COLUMNS
    r = tl.minimum(tl.arange(0, ROWS), rows - 1 - row)
    c = tl.minimum(tl.arange(0, COLUMNS), columns - 1 - column)
    k = tl.arange(0, INNER)
    a_at = r[:, None] * inner + k[None, :]
    w_at = c[:, None] * inner + k[None, :]
    a_start, w_start = row.to(tl.int64) * inner, column.to(tl.int64) * inner
    a_high, a_low = a_high_ptr + a_start, a_low_ptr + a_start
    w_high, w_low = w_high_ptr + w_start, w_low_ptr + w_start
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, inner, INNER):
        high, low = tl.load(a_high + start + a_at), tl.load(a_low + start + a_at)
        with_high = tl.trans(tl.load(w_high + start + w_at))
        with_low = tl.trans(tl.load(w_low + start + w_at))
        part = tl.dot(low, with_high)  # the small products first
        part = tl.dot(high, with_low, part)
        total += tl.dot(high, with_high, part)
    y = total * tl.load(a_unit_ptr + row + r)[:, None] * tl.load(w_unit_ptr + column + c)[None, :]
    y += tl.load(bias_ptr + column + c)[None, :]
    r, c = row + tl.arange(0, ROWS), column + tl.arange(0, COLUMNS)
    at = r[:, None].to(tl.int64) * columns + c[None, :]
    inside = (r[:, None] < rows) & (c[None, :] < columns)
    if LAST:
        tl.store(y_ptr + at, y, mask=inside)
    else:
        y = tl.where(y < 0.0, 0.0, y)  # keeps NaN
        most = tl.load(a_most_ptr + r, mask=r < rows, other=0.0)
        unit = unit_of(most * tl.load(limit_ptr) + tl.load(limit_ptr + 1))
        high, low = split(y * inverse(unit)[:, None])
        tl.store(y_high_ptr + at, high, mask=inside)
        tl.store(y_low_ptr + at, low, mask=inside)
        tl.store(y_unit_ptr + r, unit, mask=(r < rows) & (column == 0))
        tl.atomic_max(y_most_ptr + r, tl.max(y, 1), mask=r < rows)  # columns beyond the last repeat it


Pair = tuple[Tensor, Tensor, Tensor]  # high and low plane, unit of each row


def pair(*shape: int, device: torch.device) -> Pair:
    """Return room for two planes and the units of their rows."""
    planes = torch.empty(2, *shape, dtype=torch.float16, device=device)
    return planes[0], planes[1], torch.empty(shape[:-1], device=device)


def split_layers(layers: list[nn.Linear], limits: Tensor, planes: Pair) -> list[Pair]:
    """Return the weights of up to five layers of equal shape as pairs, which ``planes`` has room for.

    ``limits`` [layers, 2], zero, gets what bounds results.
    """
    count, (rows, columns) = len(layers), layers[0].weight.shape
    group = [layers[min(i, count - 1)] for i in range(TOGETHER)]
    block = triton.next_power_of_2(columns)
    split_weights[(rows, count)](
        *(layer.weight for layer in group), *(layer.bias for layer in group), *planes, limits, columns,
        BLOCK=block, num_warps=8 if block >= 4096 else 4,
    )  # fmt: skip
    return list(zip(*planes, strict=True))


def groups(layers: list[nn.Linear]) -> list[tuple[int, int]]:
    """Return begin and end of groups of up to five layers of equal shape that follow one another."""
    found: list[tuple[int, int]] = []
    for i, layer in enumerate(layers):
        begin = found[-1][0] if found else i
        if i > begin and i - begin < TOGETHER and layer.weight.shape == layers[begin].weight.shape:
            found[-1] = (begin, i + 1)
        else:
            found.append((i, i + 1))
    return found


@functools.cache
def side_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


def multiply(
    a: Pair, most: Tensor, w: Pair, bias: Tensor, limit: Tensor, y: Pair | Tensor, after: Tensor
) -> None:
    """Write a layer's result: floats to a tensor, or a pair with the maxima of its rows to ``after``."""
    (rows, inner), columns = a[0].shape, w[0].shape[0]
    few = triton.cdiv(rows, TUNE["ROWS"][0]) * triton.cdiv(columns, TUNE["COLUMNS"][0]) < FILLED
    tile = {name: TUNE[f"FEW_{name}" if few else name][0] for name in ("ROWS", "COLUMNS", "INNER")}
    stages = MOST_SHARED // (4 * tile["INNER"] * (tile["ROWS"] + tile["COLUMNS"]))
    last = isinstance(y, Tensor)
    grid = (triton.cdiv(rows, tile["ROWS"]) * triton.cdiv(columns, tile["COLUMNS"]),)
    product[grid](
        *a, most, *w, bias, limit, *(a if last else y), after, y if last else most, rows, columns, inner,
        LAST=last, **tile, BAND=TUNE["BAND"][0], num_warps=TUNE["FEW_WARPS" if few else "WARPS"][0],
        num_stages=max(1, min(TUNE["FEW_STAGES" if few else "STAGES"][0], stages)),
    )  # fmt: skip


def deep_mlp(x: Tensor, layers: list[nn.Linear]) -> Tensor:
    """Return the result of linear layers, of which all but the last are followed by ReLU."""
    rows, device = x.shape[0], x.device
    zero = torch.zeros(len(layers) * (rows + 2), device=device)
    most, limits = zero[: len(layers) * rows].view(-1, rows), zero[len(layers) * rows :].view(-1, 2)
    parts = groups(layers)
    # all memory is asked for on this stream, so that none of it is given away while another one works on it
    planes = [pair(end - begin, *layers[begin].weight.shape, device=device) for begin, end in parts]
    a = pair(*x.shape, device=device)
    weights: list[Pair] = []

    def split_parts(some: slice) -> None:
        for (begin, end), room in zip(parts[some], planes[some], strict=True):
            weights.extend(split_layers(layers[begin:end], limits[begin:], room))

    aside = TUNE["ASIDE"][0] and x.is_cuda
    split_parts(slice(0, 1) if aside else slice(None))
    split_rows[(rows,)](x, *a, most[0], x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]), num_warps=8)
    if aside:
        now, side = torch.cuda.current_stream(device), side_stream(device)
        side.wait_stream(now)
        with torch.cuda.stream(side):
            split_parts(slice(1, None))
    for i, layer in enumerate(layers):
        if aside and i == parts[0][1]:
            now.wait_stream(side)
        last = i == len(layers) - 1
        if last:
            y = torch.empty(rows, layer.out_features, device=device)
        else:
            y = pair(rows, layer.out_features, device=device)
        multiply(a, most[i], weights[i], layer.bias, limits[i], y, most[i if last else i + 1])
        a = y
    if aside:
        now.wait_stream(side)  # where all layers were one group
    return a


class ModelNew(nn.Module):
    """The perceptron; by PyTorch for few rows and widths that the kernels do not take."""

    def __init__(self, in_features: int, hidden: list[int], out_features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = in_features
        for after in hidden:
            layers.append(nn.Linear(width, after))
            layers.append(nn.ReLU())
            width = after
        layers.append(nn.Linear(width, out_features))
        self.layers = nn.Sequential(*layers)

    def fits(self, x: Tensor) -> bool:
        step = max(TUNE["INNER"][0], TUNE["FEW_INNER"][0])
        inner = [layer.in_features for layer in list(self.layers)[::2]]
        return x.is_cuda and x.dim() == 2 and x.shape[0] >= 16 and all(k % step == 0 for k in inner)

    def forward(self, x: Tensor) -> Tensor:
        if not self.fits(x):
            return self.layers(x)
        x = x.contiguous()
        return self.recorded(x) if TUNE["RECORDED"][0] else deep_mlp(x, list(self.layers)[::2])

    @kernelevo.graphed
    def recorded(self, x: Tensor) -> Tensor:
        return deep_mlp(x, list(self.layers)[::2])
