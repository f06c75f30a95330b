"""Task 31 on the half-precision units at fp32 accuracy: every operand is a pair of fp16 planes.

Nearly all the work is attention over 16384 pixels. A float divided by a suitable power of two lies within
fp16's range, and is there the sum of two fp16 numbers up to 2^-22 of itself (TF32 has no more bits, at half
the speed). A product is then three fp16 products, low * high + high * low + high * high; what each block of
keys gives is added by the plain units, since the matrix units truncate. Queries, keys and values are
written as pairs once, so the loop over the keys splits nothing but the weights it has just computed; no
score is ever stored, and the averaged weights, which the reference drops, are not computed.

Four kernels: the longest pixel; the three projections, read from the map as it lies; attention; and the
output projection with residual, norm and the way back to a map. The scale of what a projection writes must
be known before the product is: |x w + b| <= |x| |w| + |b|, by Cauchy and Schwarz. That bound is a few times
too large, which costs nothing: values down to 2^-18 of it keep their 22 bits, and below that the error is
2^-40 of the bound, less than the rounding of the sum itself.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

import kernelevo

TUNE = {
    "PIXELS": [64, 128],
    "PIXEL_WARPS": [4, 8],
    "QUERIES": [128, 64],
    "KEYS": [64, 128, 32],
    "WARPS": [8, 4],
    "STAGES": [3, 2],
}
AOT = {
    "longest_pixel": {"constexprs": {"CHANNELS": 128}},
    "project": {
        "signature": {
            "w_high_ptr": "*fp16", "w_low_ptr": "*fp16", "high_ptr": "*fp16", "low_ptr": "*fp16",
        },
        "constexprs": {"CHANNELS": 128, "SIZE": 32},
        "num_warps": 4,
    },
    "attention": {
        "signature": {
            "high_ptr": "*fp16", "low_ptr": "*fp16", "y_high_ptr": "*fp16", "y_low_ptr": "*fp16",
            "scale": "fp32",
        },
        "constexprs": {"SIZE": 32},
        "num_warps": 8,
        "num_stages": 3,
    },
    "project_and_norm": {
        "signature": {
            "high_ptr": "*fp16", "low_ptr": "*fp16", "w_high_ptr": "*fp16", "w_low_ptr": "*fp16",
            "epsilon": "fp32",
        },
        "constexprs": {"CHANNELS": 128},
        "num_warps": 4,
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
def longest_pixel(x_ptr, square_ptr, pixels, CHANNELS: tl.constexpr, PIXELS: tl.constexpr):
    """The largest squared length of a pixel's channels, of each image."""
    image = tl.program_id(1)
    c, t = tl.arange(0, CHANNELS), tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    x = tl.load(x_ptr + image.to(tl.int64) * CHANNELS * pixels + c[:, None] * pixels + t[None, :])
    tl.atomic_max(square_ptr + image, tl.max(tl.sum(x * x, 0), 0))


@triton.jit
def project(
    x_ptr, w_high_ptr, w_low_ptr, w_unit_ptr, bias_ptr, square_ptr, limit_ptr, high_ptr, low_ptr, unit_ptr,
    pixels, CHANNELS: tl.constexpr, SIZE: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    """Queries (part 0), keys (1) or values (2) of some pixels as pairs [image, part, head, pixel, SIZE]."""
    part, image = tl.program_id(1), tl.program_id(2)
    c, t = tl.arange(0, CHANNELS), tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    start = image.to(tl.int64) * CHANNELS * pixels
    x = tl.load(x_ptr + start + c[:, None] * pixels + t[None, :])
    x_unit = unit_of(tl.max(tl.abs(x), 0))
    x_high, x_low = split(x * inverse(x_unit)[None, :])
    w_at = (part * CHANNELS + c[None, :]) * CHANNELS + c[:, None]
    y = times(tl.trans(x_high), tl.trans(x_low), tl.load(w_high_ptr + w_at), tl.load(w_low_ptr + w_at))
    y = y * x_unit[:, None] * tl.load(w_unit_ptr + part * CHANNELS + c)[None, :]
    y += tl.load(bias_ptr + part * CHANNELS + c)[None, :]
    longest = tl.sqrt(tl.load(square_ptr + image))
    unit = unit_of(longest * tl.load(limit_ptr + part) + tl.load(limit_ptr + 3 + part))
    tl.store(unit_ptr + image * 3 + part, unit, mask=tl.program_id(0) == 0)
    high, low = split(y * inverse(unit))
    at = 3 * start + part * CHANNELS * pixels + (c[None, :] // SIZE) * SIZE * pixels
    at += t[:, None] * SIZE + c[None, :] % SIZE
    tl.store(high_ptr + at, high)
    tl.store(low_ptr + at, low)


@triton.jit
def attention(
    high_ptr, low_ptr, unit_ptr, y_high_ptr, y_low_ptr, heads, pixels, scale,
    SIZE: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    """One block of queries of one head against all pixels, as pairs [image, pixel, head, SIZE].

    The weighted mean of values is no larger than they are, so it has their unit.
    """
    image, head = tl.program_id(1) // heads, tl.program_id(1) % heads
    r = tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)
    d = tl.arange(0, SIZE)[None, :]
    start = (image.to(tl.int64) * 3 * heads + head) * pixels * SIZE
    high, low = high_ptr + start, low_ptr + start
    q_high, q_low = tl.load(high + r[:, None] * SIZE + d), tl.load(low + r[:, None] * SIZE + d)
    keys = heads * pixels * SIZE + tl.arange(0, KEYS)[:, None] * SIZE + d
    values = keys + heads * pixels * SIZE
    scale = tl.load(unit_ptr + image * 3) * tl.load(unit_ptr + image * 3 + 1) * (scale * 1.4426950408889634)
    most = tl.full((QUERIES,), float("-inf"), tl.float32)
    weight = tl.zeros((QUERIES,), tl.float32)
    total = tl.zeros((QUERIES, SIZE), tl.float32)
    for first in range(0, pixels, KEYS):
        k_high, k_low = tl.load(high + first * SIZE + keys), tl.load(low + first * SIZE + keys)
        scores = times(q_high, q_low, tl.trans(k_high), tl.trans(k_low))
        now = tl.maximum(most, tl.max(scores, 1) * scale)
        shrunk = tl.exp2(most - now)
        p = tl.exp2(scores * scale - (now - 14.0)[:, None])  # up to 2^14: small ones keep their bits in fp16
        weight = weight * shrunk + tl.sum(p, 1)
        p_high, p_low = split(p)
        v_high, v_low = tl.load(high + first * SIZE + values), tl.load(low + first * SIZE + values)
        total = total * shrunk[:, None] + times(p_high, p_low, v_high, v_low)
        most = now
    y_high, y_low = split(total / weight[:, None])
    at = (image.to(tl.int64) * pixels + r[:, None]) * (heads * SIZE) + head * SIZE + d
    tl.store(y_high_ptr + at, y_high)
    tl.store(y_low_ptr + at, y_low)


@triton.jit
def project_and_norm(
    high_ptr, low_ptr, unit_ptr, w_high_ptr, w_low_ptr, w_unit_ptr, bias_ptr, x_ptr, scale_ptr, shift_ptr,
    y_ptr,
    pixels, epsilon, CHANNELS: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    """y = norm(x + w attended + bias) over the channels of some pixels; x and y [image, channel, pixel]."""
    image = tl.program_id(1)
    c, t = tl.arange(0, CHANNELS), tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    start = image.to(tl.int64) * CHANNELS * pixels
    at = start + t[None, :] * CHANNELS + c[:, None]
    w_at = c[:, None] * CHANNELS + c[None, :]
    y = times(
        tl.load(w_high_ptr + w_at), tl.load(w_low_ptr + w_at), tl.load(high_ptr + at), tl.load(low_ptr + at)
    )
    y = (
        y * tl.load(unit_ptr + image * 3 + 2) * tl.load(w_unit_ptr + c)[:, None]
        + tl.load(bias_ptr + c)[:, None]
    )
    at = start + c[:, None] * pixels + t[None, :]
    y += tl.load(x_ptr + at)
    distance = y - (tl.sum(y, 0) / CHANNELS)[None, :]
    deviation = tl.sqrt_rn(tl.sum(distance * distance, 0) / CHANNELS + epsilon)
    y = distance / deviation[None, :] * tl.load(scale_ptr + c)[:, None] + tl.load(shift_ptr + c)[:, None]
    tl.store(y_ptr + at, y)


def weight_pair(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return a weight [out, in] as two fp16 planes, and the unit of each row: ``unit_of`` in PyTorch."""
    weight = weight.detach()
    exponent = (weight.abs().amax(1).view(torch.int32) >> 23).clamp(60, 240)
    unit = ((exponent - 14) << 23).view(torch.float32)
    scaled = weight / unit[:, None]
    high = scaled.half()
    return high, (scaled - high.float()).half(), unit


def limits(weight: Tensor, bias: Tensor) -> Tensor:
    """Return the lengths of the longest rows for queries, keys and values, and their largest biases."""
    lengths, biases = weight.detach().norm(dim=1), bias.detach().abs()
    return torch.stack((lengths.view(3, -1).amax(1), biases.view(3, -1).amax(1)))


class ModelNew(nn.Module):
    """Attention over the pixels of a map, added to it and normalised."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(channels, heads)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        images, channels, height, width = x.shape
        attn, norm = self.attn, self.norm
        pixels, heads, size = height * width, attn.num_heads, channels // attn.num_heads
        if channels not in (64, 128) or size not in (16, 32, 64, 128) or pixels % 128:
            return self.plainly(x)
        x = x.contiguous()
        high, low = (
            torch.empty(images, 3, pixels, channels, dtype=torch.float16, device=x.device) for _ in range(2)
        )
        units, squares = torch.empty(images, 3, device=x.device), torch.zeros(images, device=x.device)
        tile = {"CHANNELS": channels, "PIXELS": TUNE["PIXELS"][0], "num_warps": TUNE["PIXEL_WARPS"][0]}
        tiles = pixels // TUNE["PIXELS"][0]
        longest_pixel[(tiles, images)](x, squares, pixels, **tile)
        project[(tiles, 3, images)](
            x, *kernelevo.packed(weight_pair, attn.in_proj_weight), attn.in_proj_bias, squares,
            kernelevo.packed(limits, attn.in_proj_weight, attn.in_proj_bias), high, low, units, pixels,
            SIZE=size, **tile,
        )  # fmt: skip
        attended_high, attended_low = torch.empty_like(high[:, 0]), torch.empty_like(low[:, 0])
        attention[(pixels // TUNE["QUERIES"][0], images * heads)](
            high, low, units, attended_high, attended_low, heads, pixels, size**-0.5,
            SIZE=size, QUERIES=TUNE["QUERIES"][0], KEYS=TUNE["KEYS"][0],
            num_warps=TUNE["WARPS"][0], num_stages=TUNE["STAGES"][0],
        )  # fmt: skip
        y = torch.empty_like(x)
        project_and_norm[(tiles, images)](
            attended_high, attended_low, units, *kernelevo.packed(weight_pair, attn.out_proj.weight),
            attn.out_proj.bias, x, norm.weight, norm.bias, y, pixels, norm.eps, **tile,
        )  # fmt: skip
        return y

    def plainly(self, x: Tensor) -> Tensor:
        """As forward, by PyTorch, for what the kernels do not fit."""
        tokens = x.flatten(2).permute(2, 0, 1)
        attended, _ = self.attn(tokens, tokens, tokens, need_weights=False)
        return self.norm(attended + tokens).permute(1, 2, 0).reshape(x.shape)
