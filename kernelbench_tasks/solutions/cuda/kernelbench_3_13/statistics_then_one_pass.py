"""Task 13 on a GPU in two passes over the input: statistics, then everything else in one kernel.

The 1x1 convolution is linear and so commutes with averaging: pooling first leaves it a quarter of the work.
The second kernel reads each 2x2 window once, normalises, cuts at zero, averages, and multiplies the tile of
all input channels by the weight while it is still in registers.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

TUNE = {"STATISTICS": [4096, 8192, 2048], "COLUMNS": [64, 32, 128], "WARPS": [4, 8]}
AOT = {
    "channel_moments": {"constexprs": {"SIZE": 4096}},
    "transition": {
        "constexprs": {"CHANNELS": 32, "OUTPUTS": 64, "COLUMNS": 64, "PRECISION": "ieee"},
        "num_warps": 4,
    },
}


@triton.jit
def channel_moments(x_ptr, means_ptr, squares_ptr, channels, pixels, chunks, SIZE: tl.constexpr):
    """Mean, and sum of squared distances from it, of SIZE pixels of one image and channel."""
    chunk = tl.program_id(0)
    plane = tl.program_id(1).to(tl.int64)
    at = chunk * SIZE + tl.arange(0, SIZE)
    inside = at < pixels
    x = tl.load(x_ptr + plane * pixels + at, mask=inside, other=0.0)
    count = tl.minimum(pixels - chunk * SIZE, SIZE)
    mean = tl.sum(x, 0) / count
    distance = tl.where(inside, x - mean, 0.0)
    place = (plane % channels) * chunks + (plane // channels) * tl.num_programs(0) + chunk
    tl.store(means_ptr + place, mean)
    tl.store(squares_ptr + place, tl.sum(distance * distance, 0))


@triton.jit
def transition(
    x_ptr,
    weight_ptr,
    scale_ptr,
    shift_ptr,
    y_ptr,
    height,
    width,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    COLUMNS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """COLUMNS outputs of one pooled row of one image, all output channels."""
    image = tl.program_id(2).to(tl.int64)
    row = tl.program_id(1)
    pooled_width = width // 2
    channel = tl.arange(0, CHANNELS)
    scale = tl.load(scale_ptr + channel)[:, None]
    shift = tl.load(shift_ptr + channel)[:, None]
    column = tl.program_id(0) * 2 * COLUMNS + tl.arange(0, 2 * COLUMNS)
    inside = (column < 2 * pooled_width)[None, :]
    corner = x_ptr + (image * CHANNELS * height + 2 * row) * width
    upper = corner + channel[:, None] * height * width + column[None, :]
    above = tl.maximum(tl.load(upper, mask=inside, other=0.0) * scale + shift, 0.0)
    below = tl.maximum(tl.load(upper + width, mask=inside, other=0.0) * scale + shift, 0.0)
    pooled = tl.sum(tl.reshape(above + below, (CHANNELS, COLUMNS, 2)), 2) * 0.25
    output = tl.arange(0, OUTPUTS)
    weight = tl.load(weight_ptr + output[:, None] * CHANNELS + channel[None, :])
    y = tl.dot(weight, pooled, input_precision=PRECISION)
    place = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    pooled_height = height // 2
    corner = y_ptr + (image * OUTPUTS * pooled_height + row) * pooled_width
    lines = corner + output[:, None] * pooled_height * pooled_width
    tl.store(lines + place[None, :], y, mask=(place < pooled_width)[None, :])


class ModelNew(nn.Module):
    """The transition layer; channel counts must be powers of two from 16 on."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and biased variance of every channel, combined in fp64."""
        images, channels, height, width = x.shape
        pixels, size = height * width, TUNE["STATISTICS"][0]
        per_plane = triton.cdiv(pixels, size)
        means = torch.empty(channels, images * per_plane, device=x.device)
        squares = torch.empty_like(means)
        grid = (per_plane, images * channels)
        channel_moments[grid](x, means, squares, channels, pixels, images * per_plane, SIZE=size)
        counts = torch.full((per_plane,), size, dtype=torch.float64, device=x.device)
        counts[-1] = pixels - size * (per_plane - 1)
        counts = counts.repeat(images)
        total = images * pixels
        mean = (means.double() * counts).sum(1) / total
        between = ((means.double() - mean[:, None]) ** 2 * counts).sum(1)
        return mean, (squares.double().sum(1) + between) / total

    def follow(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics as BatchNorm does in train mode."""
        norm = self.norm
        norm.num_batches_tracked.add_(1)
        norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), norm.momentum)
        unbiased = variance * (count / (count - 1))
        norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), norm.momentum)

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous()
        images, channels, height, width = x.shape
        norm = self.norm
        if self.training:
            mean, variance = self.moments(x)
            self.follow(mean, variance, images * height * width)
        else:
            mean, variance = norm.running_mean.double(), norm.running_var.double()
        scale = norm.weight.double() / torch.sqrt(variance + norm.eps)
        shift = norm.bias.double() - mean * scale
        y = torch.empty(images, self.conv.out_channels, height // 2, width // 2, device=x.device)
        columns = TUNE["COLUMNS"][0]
        grid = (triton.cdiv(width // 2, columns), height // 2, images)
        transition[grid](
            x,
            self.conv.weight,
            scale.float(),
            shift.float(),
            y,
            height,
            width,
            CHANNELS=channels,
            OUTPUTS=self.conv.out_channels,
            COLUMNS=columns,
            PRECISION="ieee",
            num_warps=TUNE["WARPS"][0],
        )
        return y
