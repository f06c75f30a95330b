"""AlexNet on the matrix units at fp32 accuracy: every number is a pair of fp16 numbers, high and low part.

A pair holds 22 bits and takes the memory of one fp32 number. Three fp16 products (high high, high low, low high)
take half the time of three TF32 ones, and since both parts lie in memory as the units want them, a convolution
copies tiles to shared memory and multiplies: no conversion inside its loop. Each step's products are added to
the total in fp32, because the units truncate when they add. Activations lie channels last, the linear layers are
convolutions of one tap over the batch, and the first convolution, of 11x11 pixels at every fourth one, is one of
3x3 blocks: the 4x4 pixels of a block are its channels.

fp16's range is narrow, so each layer scales its result by a power of two under a bound that holds for any
weights: the largest input times the largest sum of a kernel's magnitudes, plus the largest bias. The kernel
that writes a layer also records its true maximum, from which the next bound is made. Weights are scaled per
output channel.

With few images the linear layers only read their weights: many programs take a share of a sum each, in three
TF32 products, and a second kernel adds the shares up; all launches are replayed as a CUDA graph.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

TUNE = {"PIXELS": [128, 64], "OUT": [128, 64], "STAGES": [3, 2], "SHARES": [8, 16], "LINEAR_OUT": [32, 64]}
FILLED = 132  # programs below which smaller tiles are taken
FEW = 16  # images up to which the linear layers are bound by their weights
AOT = {
    "to_blocks": {
        "signature": {"y_high_ptr": "*fp16", "y_low_ptr": "*fp16"},
        "constexprs": {"CHANNELS": 3, "STRIDE": 4, "WIDTH": 64, "BLOCK": 512},
    },
    "convolution": {
        "signature": {
            "x_high_ptr": "*fp16",
            "x_low_ptr": "*fp16",
            "w_high_ptr": "*fp16",
            "w_low_ptr": "*fp16",
            "y_high_ptr": "*fp16",
            "y_low_ptr": "*fp16",
        },
        "constexprs": {
            "CHANNELS": 384,
            "OUTPUTS": 384,
            "COLUMNS": 384,
            "SIZE": 3,
            "PAD": 1,
            "LAST": False,
            "PIXELS": 128,
            "OUT": 128,
            "INNER": 64,
        },
        "num_warps": 8,
        "num_stages": 3,
    },
    "pool": {
        "signature": {
            "x_high_ptr": "*fp16",
            "x_low_ptr": "*fp16",
            "y_high_ptr": "*fp16",
            "y_low_ptr": "*fp16",
        },
        "constexprs": {"CHANNELS": 96, "NUMBERS": False, "BLOCK": 512},
    },
    "linear_share": {"constexprs": {"ROWS": 16, "OUT": 32, "INNER": 64}, "num_warps": 4},
    "linear_finish": {"constexprs": {"SHARES": 8, "RELU": True, "BLOCK": 256}},
}


@triton.jit
def scale_below(bound):
    """A power of two that brings numbers up to the bound into the range of fp16."""
    exponent = tl.floor(tl.log2(32000.0 / tl.maximum(bound, 1e-30)))
    return tl.exp2(tl.minimum(exponent, 100.0))


@triton.jit
def store_pair(high_ptr, low_ptr, place, y, mask):
    """Store the fp16 number next to y, and the one next to what that leaves."""
    high = y.to(tl.float16)
    tl.store(high_ptr + place, high, mask=mask)
    tl.store(low_ptr + place, (y - high.to(tl.float32)).to(tl.float16), mask=mask)


@triton.jit
def to_blocks(
    x_ptr,
    state_ptr,
    y_high_ptr,
    y_low_ptr,
    count,
    high,
    wide,
    high_out,
    wide_out,
    pad,
    CHANNELS: tl.constexpr,
    STRIDE: tl.constexpr,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Images [N, CHANNELS, H, W], with a border, as pairs [N, H', W', WIDTH] of blocks of STRIDE x STRIDE."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel, place = i % WIDTH, i // WIDTH
    image, at = place // (high_out * wide_out), place % (high_out * wide_out)
    pixel = channel // CHANNELS
    row = at // wide_out * STRIDE + pixel // STRIDE - pad
    column = at % wide_out * STRIDE + pixel % STRIDE - pad
    seen = (
        (i < count) & (pixel < STRIDE * STRIDE) & (row >= 0) & (row < high) & (column >= 0) & (column < wide)
    )
    plane = image * CHANNELS + channel % CHANNELS
    x = tl.load(x_ptr + (plane * high + row) * wide + column, mask=seen, other=0.0)
    scale = scale_below(tl.load(state_ptr))
    if tl.program_id(0) == 0:
        tl.store(state_ptr + 1, scale)
    store_pair(y_high_ptr, y_low_ptr, i, x * scale, i < count)


@triton.jit
def convolution(
    x_high_ptr,
    x_low_ptr,
    w_high_ptr,
    w_low_ptr,
    w_scale_ptr,
    bias_ptr,
    bounds_ptr,
    before_ptr,
    after_ptr,
    y_high_ptr,
    y_low_ptr,
    y_ptr,
    pixels,
    high,
    wide,
    high_out,
    wide_out,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    COLUMNS: tl.constexpr,
    SIZE: tl.constexpr,
    PAD: tl.constexpr,
    LAST: tl.constexpr,
    PIXELS: tl.constexpr,
    OUT: tl.constexpr,
    INNER: tl.constexpr,
):
    """Convolution of pairs [N, H, W, CHANNELS]; result pairs [N, H', W', OUTPUTS] behind ReLU, or LAST: numbers.

    The weights have COLUMNS, of which OUTPUTS count. before, after: largest number and scale of input, result.
    """
    across = COLUMNS // OUT
    p = tl.program_id(0) // across * PIXELS + tl.arange(0, PIXELS)
    o = tl.program_id(0) % across * OUT + tl.arange(0, OUT)
    k = tl.arange(0, INNER)
    area = high_out * wide_out
    row, column = p % area // wide_out - PAD, p % wide_out - PAD
    corner = ((p // area * high + row) * wide + column)[:, None] * CHANNELS + k[None, :]
    weight = k[:, None] * COLUMNS + o[None, :]
    total = tl.zeros((PIXELS, OUT), tl.float32)
    for step in range(0, SIZE * SIZE * CHANNELS // INNER):
        tap, channel = step // (CHANNELS // INNER), step % (CHANNELS // INNER) * INNER
        down, right = tap // SIZE, tap % SIZE
        seen = (row + down >= 0) & (row + down < high) & (column + right >= 0) & (column + right < wide)
        seen = (seen & (p < pixels))[:, None]
        there = corner + ((down * wide + right) * CHANNELS + channel)
        x_high = tl.load(x_high_ptr + there, mask=seen, other=0.0)
        x_low = tl.load(x_low_ptr + there, mask=seen, other=0.0)
        w_high = tl.load(w_high_ptr + weight)
        w_low = tl.load(w_low_ptr + weight)
        part = tl.dot(x_low, w_high)
        part = tl.dot(x_high, w_low, part)
        part = tl.dot(x_high, w_high, part)
        total += part
        weight += INNER * COLUMNS
    unscale = tl.load(w_scale_ptr + o, mask=o < OUTPUTS, other=0.0) / tl.load(before_ptr + 1)
    y = total * unscale[None, :] + tl.load(bias_ptr + o, mask=o < OUTPUTS, other=0.0)[None, :]
    mask = (p < pixels)[:, None] & (o < OUTPUTS)[None, :]
    place = p[:, None] * OUTPUTS + o[None, :]
    if LAST:
        tl.store(y_ptr + place, y, mask=mask)
    else:
        y = tl.where(y < 0.0, 0.0, y)
        tl.atomic_max(after_ptr, tl.max(tl.max(tl.where(mask, y, 0.0), 1), 0))
        scale = scale_below(tl.load(before_ptr) * tl.load(bounds_ptr) + tl.load(bounds_ptr + 1))
        if tl.program_id(0) == 0:
            tl.store(after_ptr + 1, scale)
        store_pair(y_high_ptr, y_low_ptr, place, y * scale, mask)


@triton.jit
def pool(
    x_high_ptr,
    x_low_ptr,
    state_ptr,
    y_high_ptr,
    y_low_ptr,
    y_ptr,
    count,
    high,
    wide,
    high_out,
    wide_out,
    CHANNELS: tl.constexpr,
    NUMBERS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """3x3 maximum at every second pixel; pairs again, or NUMBERS [N, CHANNELS, H', W']."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < count
    channel, p = i % CHANNELS, i // CHANNELS
    area = high_out * wide_out
    image, at = p // area, p % area
    corner = (image * high + at // wide_out * 2) * wide + at % wide_out * 2
    largest = tl.zeros((BLOCK,), tl.float32)  # behind ReLU nothing is below
    for tap in tl.static_range(9):
        place = (corner + (tap // 3 * wide + tap % 3)) * CHANNELS + channel
        y = tl.load(x_high_ptr + place, mask=inside, other=0.0).to(tl.float32)
        y += tl.load(x_low_ptr + place, mask=inside, other=0.0).to(tl.float32)
        largest = tl.where((y <= largest) | (largest != largest), largest, y)  # keeps NaN
    if NUMBERS:
        place = (image * CHANNELS + channel) * area + at
        tl.store(y_ptr + place, largest / tl.load(state_ptr + 1), mask=inside)
    else:
        store_pair(y_high_ptr, y_low_ptr, i, largest, inside)


@triton.jit
def linear_share(
    x_ptr,
    weight_ptr,
    parts_ptr,
    rows,
    columns,
    inner,
    share,
    ROWS: tl.constexpr,
    OUT: tl.constexpr,
    INNER: tl.constexpr,
):
    """`share` products of each sum of x [rows, inner] @ weight [columns, inner]^T."""
    r = tl.arange(0, ROWS)
    c = tl.program_id(0) * OUT + tl.arange(0, OUT)
    first = tl.program_id(1) * share
    total = tl.zeros((ROWS, OUT), tl.float32)
    for start in range(first, tl.minimum(first + share, inner), INNER):
        k = start + tl.arange(0, INNER)
        k_in = (k < inner)[None, :]
        x = tl.load(x_ptr + r[:, None] * inner + k[None, :], mask=(r < rows)[:, None] & k_in, other=0.0)
        weight = weight_ptr + c[:, None] * inner + k[None, :]
        weight = tl.load(weight, mask=(c < columns)[:, None] & k_in, other=0.0)
        total += tl.dot(x, tl.trans(weight), input_precision="tf32x3")
    place = (tl.program_id(1) * rows + r)[:, None] * columns + c[None, :]
    tl.store(parts_ptr + place, total, mask=(r < rows)[:, None] & (c < columns)[None, :])


@triton.jit
def linear_finish(
    parts_ptr, bias_ptr, y_ptr, count, columns, SHARES: tl.constexpr, RELU: tl.constexpr, BLOCK: tl.constexpr
):
    """Add up the shares and the bias."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < count
    y = tl.load(bias_ptr + i % columns, mask=inside, other=0.0)
    for share in tl.static_range(SHARES):
        y += tl.load(parts_ptr + share * count + i, mask=inside, other=0.0)
    if RELU:
        y = tl.where(y < 0.0, 0.0, y)
    tl.store(y_ptr + i, y, mask=inside)


def bounds_of(weight: Tensor, bias: Tensor) -> Tensor:
    """The largest sum of magnitudes of one output's weights, and the largest magnitude of a bias."""
    return torch.stack([weight.detach().abs().flatten(1).sum(1).amax(), bias.detach().abs().amax()])


def pairs_of(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Kernels [O, C, K, K] as pairs [K K C, O], what each output channel is to be multiplied by, and bounds.

    Columns of zeros fill up the last 128.
    """
    rows = weight.detach().permute(2, 3, 1, 0).flatten(0, 2)
    exponent = torch.frexp(rows.abs().amax(0))[1]
    scaled = F.pad(torch.ldexp(rows, 14 - exponent), (0, -rows.shape[1] % 128))
    high = scaled.half()
    unscale = torch.ldexp(torch.ones_like(bias.detach()), exponent - 14)
    return high.contiguous(), (scaled - high.float()).half().contiguous(), unscale, bounds_of(weight, bias)


def pairs_of_blocks(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As pairs_of, of 11x11 kernels over blocks of 4x4 pixels, their channels filled up to 64."""
    blocks = F.pad(weight.detach(), (0, 1, 0, 1)).unflatten(3, (3, 4)).unflatten(2, (3, 4))
    return pairs_of(F.pad(blocks.permute(0, 3, 5, 1, 2, 4).flatten(1, 3), (0, 0, 0, 0, 0, 16)), bias)


def pairs_of_maps(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As pairs_of, of a linear layer over maps [256, 6, 6] that lie channels last."""
    return pairs_of(weight.detach().unflatten(1, (256, 6, 6)), bias)


def pairs_of_rows(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As pairs_of, of a linear layer."""
    return pairs_of(weight.detach()[:, :, None, None], bias)


class ModelNew(nn.Module):
    """AlexNet on 224x224 images; dropout has probability zero."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, kernel_size=11, stride=4, padding=2)
        self.conv2 = nn.Conv2d(96, 256, kernel_size=5, padding=2)
        self.conv3 = nn.Conv2d(256, 384, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, kernel_size=3, padding=1)
        self.conv5 = nn.Conv2d(384, 256, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(256 * 6 * 6, 4096)
        self.fc2 = nn.Linear(4096, 4096)
        self.fc3 = nn.Linear(4096, classes)
        self.dropout = nn.Dropout(0.0)

    def plainly(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.conv1(x)), kernel_size=3, stride=2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), kernel_size=3, stride=2)
        x = torch.relu(self.conv4(torch.relu(self.conv3(x))))
        x = F.max_pool2d(torch.relu(self.conv5(x)), kernel_size=3, stride=2)
        x = self.dropout(torch.relu(self.fc1(torch.flatten(x, 1))))
        return self.fc3(self.dropout(torch.relu(self.fc2(x))))

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_cuda:
            return self.plainly(x)
        return self.recorded(x) if x.shape[0] <= FEW else self.by_kernels(x.contiguous())

    @kernelevo.graphed
    def recorded(self, x: Tensor) -> Tensor:
        return self.by_kernels(x.contiguous())

    def by_kernels(self, x: Tensor) -> Tensor:
        images = x.shape[0]
        state = torch.zeros(8, 4, device=x.device)  # per layer: largest number, scale
        state[0, 0] = torch.linalg.vector_norm(x, float("inf"))
        few = images <= FEW
        pair, size = blocks_of(x, state[0], pad=self.conv1.padding[0])
        pair, size = convolve(pair, self.conv1, size, state[:2], pairs_of_blocks, padded=False)
        pair, size = pooled(pair, size, state[1])
        pair, size = convolve(pair, self.conv2, size, state[1:3])
        pair, size = pooled(pair, size, state[2])
        for number, layer in enumerate((self.conv3, self.conv4, self.conv5), start=2):
            pair, size = convolve(pair, layer, size, state[number : number + 2])
        pair, _ = pooled(pair, size, state[5], numbers=few)
        if few:
            x = linear(pair.view(images, -1), self.fc1, relu=True)
            return linear(linear(x, self.fc2, relu=True), self.fc3, relu=False)
        pair, size = convolve(pair.view(2, images, -1), self.fc1, (1, 1), state[5:7], pairs_of_maps)
        pair, size = convolve(pair, self.fc2, size, state[6:8], pairs_of_rows)
        return convolve(pair, self.fc3, size, state[7:], pairs_of_rows, last=True)[0]


def blocks_of(x: Tensor, state: Tensor, pad: int) -> tuple[Tensor, tuple[int, int]]:
    """Return images as pairs [2, blocks, 64] of blocks of 4x4 pixels, and how many blocks an image has."""
    images, channels, high, wide = x.shape
    high_out, wide_out = ((n + 2 * pad - 11) // 4 + 3 for n in (high, wide))
    pair = torch.empty(2, images * high_out * wide_out, 64, dtype=torch.float16, device=x.device)
    count = pair.numel() // 2
    sizes = (count, high, wide, high_out, wide_out, pad)
    to_blocks[(triton.cdiv(count, 512),)](
        x, state, *pair, *sizes, CHANNELS=channels, STRIDE=4, WIDTH=64, BLOCK=512
    )
    return pair, (high_out, wide_out)


def convolve(
    pair: Tensor,
    layer: nn.Conv2d | nn.Linear,
    size: tuple[int, int],
    state: Tensor,
    pack=pairs_of,
    padded: bool = True,
    last: bool = False,
) -> tuple[Tensor, tuple[int, int]]:
    """Return the next layer's pairs [2, pixels, channels], and the size of an image.

    With ``last`` numbers [pixels, channels]; padded: the size stays the same.
    """
    w_high, w_low, unscale, bounds = kernelevo.packed(pack, layer.weight, layer.bias)
    channels, outputs, columns = pair.shape[2], unscale.numel(), w_high.shape[1]
    kernel = math.isqrt(w_high.shape[0] // channels)
    high, wide = size if padded else (n - kernel + 1 for n in size)
    pixels = pair.shape[1] // (size[0] * size[1]) * high * wide
    if last:
        y = torch.empty(pixels, outputs, device=pair.device)
    else:
        y = torch.empty(2, pixels, outputs, dtype=torch.float16, device=pair.device)
    for tile, out in ((TUNE["PIXELS"][0], TUNE["OUT"][0]), (64, 128), (64, 64)):
        programs = triton.cdiv(pixels, tile) * (columns // out)
        if programs >= FILLED:
            break
    convolution[(programs,)](
        *pair,
        w_high,
        w_low,
        unscale,
        layer.bias,
        bounds,
        state[0],
        state[-1],
        *((pair if last else y)[:2]),
        y if last else unscale,
        pixels,
        *size,
        high,
        wide,
        CHANNELS=channels,
        OUTPUTS=outputs,
        COLUMNS=columns,
        SIZE=kernel,
        PAD=kernel // 2 if padded else 0,
        LAST=last,
        PIXELS=tile,
        OUT=out,
        INNER=64 if channels % 64 == 0 else 32,
        num_warps=8 if tile * out >= 128 * 128 else 4,
        num_stages=TUNE["STAGES"][0],
    )
    return y, (high, wide)


def pooled(
    pair: Tensor, size: tuple[int, int], state: Tensor, numbers: bool = False
) -> tuple[Tensor, tuple[int, int]]:
    """Return pairs [2, pixels, channels], or numbers [images, channels, area], and the size of an image."""
    high, wide = size
    high_out, wide_out = (high - 3) // 2 + 1, (wide - 3) // 2 + 1
    pixels, channels = pair.shape[1] // (high * wide) * high_out * wide_out, pair.shape[2]
    if numbers:
        y = torch.empty(pixels // (high_out * wide_out), channels, high_out * wide_out, device=pair.device)
    else:
        y = torch.empty(2, pixels, channels, dtype=torch.float16, device=pair.device)
    pool[(triton.cdiv(pixels * channels, 512),)](
        *pair,
        state,
        *((pair if numbers else y)[:2]),
        y if numbers else state,
        pixels * channels,
        high,
        wide,
        high_out,
        wide_out,
        CHANNELS=channels,
        NUMBERS=numbers,
        BLOCK=512,
    )
    return y, (high_out, wide_out)


def linear(x: Tensor, layer: nn.Linear, relu: bool) -> Tensor:
    """Return the layer's result for at most 16 rows."""
    (rows, inner), columns = x.shape, layer.out_features
    out, shares = TUNE["LINEAR_OUT"][0], TUNE["SHARES"][0]
    share = triton.cdiv(triton.cdiv(inner, 128), shares) * 128
    parts = torch.empty(shares, rows, columns, device=x.device)
    linear_share[(triton.cdiv(columns, out), shares)](
        x, layer.weight, parts, rows, columns, inner, share, ROWS=16, OUT=out, INNER=64, num_warps=4
    )
    y = torch.empty(rows, columns, device=x.device)
    count = rows * columns
    linear_finish[(triton.cdiv(count, 256),)](
        parts, layer.bias, y, count, columns, SHARES=shares, RELU=relu, BLOCK=256
    )
    return y
