"""VGG-16 on the matrix units at fp32 accuracy: every number is a pair of fp16 numbers, high and low part.

A pair holds 22 bits and takes the memory of one fp32 number. Three fp16 products (high high, high low, low high)
take half the time of three TF32 ones, and since both parts lie in memory as the units want them, a convolution
copies tiles to shared memory and multiplies: no conversion inside its loop. Each step's products are added to
the total in fp32, because the units truncate when they add.

fp16's range is narrow, so each layer scales its result by a power of two under a bound that holds for any
weights: the largest input times the largest sum of a kernel's magnitudes, plus the largest bias. The kernel
that writes a layer also records its true maximum, from which the next bound is made. Weights are scaled per
output channel.

Activations lie channels last. Where a pool follows, the rows of a tile are ordered by 2x2 windows, so that the
pool is a maximum inside the tile, and only a quarter of the pixels is ever stored.

The linear layers of a few images only read their weights: many programs take a share of a sum each, in three
TF32 products, and a second kernel adds the shares up.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

import kernelevo

TUNE = {
    "PIXELS": [128, 64],
    "OUT": [128, 64],
    "INNER": [64, 32],
    "STAGES": [3, 2],
    "SHARES": [8, 16],
    "LINEAR_OUT": [32, 64],
}
FEW = 16  # images up to which the linear layers are bound by their weights
FILLED = 132  # programs below which tiles of half as many pixels are taken
CONVOLUTIONS = [2, 2, 3, 3, 3]
CHANNELS = [64, 128, 256, 512, 512]

AOT = {
    "first_convolution": {
        "signature": {"y_high_ptr": "*fp16", "y_low_ptr": "*fp16"},
        "constexprs": {"CHANNELS": 3, "OUT": 64, "PIXELS": 128, "INNER": 32},
        "num_warps": 4,
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
            "CHANNELS": 256,
            "OUTPUTS": 256,
            "POOL": True,
            "LAST": False,
            "PIXELS": 128,
            "OUT": 128,
            "INNER": 64,
        },
        "num_warps": 8,
        "num_stages": 3,
    },
    "linear_share": {"constexprs": {"ROWS": 16, "OUT": 32, "INNER": 64}, "num_warps": 4},
    "linear_finish": {"constexprs": {"SHARES": 8, "RELU": True, "BLOCK": 256}},
}


@triton.jit
def larger(a, b):
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


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
def first_convolution(
    x_ptr,
    weight_ptr,
    bias_ptr,
    bounds_ptr,
    before_ptr,
    after_ptr,
    y_high_ptr,
    y_low_ptr,
    pixels,
    high,
    wide,
    CHANNELS: tl.constexpr,
    OUT: tl.constexpr,
    PIXELS: tl.constexpr,
    INNER: tl.constexpr,
):
    """3x3 convolution of an image [N, CHANNELS, H, W] in one step, with ReLU; result [N, H, W, OUT]."""
    p = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    o, k = tl.arange(0, OUT), tl.arange(0, INNER)
    area = high * wide
    row = (p % area // wide)[:, None] + (k % 9 // 3)[None, :] - 1
    column = (p % wide)[:, None] + (k % 3)[None, :] - 1
    seen = (p < pixels)[:, None] & (row >= 0) & (row < high) & (column >= 0) & (column < wide)
    seen = seen & (k < 9 * CHANNELS)[None, :]
    place = ((p // area)[:, None] * CHANNELS + (k // 9)[None, :]) * area + row * wide + column
    x = tl.load(x_ptr + place, mask=seen, other=0.0)
    weight = weight_ptr + o[None, :] * (9 * CHANNELS) + k[:, None]
    weight = tl.load(weight, mask=(k < 9 * CHANNELS)[:, None], other=0.0)
    y = tl.dot(x, weight, input_precision="tf32x3") + tl.load(bias_ptr + o)[None, :]
    y = tl.where(y < 0.0, 0.0, y)
    inside = (p < pixels)[:, None]
    tl.atomic_max(after_ptr, tl.max(tl.max(tl.where(inside, y, 0.0), 1), 0))
    scale = scale_below(tl.load(before_ptr) * tl.load(bounds_ptr) + tl.load(bounds_ptr + 1))
    if tl.program_id(0) == 0:
        tl.store(after_ptr + 1, scale)
    store_pair(y_high_ptr, y_low_ptr, p[:, None] * OUT + o[None, :], y * scale, inside)


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
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    POOL: tl.constexpr,
    LAST: tl.constexpr,
    PIXELS: tl.constexpr,
    OUT: tl.constexpr,
    INNER: tl.constexpr,
):
    """3x3 convolution of pairs [N, H, W, CHANNELS] with ReLU, and a 2x2 maximum with POOL.

    The result is pairs [N, H', W', OUTPUTS], or with LAST fp32 numbers [N, OUTPUTS, H', W'].
    before, after: the largest number and the scale of input and result.
    """
    p = tl.program_id(0) // (OUTPUTS // OUT) * PIXELS + tl.arange(0, PIXELS)
    o = tl.program_id(0) % (OUTPUTS // OUT) * OUT + tl.arange(0, OUT)
    k = tl.arange(0, INNER)
    area = high * wide
    image, at = p // area, p % area
    if POOL:  # four rows of the tile are a window
        row = at // 4 // (wide // 2) * 2 + at % 4 // 2
        column = at // 4 % (wide // 2) * 2 + at % 2
    else:
        row, column = at // wide, at % wide
    corner = (image * area + row * wide + column)[:, None] * CHANNELS + k[None, :]
    weight = k[:, None] * OUTPUTS + o[None, :]
    total = tl.zeros((PIXELS, OUT), tl.float32)
    for step in range(0, 9 * CHANNELS // INNER):
        tap, channel = step // (CHANNELS // INNER), step % (CHANNELS // INNER) * INNER
        down, right = tap // 3 - 1, tap % 3 - 1
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
        weight += INNER * OUTPUTS
    if POOL:
        total = tl.reduce(tl.reshape(total, (PIXELS // 4, 4, OUT)), 1, larger)
        p = tl.program_id(0) // (OUTPUTS // OUT) * (PIXELS // 4) + tl.arange(0, PIXELS // 4)
        pixels, area = pixels // 4, area // 4
    unscale = tl.load(w_scale_ptr + o) / tl.load(before_ptr + 1)
    y = total * unscale[None, :] + tl.load(bias_ptr + o)[None, :]
    y = tl.where(y < 0.0, 0.0, y)
    inside = (p < pixels)[:, None]
    if LAST:
        place = ((p // area)[:, None] * OUTPUTS + o[None, :]) * area + (p % area)[:, None]
        tl.store(y_ptr + place, y, mask=inside)
    else:
        tl.atomic_max(after_ptr, tl.max(tl.max(tl.where(inside, y, 0.0), 1), 0))
        scale = scale_below(tl.load(before_ptr) * tl.load(bounds_ptr) + tl.load(bounds_ptr + 1))
        if tl.program_id(0) == 0:
            tl.store(after_ptr + 1, scale)
        store_pair(y_high_ptr, y_low_ptr, p[:, None] * OUTPUTS + o[None, :], y * scale, inside)


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
    """Kernels [O, C, 3, 3] as pairs [9 C, O], what each output channel is to be multiplied by, and bounds."""
    rows = weight.detach().permute(2, 3, 1, 0).flatten(0, 2)
    exponent = torch.frexp(rows.abs().amax(0))[1]
    scaled = torch.ldexp(rows, 14 - exponent)
    high = scaled.half()
    unscale = torch.ldexp(torch.ones_like(bias.detach()), exponent - 14)
    return high.contiguous(), (scaled - high.float()).half().contiguous(), unscale, bounds_of(weight, bias)


class ModelNew(nn.Module):
    """VGG-16; by PyTorch for images whose sides are not multiples of 32."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for count, channels in zip(CONVOLUTIONS, CHANNELS, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(before, channels, kernel_size=3, padding=1), nn.ReLU()]
                before = channels
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(0.0),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.0),
            nn.Linear(4096, classes),
        )

    @kernelevo.graphed
    def forward(self, x: Tensor) -> Tensor:
        if not x.is_cuda or x.shape[2] % 32 or x.shape[3] % 32:
            return self.classifier(torch.flatten(self.features(x), 1))
        x = self.by_kernels(x.contiguous())
        if x.shape[0] > FEW:
            return self.classifier(x)
        first, second, third = (layer for layer in self.classifier if isinstance(layer, nn.Linear))
        return linear(linear(linear(x, first, relu=True), second, relu=True), third, relu=False)

    def by_kernels(self, x: Tensor) -> Tensor:
        """Return the features, flat."""
        layers = list(self.features)
        convolutions = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
        state = torch.zeros(len(convolutions) + 1, 4, device=x.device)  # per layer: largest number, scale
        state[0, 0] = torch.linalg.vector_norm(x, float("inf"))
        images, channels, high, wide = x.shape
        pixels, first = images * high * wide, layers[0]
        pair = torch.empty(2, pixels, first.out_channels, dtype=torch.float16, device=x.device)
        first_convolution[(triton.cdiv(pixels, 128),)](
            x,
            first.weight,
            first.bias,
            kernelevo.packed(bounds_of, first.weight, first.bias),
            state[0],
            state[1],
            *pair,
            pixels,
            high,
            wide,
            CHANNELS=channels,
            OUT=first.out_channels,
            PIXELS=128,
            INNER=32,
            num_warps=4,
        )
        for number, i in enumerate(convolutions[1:], start=1):
            pool = isinstance(layers[i + 2], nn.MaxPool2d)
            last = i == convolutions[-1]
            pair = convolve(pair, layers[i], state[number : number + 2], (images, high, wide), pool, last)
            high, wide = (high // 2, wide // 2) if pool else (high, wide)
        return pair.view(images, -1)


def convolve(
    pair: Tensor, layer: nn.Conv2d, state: Tensor, size: tuple[int, int, int], pool: bool, last: bool
) -> Tensor:
    """Return the next layer's pairs [2, pixels, channels]; with ``last`` its numbers [images, channels, area]."""
    images, high, wide = size
    pixels, outputs = images * high * wide, layer.out_channels
    left = pixels // 4 if pool else pixels
    if last:
        y = torch.empty(images, outputs, left // images, device=pair.device)
    else:
        y = torch.empty(2, left, outputs, dtype=torch.float16, device=pair.device)
    out = min(TUNE["OUT"][0], outputs)
    tile = TUNE["PIXELS"][0]
    if triton.cdiv(pixels, tile) * (outputs // out) < FILLED:
        tile //= 2
    high_weight, low_weight, unscale, bounds = kernelevo.packed(pairs_of, layer.weight, layer.bias)
    convolution[(triton.cdiv(pixels, tile) * (outputs // out),)](
        *pair,
        high_weight,
        low_weight,
        unscale,
        layer.bias,
        bounds,
        *state,
        *((pair if last else y)[:2]),
        y if last else unscale,
        pixels,
        high,
        wide,
        CHANNELS=layer.in_channels,
        OUTPUTS=outputs,
        POOL=pool,
        LAST=last,
        PIXELS=tile,
        OUT=out,
        INNER=TUNE["INNER"][0],
        num_warps=8 if out * tile >= 128 * 128 else 4,
        num_stages=TUNE["STAGES"][0] if out >= 128 else 2,  # so that two programs share a multiprocessor
    )
    return y


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
