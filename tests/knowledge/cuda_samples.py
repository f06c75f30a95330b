"""What each CUDA sample has to compute, run by the emulation: note -> (ours, wanted)."""

import torch
from torch.nn import functional as F

from tests.knowledge.cpp_samples import draw


def idioms(kernels):
    x = draw(4 * 301)
    y = torch.empty_like(x)
    kernels.scale_relu[3, 32](x, y, 301, 2.0)
    return y, torch.relu(x.double() * 2)


def block_reduction(kernels):
    x, y = draw(3, 217), torch.empty(3)
    kernels.row_sums[3, 96](x, y, 217)
    return y, x.double().sum(1)


def bank_conflicts(kernels):
    x = draw(45, 70)
    y = torch.empty(70, 45)
    kernels.transpose[(3, 2), (32, 4)](x, y, 45, 70)
    return y, x.double().t()


def occupancy(kernels):
    x = draw(1500) * 0.5
    y = torch.empty_like(x)
    kernels.polynomial[2, 256](x, y, 1500)
    v = x.double()
    return y, ((0.25 * v + 0.5) * v + 1) * v + 1


def launch_bound(kernels):
    a, b, bias_a, bias_b = draw(5, 16), draw(3, 16, seed=1), draw(16, seed=2), draw(16, seed=3)
    wanted = torch.cat([torch.relu(a.double() + bias_a), torch.tanh(b.double() + bias_b)])
    kernels.two_at_once[5, 32](a, bias_a, 80, b, bias_b, 48, 16, 3)
    return torch.cat([a, b]), wanted


def persistent_rnn(kernels):
    inputs, first, w = draw(6, 2, 32), draw(2, 32, seed=1), draw(32, 32, seed=2) / 6
    states = torch.empty_like(inputs)
    kernels.recur[2, 32, 2 * 32 * 4](inputs, w, first, states, 6, 32)
    h, steps = first.double(), []
    for step in inputs.double():
        h = torch.tanh(step + h @ w.double().t())
        steps.append(h)
    return states, torch.stack(steps)


def gemm_epilogue(kernels):
    x, w, b = draw(19, 21), draw(37, 21, seed=1), draw(37, seed=2)
    y = torch.empty(19, 37)
    kernels.linear_relu[(3, 2), (16, 16)](x, w, b, y, 19, 37, 21)
    return y, torch.relu(F.linear(x.double(), w.double(), b.double()))


def conv_as_gemm(kernels):
    x, w = draw(2, 3, 7, 5), draw(18, 3, 3, 3, seed=1)
    y = torch.empty(2, 18, 7, 5)
    kernels.conv3x3[(3, 2, 2), (16, 16)](x, w, y, 3, 18, 7, 5)
    return y, F.conv2d(x.double(), w.double(), padding=1)


CHECKS = {
    "cuda-idioms": idioms,
    "cuda-block-reduction": block_reduction,
    "cuda-bank-conflicts": bank_conflicts,
    "cuda-occupancy": occupancy,
    "cuda-launch-bound": launch_bound,
    "cuda-persistent-rnn": persistent_rnn,
    "cuda-gemm-epilogue": gemm_epilogue,
    "cuda-conv-as-gemm": conv_as_gemm,
}
