"""What programs call for convolutions in channels-last order: the library's functions and their numbers."""

from __future__ import annotations

from kernelevo.graphs import kernels
from kernelevo.graphs.snippet import Snippet, Table

NAME = "conv_rows"
ACTIVATIONS = ("none", "relu", "relu6", "silu", "hardswish")  # in the order that conv_tile.cpp numbers them

TUNE: Table = {
    "CONV_ROWS_SUMS": (0, 8, 10, 16, 20, 28),  # vectors of a register tile; 0: by the number of registers
    "CONV_ROWS_CHUNK": (96, 48, 192),  # places of a 1x1 convolution that a thread takes at once
    "CONV_ROWS_SUMMED": (128, 64, 512),  # products that are summed in a row
    "CONV_ROWS_LARGE_KIB": (2048, 512, 16384),  # spread weights from this size on are read by one thread each
    "CONV_ROWS_AHEAD": (2048, 512, 0),  # floats of weights that are asked for ahead
    "CONV_ROWS_WIDE": (28, 13, 56, 1 << 30),  # places of a side from which its tiles are 4 x 4, not 2 x 2
    "CONV_ROWS_WINOGRAD": (16, 64, 1 << 30),  # channels from which 3x3 convolutions take the fast algorithm
}
CAREFUL = {"CONV_ROWS_WIDE": 1 << 30}  # tiles of 2 x 2 alone: they round like a direct sum

_WRAPPER = '''
_conv_rows_act = {name: at for at, name in enumerate(ACTIVATIONS)}.__getitem__


def conv_rows_last(image):
    """Return images or sequences channels last; what is not fp32 would be read as if it were."""
    if image.dtype != torch.float32 or image.device.type != "cpu":
        raise TypeError(f"convolution for float32 on the CPU, not for {image.dtype} on {image.device}")
    if image.dim() == 3:
        return conv_rows_last(image.unsqueeze(2)).squeeze(2)
    return image.contiguous(memory_format=torch.channels_last)


def _conv_rows_step(affine):
    """Return how many floats lie between the scales of two images: none if all have the same."""
    return affine.stride(0) if affine is not None and affine.dim() == 3 else 0


def _conv_rows_taps(weight):
    """Return a kernel [out][in][y][x]; one of sequences has one y."""
    return weight.detach() if weight.dim() == 4 else weight.detach().unsqueeze(2)


def _conv_rows_panels(weight):
    """Return [...][in][out] as panels [in][panel] for each of the first, filled up to whole vectors."""
    panel, lanes = _conv_rows.conv_rows_panel(), _conv_rows.conv_rows_lanes()
    wide = torch.nn.functional.pad(weight, (0, -weight.shape[-1] % lanes))
    return torch.cat([part.flatten(-2) for part in wide.split(panel, -1)], -1)


def _conv_rows_plain(weight):
    """Return a kernel for products and the direct sum, panels of [y][x][in][panel]."""
    return _conv_rows_panels(_conv_rows_taps(weight).permute(2, 3, 1, 0).flatten(0, 2))


def _conv_rows_each(weight):
    """Return a depthwise kernel as [y][x][channels]."""
    return _conv_rows_taps(weight).squeeze(1).permute(1, 2, 0).contiguous()


def _conv_rows_spread(weight, points):
    """Return a 3x3 kernel at Winograd's points, G w G^T in fp64: for each pair of them panels [in][panel]."""
    rows = [[1 / scale, at / scale, at * at / scale] for at, scale in points]
    g = torch.tensor([*rows, [0, 0, 1]], dtype=torch.float64)
    taps = weight.detach().double().permute(2, 3, 1, 0).flatten(0, 1)
    planes = torch.kron(g, g) @ taps.flatten(1)
    return _conv_rows_panels(planes.float().view(-1, *taps.shape[1:]))


def _conv_rows_spread_2(weight):
    return _conv_rows_spread(weight, ((0.0, 1), (1.0, 2), (-1.0, 2)))


def _conv_rows_spread_4(weight):
    a, b = 0.5**0.5, 2**0.5
    return _conv_rows_spread(weight, ((0.0, 1), (a, -1.5), (-a, -1.5), (b, 6), (-b, 6)))


def conv_rows(x, weight, bias, stride, padding, act="none", affine=None, affine_act="none", moments=False):
    """Return a convolution in channels-last order, of act(x * scale + shift) if there is an affine.

    x may be a tuple of images whose channels lie side by side; they are read where they are. Of sequences
    the y of stride and padding are 1 and 0. An affine is [2, channels], or [images, 2, channels].
    A weight of one input channel for more of x's is depthwise. With ``moments`` also [2, out], fp64: mean and
    biased variance of each channel of the result.
    """
    if weight.dim() == 3:
        x = tuple(part.unsqueeze(2) for part in x) if isinstance(x, tuple) else x.unsqueeze(2)
    parts, count = None, 0
    if isinstance(x, tuple):
        images = [conv_rows_last(image) for image in x]
        parts = torch.tensor([n for image in images for n in (image.data_ptr(), image.shape[1])])
        x, count = images[0], len(images)
        channels = sum(image.shape[1] for image in images)
    else:
        channels = x.shape[1]
    batch, _, height, width = x.shape
    out, inner, size_y, size_x = _conv_rows_taps(weight).shape
    rows = (height + 2 * padding[0] - size_y) // stride[0] + 1
    columns = (width + 2 * padding[1] - size_x) // stride[1] + 1
    y = torch.empty((batch, out, rows, columns), dtype=torch.float32, memory_format=torch.channels_last)
    seen = torch.empty(2, out, dtype=torch.float64) if moments else None
    planar = inner == channels <= 4 and parts is None and affine is None and x.is_contiguous()
    if not planar or x.dtype != torch.float32:
        x = conv_rows_last(x)
    before = (x.data_ptr(), parts, count, affine, _conv_rows_step(affine), _conv_rows_act(affine_act))
    after = (bias, _conv_rows_act(act), y.data_ptr(), seen, batch, height, width, channels)
    if inner != channels:
        packed = kernelevo.packed(_conv_rows_each, weight)
        failed = _conv_rows.conv_rows_depthwise(*before, packed, *after, size_y, size_x, *stride, *padding)
    elif size_y == size_x == 1 and padding == (0, 0) and not planar:
        packed = kernelevo.packed(_conv_rows_plain, weight)
        failed = _conv_rows.conv_rows_product(*before, packed, *after, out, *stride)
    elif size_y == size_x == 3 and stride == (1, 1) and min(channels, out) >= TUNE["CONV_ROWS_WINOGRAD"][0]:
        side = 4 if min(rows, columns) >= TUNE["CONV_ROWS_WIDE"][0] else 2
        packed = kernelevo.packed(_conv_rows_spread_4 if side == 4 else _conv_rows_spread_2, weight)
        failed = _conv_rows.conv_rows_winograd(*before, side, packed, *after, out, *padding)
    else:
        packed = kernelevo.packed(_conv_rows_plain, weight)
        window = (size_y, size_x, *stride, *padding)
        failed = _conv_rows.conv_rows_direct(*before, planar, packed, *after, out, *window)
    if failed:
        raise MemoryError("no memory for what the threads of a convolution gather")
    y = y.squeeze(2) if weight.dim() == 3 else y
    return (y, seen) if moments else y


def conv_rows_moments(x):
    """Return mean and biased variance of each channel, [2, channels], fp64."""
    x = conv_rows_last(x)
    moments = torch.empty(2, x.shape[1], dtype=torch.float64)
    _conv_rows.conv_rows_moments(x.data_ptr(), moments, x.numel() // x.shape[1], x.shape[1])
    return moments


def conv_rows_image_moments(x):
    """Return the same of each image, [images, 2, channels], fp64."""
    x = conv_rows_last(x)
    batch, channels = x.shape[:2]
    moments = torch.empty(batch, 2, channels, dtype=torch.float64)
    _conv_rows.conv_rows_image_moments(x.data_ptr(), moments, batch, x.shape[2:].numel(), channels)
    return moments


def conv_rows_group(moments, groups, weight, bias, eps):
    """Return a group normalisation's scale and shift, [images, 2, channels]."""
    batch, _, channels = moments.shape
    affine = torch.empty(batch, 2, channels, dtype=torch.float32)
    _conv_rows.conv_rows_group(moments, weight, bias, affine, batch, channels, groups, eps)
    return affine


def conv_rows_norm(moments, count, weight, bias, running_mean, running_var, momentum, eps):
    """Return a batch normalisation's scale and shift, [2, channels]; without moments by its running ones."""
    channels = running_mean.shape[0] if moments is None else moments.shape[1]
    affine = torch.empty(2, channels, dtype=torch.float32)
    _conv_rows.conv_rows_norm(
        moments, count, weight, bias, running_mean, running_var, affine, channels, momentum, eps
    )
    return affine


def conv_rows_apply(x, affine, act, other=None, other_affine=None):
    """Return act(x * scale + shift), with ``other`` (normalised if it has an affine) added before act."""
    x = conv_rows_last(x)
    if other is not None:
        other = conv_rows_last(other)
    y, (batch, channels) = torch.empty_like(x), x.shape[:2]
    beside = None if other is None else other.data_ptr()
    _conv_rows.conv_rows_apply(
        x.data_ptr(), affine, _conv_rows_step(affine), beside, other_affine, _conv_rows_step(other_affine),
        _conv_rows_act(act), y.data_ptr(), batch, x.shape[2:].numel(), channels,
    )
    return y
'''


def snippet() -> Snippet:
    """Return the program text that defines ``conv_rows`` and what goes with it."""
    library = kernels.library("_conv_rows", ("conv_tile", "conv_winograd", "conv_rows", "conv_norms"), TUNE)
    return Snippet(NAME, library + _WRAPPER.replace("ACTIVATIONS", repr(ACTIVATIONS)), TUNE, CAREFUL)
