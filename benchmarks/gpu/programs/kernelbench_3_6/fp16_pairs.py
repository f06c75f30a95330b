"""The inception module on the matrix units at fp32 accuracy: every operand is a pair of fp16 planes.

A float over a power of two that bounds its like is the sum of two fp16 numbers up to 2^-22, and a product of
floats then three fp16 products, low * high + high * low + high * high; each step's products are added to the
total by the plain units, since the matrix units truncate. A pair takes the memory of the float, so whoever
writes a tensor splits it, and no multiplying loop converts anything.

The largest magnitude of each image is found first. One pass then leaves the image and its 3x3 maxima as
pairs, both in the image's unit, since a maximum is no larger; that pass is CUDA C++, where the numbers to the
left and right are had by shuffles. The three 1x1 convolutions of the same input are one product of 304 rows:
those of the first branch go straight into the result, the other 112 become pairs with channels last. Their
unit is bounded by the largest input times the largest sum of a row's weights, plus the largest bias. The 3x3
and 5x5 convolutions are products over taps; a program makes all output channels of its pixels (208 = 128 + 64
+ 16), so that pixels are fetched once. Nothing is concatenated: every branch writes its own channels of the
result. Weights are split anew in every call, in a few microseconds.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

import kernelevo

TUNE = {
    "OUT": [128, 64],  # rows of a tile of the 1x1 product: 384 or 320 for 304, fewer or more programs
    "INNER": [32, 16],
    "STAGES": [4, 3],
    "PIXELS": [128, 64],
    "TAP_STAGES": [3, 4],
}
AOT = {
    "largest": {"constexprs": {"BLOCK": 8192}, "num_warps": 8},
    "split_weight": {
        "signature": {"high_ptr": "*fp16", "low_ptr": "*fp16"},
        "constexprs": {"TAPS": 9, "CHANNELS": 96, "BLOCK": 1024},
    },
    "pointwise": {
        "signature": {
            "x_high_ptr": "*fp16", "x_low_ptr": "*fp16", "w_high_ptr": "*fp16", "w_low_ptr": "*fp16",
            "t_high_ptr": "*fp16", "t_low_ptr": "*fp16",
        },
        "constexprs": {
            "INPUTS": 480, "ROWS": 304, "DIRECT": 192, "OUT": 128, "PIXELS": 128, "INNER": 32, "MOST": 128,
        },
        "num_warps": 8,
        "num_stages": 4,
    },
    "taps": {
        "signature": {
            "t_high_ptr": "*fp16", "t_low_ptr": "*fp16", "w_high_ptr": "*fp16", "w_low_ptr": "*fp16",
        },
        "constexprs": {
            "SIDE": 3, "CHANNELS": 96, "REDUCED": 112, "FIRST": 128, "SECOND": 64, "THIRD": 16,
            "PIXELS": 128, "INNER": 32,
        },
        "num_warps": 8,
        "num_stages": 3,
    },
}  # fmt: skip
BESIDE = 128  # pixels of a tile of the 1x1 product
READ = 8192  # numbers that a program of `largest` takes at a time
STRIP = 28  # rows that a thread of `split_and_pool` goes down

SOURCE = r"""
constexpr int kStrip = 28;

// ---- Instructions ----

// Two fp16 numbers, the first one in the lower half.
__device__ inline unsigned halves(float first, float second) {
  unsigned both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
  return both;
}

__device__ inline float lower_half(unsigned both) {
  float value;
  asm("{ .reg .f16 l, h; mov.b32 {l, h}, %1; cvt.f32.f16 %0, l; }" : "=f"(value) : "r"(both));
  return value;
}

// ---- Rows ----

struct alignas(8) Two {
  unsigned a, b;
};

__device__ inline float larger(float a, float b) { return a > b || a != a ? a : b; }  // keeps NaN

// 1 / unit_of(most): what numbers up to `most` are multiplied by to lie within 2^15.
__device__ inline float into_range(float most) {
  const int exponent = min(max(__float_as_int(most) >> 23, 60), 240);
  return __int_as_float((254 - (exponent - 14)) << 23);
}

// Four numbers of a row, and the largest of three around each; rows outside are -inf. For whole warps.
struct Row {
  float4 own, best;

  __device__ inline void read(const float* from, int row, int high, int wide, bool at_left, bool at_right) {
    const float none = __int_as_float(0xff800000);
    const bool inside = row >= 0 && row < high;
    const int lane = threadIdx.x % 32;
    const float* at = from + static_cast<long long>(row) * wide;
    own = inside ? __ldg(reinterpret_cast<const float4*>(at)) : make_float4(none, none, none, none);
    float left = __shfl_sync(0xffffffffu, own.w, (lane + 31) % 32);
    float right = __shfl_sync(0xffffffffu, own.x, (lane + 1) % 32);
    if (lane == 0 && inside && !at_left) left = __ldg(at - 1);
    if (lane == 31 && inside && !at_right) right = __ldg(at + 4);
    if (at_left || !inside) left = none;
    if (at_right || !inside) right = none;
    const float middle = larger(own.y, own.z);
    best.x = larger(left, larger(own.x, own.y));
    best.y = larger(own.x, middle);
    best.z = larger(middle, own.w);
    best.w = larger(larger(own.z, own.w), right);
  }
};

__device__ inline float4 larger(float4 a, float4 b) {
  return make_float4(larger(a.x, b.x), larger(a.y, b.y), larger(a.z, b.z), larger(a.w, b.w));
}

__device__ inline void write_pair(short* high, short* low, float4 v, float by) {
  v = make_float4(v.x * by, v.y * by, v.z * by, v.w * by);
  const Two first = {halves(v.x, v.y), halves(v.z, v.w)};
  *reinterpret_cast<Two*>(high) = first;
  *reinterpret_cast<Two*>(low) = {halves(v.x - lower_half(first.a), v.y - lower_half(first.a >> 16)),
                                  halves(v.z - lower_half(first.b), v.w - lower_half(first.b >> 16))};
}

// x [planes][high][wide] -> pairs [4][planes][high][wide]: x as high and low fp16, and the largest of 3x3 so.
// A thread goes down four columns of a plane. Threads: planes * strips * wide / 4.
extern "C" __global__ void __launch_bounds__(256) split_and_pool(
    const float* __restrict__ x, const float* __restrict__ most, short* __restrict__ pairs, int planes,
    int channels, int high, int wide, int strips) {
  const int quads = wide / 4, count = planes * strips * quads;
  const int thread = static_cast<int>(blockIdx.x * 256 + threadIdx.x), at = min(thread, count - 1);
  const int quad = at % quads, plane = at / quads / strips, first = at / quads % strips * kStrip;
  const long long area = static_cast<long long>(high) * wide, apart = area * planes;
  const float by = into_range(__ldg(most + plane / channels));
  const float* from = x + plane * area + 4 * quad;
  short* into = pairs + plane * area + 4 * quad;
  const bool at_left = quad == 0, at_right = quad == quads - 1;
  Row above, here, below;
  above.read(from, first - 1, high, wide, at_left, at_right);
  here.read(from, first, high, wide, at_left, at_right);
  #pragma unroll 4
  for (int i = 0; i < kStrip; ++i) {
    const int row = first + i;
    below.read(from, row + 1, high, wide, at_left, at_right);
    if (thread < count && row < high) {
      short* there = into + static_cast<long long>(row) * wide;
      write_pair(there, there + apart, here.own, by);
      write_pair(there + 2 * apart, there + 3 * apart, larger(larger(above.best, here.best), below.best), by);
    }
    above = here;
    here = below;
  }
}
"""
LIBRARY = kernelevo.cuda(SOURCE)


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
def largest(x_ptr, most_ptr, size, BLOCK: tl.constexpr):
    """The largest magnitude of each image, of ``size`` numbers; a program takes four blocks of one image."""
    image = tl.program_id(1)
    x_ptr += image.to(tl.int64) * size
    found = tl.zeros((BLOCK,), tl.float32)
    for part in tl.static_range(4):
        i = (tl.program_id(0) * 4 + part) * BLOCK + tl.arange(0, BLOCK)
        found = tl.maximum(found, tl.abs(tl.load(x_ptr + i, mask=i < size, other=0.0)))
    tl.atomic_max(most_ptr + image, tl.max(found, 0))


@triton.jit
def split_weight(
    w_ptr, bias_ptr, high_ptr, low_ptr, unit_ptr, sum_ptr, bias_out_ptr, row,
    TAPS: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One output channel's weights, taps outside, as a pair; its unit, and its sum of magnitudes."""
    SIZE: tl.constexpr = TAPS * CHANNELS
    o = tl.program_id(0)
    k = tl.arange(0, BLOCK)
    w = tl.load(w_ptr + o * SIZE + k % CHANNELS * TAPS + k // CHANNELS, mask=k < SIZE, other=0.0)
    unit = unit_of(tl.max(tl.abs(w), 0))
    high, low = split(w * inverse(unit))
    at = (row + o) * SIZE + k
    tl.store(high_ptr + at, high, mask=k < SIZE)
    tl.store(low_ptr + at, low, mask=k < SIZE)
    tl.store(unit_ptr + row + o, unit)
    tl.store(sum_ptr + row + o, tl.sum(tl.abs(w), 0))
    tl.store(bias_out_ptr + row + o, tl.load(bias_ptr + o))


@triton.jit
def pointwise(
    x_high_ptr, x_low_ptr, most_ptr, w_high_ptr, w_low_ptr, w_unit_ptr, w_sum_ptr, bias_ptr,
    y_ptr, t_high_ptr, t_low_ptr, t_unit_ptr, area, total, offset,
    INPUTS: tl.constexpr, ROWS: tl.constexpr, DIRECT: tl.constexpr, OUT: tl.constexpr,
    PIXELS: tl.constexpr, INNER: tl.constexpr, MOST: tl.constexpr,
):  # fmt: skip
    """One tile of w [ROWS, INPUTS] @ x [INPUTS, pixels] + bias of one image.

    The first DIRECT rows are channels ``offset`` on of y; the others are pairs, channels last, with one unit.
    """
    TILES: tl.constexpr = (ROWS + OUT - 1) // OUT
    image = tl.program_id(1)
    o = tl.program_id(0) % TILES * OUT + tl.arange(0, OUT)
    p = tl.program_id(0) // TILES * PIXELS + tl.arange(0, PIXELS)
    k = tl.arange(0, INNER)
    w_at = tl.minimum(o, ROWS - 1)[:, None] * INPUTS + k[None, :]
    x_at = k[:, None] * area + p[None, :]
    inside = (p < area)[None, :]
    x_high_ptr += image.to(tl.int64) * INPUTS * area
    x_low_ptr += image.to(tl.int64) * INPUTS * area
    sums = tl.zeros((OUT, PIXELS), tl.float32)
    for start in range(0, INPUTS, INNER):
        sums += times(
            tl.load(w_high_ptr + w_at + start),
            tl.load(w_low_ptr + w_at + start),
            tl.load(x_high_ptr + x_at, mask=inside, other=0.0),
            tl.load(x_low_ptr + x_at, mask=inside, other=0.0),
        )
        x_at += INNER * area
    most = tl.load(most_ptr + image)
    within = o < ROWS
    unit = tl.load(w_unit_ptr + o, mask=within, other=0.0) * unit_of(most)
    y = sums * unit[:, None] + tl.load(bias_ptr + o, mask=within, other=0.0)[:, None]
    if tl.program_id(0) % TILES * OUT < DIRECT:
        at = (offset + o)[:, None] * area + p[None, :]
        tl.store(y_ptr + image.to(tl.int64) * total * area + at, y, mask=(o < DIRECT)[:, None] & inside)
    if DIRECT < ROWS:
        if tl.program_id(0) % TILES * OUT + OUT > DIRECT:
            r = DIRECT + tl.arange(0, MOST)
            weights = tl.max(tl.load(w_sum_ptr + r, mask=r < ROWS, other=0.0), 0)
            biases = tl.max(tl.abs(tl.load(bias_ptr + r, mask=r < ROWS, other=0.0)), 0)
            limit = unit_of(most * weights + biases)
            high, low = split(y * inverse(limit))
            spot = p[None, :] * (ROWS - DIRECT) + (o - DIRECT)[:, None]
            seen = (within & (o >= DIRECT))[:, None] & inside
            front = image.to(tl.int64) * area * (ROWS - DIRECT)
            tl.store(t_high_ptr + front + spot, high, mask=seen)
            tl.store(t_low_ptr + front + spot, low, mask=seen)
            tl.store(t_unit_ptr + image, limit)  # the same by every program


@triton.jit
def store_channels(
    y_ptr, sums, unit, w_unit_ptr, bias_ptr, p, area, FIRST: tl.constexpr, COUNT: tl.constexpr
):
    """Channels FIRST on of some pixels of one image."""
    o = FIRST + tl.arange(0, COUNT)
    y = sums * (tl.load(w_unit_ptr + o) * unit)[None, :] + tl.load(bias_ptr + o)[None, :]
    tl.store(y_ptr + o[None, :] * area + p[:, None], y, mask=(p < area)[:, None])


@triton.jit
def taps(
    t_high_ptr, t_low_ptr, t_unit_ptr, w_high_ptr, w_low_ptr, w_unit_ptr, bias_ptr, y_ptr, high, wide,
    total, offset, begin,
    SIDE: tl.constexpr, CHANNELS: tl.constexpr, REDUCED: tl.constexpr,
    FIRST: tl.constexpr, SECOND: tl.constexpr, THIRD: tl.constexpr, PIXELS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """SIDE x SIDE convolution of CHANNELS channels, ``begin`` and on, of pairs [N, H, W, REDUCED]."""
    SIZE: tl.constexpr = SIDE * SIDE * CHANNELS
    STEPS: tl.constexpr = CHANNELS // INNER
    image, area = tl.program_id(1).to(tl.int64), high * wide
    p = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    row, column = p // wide, p % wide
    k = tl.arange(0, INNER)
    corner = p[:, None] * REDUCED + (begin + k)[None, :]
    t_high_ptr += image * area * REDUCED
    t_low_ptr += image * area * REDUCED
    first_at = tl.arange(0, FIRST)[:, None] * SIZE + k[None, :]
    first = tl.zeros((PIXELS, FIRST), tl.float32)
    if SECOND > 0:
        second_at = (FIRST + tl.arange(0, SECOND))[:, None] * SIZE + k[None, :]
        second = tl.zeros((PIXELS, SECOND), tl.float32)
    if THIRD > 0:
        third_at = (FIRST + SECOND + tl.arange(0, THIRD))[:, None] * SIZE + k[None, :]
        third = tl.zeros((PIXELS, THIRD), tl.float32)
    for step in range(0, SIDE * SIDE * STEPS):
        tap = step // STEPS
        down, right = tap // SIDE - SIDE // 2, tap % SIDE - SIDE // 2
        seen = (row + down >= 0) & (row + down < high) & (column + right >= 0) & (column + right < wide)
        seen = (seen & (p < area))[:, None]
        there = corner + ((down * wide + right) * REDUCED + step % STEPS * INNER)
        x_high = tl.load(t_high_ptr + there, mask=seen, other=0.0)
        x_low = tl.load(t_low_ptr + there, mask=seen, other=0.0)
        w_high, w_low = w_high_ptr + step * INNER, w_low_ptr + step * INNER
        first += times(
            x_high, x_low, tl.trans(tl.load(w_high + first_at)), tl.trans(tl.load(w_low + first_at))
        )
        if SECOND > 0:
            second += times(
                x_high, x_low, tl.trans(tl.load(w_high + second_at)), tl.trans(tl.load(w_low + second_at))
            )
        if THIRD > 0:
            third += times(
                x_high, x_low, tl.trans(tl.load(w_high + third_at)), tl.trans(tl.load(w_low + third_at))
            )
    unit = tl.load(t_unit_ptr + image)
    y_ptr += (image * total + offset) * area
    store_channels(y_ptr, first, unit, w_unit_ptr, bias_ptr, p, area, 0, FIRST)
    if SECOND > 0:
        store_channels(y_ptr, second, unit, w_unit_ptr, bias_ptr, p, area, FIRST, SECOND)
    if THIRD > 0:
        store_channels(y_ptr, third, unit, w_unit_ptr, bias_ptr, p, area, FIRST + SECOND, THIRD)


def powers(size: int) -> list[int]:
    """Return ``size`` as three powers of two from 16 to 128, the last of which may be 0, or nothing."""
    found = [1 << bit for bit in range(7, 3, -1) if size >> bit & 1]
    fits = sum(found) == size and 1 <= len(found) <= 3
    return found + [0] * (3 - len(found)) if fits else []


class Weights:
    """Convolutions with the same input as pairs of planes [channels, taps * inputs], one below the other."""

    def __init__(self, *layers: nn.Conv2d) -> None:
        self.rows = sum(layer.out_channels for layer in layers)
        device, inputs = layers[0].weight.device, layers[0].in_channels
        size = layers[0].weight[0].numel()
        self.planes = torch.empty(2, self.rows, size, dtype=torch.float16, device=device)
        self.units, self.sums, self.biases = torch.empty(3, self.rows, device=device)
        row = 0
        for layer in layers:
            split_weight[(layer.out_channels,)](
                layer.weight, layer.bias, *self.planes, self.units, self.sums, self.biases, row,
                TAPS=size // inputs, CHANNELS=inputs, BLOCK=triton.next_power_of_2(size), num_warps=4,
            )  # fmt: skip
            row += layer.out_channels


def multiply(
    pair: Tensor, most: Tensor, weights: Weights, y: Tensor, offset: int, direct: int
) -> tuple[Tensor, Tensor]:
    """Write the first ``direct`` rows of a 1x1 convolution into y; return the others as pairs, and units."""
    _, images, inputs, high, wide = pair.shape
    area, device = high * wide, y.device
    reduced = weights.rows - direct
    t = torch.empty(2, images, area, reduced, dtype=torch.float16, device=device)
    units = torch.empty(images, device=device)
    out = TUNE["OUT"][0] if weights.rows > 64 else 64
    grid = (triton.cdiv(weights.rows, out) * triton.cdiv(area, BESIDE), images)
    there = t if reduced else pair  # a pointer that is not used
    pointwise[grid](
        *pair, most, *weights.planes, weights.units, weights.sums, weights.biases, y, *there, units,
        area, y.shape[1], offset, INPUTS=inputs, ROWS=weights.rows, DIRECT=direct, OUT=out, PIXELS=BESIDE,
        INNER=TUNE["INNER"][0], MOST=triton.next_power_of_2(max(reduced, 1)),
        num_warps=out // 16, num_stages=TUNE["STAGES"][0],  # 64 rows for each four warps
    )  # fmt: skip
    return t, units


def convolve(
    t: Tensor, units: Tensor, layer: nn.Conv2d, weights: Weights, y: Tensor, offset: int, begin: int
) -> None:
    """Write a convolution of the channels ``begin`` on of the pairs into y."""
    images, total, high, wide = y.shape
    first, second, third = powers(layer.out_channels)
    pixels = TUNE["PIXELS"][0]
    inner = 32 if layer.in_channels % 32 == 0 else 16
    taps[(triton.cdiv(high * wide, pixels), images)](
        *t, units, *weights.planes, weights.units, weights.biases, y, high, wide, total, offset, begin,
        SIDE=layer.kernel_size[0], CHANNELS=layer.in_channels, REDUCED=t.shape[3],
        FIRST=first, SECOND=second, THIRD=third, PIXELS=pixels, INNER=inner,
        num_warps=8 if pixels * first >= 128 * 128 else 4, num_stages=TUNE["TAP_STAGES"][0],
    )  # fmt: skip


class ModelNew(nn.Module):
    """1x1, 1x1 then 3x3, 1x1 then 5x5, and max pool then 1x1, side by side; PyTorch for odd sizes."""

    def __init__(
        self,
        in_channels: int,
        out_1x1: int,
        reduce_3x3: int,
        out_3x3: int,
        reduce_5x5: int,
        out_5x5: int,
        out_pool: int,
    ) -> None:
        super().__init__()
        self.branch1 = nn.Conv2d(in_channels, out_1x1, kernel_size=1)
        self.branch3 = nn.Sequential(
            nn.Conv2d(in_channels, reduce_3x3, kernel_size=1),
            nn.Conv2d(reduce_3x3, out_3x3, kernel_size=3, padding=1),
        )
        self.branch5 = nn.Sequential(
            nn.Conv2d(in_channels, reduce_5x5, kernel_size=1),
            nn.Conv2d(reduce_5x5, out_5x5, kernel_size=5, padding=2),
        )
        self.branch_pool = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
            nn.Conv2d(in_channels, out_pool, kernel_size=1),
        )

    def plainly(self, x: Tensor) -> Tensor:
        branches = (self.branch1, self.branch3, self.branch5, self.branch_pool)
        return torch.cat([branch(x) for branch in branches], dim=1)

    def fits(self, x: Tensor) -> bool:
        """Tell whether the kernels do what is asked: sizes that divide, images with places of 32 bits."""
        three, five = self.branch3[1], self.branch5[1]
        sizes = x.shape[1] % 32 == 0 and three.in_channels % 16 == 0 and five.in_channels % 16 == 0
        total = self.branch1.out_channels + three.out_channels + five.out_channels + 256
        small = max(x.shape[1], total) * x.shape[2] * x.shape[3] < 1 << 31
        counts = powers(three.out_channels) and powers(five.out_channels)
        quads = x.shape[3] % 4 == 0 and x.numel() < 1 << 33 and x.data_ptr() % 16 == 0
        return x.dtype == torch.float32 and x.numel() > 0 and sizes and small and bool(counts) and quads

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous()
        return self.by_kernels(x) if x.is_cuda and self.fits(x) else self.plainly(x)

    def by_kernels(self, x: Tensor) -> Tensor:
        """Return the module's result; the longest launch comes first, while the others are on their way."""
        images, channels, high, wide = x.shape
        size = channels * high * wide
        most = torch.zeros(images, device=x.device)
        largest[(triton.cdiv(size, 4 * READ), images)](x, most, size, BLOCK=READ, num_warps=8)
        pairs = torch.empty(4, images, channels, high, wide, dtype=torch.float16, device=x.device)
        strips = triton.cdiv(high, STRIP)
        blocks = triton.cdiv(images * channels * strips * (wide // 4), 256)
        LIBRARY.split_and_pool[blocks, 256](
            x, most, pairs.view(torch.int16), images * channels, channels, high, wide, strips
        )
        one, (reduce3, three), (reduce5, five) = self.branch1, self.branch3, self.branch5
        last = self.branch_pool[1]
        widths = [layer.out_channels for layer in (one, three, five, last)]
        y = torch.empty(images, sum(widths), high, wide, device=x.device)
        joined = Weights(one, reduce3, reduce5)
        t, units = multiply(pairs[:2], most, joined, y, 0, widths[0])
        multiply(pairs[2:], most, Weights(last), y, sum(widths[:3]), widths[3])
        convolve(t, units, three, Weights(three), y, widths[0], 0)
        convolve(t, units, five, Weights(five), y, sum(widths[:2]), reduce3.out_channels)
        return y
