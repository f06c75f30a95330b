"""kernelbench:3/5: no-ops, channels-last, packed-convolution, packed-linear."""

import kernelevo
import torch
from torch import nn


def channels_last_rows(weight):
    """Return a kernel with its channels innermost."""
    return weight.detach().contiguous(memory_format=torch.channels_last)


def channels_last(weight):
    """Return a kernel with its channels innermost; follows its parameter."""
    return kernelevo.packed(channels_last_rows, weight)

def packed_convolution_0_made(weight):
    """Return a kernel in oneDNN's own layout."""
    weight = weight.detach().contiguous()
    return torch.ops.mkldnn._reorder_convolution_weight(
        weight, [2, 2], [4, 4], [1, 1], 1, [16, 3, 224, 224]
    )


def packed_convolution_0(x, weight, bias, post="none", algorithm=""):
    """Convolution with a fused activation; the packed kernel follows its parameter."""
    weight = kernelevo.packed(packed_convolution_0_made, weight)
    return torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, [2, 2], [4, 4], [1, 1], 1, post, [], algorithm
    )

def packed_convolution_1_made(weight):
    """Return a kernel in oneDNN's own layout."""
    weight = weight.detach().contiguous()
    return torch.ops.mkldnn._reorder_convolution_weight(
        weight, [2, 2], [1, 1], [1, 1], 1, [16, 96, 27, 27]
    )


def packed_convolution_1(x, weight, bias, post="none", algorithm=""):
    """Convolution with a fused activation; the packed kernel follows its parameter."""
    weight = kernelevo.packed(packed_convolution_1_made, weight)
    return torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, [2, 2], [1, 1], [1, 1], 1, post, [], algorithm
    )

def packed_convolution_2_made(weight):
    """Return a kernel in oneDNN's own layout."""
    weight = weight.detach().contiguous()
    return torch.ops.mkldnn._reorder_convolution_weight(
        weight, [1, 1], [1, 1], [1, 1], 1, [16, 256, 13, 13]
    )


def packed_convolution_2(x, weight, bias, post="none", algorithm=""):
    """Convolution with a fused activation; the packed kernel follows its parameter."""
    weight = kernelevo.packed(packed_convolution_2_made, weight)
    return torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, [1, 1], [1, 1], [1, 1], 1, post, [], algorithm
    )

def packed_convolution_3_made(weight):
    """Return a kernel in oneDNN's own layout."""
    weight = weight.detach().contiguous()
    return torch.ops.mkldnn._reorder_convolution_weight(
        weight, [1, 1], [1, 1], [1, 1], 1, [16, 384, 13, 13]
    )


def packed_convolution_3(x, weight, bias, post="none", algorithm=""):
    """Convolution with a fused activation; the packed kernel follows its parameter."""
    weight = kernelevo.packed(packed_convolution_3_made, weight)
    return torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, [1, 1], [1, 1], [1, 1], 1, post, [], algorithm
    )

def packed_linear_weight(weight):
    """Return a weight [out, in] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)


def packed_matmul_weight(weight):
    """Return a weight [in, out] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().t().contiguous(), None)


def packed_matmul(x, weight, bias):
    """Product with a constant matrix [in, out]; the packed matrix follows its parameter."""
    weight = kernelevo.packed(packed_matmul_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def packed_linear(x, weight, bias, post="none", algorithm=""):
    """Linear layer with a fused activation; the packed weight follows its parameter."""
    weight = kernelevo.packed(packed_linear_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, post, [], algorithm)


class Part(nn.Module):
    """A named group of tensors; names that are numbers are reached by index."""

    def __getitem__(self, key):
        return getattr(self, str(key))


def hold(module, name, tensor, kind):
    """Register ``tensor`` under its dotted name; groups are made as needed."""
    *path, leaf = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, Part())
        module = module._modules[part]
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=kind == "buffer")


class ModelNew(nn.Module):
    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        hold(
            self, "conv1.weight", nn.Parameter(torch.zeros((96, 3, 11, 11), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "conv1.bias", nn.Parameter(torch.zeros((96,), dtype=torch.float32)), "parameter")
        hold(
            self, "conv2.weight", nn.Parameter(torch.zeros((256, 96, 5, 5), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "conv2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "conv3.weight", nn.Parameter(torch.zeros((384, 256, 3, 3), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "conv3.bias", nn.Parameter(torch.zeros((384,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "conv4.weight", nn.Parameter(torch.zeros((384, 384, 3, 3), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "conv4.bias", nn.Parameter(torch.zeros((384,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "conv5.weight", nn.Parameter(torch.zeros((256, 384, 3, 3), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "conv5.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "fc1.weight", nn.Parameter(torch.zeros((4096, 9216), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "fc1.bias", nn.Parameter(torch.zeros((4096,), dtype=torch.float32)), "parameter")
        hold(
            self, "fc2.weight", nn.Parameter(torch.zeros((4096, 4096), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "fc2.bias", nn.Parameter(torch.zeros((4096,), dtype=torch.float32)), "parameter")
        hold(
            self, "fc3.weight", nn.Parameter(torch.zeros((1000, 4096), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "fc3.bias", nn.Parameter(torch.zeros((1000,), dtype=torch.float32)), "parameter")

    def forward(self, x):
        conv1_weight = self.conv1.weight
        conv1_bias = self.conv1.bias
        conv2_weight = self.conv2.weight
        conv2_bias = self.conv2.bias
        conv3_weight = self.conv3.weight
        conv3_bias = self.conv3.bias
        conv4_weight = self.conv4.weight
        conv4_bias = self.conv4.bias
        conv5_weight = self.conv5.weight
        conv5_bias = self.conv5.bias
        fc1_weight = self.fc1.weight
        fc1_bias = self.fc1.bias
        fc2_weight = self.fc2.weight
        fc2_bias = self.fc2.bias
        fc3_weight = self.fc3.weight
        fc3_bias = self.fc3.bias
        contiguous_default = x.contiguous(memory_format=torch.channels_last)
        channels_last_2 = channels_last(conv1_weight)
        packed_convolution_0_2 = packed_convolution_0(
            contiguous_default, channels_last_2, conv1_bias, "relu", "",
        )
        del contiguous_default, channels_last_2
        max_pool2d = torch.max_pool2d(packed_convolution_0_2, [3, 3], [2, 2])
        del packed_convolution_0_2
        channels_last_1 = channels_last(conv2_weight)
        packed_convolution_1_2 = packed_convolution_1(
            max_pool2d, channels_last_1, conv2_bias, "relu", "",
        )
        del max_pool2d, channels_last_1
        max_pool2d_1 = torch.max_pool2d(packed_convolution_1_2, [3, 3], [2, 2])
        del packed_convolution_1_2
        channels_last_2_2 = channels_last(conv3_weight)
        packed_convolution_2_2 = packed_convolution_2(
            max_pool2d_1, channels_last_2_2, conv3_bias, "relu", "",
        )
        del max_pool2d_1, channels_last_2_2
        channels_last_3 = channels_last(conv4_weight)
        packed_convolution_3_2 = packed_convolution_3(
            packed_convolution_2_2, channels_last_3, conv4_bias, "relu", "",
        )
        del packed_convolution_2_2, channels_last_3
        channels_last_4 = channels_last(conv5_weight)
        packed_convolution_4 = packed_convolution_3(
            packed_convolution_3_2, channels_last_4, conv5_bias, "relu", "",
        )
        del packed_convolution_3_2, channels_last_4
        max_pool2d_2 = torch.max_pool2d(packed_convolution_4, [3, 3], [2, 2])
        del packed_convolution_4
        flatten = torch.flatten(max_pool2d_2, 1)
        del max_pool2d_2
        packed_linear_2 = packed_linear(flatten, fc1_weight, fc1_bias, "relu")
        del flatten
        packed_linear_1 = packed_linear(packed_linear_2, fc2_weight, fc2_bias, "relu")
        del packed_linear_2
        packed_linear_2_2 = packed_linear(packed_linear_1, fc3_weight, fc3_bias)
        del packed_linear_1
        return packed_linear_2_2
