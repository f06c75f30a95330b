"""Batch moments: mean and variance of each channel over a batch, in Triton, without atomics.

Each lane of a program follows its own elements' mean and squared distance from it (Welford), so that data far
from 0 keep their digits. Lanes are merged in a tree, programs in fp64 and in order: equal inputs give equal
bits.
"""

from __future__ import annotations

from kernelevo.graphs.snippet import Snippet

SNIPPET = Snippet(
    "batch_moments",
    '''
import triton
import triton.language as tl


@triton.jit
def batch_moments_finish(
    mean, square, c, mask, weight_ptr, bias_ptr, running_mean_ptr, running_var_ptr, counter_ptr, found_ptr,
    channels, count,
    EPS: tl.constexpr, MOMENTUM: tl.constexpr, AFFINE: tl.constexpr, TRACKED: tl.constexpr,
    COUNTED: tl.constexpr,
):
    """Store what is to be taken off, multiplied by and added; move the running statistics on."""
    scale = (1.0 / tl.sqrt(square / count + EPS)).to(tl.float32)
    off = mean.to(tl.float32)
    shift = -(mean - off.to(tl.float64)).to(tl.float32)  # what rounding left of the mean
    if AFFINE:
        scale = scale * tl.load(weight_ptr + c, mask=mask, other=0.0)
        shift = shift * scale + tl.load(bias_ptr + c, mask=mask, other=0.0)
    else:
        shift = shift * scale
    tl.store(found_ptr + c, off, mask=mask)
    tl.store(found_ptr + channels + c, scale, mask=mask)
    tl.store(found_ptr + 2 * channels + c, shift, mask=mask)
    if TRACKED:
        before = tl.load(running_mean_ptr + c, mask=mask, other=0.0).to(tl.float64)
        now = before * (1.0 - MOMENTUM) + mean * MOMENTUM
        tl.store(running_mean_ptr + c, now.to(tl.float32), mask=mask)
        before = tl.load(running_var_ptr + c, mask=mask, other=0.0).to(tl.float64)
        now = before * (1.0 - MOMENTUM) + square / (count - 1.0) * MOMENTUM
        tl.store(running_var_ptr + c, now.to(tl.float32), mask=mask)
    if COUNTED:
        if tl.program_id(0) == 0:
            tl.store(counter_ptr, tl.load(counter_ptr) + 1)


@triton.jit
def batch_moments_kernel(
    x_ptr, part_ptr, weight_ptr, bias_ptr, running_mean_ptr, running_var_ptr, counter_ptr, found_ptr,
    channels, count, chunk, parts,
    INNER: tl.constexpr = 64, TILE_ROWS: tl.constexpr = 1024, TILE_CHANNELS: tl.constexpr = 1,
    WHOLE: tl.constexpr = False, EPS: tl.constexpr = 1e-5, MOMENTUM: tl.constexpr = 0.1,
    AFFINE: tl.constexpr = True, TRACKED: tl.constexpr = True, COUNTED: tl.constexpr = True,
):
    """The moments of one part of some channels; all there is to say of them where there is one part."""
    part = tl.program_id(1)
    c = tl.program_id(0) * TILE_CHANNELS + tl.arange(0, TILE_CHANNELS)[None, :]
    c_in = c < channels
    lanes = tl.arange(0, TILE_ROWS)[:, None]
    first = part * chunk
    last = tl.minimum(first + chunk, count)
    mean = tl.zeros((TILE_ROWS, TILE_CHANNELS), tl.float32)
    square = tl.zeros((TILE_ROWS, TILE_CHANNELS), tl.float32)
    turns = 0.0
    for start in range(first, last, TILE_ROWS):
        e = start + lanes
        inside = (e < last) & c_in
        x = x_ptr + (e // INNER).to(tl.int64) * (channels * INNER) + c * INNER + e % INNER
        x = tl.load(x, mask=inside, other=0.0)
        turns += 1.0
        far = x - mean
        mean += tl.where(inside, far * (1.0 / turns), 0.0)
        square += tl.where(inside, far * (x - mean), 0.0)
    have = tl.maximum(last - first - lanes + TILE_ROWS - 1, 0) // TILE_ROWS
    have = have.to(tl.float32)
    total = tl.maximum(last - first, 1).to(tl.float32)
    middle = tl.sum(mean * have, 0, keep_dims=True) / total
    far = mean - middle
    rest = tl.sum(far * have, 0, keep_dims=True) / total
    square = tl.sum(square + far * far * have, 0, keep_dims=True) - rest * rest * total
    square = tl.where(square < 0.0, 0.0, square)
    if WHOLE:
        batch_moments_finish(
            middle.to(tl.float64) + rest.to(tl.float64), square.to(tl.float64), c, c_in,
            weight_ptr, bias_ptr, running_mean_ptr, running_var_ptr, counter_ptr, found_ptr,
            channels, count.to(tl.float64), EPS, MOMENTUM, AFFINE, TRACKED, COUNTED,
        )
    else:
        at = part * channels + c
        tl.store(part_ptr + at, middle, mask=c_in)
        tl.store(part_ptr + parts * channels + at, rest, mask=c_in)
        tl.store(part_ptr + 2 * parts * channels + at, square, mask=c_in)


@triton.jit
def batch_moments_merge_kernel(
    part_ptr, weight_ptr, bias_ptr, running_mean_ptr, running_var_ptr, counter_ptr, found_ptr,
    channels, count, chunk, parts,
    TILE_PARTS: tl.constexpr = 16, TILE_CHANNELS: tl.constexpr = 16,
    EPS: tl.constexpr = 1e-5, MOMENTUM: tl.constexpr = 0.1,
    AFFINE: tl.constexpr = True, TRACKED: tl.constexpr = True, COUNTED: tl.constexpr = True,
):
    """The moments of some channels from those of their parts."""
    part = tl.arange(0, TILE_PARTS)[:, None]
    c = tl.program_id(0) * TILE_CHANNELS + tl.arange(0, TILE_CHANNELS)[None, :]
    c_in = c < channels
    inside = (part < parts) & c_in
    at = part_ptr + part * channels + c
    middle = tl.load(at, mask=inside, other=0.0).to(tl.float64)
    middle += tl.load(at + parts * channels, mask=inside, other=0.0).to(tl.float64)
    square = tl.load(at + 2 * parts * channels, mask=inside, other=0.0).to(tl.float64)
    have = tl.maximum(tl.minimum(count - part * chunk, chunk), 0).to(tl.float64)
    have = tl.where(part < parts, have, 0.0)
    total = count.to(tl.float64)
    mean = tl.sum(middle * have, 0, keep_dims=True) / total
    far = middle - mean
    square = tl.sum(square + far * far * have, 0, keep_dims=True)
    batch_moments_finish(
        mean, square, c, c_in, weight_ptr, bias_ptr, running_mean_ptr, running_var_ptr, counter_ptr,
        found_ptr, channels, total, EPS, MOMENTUM, AFFINE, TRACKED, COUNTED,
    )


def batch_moments_plain(x, weight, bias, running_mean, running_var, momentum, eps, counter):
    if counter is not None:
        counter.add_(1)
    channels = x.shape[1]
    mean, scale = torch.native_batch_norm(
        x, None, None, running_mean, running_var, True, momentum, eps
    )[1:]
    shift = torch.zeros_like(mean) if bias is None else bias
    return torch.stack((mean, scale if weight is None else scale * weight, shift)).view(3, channels)


def batch_moments(x, weight, bias, running_mean, running_var, momentum, eps, counter=None):
    """Return [3, channels] of x, [batch, channels, ...]: (x - [0]) * [1] + [2] is its batch normalisation.

    The running statistics and the counter of batches move on as PyTorch's do. By PyTorch off the GPU.
    """
    x = x.contiguous()
    if not x.is_cuda:
        return batch_moments_plain(x, weight, bias, running_mean, running_var, momentum, eps, counter)
    batch, channels = x.shape[:2]
    count, inner = x.numel() // channels, x.numel() // (batch * channels)
    found = x.new_empty(3, channels)
    if inner == 1:  # neighbours in memory are of other channels
        across = min(triton.next_power_of_2(channels), 32)
        down = max(TUNE["MOMENTS_TILE"][0] // across, 1)
    else:
        across, down = 1, min(TUNE["MOMENTS_TILE"][0], max(triton.next_power_of_2(count), 32))
    blocks, turns = triton.cdiv(channels, across), triton.cdiv(count, down)
    parts = max(min(TUNE["MOMENTS_PROGRAMS"][0] // blocks, turns // 4, 64), 1)
    chunk = triton.cdiv(turns, parts) * down
    parts = triton.cdiv(count, chunk)
    part = found if parts == 1 else x.new_empty(3, parts, channels)
    affine, tracked = weight is not None, running_mean is not None
    rest = (weight if affine else x, bias if affine else x, running_mean if tracked else x)
    rest += (running_var if tracked else x, x if counter is None else counter, found)
    rest += (channels, count, chunk, parts)
    told = {"EPS": eps, "MOMENTUM": momentum, "AFFINE": affine, "TRACKED": tracked}
    told["COUNTED"] = counter is not None
    batch_moments_kernel[(blocks, parts)](
        x, part, *rest, INNER=inner, TILE_ROWS=down, TILE_CHANNELS=across, WHOLE=parts == 1, **told,
        num_warps=min(TUNE["MOMENTS_WARPS"][0], max(down * across // 32, 1)),
    )
    if parts > 1:
        batch_moments_merge_kernel[(triton.cdiv(channels, 16),)](
            part, *rest, TILE_PARTS=triton.next_power_of_2(parts), TILE_CHANNELS=16, **told, num_warps=4
        )
    return found
''',
    {
        "MOMENTS_TILE": (2048, 1024, 4096),
        "MOMENTS_PROGRAMS": (512, 256, 1024),
        "MOMENTS_WARPS": (4, 8, 2),
    },
)
