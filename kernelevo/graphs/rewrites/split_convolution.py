"""Split convolution: convolutions on a GPU's matrix units at fp32 accuracy, with what follows fused in.

Kernel [out, inputs] times image windows [inputs, pixels]: the windows are never stored, each program computes
where the elements of its windows lie. A kernel of one element that takes every element of the image is a
plain product. How a product keeps fp32's accuracy says ``split_dot``.
"""

from __future__ import annotations

import math
from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.epilogue import epilogue, loosen_views, put_chain
from kernelevo.graphs.lifting import fixed_nodes
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, per_dimension, shape
from kernelevo.graphs.rewrites.packed_linear import is_settled
from kernelevo.graphs.rewrites.split_product import SNIPPET as PRODUCT
from kernelevo.graphs.snippet import Snippet
from kernelevo.graphs.split_dot import IMPORTS, WAYS, dot_text, post_text

SMALLEST = 32  # channels out, and inputs of one of them, below which tiles are mostly empty
PIXELS = 256  # of all images together
LARGEST = 2**31  # elements of one image and of the result, which the kernel counts in 32 bits

_KERNEL = '''
@triton.jit
def split_conv_kernel(
    x_ptr, weight_ptr, bias_ptr, added_ptr, residual_ptr, y_ptr,
    out, pixels, channels, inner, weight_row, area, high_out, wide_out, deep, high, wide,
    x_image, x_channel, x_plane, x_row, x_column,
    KERNEL_H: tl.constexpr = 3, KERNEL_W: tl.constexpr = 3,
    STRIDE_D: tl.constexpr = 1, STRIDE_H: tl.constexpr = 1, STRIDE_W: tl.constexpr = 1,
    PAD_D: tl.constexpr = 0, PAD_H: tl.constexpr = 1, PAD_W: tl.constexpr = 1,
    DILATE_D: tl.constexpr = 1, DILATE_H: tl.constexpr = 1, DILATE_W: tl.constexpr = 1,
    DEEP: tl.constexpr = False, PADDED: tl.constexpr = True, WHOLE: tl.constexpr = True,
    HAS_BIAS: tl.constexpr = False, HAS_ADDED: tl.constexpr = False, HAS_RESIDUAL: tl.constexpr = False,
    POST: tl.constexpr = "none",
    SPLIT_CONV_OUT: tl.constexpr = 64, SPLIT_CONV_PIXELS: tl.constexpr = 128,
    SPLIT_CONV_INNER: tl.constexpr = 32, SPLIT_CONV_BAND: tl.constexpr = 8,
    SPLIT_CONV_WAY: tl.constexpr = "tf32x3",
):
    """One tile of y [image, out, area] = post(weight @ windows + bias + added) + residual.

    weight [out, inner]: the inputs of one element of the kernel lie together. WHOLE: each step of the sum
    lies within one element. area: pixels of one image's result, counted over depth, height and width.
    """
    out_tiles, pixel_tiles = tl.cdiv(out, SPLIT_CONV_OUT), tl.cdiv(pixels, SPLIT_CONV_PIXELS)
    tile = tl.program_id(0)
    band = tile // (SPLIT_CONV_BAND * out_tiles)  # its tiles run together and share caches
    width = tl.minimum(pixel_tiles - band * SPLIT_CONV_BAND, SPLIT_CONV_BAND)
    within = tile % (SPLIT_CONV_BAND * out_tiles)
    p = (band * SPLIT_CONV_BAND + within % width) * SPLIT_CONV_PIXELS + tl.arange(0, SPLIT_CONV_PIXELS)
    o = (within // width) * SPLIT_CONV_OUT + tl.arange(0, SPLIT_CONV_OUT)
    out_in, pixel_in = o[:, None] < out, p < pixels
    image, at = p // area, p % area
    d = at // (high_out * wide_out) * STRIDE_D - PAD_D
    h = at // wide_out % high_out * STRIDE_H - PAD_H
    w = at % wide_out * STRIDE_W - PAD_W
    corner = x_ptr + image.to(tl.int64) * x_image + (h * x_row + w * x_column)
    if DEEP:
        corner += d * x_plane
    k = tl.arange(0, SPLIT_CONV_INNER)
    weight = weight_ptr + o[:, None].to(tl.int64) * weight_row + k[None, :]
    total = tl.zeros((SPLIT_CONV_OUT, SPLIT_CONV_PIXELS), tl.float32)
    for start in range(0, inner, SPLIT_CONV_INNER):
        if WHOLE:
            element, channel = start // channels, start % channels + k
        else:
            element, channel = (start + k) // channels, (start + k) % channels
        e_w = element % KERNEL_W * DILATE_W
        e_h = element // KERNEL_W % KERNEL_H * DILATE_H
        offset = channel * x_channel + e_h * x_row + e_w * x_column
        if DEEP:
            e_d = element // (KERNEL_W * KERNEL_H) * DILATE_D
            offset += e_d * x_plane
        if WHOLE:
            seen = pixel_in
            if PADDED:
                seen = seen & (h + e_h >= 0) & (h + e_h < high) & (w + e_w >= 0) & (w + e_w < wide)
                if DEEP:
                    seen = seen & (d + e_d >= 0) & (d + e_d < deep)
            window_in = seen[None, :] & (k[:, None] < inner - start)
        else:
            window_in = pixel_in[None, :] & (k[:, None] < inner - start)
            if PADDED:
                row, column = h[None, :] + e_h[:, None], w[None, :] + e_w[:, None]
                window_in = window_in & (row >= 0) & (row < high) & (column >= 0) & (column < wide)
                if DEEP:
                    plane = d[None, :] + e_d[:, None]
                    window_in = window_in & (plane >= 0) & (plane < deep)
        left = tl.load(weight, mask=out_in & (k[None, :] < inner - start), other=0.0)
        right = tl.load(corner[None, :] + offset[:, None], mask=window_in, other=0.0)
        total = split_conv_dot(left, right, total, SPLIT_CONV_WAY)
        weight += SPLIT_CONV_INNER
    if HAS_BIAS:
        total += tl.load(bias_ptr + o, mask=o < out, other=0.0)[:, None]
    y_in = out_in & pixel_in[None, :]
    y = (image * (out * area) + at)[None, :] + o[:, None] * area
    if HAS_ADDED:
        total += tl.load(added_ptr + y, mask=y_in, other=0.0)
    total = split_conv_post(total, POST)
    if HAS_RESIDUAL:
        total += tl.load(residual_ptr + y, mask=y_in, other=0.0)
    tl.store(y_ptr + y, total, mask=y_in)


def split_conv_weight(weight):
    """Return a kernel [out, channels, ...] as [out, elements * channels], rows padded to whole vectors."""
    rows = weight.detach().flatten(2).transpose(1, 2).flatten(1)
    return F.pad(rows, (0, -rows.shape[1] % 16)).contiguous()


def split_conv(x, weight, bias, stride, padding, dilation, added=None, post="none", residual=None):
    """Return post(convolution + added) + residual in fp32, contiguous; by PyTorch where x is not on a GPU.

    x [batch, channels, ...] with one to three sizes behind; weight [out, channels, ...]; added and residual
    have the result's shape.
    """
    if not x.is_cuda:
        y = (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3](x, weight, bias, stride, padding, dilation)
        y = _split_conv_posts[post](y if added is None else y + added)
        return (y if residual is None else y + residual).contiguous()
    shallow = 5 - x.dim()  # sizes of one, so that there are three
    stride, dilation = (1,) * shallow + tuple(stride), (1,) * shallow + tuple(dilation)
    padding = (0,) * shallow + tuple(padding)
    deep, high, wide = (1,) * shallow + tuple(x.shape[2:])
    kernel = (1,) * shallow + tuple(weight.shape[2:])
    after = [
        (size + 2 * pad - gap * (count - 1) - 1) // step + 1
        for size, pad, gap, count, step in zip((deep, high, wide), padding, dilation, kernel, stride)
    ]
    channels, out = x.shape[1], weight.shape[0]
    area = after[0] * after[1] * after[2]
    pixels, inner = x.shape[0] * area, channels * kernel[0] * kernel[1] * kernel[2]
    y = torch.empty(x.shape[0], out, *after[shallow:], dtype=x.dtype, device=x.device)
    if not y.numel():
        return y
    rows = kernelevo.packed(split_conv_weight, weight)
    down = min(TUNE["SPLIT_CONV_OUT"][0], max(triton.next_power_of_2(out), 16))
    across, step = TUNE["SPLIT_CONV_PIXELS"][0], TUNE["SPLIT_CONV_INNER"][0]
    way = TUNE["SPLIT_CONV_WAY"][0]
    if way == "bf16x6" and across > 64 and torch.cuda.get_device_capability(y.device)[0] >= 10:
        across = min(across, 64)  # six products of more columns outgrow that device's tensor memory
    added, residual = (None if t is None else t.contiguous() for t in (added, residual))
    split_conv_kernel[(triton.cdiv(out, down) * triton.cdiv(pixels, across),)](
        x, rows, y if bias is None else bias.contiguous(),
        y if added is None else added, y if residual is None else residual, y,
        out, pixels, channels, inner, rows.shape[1], area, after[1], after[2], deep, high, wide,
        x.stride(0), x.stride(1), *(0,) * shallow, *x.stride()[2:],
        KERNEL_H=kernel[1], KERNEL_W=kernel[2],
        STRIDE_D=stride[0], STRIDE_H=stride[1], STRIDE_W=stride[2],
        PAD_D=padding[0], PAD_H=padding[1], PAD_W=padding[2],
        DILATE_D=dilation[0], DILATE_H=dilation[1], DILATE_W=dilation[2],
        DEEP=kernel[0] > 1 or after[0] > 1, PADDED=any(padding), WHOLE=channels % step == 0,
        HAS_BIAS=bias is not None, HAS_ADDED=added is not None, HAS_RESIDUAL=residual is not None, POST=post,
        SPLIT_CONV_OUT=down, SPLIT_CONV_PIXELS=across, SPLIT_CONV_INNER=step,
        SPLIT_CONV_BAND=TUNE["SPLIT_CONV_BAND"][0], SPLIT_CONV_WAY=way,
        num_warps=TUNE["SPLIT_CONV_WARPS"][0], num_stages=TUNE["SPLIT_CONV_STAGES"][0],
    )
    return y
'''

SNIPPET = Snippet(
    "split_conv",
    IMPORTS + dot_text("split_conv") + post_text("split_conv") + _KERNEL,
    {
        "SPLIT_CONV_OUT": (64, 128, 32),
        "SPLIT_CONV_PIXELS": (128, 64),
        "SPLIT_CONV_INNER": (32, 16),
        "SPLIT_CONV_BAND": (8, 1),
        "SPLIT_CONV_WARPS": (8, 4),
        "SPLIT_CONV_STAGES": (3, 2),
        "SPLIT_CONV_WAY": WAYS,
    },
)


class SplitConvolution:
    """Every large fp32 convolution of all channels, with the bias, sums and activation that follow it.

    Not in groups, not transposed. Of normalisation only what ``folded-norm`` has folded.
    """

    name = "split-convolution"
    describes = "convolutions as split TF32 or bf16 products on the GPU's matrix units, what follows fused"
    devices = frozenset({"cuda"})

    def apply(self, captured: Captured) -> int:
        """Replace each convolution that fills its tiles; what views its result then reshapes it."""
        fixed = fixed_nodes(captured.graph)
        places = 0
        for node in calls(captured.graph, aten.conv1d.default, aten.conv2d.default, aten.conv3d.default):
            given = arguments(node)
            if _fills(node, given) and is_settled(given["weight"], fixed):
                _replace(captured, node, given)
                places += 1
        if places:
            loosen_views(captured.graph)
        return places


def _fills(node: fx.Node, given: dict[str, Any]) -> bool:
    x, weight = given["input"], given["weight"]
    if not (is_float32(x) and is_float32(weight)) or given["groups"] != 1:
        return False
    if len(shape(x)) != len(shape(weight)) or 0 in shape(node):
        return False  # without a batch, or empty
    out, *inputs = shape(weight)
    pixels = math.prod(shape(node)) // out
    counted = max(math.prod(shape(x)[1:]), math.prod(shape(node))) < LARGEST
    return min(out, math.prod(inputs)) >= SMALLEST and pixels >= PIXELS and counted


def _replace(captured: Captured, node: fx.Node, given: dict[str, Any]) -> None:
    chain = epilogue(node, scale=False, whole=True)
    extra = (chain.added, chain.post, chain.residual)
    x, weight, bias = given["input"], given["weight"], given["bias"]
    rank = len(shape(x)) - 2
    stride, padding, dilation = (per_dimension(given[k], rank) for k in ("stride", "padding", "dilation"))
    if set(shape(weight)[2:]) == {1} and set(stride) == {1} and set(padding) == {0}:
        captured.add_snippet(PRODUCT)
        function, head = PRODUCT.function("split_pointwise"), (x, weight, bias)
        put_chain(captured.graph, chain, function, (*head, *extra))
        return
    captured.add_snippet(SNIPPET)
    function = SNIPPET.function("split_conv")
    put_chain(captured.graph, chain, function, (x, weight, bias, stride, padding, dilation, *extra))
